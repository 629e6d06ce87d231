package slackemu

import (
	"encoding/json"
	"fmt"
	"time"
)

const (
	ackDeadline = 3 * time.Second // real time, never scaled
	maxAckBytes = 20480           // Slack drops larger ones without a word
)

// Why an acknowledgement was missed, as hooks answer it.
const (
	dispatchFailed    = "dispatch_failed"    // no socket to send it to
	operationTimeout  = "operation_timeout"  // sent, not acknowledged in three seconds
	troubleConnecting = "trouble_connecting" // acknowledged with something unusable
	clientValidation  = "client_validation"  // the browser would not have sent it
	sandboxClosed     = "closed"             // the emulator is shutting down
)

// delivery is something to send to the app.
type delivery struct {
	kind    string // envelope type
	payload string // payload type, for the journal
	accepts bool   // whether the acknowledgement may carry a payload
	attempt int    // events only
	build   func(base string) any
	apply   func(payload any) (problem string) // runs at the acknowledgement, with mu held
}

// envelope is a delivery under way.
type envelope struct {
	delivery
	conn   *conn
	sent   stopwatch
	entry  *envelopeEntry
	gaveUp bool
	done   chan struct{} // closed by the acknowledgement
}

// envelopeEntry is one line of the envelopes journal. Owned by Server.mu.
type envelopeEntry struct {
	ID         string  `json:"id"`
	Type       string  `json:"type"`
	Payload    string  `json:"payload_type"`
	Connection int     `json:"connection"` // 0: there was none
	At         string  `json:"at"`
	Acked      bool    `json:"acked"`
	AckMS      float64 `json:"ack_ms"`
	Late       bool    `json:"late,omitempty"` // acknowledged after the deadline
	Attempt    int     `json:"retry_attempt,omitempty"`
	Error      string  `json:"error,omitempty"`
	Problem    string  `json:"problem,omitempty"` // for the developer
}

// outcome is what became of a delivery.
type outcome struct {
	acked bool
	took  time.Duration
	err   string
}

// deliver sends a payload to one socket and waits for its acknowledgement, at
// most three seconds.
func (s *Server) deliver(d delivery) outcome {
	s.mu.Lock()
	if !s.begin() {
		s.mu.Unlock()
		return outcome{err: sandboxClosed}
	}
	defer s.wg.Done()
	env, data, err := s.prepare(d)
	if err != nil {
		s.mu.Unlock()
		return outcome{err: err.Error()}
	}
	plan := s.deliveryFaults(d)
	s.mu.Unlock()

	deadline := time.NewTimer(s.patience) // runs from the sending, also while the payload is on its way
	defer deadline.Stop()
	if !plan.swallow {
		s.dispatch(env.conn, frame{data: data, end: plan.cut}, plan.delay)
	}
	select {
	case <-env.done:
	case <-deadline.C:
	case <-s.done:
	}
	return s.settle(env)
}

// dispatch hands a frame to a socket: at once if its queue has room, else in
// the background.
func (s *Server) dispatch(c *conn, f frame, delay time.Duration) {
	if delay == 0 {
		select {
		case c.out <- f:
			return
		default:
		}
	}
	s.mu.Lock()
	running := s.begin()
	s.mu.Unlock()
	if !running {
		return
	}
	go func() {
		defer s.wg.Done()
		select {
		case <-time.After(delay):
		case <-s.done:
		}
		select {
		case c.out <- f:
		case <-c.closed:
		case <-s.done:
		}
	}()
}

