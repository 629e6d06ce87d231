package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// The limits of one connection. Slack pings every few seconds.
const (
	helloTimeout = 10 * time.Second        // a connection without hello carries nothing
	silence      = 25 * time.Second        // without a ping or payload it is dead
	drainTime    = 2500 * time.Millisecond // for acknowledgements still owed; Slack waits three seconds
	retireTime   = 15 * time.Second        // a connection with a warning is closed by Slack after about ten
	writeTimeout = 5 * time.Second
	maxAnswer    = 20 << 10 // Slack drops larger acknowledgements without a word
	maxPayload   = 8 << 20
)

// socket is one Socket Mode connection.
// https://docs.slack.dev/apis/events-api/using-socket-mode/
//
// slack-go keeps connections too, but it says to nobody why Slack ended one, takes
// up to a minute to notice silence, waits for a hello for ever, and drops a
// connection that got a warning at once, with the acknowledgements that are owed
// on it: Slack takes an acknowledgement on no other.
type socket struct {
	ws *websocket.Conn

	mu   sync.Mutex      // guards owed, and writes to ws
	owed map[string]bool // envelopes handed on and not acknowledged yet
	paid chan struct{}   // closed and replaced when owed becomes empty
}

// ending is why Slack ended a connection.
type ending string

// The reasons of Slack's disconnect messages.
const (
	endWarning  ending = "warning"           // it will be closed in about ten seconds
	endRefresh  ending = "refresh_requested" // it is being closed; a new one is welcome
	endDisabled ending = "link_disabled"     // Socket Mode was switched off
	endTooMany  ending = "too_many_websockets"
)

// Error makes an ending an error where a connection ends before its hello.
func (e ending) Error() string { return "slack ended the socket: " + string(e) }

// dial opens a connection and waits for its hello.
func dial(ctx context.Context, api *slack.Client, dialer *websocket.Dialer) (*socket, error) {
	_, address, err := api.StartSocketModeContext(ctx)
	if err != nil {
		return nil, err
	}
	ws, response, err := dialer.DialContext(ctx, address, http.Header{"Origin": {"https://api.slack.com"}})
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	k := &socket{ws: ws, owed: map[string]bool{}, paid: make(chan struct{})}
	ws.SetReadLimit(maxPayload)
	ws.SetPingHandler(func(data string) error {
		_ = ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout)) // a read fails next
		return ws.SetReadDeadline(time.Now().Add(silence))
	})
	stop := context.AfterFunc(ctx, func() { _ = ws.Close() })
	defer stop()
	if err := k.greeted(); err != nil {
		_ = ws.Close()
		return nil, fmt.Errorf("await hello: %w", err)
	}
	return k, nil
}

// greeted reads the first message, which is a hello or a refusal.
func (k *socket) greeted() error {
	timer := time.AfterFunc(helloTimeout, func() { _ = k.ws.Close() }) // pings move the read deadline
	defer timer.Stop()
	for {
		var first socketmode.Request
		if err := k.ws.ReadJSON(&first); err != nil {
			return err
		}
		switch first.Type {
		case socketmode.RequestTypeHello:
			return nil
		case socketmode.RequestTypeDisconnect:
			return ending(first.Reason)
		}
	}
}

// serve hands payloads on until the connection is gone (an error), or Slack says
// that it ends it: then it goes on until it is closed.
func (k *socket) serve(take func(socketmode.Event)) (ending, error) {
	for {
		if err := k.ws.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return "", err
		}
		_, data, err := k.ws.ReadMessage()
		if err != nil {
			return "", err
		}
		evt := decode(data)
		switch evt.Type {
		case socketmode.EventTypeHello:
		case socketmode.EventTypeDisconnect:
			return ending(evt.Request.Reason), nil
		default:
			k.owe(evt)
			take(evt)
		}
	}
}

// retire serves a connection that Slack closes after rest, so that what was
// delivered on it is still acknowledged there.
func (k *socket) retire(ctx context.Context, rest time.Duration, take func(socketmode.Event)) {
	timer := time.AfterFunc(rest, func() { k.close(drainTime) })
	defer timer.Stop()
	stop := context.AfterFunc(ctx, func() { k.close(drainTime) })
	defer stop()
	for {
		if _, err := k.serve(take); err != nil {
			k.close(0)
			return
		}
	}
}

// close says goodbye, after what is owed has been acknowledged or patience has
// run out. Closing twice is harmless.
func (k *socket) close(patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		k.mu.Lock()
		clear, paid := len(k.owed) == 0, k.paid
		k.mu.Unlock()
		if clear || patience == 0 {
			break
		}
		select {
		case <-paid:
			continue
		case <-timer.C:
		}
		break
	}
	_ = k.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(writeTimeout/5))
	_ = k.ws.Close()
}

func (k *socket) owe(evt socketmode.Event) {
	if evt.Request == nil || evt.Request.EnvelopeID == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.owed[evt.Request.EnvelopeID] = true
}

// Ack implements commands.Acker. The error says that Slack did not hear it.
func (k *socket) Ack(req socketmode.Request, payload ...any) error {
	answer := socketmode.Response{EnvelopeID: req.EnvelopeID}
	if len(payload) > 0 {
		answer.Payload = payload[0]
	}
	data, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode acknowledgement: %w", err)
	}
	if len(data) >= maxAnswer {
		return fmt.Errorf("the acknowledgement has %d bytes; Slack takes less than %d", len(data), maxAnswer)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	defer k.settle(req.EnvelopeID)
	if err := k.ws.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return k.ws.WriteMessage(websocket.TextMessage, data)
}

// settle strikes an envelope off. mu is held.
func (k *socket) settle(envelope string) {
	delete(k.owed, envelope)
	if len(k.owed) == 0 {
		close(k.paid)
		k.paid = make(chan struct{})
	}
}

// decode reads one message as slack-go's types. What it cannot read becomes a
// bad message, to be acknowledged all the same.
func decode(data []byte) socketmode.Event {
	req := &socketmode.Request{}
	bad := func(err error) socketmode.Event {
		return socketmode.Event{Type: socketmode.EventTypeErrorBadMessage, Request: req, Data: &socketmode.ErrorBadMessage{Cause: err, Message: data}}
	}
	if err := json.Unmarshal(data, req); err != nil {
		return bad(err)
	}
	var into any
	var err error
	switch req.Type {
	case socketmode.RequestTypeHello:
		return socketmode.Event{Type: socketmode.EventTypeHello, Request: req}
	case socketmode.RequestTypeDisconnect:
		return socketmode.Event{Type: socketmode.EventTypeDisconnect, Request: req}
	case socketmode.RequestTypeEventsAPI:
		into, err = eventOf(req.Payload)
	case socketmode.RequestTypeSlashCommands:
		var cmd slack.SlashCommand
		err = json.Unmarshal(req.Payload, &cmd)
		into = cmd
	case socketmode.RequestTypeInteractive:
		into, err = interactionOf(req.Payload)
	default:
		err = errors.New("unknown type")
	}
	if err != nil {
		return bad(err)
	}
	return socketmode.Event{Type: socketmode.EventType(req.Type), Request: req, Data: into}
}
