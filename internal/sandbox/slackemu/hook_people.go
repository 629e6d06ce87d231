package slackemu

import (
	"strings"
)

type messageRequest struct {
	User        string `json:"user"` // or deploy-bot, another app
	Channel     string `json:"channel"`
	ThreadTS    string `json:"thread_ts"`
	Text        string `json:"text"`
	Blocks      []any  `json:"blocks"`      // stored as given, valid or not
	Attachments []any  `json:"attachments"` // as well
}

// hookMessage writes a message as a person, or as another app. One that mentions the bot is told
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
	who, err := s.speaker(in.User)
	if err != nil {
		return nil, nil, err
	}
	r, err := s.actorRoom(who, in.Channel)
	switch {
	case err != nil:
		return nil, nil, err
	case r.archived:
		return nil, nil, conflict("%s is archived", r.title())
	case strings.TrimSpace(in.Text) == "" && len(in.Blocks) == 0 && len(in.Attachments) == 0:
		return nil, nil, badRequest("text is empty")
	case in.ThreadTS != "" && r.public(in.ThreadTS) == nil:
		return nil, nil, notFound("no message %q in %s to reply to", in.ThreadTS, r.title())
	}
	return who, s.post(r, who.shownID(), false, "", draft{text: in.Text, threadTS: in.ThreadTS, blocks: in.Blocks, attachments: in.Attachments, raw: true}), nil
}

// speaker finds who writes a message: a human, or another app. mu is held.
func (s *Server) speaker(nameOrID string) (*person, error) {
	if p := s.personByID(otherBotUserID); nameOrID == p.name || nameOrID == p.id {
		return p, nil
	}
	return s.actor(nameOrID)
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
	event := m.wire()
	event["type"], event["channel"], event["event_ts"], event["team"] = "app_mention", m.room.id, m.ts, who.home()
	if !who.bot {
		event["client_msg_id"] = s.newUUID()
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
	event := object{"type": "app_home_opened", "user": who.shownID(), "channel": "D" + strings.TrimPrefix(who.id, "U"),
		"tab": "home", "event_ts": s.newTS()}
	if v := s.homes[who.id]; v != nil {
		event["view"] = v.wire()
	}
	s.mu.Unlock()
	return actionAnswer{answerOf(s.announce(event)), true}, nil
}
