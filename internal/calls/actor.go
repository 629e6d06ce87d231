package calls

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/words"
)

// Actor names who else acts on a database, as far as Redis Cloud tells: the newest entry
// of the account's system log about it, and the newest task about it that is not the
// case's own. Sentences with a space before each; empty where there is neither.
func (r *Runner) Actor(ctx context.Context, c Case, ref cloud.Ref) string {
	return r.lastEntry(ctx, ref) + r.lastTask(ctx, c, ref)
}

func (r *Runner) lastTask(ctx context.Context, c Case, ref cloud.Ref) string {
	tasks, err := r.cloud.Tasks(ctx)
	if err != nil {
		return ""
	}
	ours := []string{c.Progress().Probe}
	if call := c.Call(); call != nil {
		ours = append(ours, call.Task, call.Barrier)
	}
	for _, t := range tasks {
		about := t.Resource == ref.Database || t.Resource == 0 && !t.Ended() // a young one may not say what it is about
		if !about || slices.Contains(ours, t.ID) || strings.Contains(strings.ToLower(t.Command), "status") {
			continue
		}
		what := "Newest task about it"
		if t.Resource == 0 {
			what = "Task at work in this account"
		}
		return fmt.Sprintf(" %s: %s, %s, %s.", what, cmp.Or(t.Command, t.Description, t.ID), cmp.Or(t.Status, "no status"), words.Instant(t.At))
	}
	return ""
}

func (r *Runner) lastEntry(ctx context.Context, ref cloud.Ref) string {
	entries, err := r.cloud.Logs(ctx, cloud.LogQuery{Resource: ref.Database, Limit: 1})
	if err != nil || len(entries) == 0 {
		return ""
	}
	who := strings.Trim(entries[0].Originator+", key "+entries[0].APIKey, ", ")
	who = strings.TrimSuffix(who, ", key")
	return fmt.Sprintf(" Newest entry about it in Redis Cloud's system log: %q (%s), %s.", entries[0].Text, who, words.Instant(entries[0].At))
}

// ObserveWithActor shows what is waited for and who seems to be the cause. That is read
// when the text is new.
func (r *Runner) ObserveWithActor(ctx context.Context, c Case, text string, ref cloud.Ref) {
	if !strings.HasPrefix(c.Progress().Text, text) {
		c.Observe(ctx, Progress{Text: text + r.Actor(ctx, c, ref)})
	}
}
