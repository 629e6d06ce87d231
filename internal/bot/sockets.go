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

// connections is how many sockets a replica keeps: slack-go drops one before
// it dials its replacement, and the other takes the payloads meanwhile.
const connections = 2

// sockets receive from Slack. Without Redis nothing could be recorded, so they
// are closed until it is back, and other replicas get the payloads.
type sockets struct {
	cfg     Config
	parts   Parts
	handler *commands.Handler
	health  *health
	log     *slog.Logger
}

func newSockets(cfg Config, parts Parts, handler *commands.Handler, h *health) *sockets {
	return &sockets{cfg: cfg, parts: parts, handler: handler, health: h, log: parts.Log}
}

// run keeps the sockets open while Redis answers, until ctx ends or Slack says
// something that will not mend itself.
func (s *sockets) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.health.waitStore(ctx, true); err != nil {
			return err
		}
		open, cancel := context.WithCancel(ctx)
		go func() {
			defer cancel()
			if s.health.waitStore(open, false) == nil {
				s.log.Warn("Redis is away: closing the sockets until it is back")
			}
		}()
		err := s.connect(open)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return ctx.Err()
}

// connect runs all connections; the first fatal error ends them.
func (s *sockets) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for n := range connections {
		wg.Go(func() {
			if err := s.one(ctx, n); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// one runs one connection for as long as ctx lasts; slack-go reconnects by
// itself.
func (s *sockets) one(ctx context.Context, n int) error {
	dial := s.parts.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	client := socketmode.New(slackClient(s.cfg, s.parts), socketmode.OptionDialer(&websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, NetDialContext: dial, HandshakeTimeout: 10 * time.Second, WriteBufferSize: 32 << 10,
	}))
	ended := make(chan error, 1)
	run, stop := context.WithCancel(ctx)
	defer stop()
	go func() { ended <- client.RunContext(run) }()
	defer s.health.socket(n, false)
	for {
		select {
		case err := <-ended:
			if hint := fatal(err); hint != "" && ctx.Err() == nil {
				return fmt.Errorf("slack closed the door: %w: %s", err, hint)
			}
			return err
		case evt := <-client.Events:
			if err := s.take(ctx, n, evt, client); err != nil {
				stop()
				<-ended
				return err
			}
		}
	}
}

// take looks at what concerns the connection and hands payloads on at once.
func (s *sockets) take(ctx context.Context, n int, evt socketmode.Event, client *socketmode.Client) error {
	switch evt.Type {
	case socketmode.EventTypeHello:
		s.health.socket(n, true)
	case socketmode.EventTypeConnecting:
		s.health.socket(n, false)
	case socketmode.EventTypeConnected, socketmode.EventTypeDisconnect:
	case socketmode.EventTypeConnectionError:
		if e, ok := evt.Data.(*slack.ConnectionErrorEvent); ok {
			if hint := fatal(e.ErrorObj); hint != "" {
				return fmt.Errorf("slack refuses the socket: %w: %s", e.ErrorObj, hint)
			}
			s.log.Warn("no socket; trying again", "connection", n, "attempt", e.Attempt, "in", e.Backoff, "error", e.ErrorObj)
		}
	case socketmode.EventTypeInvalidAuth:
		return errors.New("slack refuses the app token (SLACK_APP_TOKEN)")
	case socketmode.EventTypeErrorWriteFailed:
		s.log.Error("an acknowledgement could not be written", "connection", n)
	case socketmode.EventTypeIncomingError:
		s.log.Warn("socket", "connection", n, "error", evt.Data)
	default:
		s.handler.Handle(ctx, evt, client)
	}
	return nil
}

// fatal says what to mend where trying again cannot help; "" where it can.
func fatal(err error) string {
	hints := map[string]string{
		"invalid_auth": "is the token complete, and of this workspace?", "not_authed": "the token is missing",
		"account_inactive": "the app was removed from the workspace: install it again", "token_revoked": "make a new token and set it",
		"token_expired": "token rotation is on: switch it off in the app's settings", "not_allowed_token_type": "SLACK_BOT_TOKEN and SLACK_APP_TOKEN may be mixed up",
		"missing_scope": "install the app again with the scopes of manifest.yml; the app token needs connections:write", "forbidden_team": "the app may not be used in this workspace",
		"link_disabled": "Socket Mode is switched off in the app's settings",
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
