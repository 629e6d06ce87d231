package commands

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// Slack is what a Handler needs of a *slack.Client.
type Slack interface {
	OpenViewContext(ctx context.Context, triggerID string, v slack.ModalViewRequest) (*slack.ViewResponse, error)
	UpdateViewContext(ctx context.Context, v slack.ModalViewRequest, externalID, hash, viewID string) (*slack.ViewResponse, error)
	PublishViewContext(ctx context.Context, req slack.PublishViewContextRequest) (*slack.ViewResponse, error)
	PostMessageContext(ctx context.Context, channel string, options ...slack.MsgOption) (string, string, error)
	PostEphemeralContext(ctx context.Context, channel, user string, options ...slack.MsgOption) (string, error)
	GetPermalinkContext(ctx context.Context, p *slack.PermalinkParameters) (string, error)
}

// Inbox keeps what people decided until it is worked off.
type Inbox interface {
	// Receive records a payload under its envelope, already claimed; fresh is
	// false when it was received before.
	Receive(ctx context.Context, envelope string, payload []byte) (c Claim, fresh bool, err error)
	// Abandoned claims what another replica received and did not work off.
	Abandoned(ctx context.Context, max int) ([]Claim, error)
	// First reports whether an event is seen for the first time.
	First(ctx context.Context, event string) (bool, error)
}

// Claim is one payload in this replica's hands.
type Claim interface {
	Payload() []byte
	Keep(ctx context.Context) (stop func()) // renews it until stop
	Done(ctx context.Context) error
}

// Threads knows which message leads to which session.
type Threads interface {
	SessionAt(ctx context.Context, channel, ts string) (id string, err error) // "" when none
	CardOf(ctx context.Context, id string) (channel, ts string, err error)    // "" when none yet
}

// Config is what a Handler needs to know.
type Config struct {
	Command string // "/redis-upgrade"
	Bot     string // the bot's own user id, to ignore itself
	Policy  view.Policy
	Workers int // payloads worked on at a time
}

// Parts are what a Handler works with.
type Parts struct {
	Engine    *upgrade.Engine
	Inventory *inventory.Index
	Roles     upgrade.Roles
	Inbox     Inbox
	Threads   Threads
	Slack     Slack
	Now       func() time.Time
	Log       *slog.Logger
}

// Handler answers.
type Handler struct {
	cfg   Config
	parts Parts
	log   *slog.Logger
	slots chan struct{}
	work  sync.WaitGroup
}

// New wires a Handler.
func New(cfg Config, parts Parts) *Handler {
	return &Handler{cfg: cfg, parts: parts, log: parts.Log, slots: make(chan struct{}, cfg.Workers)}
}

// The limits of an answer.
const (
	recordTimeout = 1500 * time.Millisecond // no acknowledgement after that
	loadTimeout   = 400 * time.Millisecond  // what a modal may wait for before a loading view is opened
	greetTimeout  = 700 * time.Millisecond  // how long somebody may have to wait because Slack does not say who they are
	answerTimeout = 60 * time.Second        // everything after the acknowledgement
)

// Acker acknowledges an envelope; *socketmode.Client is one.
type Acker interface {
	Ack(req socketmode.Request, payload ...any) error
}

// Handle takes one payload off the socket and works on it elsewhere; it
// returns at once, so that the socket's reader never waits. ctx is the
// process's: an answer begun is finished after it ends, within answerTimeout.
func (h *Handler) Handle(ctx context.Context, evt socketmode.Event, acker Acker) {
	h.work.Go(func() {
		h.slots <- struct{}{}
		defer func() {
			<-h.slots
			if r := recover(); r != nil {
				h.log.Error("payload panicked", "type", evt.Type, "panic", r)
			}
		}()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
		defer cancel()
		h.dispatch(ctx, evt, acker)
	})
}

// Wait returns when everything begun is answered.
func (h *Handler) Wait() { h.work.Wait() }

func (h *Handler) dispatch(ctx context.Context, evt socketmode.Event, acker Acker) {
	req := &request{h: h, acker: acker}
	if evt.Request != nil {
		req.raw = *evt.Request
	}
	switch data := evt.Data.(type) {
	case slack.SlashCommand:
		h.slash(ctx, req, data)
	case slack.InteractionCallback:
		h.interaction(ctx, req, data)
	default:
		if evt.Type == socketmode.EventTypeEventsAPI {
			h.event(ctx, req, evt.Data)
			return
		}
		h.strange(evt, acker)
	}
}

// strange acknowledges what nobody here understands, so that Slack does not
// send it again, and says so in the log.
func (h *Handler) strange(evt socketmode.Event, acker Acker) {
	var envelope struct {
		ID   string `json:"envelope_id"`
		Type string `json:"type"`
	}
	if bad, ok := evt.Data.(*socketmode.ErrorBadMessage); ok {
		_ = json.Unmarshal(bad.Message, &envelope)
		h.log.Warn("payload cannot be decoded; acknowledged", "type", envelope.Type, "envelope", envelope.ID, "error", bad.Cause)
	} else if evt.Request != nil {
		envelope.ID, envelope.Type = evt.Request.EnvelopeID, evt.Request.Type
		h.log.Warn("payload of unknown type; acknowledged", "type", envelope.Type, "envelope", envelope.ID)
	}
	if envelope.ID != "" {
		_ = acker.Ack(socketmode.Request{EnvelopeID: envelope.ID})
	}
}

// request is one payload that wants exactly one acknowledgement.
type request struct {
	h     *Handler
	acker Acker
	raw   socketmode.Request
}

// ack acknowledges, with an answer where the payload takes one.
func (r *request) ack(payload ...any) {
	if err := r.acker.Ack(r.raw, payload...); err != nil {
		r.h.log.Error("acknowledge", "envelope", r.raw.EnvelopeID, "type", r.raw.Type, "error", err)
	}
}
