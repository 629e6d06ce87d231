package slackemu

import (
	"fmt"
	"maps"
	"time"
)

const (
	triggerLife   = 3 * time.Second // real time, never scaled
	triggerMemory = 10 * time.Minute
)

// trigger allows one modal to be opened for one person.
type trigger struct {
	user   string
	viewID string // the view it came from, if any
	origin *room  // the room in which the person was, if any
	issued stopwatch
	used   bool
}

// newTrigger issues a trigger. mu is held.
func (s *Server) newTrigger(user string, from *view, in *room) string {
	if len(s.triggers) >= s.triggerSweep { // forget those that nobody asks for any more
		maps.DeleteFunc(s.triggers, func(_ string, t *trigger) bool { return t.issued.elapsed() > triggerMemory })
		s.triggerSweep = 2*len(s.triggers) + 1000
	}
	id := fmt.Sprintf("%d.%d.%s", s.cfg.Now().UnixMilli(), 1000+s.rand.IntN(9000), s.random(hexDigits, 32))
	t := &trigger{user: user, origin: in, issued: startWatch()}
	if from != nil {
		t.viewID = from.id
	}
	s.triggers[id] = t
	return id
}

// trigger finds a trigger that can still be used, or says why not. mu is held.
func (s *Server) trigger(id string) (*trigger, error) {
	t := s.triggers[id]
	switch {
	case id == "":
		return nil, missingField("trigger_id")
	case t == nil:
		return nil, &refusal{code: "invalid_trigger_id", problems: []string{"invalid `trigger_id` [json-pointer:/trigger_id]"}}
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case t.issued.elapsed() >= triggerLife:
		return nil, refuse("expired_trigger_id")
	}
	return t, nil
}
