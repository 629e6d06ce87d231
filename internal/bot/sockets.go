package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/commands"
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

// sockets receive from Slack. Without Redis nothing could be recorded, so they
// are closed until it is back, and other replicas get the payloads.
type sockets struct {
	api     *slack.Client
	dialer  *websocket.Dialer
	handler *commands.Handler
	health  *health
	metrics *metrics
	log     *slog.Logger
	retired sync.WaitGroup // connections that Slack is about to close
}

func newSockets(cfg Config, parts Parts, handler *commands.Handler, h *health, m *metrics) *sockets {
	dial := parts.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	return &sockets{api: slackClient(cfg, parts, m.around), handler: handler, health: h, metrics: m, log: parts.Log, dialer: &websocket.Dialer{
		// An acknowledgement must fit one frame: Slack does not join fragments.
		Proxy: http.ProxyFromEnvironment, NetDialContext: dial, HandshakeTimeout: 10 * time.Second, WriteBufferSize: 32 << 10,
	}}
}

// run keeps the sockets open while Redis answers, until ctx ends.
func (s *sockets) run(ctx context.Context) error {
	defer s.retired.Wait()
	for ctx.Err() == nil {
		if err := s.health.waitStore(ctx, true); err != nil {
			return err
		}
		if err := s.whileStored(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// whileStored keeps all connections until Redis is away (nil) or ctx ends.
func (s *sockets) whileStored(ctx context.Context) error {
	open, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if s.health.waitStore(open, false) == nil {
			s.log.Warn("Redis is away: closing the sockets until it is back")
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
func (s *sockets) keep(ctx context.Context, n int) {
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
		s.health.trouble(reason(why, err))
		wait := wait(why, err, short)
		if wait > 0 {
			s.log.Warn("no socket; trying again", "connection", n, "reason", reason(why, err), "in", wait)
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
	case remedy(err) != "":
		return fmt.Sprintf("Slack refuses the app token: %v: %s", err, remedy(err))
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
	case why == endTooMany, remedy(err) != "":
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
func (s *sockets) one(ctx context.Context, n int) (ending, error) {
	k, err := dial(ctx, s.api, s.dialer)
	if err != nil {
		return "", err
	}
	s.health.opened(n)
	take := func(evt socketmode.Event) { s.handler.Handle(ctx, evt, s.metrics.arrived(evt, k)) }
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		patience := drainTime
		if errors.Is(context.Cause(ctx), errStoreAway) {
			patience = 0
		}
		k.close(patience)
	})
	why, err := k.serve(take)
	if err == nil && stop() {
		rest := time.Duration(0)
		if why == endWarning {
			rest = retireTime
		}
		s.retired.Go(func() {
			defer s.health.closed(n)
			k.retire(ctx, rest, take)
		})
		return why, nil
	}
	defer s.health.closed(n)
	if !stop() {
		<-ended // it is being closed in good order
		return "", ctx.Err()
	}
	k.close(0)
	return "", err
}

// remedy says what to mend where Slack refuses a token and trying again cannot
// help by itself; "" for every other error.
func remedy(err error) string {
	hints := map[string]string{
		"invalid_auth": "is the token complete, and of this workspace?", "not_authed": "the token is missing",
		"account_inactive": "the app was removed from the workspace: install it again", "token_revoked": "make a new token and set it",
		"token_expired": "token rotation is on: switch it off in the app's settings", "not_allowed_token_type": "SLACK_BOT_TOKEN and SLACK_APP_TOKEN may be mixed up",
		"missing_scope": "install the app again with the scopes of manifest.yml; the app token needs connections:write", "forbidden_team": "the app may not be used in this workspace",
		"forbidden":               "Slack forbids this app the use of Socket Mode: is it switched on in the app's settings, and is the app allowed in this workspace?",
		"access_denied":           "an administrator of the workspace has to allow the app",
		"team_access_not_granted": "an administrator of the organisation has to grant the app access to this workspace",
		"ekm_access_denied":       "an administrator has suspended the app's access (Enterprise Key Management)",
		"org_login_required":      "the workspace is being moved to an organisation; try again when that is done",
	}
	if err == nil {
		return ""
	}
	for code, hint := range hints {
		if err.Error() == code || strings.HasSuffix(err.Error(), ": "+code) {
			return hint
		}
	}
	return ""
}
