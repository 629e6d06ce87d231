package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis-upgrade/bot/internal/bot"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
	"github.com/redis-upgrade/bot/internal/sandbox/slackemu"
	"github.com/redis-upgrade/bot/internal/sandbox/web"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

// Sandbox is one running (or not yet running) sandbox. Its methods may be used
// at the same time.
type Sandbox struct {
	cfg      Config
	url      string
	listener net.Listener
	clock    *Clock
	clockSub pokes
	memory   *memory // nil with Config.Redis
	slack    *slackemu.Server
	cloud    *cloudemu.Server
	config   bot.Config
	bot      *bot.Bot // nil with Config.NoBot
	opened   atomic.Bool

	stop context.CancelFunc // of Start
	done chan struct{}      // closed when Run has returned
	err  error              // Run's answer; read it after done is closed
}

// New builds a sandbox and takes its address; nothing answers before Run.
func New(c Config) (*Sandbox, error) {
	c = c.withDefaults()
	s := &Sandbox{cfg: c, done: make(chan struct{})}
	s.clock = newClock(c.Speed, s.clockSub.poke)
	var err error
	if s.listener, err = listen(c); err != nil {
		return nil, err
	}
	s.url = "http://" + s.listener.Addr().String()
	redis := c.Redis
	if redis == "" {
		if s.memory, err = startMemory(s.clock, c.Dial != nil); err != nil {
			s.listener.Close()
			return nil, err
		}
		redis = s.memory.url
	}
	s.slack = slackemu.New(slackemu.Config{Now: s.clock.Now, Speed: s.clock.Speed, Seed: c.Seed, BotToken: botToken, AppToken: appToken,
		Command: command, CommandHint: commandHint, CommandText: commandText,
		Shortcuts: []string{shortcut}, ShortcutNames: map[string]string{shortcut: shortcutName}, Log: c.Log.With(slog.String("from", "slack emulator"))})
	s.cloud = cloudemu.New(cloudemu.Config{Now: s.clock.Now, Speed: s.clock.Speed, Seed: c.Seed, Key: cloudKey, Secret: cloudSecret,
		Fleet: c.Fleet, Databases: c.Databases})
	s.config = botConfig(c, s.url, redis)
	if c.NoBot {
		return s, nil
	}
	parts := bot.Parts{Log: c.Log}
	if s.memory != nil { // the bot's time is its Redis'
		parts.Now = s.clock.Now
	}
	if c.Dial != nil {
		parts.Dial = s.memory.dial(c.Dial)
	}
	if s.bot, err = bot.New(s.config, parts); err != nil {
		s.release()
		return nil, fmt.Errorf("build the bot: %w", err)
	}
	return s, nil
}

// listen takes the address, or says what is in the way.
func listen(c Config) (net.Listener, error) {
	if c.Listener != nil {
		return c.Listener, nil
	}
	if err := loopback(c.Listen); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", c.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use, perhaps by another sandbox; choose another address with -listen 127.0.0.1:<port> (port 0 picks a free one)", c.Listen)
	}
	if err != nil {
		return nil, fmt.Errorf("-listen %s: %w", c.Listen, err)
	}
	return l, nil
}

// URL is where the sandbox answers, without a slash at the end.
func (s *Sandbox) URL() string { return s.url }

// Environ is the environment of a bot for this sandbox: NAME=value, unquoted.
func (s *Sandbox) Environ() []string { return s.config.Environ() }

// Run serves until ctx ends or something breaks. The bot stops first, while
// everything it talks to still answers. Run it once.
func (s *Sandbox) Run(ctx context.Context) (err error) {
	defer func() {
		s.release()
		s.err = err
		close(s.done)
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	server := &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug)}
	var serving, working sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("serve %s: %w", s.url, err))
		}
	})
	if s.bot != nil {
		working.Go(func() {
			err := s.bot.Run(ctx)
			if err == nil {
				err = errors.New("it ended by itself")
			}
			cancel(fmt.Errorf("the embedded bot: %w", err)) // no effect while stopping
		})
	}
	<-ctx.Done()
	working.Wait()
	s.slack.Close() // ends the sockets, which the server no longer knows
	server.Close()
	serving.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// release lets go of what New took.
func (s *Sandbox) release() {
	s.slack.Close()
	s.memory.close()
	s.listener.Close()
}

// routes is the one address.
func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/slack/", s.slack.API())
	mux.Handle("/cloud/", s.cloud.API())
	mux.Handle("/hooks/", s.hooks())
	mux.Handle("/", web.Handler(web.Config{Events: s.events, Gallery: samples.Gallery(), Speed: s.clock.Speed}))
	return guard(mux)
}

// Start builds and runs a sandbox in the background and returns when its hooks
// answer. It ends with ctx or with Close.
func Start(ctx context.Context, c Config) (*Sandbox, error) {
	s, err := New(c)
	if err != nil {
		return nil, err
	}
	ctx, s.stop = context.WithCancel(ctx)
	go s.Run(ctx) // Close tells how it ended
	return s, s.ready(ctx)
}

// startTime is how long a start may take before something must be wrong.
const startTime = 30 * time.Second

// ready waits until the hooks answer.
func (s *Sandbox) ready(ctx context.Context) error {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.NewTimer(startTime)
	defer late.Stop()
	for !s.open() {
		select {
		case <-look.C:
		case <-s.done:
			return fmt.Errorf("the sandbox ended while starting: %w", s.Close())
		case <-late.C:
			return errors.Join(fmt.Errorf("the bot was not ready after %s", startTime), s.Close())
		case <-ctx.Done():
			return errors.Join(ctx.Err(), s.Close())
		}
	}
	return nil
}

// Close ends what Start began and returns when nothing of it is left. The error
// is what broke it before, if anything did.
func (s *Sandbox) Close() error {
	s.stop()
	<-s.done
	return s.err
}
