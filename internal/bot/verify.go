package bot

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
)

// Verify writes the journal of a session, entry by entry, each with what is wrong
// with it. The error is [session.ErrTampered] when anything is, and it says so when
// there is no such session.
func Verify(ctx context.Context, cfg Config, id string, out io.Writer) error {
	b, err := assemble(cfg, Parts{}, true)
	if err != nil {
		return err
	}
	defer b.rdb.Close()
	defer b.cloud.Close()
	lines, problem, err := b.store.Audit(ctx, id)
	if err != nil {
		return err
	}
	wrong := 0
	for _, l := range lines {
		mark := "ok  "
		if l.Problem != "" {
			mark, wrong = "BAD ", wrong+1
		}
		by := l.By
		if by == "" {
			by = "bot"
		}
		fmt.Fprintf(out, "%s %4d  %s  %-12s %s → %s  by %s", mark, l.Revision, l.At.UTC().Format(time.RFC3339), l.Event, orDash(l.From), l.To, by)
		if l.Note != "" {
			fmt.Fprintf(out, "  %q", l.Note)
		}
		if l.Problem != "" {
			fmt.Fprintf(out, "\n      %s", l.Problem)
		}
		fmt.Fprintln(out)
	}
	switch {
	case problem != "":
		return fmt.Errorf("%w: %s", session.ErrTampered, problem)
	case wrong > 0:
		return fmt.Errorf("%w: session %s: %d entries of its journal", session.ErrTampered, id, wrong)
	}
	fmt.Fprintf(out, "session %s: %d entries, nothing is missing or changed, and the record agrees\n", id, len(lines))
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
