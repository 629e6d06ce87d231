package sandbox

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/redis-upgrade/bot/internal/bot"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

// The defaults of the flags.
const (
	// DefaultListen is where the sandbox answers.
	DefaultListen = "127.0.0.1:8080"
	// DefaultSpeed makes an upgrade of four minutes pass in eight seconds: fast
	// enough to wait for, slow enough to watch.
	DefaultSpeed = 30
	// DefaultSeed makes two runs look the same.
	DefaultSeed = 1
)

// Config says what to start. The zero value is the embedded default: in-memory
// Redis, a bot, the default fleet.
type Config struct {
	// Listen is host:port on this machine; port 0 picks a free one. Default
	// DefaultListen. Other addresses are refused: the hooks have no passwords.
	Listen string
	// Redis is the URL of a server to use in place of the in-memory one.
	Redis string
	// NoBot starts emulators and page only; Environ is for a bot elsewhere.
	NoBot bool
	// Fleet is what the account owns at the start. Default cloudemu.DefaultFleet().
	Fleet cloudemu.Fleet
	// Databases adds so many generated databases, gen-001 and so on.
	Databases int
	// Speed is how many times faster emulated time passes. Default DefaultSpeed.
	Speed float64
	// Seed decides ids, names and keys. Default DefaultSeed.
	Seed uint64
	// Verbose lets the embedded bot log what it does, not only what worries it.
	Verbose bool

	// Log hears the bot and the emulators. Default: text on standard error.
	Log *slog.Logger
	// Adjust has the last word on the bot's configuration, for tests.
	Adjust func(*bot.Config)
	// Listener and Dial replace sockets, both or none, in tests. Dial is also
	// the bot's way to everything, and the in-memory Redis then has no address
	// of its own.
	Listener net.Listener
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error)
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Speed == 0 {
		c.Speed = DefaultSpeed
	}
	if c.Seed == 0 {
		c.Seed = DefaultSeed
	}
	if c.Log == nil {
		level := slog.LevelWarn
		if c.Verbose {
			level = slog.LevelInfo
		}
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	}
	return c
}

const usage = `Try the Redis upgrade bot, without Slack, Redis Cloud or Redis:

  go run ./cmd/sandbox                       then open http://127.0.0.1:8080
  go run ./cmd/sandbox -speed 200            for the impatient
  go run ./cmd/sandbox -databases 500        a large account
  go run ./cmd/sandbox -bot=false            without a bot; prints the environment for
                                             one that you start yourself (docs/sandbox.md)

In the page you are ann, an engineer. Type /redis-upgrade cache-prod, ask for an
upgrade, then become bob, who approves it, and follow the card and its thread.
Nothing real is touched: tokens in your shell are ignored, nothing is stored.

Flags:
`

// Parse reads the command line. Help, or what is wrong and where help is, is
// written to out; the error is flag.ErrHelp when only help was asked for.
func Parse(args []string, out io.Writer) (Config, error) {
	var c Config
	var fleet string
	withBot := true
	f := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	f.SetOutput(io.Discard) // it would print all flags under every mistake
	f.StringVar(&c.Listen, "listen", DefaultListen, "`host:port` to answer on, on this machine only; port 0 picks a free one")
	f.StringVar(&c.Redis, "redis", "", "use the Redis server at this `URL` in place of the in-memory one (redis://127.0.0.1:6379)")
	f.BoolVar(&withBot, "bot", true, "run the bot inside; -bot=false prints NAME=value lines for one elsewhere")
	f.StringVar(&fleet, "fleet", "", "JSON `file` with the databases to start with (docs/sandbox.md); default: eleven, one for each case")
	f.IntVar(&c.Databases, "databases", 0, "add `N` generated databases, gen-001 and so on")
	f.Float64Var(&c.Speed, "speed", DefaultSpeed, "emulated minutes pass `X` times faster, rate limits too")
	f.Uint64Var(&c.Seed, "seed", DefaultSeed, "`N` decides ids, names and keys; the same seed gives the same account")
	f.BoolVar(&c.Verbose, "v", false, "let the bot log everything that it does")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		f.SetOutput(out)
		f.PrintDefaults()
		return c, err
	}
	c.NoBot = !withBot
	if err == nil {
		err = c.complete(f.Args(), fleet)
	}
	if err != nil {
		fmt.Fprintf(out, "sandbox: %v\n(-h shows all flags)\n", err)
	}
	return c, err
}

// complete checks what flag cannot, and reads the fleet.
func (c *Config) complete(rest []string, fleet string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("what is %q? there are only flags", strings.Join(rest, " "))
	case !(c.Speed > 0):
		return fmt.Errorf("-speed %g: must be more than 0", c.Speed)
	case c.Databases < 0 || c.Databases > 100_000:
		return fmt.Errorf("-databases %d: must be between 0 and 100000", c.Databases)
	}
	if err := loopback(c.Listen); err != nil {
		return err
	}
	if fleet == "" {
		return nil
	}
	data, err := os.ReadFile(fleet)
	if err != nil {
		return fmt.Errorf("-fleet: %w", err)
	}
	if c.Fleet, err = cloudemu.ParseFleet(data); err != nil {
		return fmt.Errorf("-fleet %s: %w", fleet, err)
	}
	return nil
}

// loopback refuses to be reached from other machines: whoever reaches the hooks
// can act as anybody.
func loopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("-listen %q is not host:port, like %s", listen, DefaultListen)
	}
	if isLoopback(host) {
		return nil
	}
	return fmt.Errorf("-listen %s: the sandbox has no passwords, so it answers on this machine only; use 127.0.0.1:<port>", listen)
}
