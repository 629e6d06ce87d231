// Command bot upgrades Redis Cloud databases together with people in Slack. Its
// configuration is the environment; docs/configuration.md lists the variables.
//
//	bot run      work until SIGTERM or SIGINT (the default)
//	bot doctor   check tokens, channel, keys and Redis, and say how to mend each
//	bot verify   print the journal of a session, and what is wrong with it
//	bot version  print the version
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/redis-upgrade/bot/internal/bot"
)

// version is set by -ldflags "-X main.version=…"; a build without it says what the
// tool chain knows.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// command runs one sub-command and returns the exit code: 2 for a wrong command
// line or environment, 1 if something broke.
func command(ctx context.Context, args []string) int {
	name := "run"
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	wants, known := map[string]int{"run": 0, "doctor": 0, "verify": 1, "version": 0}[name]
	switch {
	case !known, len(args) != wants:
		fmt.Fprintln(os.Stderr, "usage: bot [run | doctor | verify <session> | version]")
		return 2
	case name == "version":
		fmt.Println(build())
		return 0
	}
	cfg, err := bot.FromEnvironment()
	if err != nil {
		complain(cfg, "the environment cannot be used", err)
		return 2
	}
	switch name {
	case "doctor":
		err = bot.Doctor(ctx, cfg, bot.Parts{Version: build()}, os.Stdout)
	case "verify":
		err = bot.Verify(ctx, cfg, args[0], os.Stdout)
	default:
		err = run(ctx, cfg)
	}
	if err != nil {
		complain(cfg, "ended", err)
		return 1
	}
	return 0
}

// complain says why the program ends, in the form of the log.
func complain(cfg bot.Config, what string, err error) {
	if cfg.LogFormat == "json" {
		cfg.Logger().Error(what, "error", err)
		return
	}
	fmt.Fprintf(os.Stderr, "bot: %s:\n%v\n", what, err)
}

// build is the version of this program.
func build() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

func run(ctx context.Context, cfg bot.Config) error {
	b, err := bot.New(cfg, bot.Parts{Version: build()})
	if err != nil {
		return err
	}
	return b.Run(ctx)
}
