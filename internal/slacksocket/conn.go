package slacksocket

import (
	"context"
	"encoding/json"
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

// Conn is one Socket Mode connection.
// https://docs.slack.dev/apis/events-api/using-socket-mode/
type Conn struct {
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
func dial(ctx context.Context, api *slack.Client, dialer *websocket.Dialer) (*Conn, error) {
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
	c := &Conn{ws: ws, owed: map[string]bool{}, paid: make(chan struct{})}
	ws.SetReadLimit(maxPayload)
	ws.SetPingHandler(func(data string) error {
		_ = ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout)) // a read fails next
		return ws.SetReadDeadline(time.Now().Add(silence))
	})
	stop := context.AfterFunc(ctx, func() { _ = ws.Close() })
	defer stop()
	if err := c.greeted(); err != nil {
		_ = ws.Close()
		return nil, fmt.Errorf("await hello: %w", err)
	}
	return c, nil
}

// greeted reads the first message, which is a hello or a refusal.
func (c *Conn) greeted() error {
	timer := time.AfterFunc(helloTimeout, func() { _ = c.ws.Close() }) // pings move the read deadline
	defer timer.Stop()
	for {
		var first socketmode.Request
		if err := c.ws.ReadJSON(&first); err != nil {
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
func (c *Conn) serve(take func(socketmode.Event)) (ending, error) {
	for {
		if err := c.ws.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return "", err
		}
		_, data, err := c.ws.ReadMessage()
		if err != nil {
			return "", err
		}
		evt := Decode(data)
		switch evt.Type {
		case socketmode.EventTypeHello:
		case socketmode.EventTypeDisconnect:
			return ending(evt.Request.Reason), nil
		default:
			c.owe(evt)
			take(evt)
		}
	}
}

// retire serves a connection that Slack closes after rest, so that what was
// delivered on it is still acknowledged there.
func (c *Conn) retire(ctx context.Context, rest time.Duration, take func(socketmode.Event)) {
	timer := time.AfterFunc(rest, func() { c.close(drainTime) })
	defer timer.Stop()
	stop := context.AfterFunc(ctx, func() { c.close(drainTime) })
	defer stop()
	for {
		if _, err := c.serve(take); err != nil {
			c.close(0)
			return
		}
	}
}

// close says goodbye, after what is owed has been acknowledged or patience has
// run out. Closing twice is harmless.
func (c *Conn) close(patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		c.mu.Lock()
		clear, paid := len(c.owed) == 0, c.paid
		c.mu.Unlock()
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
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = c.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(writeTimeout/5))
	_ = c.ws.Close()
}

func (c *Conn) owe(evt socketmode.Event) {
	if evt.Request == nil || evt.Request.EnvelopeID == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owed[evt.Request.EnvelopeID] = true
}

// Ack acknowledges an envelope, with an answer where there is a payload: of less than
// 20 KiB, for Slack drops larger ones without a word. The error says that Slack did
// not hear it.
func (c *Conn) Ack(req socketmode.Request, payload ...any) error {
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
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.settle(req.EnvelopeID)
	if err := c.ws.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return c.ws.WriteMessage(websocket.TextMessage, data)
}

// settle strikes an envelope off. mu is held.
func (c *Conn) settle(envelope string) {
	delete(c.owed, envelope)
	if len(c.owed) == 0 {
		close(c.paid)
		c.paid = make(chan struct{})
	}
}
