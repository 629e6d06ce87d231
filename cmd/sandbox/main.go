// Command sandbox runs the Redis upgrade bot among emulators of Slack and Redis
// Cloud, with a page to try it. It needs nothing but Go:
//
//	go run ./cmd/sandbox
//
// -h lists the flags; docs/sandbox.md tells the rest.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis-upgrade/bot/internal/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := sandbox.Program(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
