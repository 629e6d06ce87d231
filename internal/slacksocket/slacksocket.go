package slacksocket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// connections is how many sockets a replica keeps, so that one is there while
// Slack refreshes the other. Slack allows ten per app: four replicas, and room
// for their refreshes.
const connections = 2

// How long to wait before the next connection. One that lasted is replaced at
// once; after a few in a row that did not, each waits longer than the last.
const (
	lasting       = time.Second
	hasty         = 2 // so many short ones in a row are replaced at once
	firstPause    = 500 * time.Millisecond
	longestPause  = 30 * time.Second
	crowdedPause  = 5 * time.Second // at least, after too_many_websockets or where Slack refuses the token
	disabledPause = 5 * time.Minute // after link_disabled only a person can help
)

// errStoreAway ends connections without a farewell: nothing could be recorded,
// so nothing will be acknowledged.
var errStoreAway = errors.New("redis is away")

// Config is what [Sockets] work with. All fields but Dial are needed.
type Config struct {
	API  *slack.Client                                                     // with the app token
	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // nil: a dialer that gives up after five seconds

	// Take is handed every payload, with the connection on which it has to be
	// acknowledged. It must not wait: payloads of a connection come one by one.
	Take func(context.Context, socketmode.Event, *Conn)
	// Store waits until payloads can be recorded (up), or cannot.
	Store func(ctx context.Context, up bool) error
	Watch Watch
	Log   *slog.Logger
}

// Watch hears how many connections there are, and why there may be none.
type Watch interface {
	Opened(n int) // connection n has said hello
	Closed(n int)
	Trouble(why string)
}

// Sockets are the connections of one replica. Make them with [New].
type Sockets struct {
	cfg     Config
	dialer  *websocket.Dialer
	retired sync.WaitGroup // connections that Slack is about to close
}

// New makes the connections of a replica; [Sockets.Run] opens them.
func New(c Config) *Sockets {
	if c.Dial == nil {
		c.Dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	return &Sockets{cfg: c, dialer: &websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, NetDialContext: c.Dial, HandshakeTimeout: 10 * time.Second,
		WriteBufferSize: 32 << 10, // an acknowledgement must fit one frame: Slack does not join fragments
	}}
}

// Run keeps the connections open while payloads can be recorded, until ctx ends and
// what is owed has been acknowledged. The error is that of ctx.
func (s *Sockets) Run(ctx context.Context) error {
	defer s.retired.Wait()
	for ctx.Err() == nil {
		if err := s.cfg.Store(ctx, true); err != nil {
			return err
		}
		if err := s.whileStored(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// whileStored keeps all connections until Redis is away (nil) or ctx ends.
func (s *Sockets) whileStored(ctx context.Context) error {
	open, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if s.cfg.Store(open, false) == nil {
			s.cfg.Log.Warn("Redis is away: closing the sockets until it is back")
			cancel(errStoreAway)
		}
	})
	for n := range connections {
		wg.Go(func() { s.keep(open, n) })
	}
	wg.Wait()
	if err := context.Cause(open); !errors.Is(err, errStoreAway) {
		return err
	}
	return nil
}

// keep replaces one connection by the next for as long as ctx lasts.
func (s *Sockets) keep(ctx context.Context, n int) {
	short := 0 // connections in a row that did not last
	for ctx.Err() == nil {
		began := time.Now()
		why, err := s.one(ctx, n)
		if ctx.Err() != nil {
			break
		}
		if short++; time.Since(began) >= lasting {
			short = 0
		}
		s.cfg.Watch.Trouble(reason(why, err))
		wait := wait(why, err, short)
		if wait > 0 {
			s.cfg.Log.Warn("no socket; trying again", "connection", n, "reason", reason(why, err), "in", wait)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// reason says in words why there is no connection, and what mends it.
func reason(why ending, err error) string {
	_ = errors.As(err, &why) // it may have ended before its hello
	switch {
	case why == endDisabled:
		return "link_disabled: Socket Mode is switched off in the app's settings; switch it on again"
	case why == endTooMany:
		return "too_many_websockets: Slack allows ten sockets per app, and a replica takes two"
	case Remedy(err) != "":
		return fmt.Sprintf("Slack refuses the app token: %v: %s", err, Remedy(err))
	case err != nil:
		return err.Error()
	}
	return string(why)
}

// wait is how long to wait after a connection ended, or could not be made; short
// is how many in a row did not last.
func wait(why ending, err error, short int) time.Duration {
	_ = errors.As(err, &why)
	pause := time.Duration(0)
	if short > hasty {
		pause = min(firstPause<<min(short-hasty-1, 10), longestPause)
	}
	var limited *slack.RateLimitedError
	switch {
	case why == endDisabled:
		return disabledPause
	case why == endTooMany, Remedy(err) != "":
		return max(pause, crowdedPause)
	case errors.As(err, &limited):
		return max(pause, limited.RetryAfter)
	case err != nil && short > 0: // Slack is away, or refuses
		return max(pause, firstPause)
	}
	return pause
}

// one opens a connection and serves it. It returns when it ended, and why. Where
// Slack says that it ends it, or is about to, the connection goes on in the
// background: what is still owed is acknowledged on it, for Slack takes it on no
// other, while the next one is opened.
func (s *Sockets) one(ctx context.Context, n int) (ending, error) {
	c, err := dial(ctx, s.cfg.API, s.dialer)
	if err != nil {
		return "", err
	}
	s.cfg.Watch.Opened(n)
	take := func(evt socketmode.Event) { s.cfg.Take(ctx, evt, c) }
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		patience := drainTime
		if errors.Is(context.Cause(ctx), errStoreAway) {
			patience = 0
		}
		c.close(patience)
	})
	why, err := c.serve(take)
	if err == nil && stop() {
		rest := time.Duration(0)
		if why == endWarning {
			rest = retireTime
		}
		s.retired.Go(func() {
			defer s.cfg.Watch.Closed(n)
			c.retire(ctx, rest, take)
		})
		return why, nil
	}
	defer s.cfg.Watch.Closed(n)
	if !stop() {
		<-ended // it is being closed in good order
		return "", ctx.Err()
	}
	c.close(0)
	return "", err
}
