package calls

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/words"
)

// The status of backups and imports is only told by tasks that stand in the same queue as
// everything else. One is asked for in one pass and read in a later one, its id observed
// under the claim. Losing it is harmless.

// Status is what a status task told: the last backup or import, or the refusal that Redis
// Cloud gave to the question itself.
type Status struct {
	Outcome cloud.Outcome
	Raw     string
	At      time.Time
	Reason  string
	Refused *Refused
	Untold  *Refused // again and again an error in place of an answer
}

// Untimed reports a success of which Redis Cloud does not say when it was.
func (s Status) Untimed() bool { return s.Outcome == cloud.Ok && s.At.IsZero() }

// Words are a status and its time; what is "backup" or "import".
func (s Status) Words(what string) string {
	at := "none so far"
	switch {
	case !s.At.IsZero():
		at = "the last at " + words.Instant(s.At)
	case s.Outcome == cloud.Ok:
		at = "without a time"
	}
	raw := s.Raw
	if raw == "" {
		raw = "empty"
	}
	return fmt.Sprintf("its %s status is %s, %s", what, raw, at)
}

// NoDatabase is what a status task says of a database that somebody deleted.
var NoDatabase = &Refused{Gone, "The database no longer exists in Redis Cloud."}

// LastBackup asks for a database's last backup; where is the storage it went to. A positive
// wait means: not told yet.
func (r *Runner) LastBackup(ctx context.Context, c Case, ref cloud.Ref, where string) (s Status, wait time.Duration, err error) {
	task, wait, err := r.statusTask(ctx, c, func() (cloud.Task, error) { return r.cloud.AskBackup(ctx, ref) })
	switch {
	case err != nil || wait > 0:
		return Status{}, wait, err
	case task.Err != nil && (task.Err.Code == "DATABASE_BACKUP_DISABLED" || task.Err.Code == "DATABASE_BACKUP_NOT_CONFIGURED"):
		return Status{Refused: &Refused{BackupOff, "Remote backup is off for this database."}}, 0, nil
	case task.Err != nil:
		return r.untold(ctx, c, "backup", task.Err)
	}
	b := cloud.BackupOf(task)
	return Status{Outcome: b.Status, Raw: b.Raw, At: b.At, Reason: failure(b.Reason, b.Params, where)}, 0, nil
}

// LastImport is LastBackup for imports; where is the storage they come from.
func (r *Runner) LastImport(ctx context.Context, c Case, ref cloud.Ref, where string) (s Status, wait time.Duration, err error) {
	task, wait, err := r.statusTask(ctx, c, func() (cloud.Task, error) { return r.cloud.AskImport(ctx, ref) })
	switch {
	case err != nil || wait > 0:
		return Status{}, wait, err
	case task.Err != nil:
		return r.untold(ctx, c, "import", task.Err)
	}
	i := cloud.ImportOf(task)
	return Status{Outcome: i.Status, Raw: i.Raw, At: i.At, Reason: failure(i.Reason, i.Params, where)}, 0, nil
}

// untoldTries is how often an error that is not known to pass is asked about before
// people are.
const untoldTries = 3

// untold judges a status task that ended in an error. One that passes by itself is asked
// again. Any other stands on the card at once; after some tries it is a fact for people:
// waiting would have no end.
func (r *Runner) untold(ctx context.Context, c Case, what string, cause *cloud.TaskError) (Status, time.Duration, error) {
	switch {
	case errors.Is(cause, cloud.ErrNotFound):
		return Status{Refused: NoDatabase}, 0, nil
	case cause.Retryable():
		return Status{}, r.cfg.ProbeEvery, nil
	}
	refused := &Refused{NotTold, fmt.Sprintf("Redis Cloud does not tell the state of the %s: %s.", what, cause.Error())}
	p := c.Progress()
	if p.Untold++; p.Untold >= untoldTries {
		p.Untold = 0
		c.Observe(ctx, p)
		return Status{Untold: refused}, 0, nil
	}
	p.Text, p.Trouble = refused.Text+" Asking again.", true
	c.Observe(ctx, p)
	return Status{}, r.cfg.ProbeEvery, nil
}

// giveUpStatusTask ends a wait for a status task before a send once it is long: the locks
// that were taken for the send go to others, and what the task would tell is asked again
// when they are back, for it has to be fresh.
func (r *Runner) giveUpStatusTask(ctx context.Context, c Case, s Spec) error {
	p := c.Progress()
	if p.Probe == "" || r.now().Sub(p.Asked) < 10*r.cfg.Grace {
		return nil
	}
	p.Probe = ""
	c.Observe(ctx, p)
	return r.unlock(ctx, c, s)
}

// statusTask asks for a status task, or reads the one asked for. A positive wait means:
// not yet.
func (r *Runner) statusTask(ctx context.Context, c Case, ask func() (cloud.Task, error)) (cloud.Task, time.Duration, error) {
	p := c.Progress()
	if p.Probe == "" {
		if wait, err := r.store.TakeBudget(ctx, "status-task", 1, r.cfg.ProbeEvery, 1, 1); err != nil || wait > 0 {
			return cloud.Task{}, max(wait, 0), err
		}
		task, err := ask()
		if errors.Is(err, cloud.ErrNotFound) {
			return cloud.Task{Status: cloud.TaskBroke, Err: &cloud.TaskError{Code: "DATABASE_NOT_FOUND"}}, 0, nil
		}
		if err != nil {
			return cloud.Task{}, 0, fmt.Errorf("ask for status: %w", err)
		}
		p.Probe, p.Asked = task.ID, r.now()
		c.Observe(ctx, p)
		return cloud.Task{}, r.cfg.Poll, nil
	}
	task, err := r.cloud.Task(ctx, p.Probe)
	if errors.Is(err, cloud.ErrNotFound) {
		if r.now().Sub(p.Asked) > r.cfg.Patience {
			p.Probe = "" // forgotten: ask again
			c.Observe(ctx, p)
		}
		return cloud.Task{}, r.cfg.Poll, nil
	}
	if err != nil {
		return cloud.Task{}, 0, fmt.Errorf("read status task: %w", err)
	}
	if !task.Ended() {
		return cloud.Task{}, r.cfg.Poll, nil
	}
	p.Probe = ""
	if task.Err == nil && p.Untold > 0 {
		p.Untold, p.Text, p.Trouble = 0, "", false
	}
	c.Observe(ctx, p)
	return task, 0, nil
}

// failure is why a backup or an import failed, as Redis Cloud names it, with its numbers
// and with who can mend it. where is the storage it was about.
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
