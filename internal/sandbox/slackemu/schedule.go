package slackemu

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// scheduledMessage waits for its time; it is posted by whoever looks first.
type scheduledMessage struct {
	id    string
	room  *room
	at    time.Time
	since time.Time // when the app asked for it
	draft draft
}

// chatScheduleMessage is https://docs.slack.dev/reference/methods/chat.scheduleMessage
func (s *Server) chatScheduleMessage(c *call) (object, error) {
	r, err := s.postRoom(c)
	if err != nil {
		return nil, err
	}
	sec, err := strconv.ParseInt(c.str("post_at"), 10, 64)
	if err != nil {
		return nil, refuse("invalid_time")
	}
	at, now := time.Unix(sec, 0), s.cfg.Now()
	switch {
	case !at.After(now):
		return nil, refuse("time_in_past")
	case at.After(now.AddDate(0, 0, 120)):
		return nil, refuse("time_too_far")
	case s.scheduledNear(r, at) >= 30:
		return nil, refuse("restricted_too_many")
	}
	d, err := s.readDraft(c)
	if err != nil {
		return nil, err
	}
	m := &scheduledMessage{id: s.newID("Q"), room: r, at: at, since: now, draft: d}
	s.scheduled = append(s.scheduled, m)
	return object{"channel": r.id, "scheduled_message_id": m.id, "post_at": sec, "message": object{
		"type": "delayed_message", "text": d.text, "user": botUserID, "bot_id": botID, "team": teamID, "app_id": appID,
		"blocks": d.blocks}}, nil
}

// scheduledNear counts what a channel has scheduled in the same five minutes.
func (s *Server) scheduledNear(r *room, at time.Time) int {
	n := 0
	for _, m := range s.scheduled {
		if m.room == r && m.at.Truncate(5*time.Minute).Equal(at.Truncate(5*time.Minute)) {
			n++
		}
	}
	return n
}

// chatDeleteScheduledMessage is https://docs.slack.dev/reference/methods/chat.deleteScheduledMessage
func (s *Server) chatDeleteScheduledMessage(c *call) (object, error) {
	s.postDue()
	i := slices.IndexFunc(s.scheduled, func(m *scheduledMessage) bool {
		return m.id == c.str("scheduled_message_id") && m.room.id == c.str("channel")
	})
	if i < 0 {
		return nil, refuse("invalid_scheduled_message_id")
	}
	s.scheduled = slices.Delete(s.scheduled, i, i+1)
	return object{}, nil
}

// chatScheduledMessagesList is https://docs.slack.dev/reference/methods/chat.scheduledMessages.list
func (s *Server) chatScheduledMessagesList(c *call) (object, error) {
	s.postDue()
	ch := c.str("channel")
	if ch != "" && s.room(ch) == nil {
		return nil, refuse("invalid_channel")
	}
	var all []any
	for _, m := range s.scheduled {
		at := m.at.Unix()
		if (ch == "" || ch == m.room.id) && at >= c.seconds("oldest", 0) && at <= c.seconds("latest", math.MaxInt64) {
			all = append(all, object{"id": m.id, "channel_id": m.room.id, "post_at": at, "date_created": m.since.Unix(), "text": m.draft.text})
		}
	}
	page, meta, err := c.page(all, 100)
	if err != nil {
		return nil, err
	}
	return object{"scheduled_messages": page, "response_metadata": meta}, nil
}

// seconds is a time argument in epoch seconds, or the fallback.
func (c *call) seconds(name string, fallback int64) int64 {
	f, err := strconv.ParseFloat(c.str(name), 64)
	if err != nil {
		return fallback
	}
	return int64(f)
}

// postDue posts what has been scheduled for a time that has come. mu is held.
func (s *Server) postDue() {
	now := s.cfg.Now()
	s.scheduled = slices.DeleteFunc(s.scheduled, func(m *scheduledMessage) bool {
		if m.at.After(now) {
			return false
		}
		s.post(m.room, botUserID, true, "", m.draft)
		return true
	})
}
