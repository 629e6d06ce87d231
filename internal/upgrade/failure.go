package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// failure is why a backup or an import failed, as Redis Cloud names it, with its
// numbers and with who can mend it. where is the storage it was about.
func failure(reason string, params map[string]string, where string) string {
	var numbers []string
	for _, key := range slices.Sorted(maps.Keys(params)) {
		numbers = append(numbers, strings.ReplaceAll(key, "_", " ")+" "+params[key])
	}
	if len(numbers) > 0 {
		reason += " (" + strings.Join(numbers, ", ") + ")"
	}
	if strings.HasPrefix(reason, "no-permission") {
		reason += ": whoever owns the storage has to let Redis Cloud in: " + grantFor(where)
	}
	return reason
}

// grantFor says which right Redis Cloud needs on a storage.
// https://redis.io/docs/latest/operate/rc/databases/back-up-data/
func grantFor(where string) string {
	scheme, _, _ := strings.Cut(where, "://")
	switch scheme {
	case "s3":
		return fmt.Sprintf("in the bucket policy of %s allow arn:aws:iam::168085023892:root s3:PutObject, s3:GetObject and s3:DeleteObject", where)
	case "gs":
		return fmt.Sprintf("give service@redislabs-prod-clusters.iam.gserviceaccount.com the role Storage Legacy Bucket Writer on %s", where)
	case "abs":
		return fmt.Sprintf("the access key that is set for %s must be valid and allow writing", where)
	}
	return fmt.Sprintf("the user that is set for %s must be valid and may write there", where)
}

// actor names who else acts on a database, as far as Redis Cloud tells: the newest
// entry of the account's system log about it, and the newest task about it that is not
// the session's own. Sentences with a space before each; empty where there is neither.
func (e *Engine) actor(ctx context.Context, s Session, ref cloud.Ref) string {
	return e.lastEntry(ctx, ref) + e.lastTask(ctx, s, ref)
}

func (e *Engine) lastTask(ctx context.Context, s Session, ref cloud.Ref) string {
	tasks, err := e.cloud.Tasks(ctx)
	if err != nil {
		return ""
	}
	ours := []string{s.Progress.Probe}
	if s.Call != nil {
		ours = append(ours, s.Call.Task, s.Call.Barrier)
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
		return fmt.Sprintf(" %s: %s, %s, %s.", what, cmp.Or(t.Command, t.Description, t.ID), cmp.Or(t.Status, "no status"), stamp(t.At))
	}
	return ""
}

func (e *Engine) lastEntry(ctx context.Context, ref cloud.Ref) string {
	entries, err := e.cloud.Logs(ctx, cloud.LogQuery{Resource: ref.Database, Limit: 1})
	if err != nil || len(entries) == 0 {
		return ""
	}
	who := strings.Trim(entries[0].Originator+", key "+entries[0].APIKey, ", ")
	who = strings.TrimSuffix(who, ", key")
	return fmt.Sprintf(" Newest entry about it in Redis Cloud's system log: %q (%s), %s.", entries[0].Text, who, stamp(entries[0].At))
}

// observeWithActor shows what is waited for and who seems to be the cause. That is
// read when the text is new.
func (l *lease) observeWithActor(ctx context.Context, text string, ref cloud.Ref) {
	if !strings.HasPrefix(l.s.Progress.Text, text) {
		l.observe(ctx, Progress{Text: text + l.e.actor(ctx, l.s, ref)})
	}
}
