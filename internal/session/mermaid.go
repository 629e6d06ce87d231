package session

import (
	"fmt"
	"slices"
	"strings"
)

// Mermaid draws the table as a Mermaid stateDiagram-v2, the same text every time:
// states in the order in which they are reached from start, events between the
// same two states (and those that stay) on one line. A start of "" draws the
// openings of the empty state's row.
func (t Table[S, E]) Mermaid(start S) string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	order := t.reached(start)
	for _, s := range order {
		if id := node(s); id != string(s) && s != "" {
			fmt.Fprintf(&b, "    state %q as %s\n", string(s), id)
		}
	}
	if start != "" {
		fmt.Fprintf(&b, "    [*] --> %s\n", node(start))
	}
	for _, from := range order {
		if len(t[from]) == 0 {
			fmt.Fprintf(&b, "    %s --> [*]\n", node(from))
		}
		for _, to := range t.targets(from) {
			fmt.Fprintf(&b, "    %s --> %s: %s\n", node(from), node(to), t.between(from, to))
		}
	}
	return b.String()
}

// reached walks the table breadth first, then adds what start does not lead to.
func (t Table[S, E]) reached(start S) []S {
	order := []S{start}
	for i := 0; i < len(order); i++ {
		for _, to := range t.targets(order[i]) {
			if !slices.Contains(order, to) {
				order = append(order, to)
			}
		}
	}
	for _, s := range t.States() {
		if !slices.Contains(order, s) {
			order = append(order, s)
		}
	}
	return order
}

// targets lists where a state leads, each once, in the order of its sorted events.
func (t Table[S, E]) targets(from S) []S {
	var out []S
	for _, e := range t.Events(from) {
		if to := t[from][e]; !slices.Contains(out, to) {
			out = append(out, to)
		}
	}
	return out
}

// between names the events from one state to another.
func (t Table[S, E]) between(from, to S) string {
	var words []string
	for _, e := range t.Events(from) {
		if t[from][e] == to {
			words = append(words, string(e))
		}
	}
	return strings.Join(words, ", ")
}

// node is a state's id in Mermaid, which takes no hyphen there.
func node[S ~string](s S) string {
	if s == "" {
		return "[*]"
	}
	return strings.NewReplacer("-", "_", " ", "_").Replace(string(s))
}
