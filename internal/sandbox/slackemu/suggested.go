package slackemu

import "maps"

// suggestions are the options that the app has offered, by element and value:
// what a browser would let somebody choose. Maps are replaced, never changed.
type suggestions map[string]map[string]object

func (sg suggestions) add(p placed, options map[string]object) {
	merged := maps.Clone(sg[p.key()])
	if merged == nil {
		merged = map[string]object{}
	}
	maps.Copy(merged, options)
	sg[p.key()] = merged
}

// suggest remembers what the app offered in a view. Server.mu is held.
func (v *view) suggest(p placed, options map[string]object) { v.suggested.add(p, options) }

// suggest remembers what the app offered to one person in a message.
// Server.mu is held.
func (m *message) suggest(user string, p placed, options map[string]object) {
	if m.suggested == nil {
		m.suggested = map[string]suggestions{}
	}
	if m.suggested[user] == nil {
		m.suggested[user] = suggestions{}
	}
	m.suggested[user].add(p, options)
}

// suggestedTo are the options offered to one person for one element.
func (m *message) suggestedTo(user string, p placed) map[string]object {
	return m.suggested[user][p.key()]
}
