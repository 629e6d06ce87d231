package slackemu

import "time"

// retryDelays are the waits before the three redeliveries of an event.
// https://docs.slack.dev/apis/events-api/#retries
var retryDelays = [...]time.Duration{0, time.Minute, 5 * time.Minute}

// eventPayload wraps an event as Slack does. mu is held.
func (s *Server) eventPayload(inner object) object {
	return object{
		"token": "deprecated", "team_id": teamID, "enterprise_id": s.enterprise(), "api_app_id": appID, "event": inner, "type": "event_callback",
		"event_id": s.newID("Ev"), "event_time": s.cfg.Now().Unix(), "is_ext_shared_channel": false,
		"event_context": "4-" + s.random(anyAlnum, 24),
		"authorizations": []any{object{"enterprise_id": s.enterprise(), "team_id": teamID, "user_id": botUserID, "is_bot": true,
			"is_enterprise_install": s.orgInstall}},
	}
}

// announce delivers an event, and again in the background until it is
// acknowledged or given up. It returns the outcome of the first delivery.
func (s *Server) announce(inner object) outcome {
	s.mu.Lock()
	payload := s.eventPayload(inner)
	kind, _ := inner["type"].(string)
	doubled := s.takeFault("duplicate_event", kind) != nil
	running := s.begin()
	s.mu.Unlock()
	if !running {
		return outcome{err: sandboxClosed}
	}
	d := delivery{kind: "events_api", payload: kind, build: func(string) any { return payload }}
	first := make(chan outcome, 1)
	go func() {
		defer s.wg.Done()
		out := s.deliver(d)
		first <- out
		if doubled {
			s.deliver(d)
		}
		if !out.acked {
			s.redeliver(d)
		}
	}()
	return <-first
}

// redeliver repeats an event that was not acknowledged.
func (s *Server) redeliver(d delivery) {
	for i, delay := range retryDelays {
		select {
		case <-time.After(scaled(delay, s.cfg.Speed())):
		case <-s.done:
			return
		}
		d.attempt = i + 1
		if s.deliver(d).acked {
			return
		}
	}
}