// prepare picks a socket and writes the envelope. mu is held.
func (s *Server) prepare(d delivery) (*envelope, []byte, error) {
	entry := &envelopeEntry{ID: s.newUUID(), Type: d.kind, Payload: d.payload, At: stamp(s.cfg.Now()), Attempt: d.attempt}
	s.journal.add(entry)
	live := s.liveConns()
	if len(live) == 0 {
		entry.Error = dispatchFailed
		return nil, nil, fmt.Errorf("%s", dispatchFailed)
	}
	env := &envelope{delivery: d, conn: live[s.rand.IntN(len(live))], entry: entry, sent: startWatch(), done: make(chan struct{})}
	entry.Connection = env.conn.id
	s.waiting[entry.ID] = env
	wire := object{"envelope_id": entry.ID, "type": d.kind, "accepts_response_payload": d.accepts, "payload": d.build(env.conn.base)}
	if d.kind == "events_api" {
		wire["retry_attempt"], wire["retry_reason"] = d.attempt, ""
		if d.attempt > 0 {
			wire["retry_reason"] = "timeout"
		}
	}
	data, err := json.Marshal(wire)
	return env, data, err
}

// settle reads what became of an envelope when waiting has ended.
func (s *Server) settle(env *envelope) outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	env.gaveUp = true
	if !env.entry.Acked && env.entry.Error == "" {
		env.entry.Error = operationTimeout
		select {
		case <-s.done:
			env.entry.Error = sandboxClosed
		default:
		}
	}
	took := env.sent.elapsed()
	if env.entry.Acked {
		took = time.Duration(env.entry.AckMS * float64(time.Millisecond))
	}
	s.changed()
	return outcome{acked: env.entry.Acked && env.entry.Error == "", took: took, err: env.entry.Error}
}

// acknowledge takes what the app sent on a socket.
func (s *Server) acknowledge(c *conn, data []byte) {
	var ack struct {
		EnvelopeID string `json:"envelope_id"`
		Payload    any    `json:"payload"`
	}
	malformed := json.Unmarshal(data, &ack)
	s.mu.Lock()
	defer s.mu.Unlock()
	env := s.waiting[ack.EnvelopeID]
	if malformed != nil || env == nil {
		s.log.Warn("frame with a malformed, unknown or repeated envelope id", "connection", c.id, "envelope", ack.EnvelopeID, "bytes", len(data))
		return
	}
	if problem := s.unheard(env, c, len(data)); problem != "" {
		env.entry.Problem = problem
		s.log.Warn("acknowledgement dropped", "envelope", env.entry.ID, "problem", problem)
		return
	}
	delete(s.waiting, env.entry.ID)
	env.entry.AckMS = milliseconds(env.sent.elapsed())
	if env.gaveUp || env.sent.elapsed() > s.patience {
		env.entry.Late = true
		s.log.Warn("acknowledgement came too late", "envelope", env.entry.ID, "ms", env.entry.AckMS)
		return
	}
	env.entry.Acked = true
	env.take(ack.Payload)
	if env.entry.Problem != "" {
		s.log.Warn("acknowledgement with a problem", "envelope", env.entry.ID, "problem", env.entry.Problem)
	}
	close(env.done)
}

// unheard says why Slack would not hear an acknowledgement, if so. mu is held.
func (s *Server) unheard(env *envelope, c *conn, size int) string {
	switch {
	case size >= maxAckBytes:
		return fmt.Sprintf("the acknowledgement has %d bytes; Slack drops those of %d and more without a word", size, maxAckBytes)
	case env.conn != c:
		return fmt.Sprintf("acknowledged on connection %d, but it was delivered on %d", c.id, env.conn.id)
	case s.takeFault("ack_ignored", env.kind, env.payload) != nil:
		return "fault ack_ignored: the acknowledgement was lost"
	}
	return ""
}

// take applies the payload of an acknowledgement; an empty object is none.
func (env *envelope) take(payload any) {
	if o, ok := payload.(object); ok && len(o) == 0 && env.payload != "block_suggestion" {
		payload = nil
	}
	if !env.accepts {
		if payload != nil {
			env.entry.Problem = "a payload is not accepted here and was ignored"
		}
		payload = nil
	}
	if env.apply == nil {
		return
	}
	if problem := env.apply(payload); problem != "" {
		env.entry.Problem, env.entry.Error = problem, troubleConnecting
	}
}
