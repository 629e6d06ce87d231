package slackemu

import (
	"strings"
)

type messageRequest struct {
	User     string `json:"user"`
	Channel  string `json:"channel"`
	ThreadTS string `json:"thread_ts"`
	Text     string `json:"text"`
}

// hookMessage writes a message as a person. One that mentions the bot is told
// to it, as in Slack; any other is not, because the app did not subscribe.
func (s *Server) hookMessage(in messageRequest) (any, error) {
	if strings.Contains(in.Text, "<@"+botUserID+">") || strings.Contains(in.Text, "@"+botName) {
		return s.hookMention(in)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, m, err := s.say(in)
	if err != nil {
		return nil, err
	}
	return object{"ok": true, "ts": m.ts}, nil
}

// say posts what a person writes. mu is held.
func (s *Server) say(in messageRequest) (*person, *message, error) {
	who, err := s.actor(in.User)
	if err != nil {
		return nil, nil, err
	}
	r, err := s.actorRoom(who, in.Channel)
	switch {
	case err != nil:
		return nil, nil, err
	case strings.TrimSpace(in.Text) == "":
		return nil, nil, badRequest("text is empty")
	case in.ThreadTS != "" && r.public(in.ThreadTS) == nil:
		return nil, nil, notFound("no message %q in %s to reply to", in.ThreadTS, r.title())
	}
	return who, s.post(r, who.id, false, "", draft{text: in.Text, threadTS: in.ThreadTS}), nil
}

// mentionAnswer says in addition which message was written.
type mentionAnswer struct {
	OK bool   `json:"ok"`
	TS string `json:"ts"`
	ackAnswer
	Sent bool `json:"sent"`
}

// hookMention writes a message that mentions the bot, and tells it, if it is in
// the channel. https://docs.slack.dev/reference/events/app_mention
func (s *Server) hookMention(in messageRequest) (any, error) {
	mention := "<@" + botUserID + ">"
	if strings.Contains(in.Text, "@"+botName) {
		in.Text = strings.ReplaceAll(in.Text, "@"+botName, mention)
	}
	if !strings.Contains(in.Text, mention) {
		in.Text = strings.TrimSpace(mention + " " + in.Text)
	}
	s.mu.Lock()
	who, m, err := s.say(in)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	answer := mentionAnswer{OK: true, TS: m.ts}
	event := object{"type": "app_mention", "client_msg_id": s.newUUID(), "user": who.id, "text": m.text, "ts": m.ts,
		"team": teamID, "channel": m.room.id, "event_ts": m.ts, "blocks": []any{object{
			"type": "rich_text", "block_id": s.random(anyAlnum, 5), "elements": []any{object{"type": "rich_text_section",
				"elements": []any{object{"type": "text", "text": m.text}}}}}}}
	if m.threadTS != "" {
		event["thread_ts"], event["parent_user_id"] = m.threadTS, m.wire()["parent_user_id"]
	}
	heard := m.room.has(botUserID) && !m.room.im && s.roomFault(m.room) != "not_in_channel"
	s.mu.Unlock()
	if !heard {
		answer.Error = "not_in_channel"
		return answer, nil
	}
	answer.ackAnswer, answer.Sent = answerOf(s.announce(event)), true
	return answer, nil
}

type homeRequest struct {
	User string `json:"user"`
}

// hookHome opens the app's home tab.
// https://docs.slack.dev/reference/events/app_home_opened
func (s *Server) hookHome(in homeRequest) (any, error) {
	s.mu.Lock()
	who, err := s.actor(in.User)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	event := object{"type": "app_home_opened", "user": who.id, "channel": "D" + strings.TrimPrefix(who.id, "U"),
		"tab": "home", "event_ts": s.newTS()}
	if v := s.homes[who.id]; v != nil {
		event["view"] = v.wire()
	}
	s.mu.Unlock()
	return actionAnswer{answerOf(s.announce(event)), true}, nil
}
