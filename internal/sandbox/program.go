package sandbox

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
)

// Program is the sandbox as a program: it serves until ctx ends and returns the
// exit code: 0 after help or a clean end, 2 for a wrong command line, 1 if
// something broke. With -bot=false the environment, and nothing else, goes to
// stdout before the hooks answer; everything for people goes to stderr.
func Program(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := Parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	s, err := New(c)
	if err == nil {
		greet(s, stdout, stderr)
		err = s.Run(ctx)
	}
	if err != nil {
		fmt.Fprintf(stderr, "sandbox: %v\n", err)
		return 1
	}
	return 0
}

// greet says where the sandbox is.
func greet(s *Sandbox, stdout, stderr io.Writer) {
	if s.cfg.NoBot {
		for _, line := range s.Environ() {
			fmt.Fprintln(stdout, line)
		}
		fmt.Fprintf(stderr, "\n  Emulators and page, without a bot: %s\n  The lines above (or on stdout) are the environment for go run ./cmd/bot.\n  Ctrl-C ends.\n\n", s.URL())
		return
	}
	fmt.Fprintf(stderr, "\n  The Redis upgrade sandbox: open %s\n  Type /redis-upgrade cache-prod as ann, then approve as bob. Time passes %g times faster.\n  Ctrl-C ends; nothing is kept.\n\n",
		s.URL(), s.cfg.Speed)
}
