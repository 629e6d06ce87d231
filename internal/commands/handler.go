package commands

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
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
	// Receive records a payload under its envelope, already claimed, before ctx ends
	// or not at all; fresh is false when it was received before.
	Receive(ctx context.Context, envelope string, payload []byte) (c Claim, fresh bool, err error)
	// Withdraw takes back what may have been recorded and was not acknowledged; true
	// when it was recorded.
	Withdraw(ctx context.Context, envelope string) (bool, error)
	// Abandoned claims what another replica received and did not work off.
	Abandoned(ctx context.Context, max int) ([]Claim, error)
	// Newest reports whether nothing greater than n was noted under this name before,
	// and notes it.
	Newest(ctx context.Context, name string, n int64) (bool, error)
	// Seen reports whether an event is seen for the first time.
	Seen(ctx context.Context, event string) (first bool, err error)
}

// Claim is one payload in this replica's hands. It is an alias, so that a store can
// give claims without knowing this package.
type Claim = interface {
	Payload() []byte
	Receipt() int64                          // grows in the order of receipt
	Keep(ctx context.Context) (stop func())  // renews it until stop
	Leave(ctx context.Context) error         // gives it back for another replica to find
	Failed(ctx context.Context) (int, error) // counts a panic, and says how many there were
	Done(ctx context.Context) error
}

// Threads knows which message leads to which session.
type Threads interface {
	SessionAt(ctx context.Context, channel, ts string) (id string, err error) // "" when none
	CardOf(ctx context.Context, id string) (channel, ts string, err error)    // "" when none yet
	ThreadOf(ctx context.Context, id string) (channel, ts string, err error)  // the root under which it is told; "" when none yet
}

// Config is what a Handler needs to know.
type Config struct {
	Command string // "/redis-upgrade"
	Bot     string // the bot's own user id, to ignore itself
	Channel string // where everybody hears that all changing calls are paused, or go on
	Policy  view.Policy
	Workers int // intents of other replicas worked off at a time
}

// Parts are what a Handler works with.
type Parts struct {
	Engine    *upgrade.Engine
	Inventory *inventory.Index
	Roles     upgrade.Roles
	Inbox     Inbox
	Threads   Threads
	Slack     Slack
	Lookups   func(ctx context.Context, user string) bool // whether somebody may have Redis Cloud asked once more; nil: always
	Now       func() time.Time
	Log       *slog.Logger
}

// Handler answers.
type Handler struct {
	cfg     Config
	parts   Parts
	log     *slog.Logger
	inHand  inHand
	limits  limits
	adopted atomic.Int64 // intents of other replicas in hand
	work    sync.WaitGroup
}

// New wires a Handler.
func New(cfg Config, parts Parts) *Handler {
	return &Handler{cfg: cfg, parts: parts, log: parts.Log, inHand: inHand{most: mostInHand}, limits: limits{work: 60 * time.Second, still: 4 * time.Second}}
}

// The limits of an answer. What comes before the acknowledgement counts from the
// moment at which the payload was read, and Slack waits three seconds.
const (
	ackTimeout  = 2 * time.Second         // what could not be recorded by then is not acknowledged; Redis refuses it half a second earlier
	ackLatest   = 2800 * time.Millisecond // a later acknowledgement is not sent, and nothing is carried out: Slack has shown an error
	loadTimeout = 400 * time.Millisecond  // what a modal may wait for before a loading view is opened
	sayTimeout  = 15 * time.Second        // one message, or one change of a modal, to Slack
)

// limits are those of what a payload asks for; its answer has its own time.
type limits struct {
	work  time.Duration // all of it
	still time.Duration // then its person hears that it is still being worked on
}

// Acker acknowledges an envelope; *socketmode.Client is one.
type Acker interface {
	Ack(req socketmode.Request, payload ...any) error
}

// Handle takes one payload off the socket and works on it elsewhere; it returns at
// once, so that the socket's reader never waits. Recording and acknowledging wait
// for no other payload; what one person may have in hand beyond that is bounded
// (see inHand). ctx is the process's: an answer begun is finished after it ends,
// within its limits and what telling it takes.
func (h *Handler) Handle(ctx context.Context, evt socketmode.Event, acker Acker) {
	received := time.Now()
	h.work.Go(func() {
		defer h.survive("payload panicked")
		ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), received.Add(ackTimeout))
		defer cancel()
		h.dispatch(ctx, &request{h: h, acker: acker, received: received}, evt)
	})
}

// Wait returns when everything begun is answered.
func (h *Handler) Wait() { h.work.Wait() }

// dispatch sorts a payload; ctx ends when it is too late to acknowledge.
func (h *Handler) dispatch(ctx context.Context, req *request, evt socketmode.Event) {
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
		h.unknownPayload(evt, req.acker)
	}
}

// unknownPayload acknowledges what nobody here understands, so that Slack does not
// send it again, and says so in the log.
func (h *Handler) unknownPayload(evt socketmode.Event, acker Acker) {
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
	h        *Handler
	acker    Acker
	raw      socketmode.Request
	received time.Time
}

// ack acknowledges, with an answer where the payload takes one. It is false when
// Slack did not hear it.
func (r *request) ack(payload ...any) bool {
	if err := r.acker.Ack(r.raw, payload...); err != nil {
		r.h.log.Error("acknowledge", "envelope", r.raw.EnvelopeID, "type", r.raw.Type, "error", err)
		return false
	}
	return true
}
