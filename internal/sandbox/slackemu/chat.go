package slackemu

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf8"
)

const (
	maxText          = 40000 // longer text is cut, with a warning
	maxUpdateText    = 4000
	maxMarkdownText  = 12000
	maxMetadataBytes = 16 << 10
)

var metadataName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,255}$`)

// readDraft checks what a chat method wants to say. mu is held.
func (s *Server) readDraft(c *call) (draft, error) {
	d := draft{text: c.str("text"), threadTS: c.str("thread_ts"), broadcast: c.flag("reply_broadcast")}
	blocks, err := listArg(c.args["blocks"], "invalid_blocks_format")
	if err != nil {
		return d, err
	}
	if d.attachments, err = listArg(c.args["attachments"], "invalid_attachments"); err != nil {
		return d, err
	}
	if md := c.str("markdown_text"); md != "" {
		if d.text != "" || len(blocks) > 0 {
			return d, refuse("markdown_text_conflict")
		}
		if utf8.RuneCountInString(md) > maxMarkdownText {
			return d, refuse("msg_too_long")
		}
		d.text = md
	}
	if problems := checkMessageBlocks(blocks, d.attachments); len(problems) > 0 {
		return d, invalidBlocks(problems)
	}
	d.blocks = s.adopt(blocks)
	d.attachments, _ = normalise(d.attachments).([]any)
	for _, a := range d.attachments {
		att, _ := a.(object)
		if inner, ok := att["blocks"].([]any); ok {
			att["blocks"] = s.adopt(inner)
		}
	}
	if d.metadata, err = readMetadata(c.args["metadata"]); err != nil {
		return d, err
	}
	if d.text == "" && len(d.blocks) == 0 && len(d.attachments) == 0 {
		return d, refuse("no_text")
	}
	if d.text == "" && len(d.blocks) > 0 {
		c.warnings = append(c.warnings, "missing_text_in_message")
	}
	if utf8.RuneCountInString(d.text) > maxText {
		d.text = string([]rune(d.text)[:maxText])
		c.warnings = append(c.warnings, "message_truncated")
	}
	return d, nil
}

// listArg is an argument that must be a JSON array when it is there.
func listArg(v any, code string) ([]any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	case string:
		if v == "" {
			return nil, nil
		}
	}
	return nil, refuse(code)
}

// readMetadata checks https://docs.slack.dev/messaging/message-metadata. An
// empty object is an empty object: it removes what was there.
func readMetadata(v any) (object, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	o, ok := v.(object)
	if !ok {
		return nil, refuse("invalid_metadata_format")
	}
	name, _ := o["event_type"].(string)
	payload, _ := o["event_payload"].(object)
	if name == "" && len(payload) == 0 {
		return object{}, nil
	}
	if !metadataName.MatchString(name) || o["event_payload"] == nil || payload == nil {
		return nil, refuse("invalid_metadata_format")
	}
	for k := range o {
		if k != "event_type" && k != "event_payload" && k != "entities" {
			return nil, refuse("invalid_metadata_schema")
		}
	}
	for _, v := range payload {
		if !metadataValue(v) {
			return nil, refuse("invalid_metadata_format")
		}
	}
	if data, _ := json.Marshal(o); len(data) > maxMetadataBytes {
		return nil, refuse("metadata_too_large")
	}
	return o, nil
}

func metadataValue(v any) bool {
	switch v := v.(type) {
	case string, float64, bool, object:
		return true
	case []any:
		for _, it := range v {
			if _, ok := it.(object); !ok {
				return false
			}
		}
		return true
	}
	return false
}

// postRoom finds the room to write to, by an id, a name or a person's id, and
// insists on membership. mu is held.
func (s *Server) postRoom(c *call) (*room, error) {
	r, err := s.appRoom(c.str("channel"))
	if err != nil {
		return nil, err
	}
	if s.orgInstall && !r.im && r.id != c.str("channel") {
		return nil, refuse("team_not_found") // names are not unique in an organisation
	}
	return r, s.writable(c, r)
}

// writable refuses a room that nothing can be written to, in the words of each
// method: no method answers a code that its documentation does not list. mu is
// held.
func (s *Server) writable(c *call, r *room) error {
	archived := r.archived || s.takeFault("channel_archived", r.id, r.name) != nil
	absent := !archived && (!r.has(botUserID) || s.takeFault("bot_removed", r.id, r.name) != nil)
	switch {
	case archived && c.method == "chat.update":
		return refuse("is_inactive")
	case archived && c.method == "chat.delete":
		return refuse("cant_delete_message")
	case archived:
		return refuse("is_archived")
	case absent && (c.method == "chat.update" || c.method == "chat.delete"):
		return refuse("channel_not_found")
	case absent:
		return refuse("not_in_channel")
	}
	return nil
}

// ownMessage finds the message that chat.update or chat.delete names, of the
// app's own; a person's id names no channel here. mu is held.
func (s *Server) ownMessage(c *call, refused string) (*message, error) {
	r, err := s.roomArg(c)
	if err != nil {
		return nil, err
	}
	if err := s.writable(c, r); err != nil {
		return nil, err
	}
	m := r.public(c.str("ts"))
	switch {
	case m == nil || m.subtype == "tombstone":
		return nil, refuse("message_not_found")
	case !m.byApp:
		return nil, refuse(refused)
	}
	return m, nil
}

// chatPostMessage is https://docs.slack.dev/reference/methods/chat.postMessage
func (s *Server) chatPostMessage(c *call) (object, error) {
	r, err := s.postRoom(c)
	if err != nil {
		return nil, err
	}
	d, err := s.readDraft(c)
	if err != nil {
		return nil, err
	}
	if len(d.metadata) == 0 {
		d.metadata = nil
	}
	m := s.post(r, botUserID, true, "", d)
	return object{"channel": r.id, "ts": m.ts, "message": m.withMetadata()}, nil
}

// chatUpdate is https://docs.slack.dev/reference/methods/chat.update
func (s *Server) chatUpdate(c *call) (object, error) {
	m, err := s.ownMessage(c, "cant_update_message")
	switch {
	case err != nil:
		return nil, err
	case m.updateError != "":
		return nil, refuse(m.updateError)
	case utf8.RuneCountInString(c.str("text")) > maxUpdateText:
		return nil, refuse("msg_too_long")
	}
	d, err := s.readDraft(c)
	if err != nil {
		return nil, err
	}
	m.replace(d)
	if d.metadata != nil {
		m.metadata = d.metadata
		if len(d.metadata) == 0 {
			m.metadata = nil
		}
	}
	m.edited = object{"user": botUserID, "ts": strconv.FormatInt(s.cfg.Now().Unix(), 10) + ".000000"}
	s.changed()
	shown := m.withMetadata()
	delete(shown, "ts") // as Slack answers: the channel's and the message's ids stand beside it
	return object{"channel": m.room.id, "ts": m.ts, "text": m.text, "message": shown}, nil
}

// chatDelete is https://docs.slack.dev/reference/methods/chat.delete
func (s *Server) chatDelete(c *call) (object, error) {
	m, err := s.ownMessage(c, "cant_delete_message")
	if err != nil {
		return nil, err
	}
	s.remove(m)
	return object{"channel": m.room.id, "ts": m.ts}, nil
}

// remove deletes a message; the root of a thread with replies leaves a
// tombstone, as in Slack. mu is held.
func (s *Server) remove(m *message) {
	if m.threadTS == "" && len(m.room.replies(m.ts)) > 0 {
		m.replace(draft{text: "This message was deleted."})
		m.subtype, m.user, m.byApp, m.metadata = "tombstone", slackbotID, false, nil
	} else {
		m.deleted = true
	}
	s.changed()
}

// chatPostEphemeral is https://docs.slack.dev/reference/methods/chat.postEphemeral
func (s *Server) chatPostEphemeral(c *call) (object, error) {
	r, err := s.postRoom(c)
	if err != nil {
		return nil, err
	}
	p := s.personByID(c.str("user"))
	if p == nil || p.deactivated || !r.has(p.id) {
		return nil, refuse("user_not_in_channel")
	}
	d, err := s.readDraft(c)
	if err != nil {
		return nil, err
	}
	d.metadata = nil // Slack does not keep it
	m := s.post(r, botUserID, true, p.id, d)
	return object{"message_ts": m.ts}, nil
}

// chatGetPermalink is https://docs.slack.dev/reference/methods/chat.getPermalink
func (s *Server) chatGetPermalink(c *call) (object, error) {
	r, err := s.appRoom(c.str("channel"))
	if err != nil {
		return nil, err
	}
	m := r.public(c.str("message_ts"))
	if m == nil {
		return nil, refuse("message_not_found")
	}
	digits := m.ts[:len(m.ts)-7] + m.ts[len(m.ts)-6:]
	link := fmt.Sprintf("%s/archives/%s/p%s", c.base, r.id, digits)
	if m.threadTS != "" {
		link += "?thread_ts=" + m.threadTS + "&cid=" + r.id
	}
	return object{"channel": r.id, "permalink": link}, nil
}
