package slackemu

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// message is one message of a room. Its block trees are immutable: an edit
// replaces them and keeps the old ones, because an old client can still click
// what it shows.
type message struct {
	room        *room
	ts          string
	threadTS    string // root of the thread, for replies only
	subtype     string
	user        string
	byApp       bool
	text        string
	blocks      []any
	attachments []any
	metadata    object
	edited      object // {"user","ts"}; nil when never edited
	files       []any
	reactions   []reaction
	ephemeralTo string // the only person who sees it; empty for everybody
	deleted     bool   // kept for old clients that still show it
	updateError string // what chat.update answers, if it cannot be edited
	raw         bool   // blocks and attachments as somebody else sent them
	past        [][]any
	broadcast   bool
	state       map[string]values      // entered but not submitted, by user
	suggested   map[string]suggestions // by user
}

type reaction struct {
	name  string
	users []string
}

// draft is what somebody wants to say, checked and normalised.
type draft struct {
	text        string
	blocks      []any
	attachments []any
	metadata    object
	files       []any
	threadTS    string
	broadcast   bool
	subtype     string
	raw         bool
}

// post adds a message for everybody, or for one person. A thread_ts that names
// a reply joins its thread; one that names nothing is dropped, as Slack does.
// mu is held.
func (s *Server) post(r *room, user string, byApp bool, ephemeralTo string, d draft) *message {
	m := &message{
		room: r, ts: s.newTS(), user: user, byApp: byApp, ephemeralTo: ephemeralTo, subtype: d.subtype,
		text: d.text, blocks: d.blocks, attachments: d.attachments, metadata: d.metadata, files: d.files,
		broadcast: d.broadcast, raw: d.raw, state: map[string]values{},
	}
	if parent := r.public(d.threadTS); parent != nil {
		m.threadTS = parent.root()
		if d.broadcast {
			m.subtype = "thread_broadcast"
		}
		r.threads[m.threadTS] = append(r.threads[m.threadTS], m)
	}
	r.messages = append(r.messages, m)
	s.changed()
	return m
}

// root is the time stamp of the thread this message starts or belongs to.
func (m *message) root() string {
	if m.threadTS != "" {
		return m.threadTS
	}
	return m.ts
}

// visibleTo reports whether a member of the room sees the message.
func (m *message) visibleTo(user string) bool {
	return !m.deleted && (m.ephemeralTo == "" || m.ephemeralTo == user)
}

// replace edits the visible content and keeps what old clients show.
func (m *message) replace(d draft) {
	m.past = append(m.past, m.allBlocks())
	m.text, m.blocks, m.attachments = d.text, d.blocks, d.attachments
	for user, old := range m.state {
		m.state[user] = old.carriedTo(elementsOf(m.allBlocks()))
	}
}

// allBlocks are the blocks of the message and of its attachments.
func (m *message) allBlocks() []any {
	all := slices.Clone(m.blocks)
	for _, a := range m.attachments {
		if att, ok := a.(object); ok {
			blocks, _ := att["blocks"].([]any)
			all = append(all, blocks...)
		}
	}
	return all
}

// wire is the message as the Web API and payloads show it.
// https://docs.slack.dev/reference/events/message
func (m *message) wire() object {
	o := object{"type": "message", "user": m.user, "text": m.text, "ts": m.ts, "team": teamID}
	if m.subtype != "" {
		o["subtype"] = m.subtype
	}
	if m.byApp {
		o["bot_id"], o["app_id"] = botID, appID
		o["bot_profile"] = object{"id": botID, "app_id": appID, "name": "Redis Upgrade", "team_id": teamID,
			"user_id": botUserID, "deleted": false, "updated": 1700000000}
	}
	if m.user == otherBotUserID {
		o["bot_id"], o["app_id"] = otherBotID, otherAppID
		o["bot_profile"] = object{"id": otherBotID, "app_id": otherAppID, "name": "Deploy Bot", "team_id": teamID,
			"user_id": otherBotUserID, "deleted": false, "updated": 1700000000}
	}
	switch {
	case len(m.blocks) > 0:
		o["blocks"] = m.blocks
	case m.text != "" && m.subtype != "tombstone":
		o["blocks"] = richText("r"+m.ts[len(m.ts)-4:], m.text)
	}
	if len(m.attachments) > 0 {
		o["attachments"] = m.wireAttachments()
	}
	if m.edited != nil {
		o["edited"] = m.edited
	}
	if len(m.files) > 0 {
		o["files"], o["upload"] = m.files, true
	}
	if len(m.reactions) > 0 {
		o["reactions"] = reactionObjects(m.reactions)
	}
	m.addThread(o)
	return o
}

// wireAttachments are the attachments with what Slack adds to them.
// https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
func (m *message) wireAttachments() []any {
	if m.raw {
		return m.attachments
	}
	out := []any{}
	for i, a := range m.attachments {
		att := maps.Clone(a.(object)) // readDraft has checked it
		att["id"] = i + 1
		text, _ := att["text"].(string)
		if att["fallback"] == nil {
			att["fallback"] = cmp.Or(text, "[no preview available]")
		}
		if color, ok := att["color"].(string); ok {
			att["color"] = strings.TrimPrefix(color, "#")
		}
		out = append(out, att)
	}
	return out
}

// attachmentOf is the number of the attachment in which a block stands, or 0.
func (m *message) attachmentOf(blockID string) int {
	for i, a := range m.attachments {
		att, _ := a.(object)
		blocks, _ := att["blocks"].([]any)
		for _, b := range blocks {
			if block, _ := b.(object); block["block_id"] == blockID {
				return i + 1
			}
		}
	}
	return 0
}

// addThread adds what a message says about its thread.
func (m *message) addThread(o object) {
	if m.threadTS != "" {
		o["thread_ts"] = m.threadTS
		if root := m.room.find(m.threadTS); root != nil {
			o["parent_user_id"] = root.user
			if m.broadcast {
				o["root"] = root.wire()
			}
		}
		return
	}
	replies := m.room.replies(m.ts)
	if len(replies) == 0 || m.ephemeralTo != "" {
		return
	}
	users := map[string]bool{}
	for _, r := range replies {
		users[r.user] = true
	}
	o["thread_ts"], o["reply_count"], o["reply_users_count"] = m.ts, len(replies), len(users)
	o["reply_users"] = slices.Sorted(maps.Keys(users))
	o["latest_reply"] = replies[len(replies)-1].ts
	o["is_locked"], o["subscribed"] = false, false
}

// withMetadata is wire plus what only include_all_metadata shows.
func (m *message) withMetadata() object {
	o := m.wire()
	if m.metadata != nil {
		o["metadata"] = m.metadata
	}
	return o
}

func reactionObjects(rs []reaction) []any {
	out := []any{}
	for _, r := range rs {
		out = append(out, object{"name": r.name, "users": r.users, "count": len(r.users)})
	}
	return out
}
