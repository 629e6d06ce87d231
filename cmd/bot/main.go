// Command bot upgrades Redis Cloud databases together with people in Slack. Its
// configuration is the environment; docs/configuration.md lists the variables.
//
//	bot run      work until SIGTERM or SIGINT (the default)
//	bot doctor   check tokens, channel, keys and Redis, and say how to mend each
//	bot version  print the version
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis-upgrade/bot/internal/bot"
)

// version is set by -ldflags "-X main.version=…".
var version = "unknown"

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
		name = args[0]
	}
	switch {
	case len(args) > 1, name != "run" && name != "doctor" && name != "version":
		fmt.Fprintln(os.Stderr, "usage: bot [run | doctor | version]")
		return 2
	case name == "version":
		fmt.Println(version)
		return 0
	}
	cfg, err := bot.FromEnvironment()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bot: the environment cannot be used:\n%v\n", err)
		return 2
	}
	if name == "doctor" {
		err = bot.Doctor(ctx, cfg, os.Stdout)
	} else {
		err = run(ctx, cfg)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bot: %v\n", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, cfg bot.Config) error {
	b, err := bot.New(cfg, bot.Parts{})
	if err != nil {
		return err
	}
	return b.Run(ctx)
}
