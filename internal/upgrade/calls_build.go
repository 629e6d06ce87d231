package upgrade

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// The calls that build a database: create and import.

// closedDoor is the list of source addresses that lets no application in.
var closedDoor = []string{"127.0.0.1/32"}

// build is one database to be created: name and port (0: any) are what it is
// recognised by, body is made anew from the record by whoever sends.
type build struct {
	key    string
	label  string
	parent cloud.Ref
	name   string
	port   int
	body   func(Session) (cloud.Create, error)
}

// createCall creates a database.
func (e *Engine) createCall(b build) outside {
	seen := new(string)
	return outside{
		seen: seen,
		key:  b.key, ref: b.parent, label: b.label, needs: ModeFull,
		ready: func(ctx context.Context, l *lease) (Before, gate, error) { return e.roomFor(ctx, l.s, b) },
		mark:  true,
		request: func(_ context.Context, s Session) (calls.Request, error) {
			c, err := b.body(s)
			if err == nil {
				c.Password, err = e.mark(s, b.key)
			}
			return calls.Create(b.parent, c), err
		},
		effect: func(ctx context.Context, l *lease, task cloud.Task) (calls.Verdict, error) {
			return e.created(ctx, l, b, task.Resource)
		},
		trace: func(ctx context.Context, l *lease) (calls.Finding, error) { return e.traceCreate(ctx, l.s, b, seen) },
		// A status task needs a database; a dry run stands in the same queue.
		barrier: func(ctx context.Context, s Session) (cloud.Task, error) {
			c, err := b.body(s)
			if err != nil {
				return cloud.Task{}, err
			}
			return e.calls.DryRun(ctx, b.parent, c)
		},
		holds: func(s Session, v calls.Verdict) []session.Hold {
			return []session.Hold{{Database: b.ref(v.Resource), To: s.ID}}
		},
		settled: func(body *Body, v calls.Verdict) {
			if b.key == callCreate {
				body.Revert.NewRef = b.ref(v.Resource)
			} else {
				body.Revert.Trial.Ref = b.ref(v.Resource)
			}
		},
	}
}

// ref addresses the created database.
func (b build) ref(id int) string {
	return cloud.Ref{Plan: b.parent.Plan, Subscription: b.parent.Subscription, Database: id}.String()
}

// roomFor waits for the subscription and refuses when name or port are taken:
// what has them afterwards can then only be ours.
func (e *Engine) roomFor(ctx context.Context, s Session, b build) (Before, gate, error) {
	sub, err := e.subscription(ctx, b.parent)
	if err != nil {
		return Before{}, gate{}, err
	}
	if !sub.Active() {
		return Before{}, e.subscriptionWait(sub), nil
	}
	all, err := e.cloud.Databases(ctx, b.parent.Plan, b.parent.Subscription)
	if err != nil {
		return Before{}, gate{}, err
	}
	taken := named(all, b.name, b.port)
	if slices.ContainsFunc(taken, func(d cloud.Database) bool { return d.Ref == b.parent }) {
		return Before{}, gate{wait: e.cfg.Poll, text: "waiting until Redis Cloud lists the deleted database no more"}, nil
	}
	if len(taken) > 0 && b.key == callCreate && e.now().Sub(s.Call.First) < e.cfg.Patience {
		return Before{}, gate{wait: e.cfg.Poll, text: fmt.Sprintf("%s, which this revert did not create, has the name or the port: remove or rename it", strangers(taken))}, nil
	}
	if len(taken) > 0 {
		return Before{}, gate{stop: refuse(Stale, "Something named %s, or on port %d, already exists in the subscription.", b.name, b.port)}, nil
	}
	return Before{Known: true}, gate{}, nil
}

// traceCreate looks for the database that has our mark. Whatever else has its name or
// port since somebody else may have made, and people decide about it.
func (e *Engine) traceCreate(ctx context.Context, s Session, b build, seen *string) (calls.Finding, error) {
	found, others, err := e.findOurs(ctx, s, b)
	switch {
	case err != nil:
		return "", err
	case found != 0:
		*seen = fmt.Sprintf("database %d has the password of this session", found)
		return calls.Found, nil
	case len(others) == 0:
		*seen = "no database has the name or the port"
		return calls.NotFound, nil
	}
	*seen = strangers(others) + " has the name or the port, and was not created by this session"
	return calls.Unclear, nil
}

// strangers names databases that are not ours, for people.
func strangers(all []cloud.Database) string {
	var out []string
	for _, d := range all {
		out = append(out, fmt.Sprintf("database %d (%s)", d.Ref.Database, d.Name))
	}
	return strings.Join(out, ", ")
}

// belonging is how a database stands to this session.
type belonging string

const (
	proved  belonging = "ours"
	foreign belonging = "somebody else's"
	untold  belonging = "not told yet" // it has no password so far
)

// newMark is a password that nobody else knows, sealed.
func (e *Engine) newMark(s Session, key string) (string, error) {
	raw := make([]byte, 20)
	if _, err := io.ReadFull(e.sealer.rand, raw); err != nil {
		return "", fmt.Errorf("draw a password: %w", err)
	}
	return e.sealer.Seal("b0T-"+base32.StdEncoding.EncodeToString(raw), s.ID, s.Plan.Database, "mark "+key)
}

func (e *Engine) mark(s Session, key string) (cloud.Secret, error) {
	text, err := e.sealer.Open(s.Revert.Marks[key], s.ID, s.Plan.Database, "mark "+key)
	return cloud.Secret(text), err
}

// ours says whether a database was created by the session's call of that key: its
// password, which only a read of the single database tells, is the one that was drawn.
func (e *Engine) ours(ctx context.Context, s Session, key string, ref cloud.Ref) (belonging, error) {
	db, err := e.cloud.Database(ctx, ref)
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return foreign, nil
	case err != nil:
		return "", err
	case s.Revert.Marks[key] == "" && slices.Contains([]string{s.Plan.Name, s.Revert.Trial.Name}, db.Name):
		return proved, nil // created by a release that made no marks: known by its name
	}
	mark, err := e.mark(s, key)
	switch {
	case err != nil:
		return "", err
	case db.Security.Password == mark:
		return proved, nil
	case db.Security.Password == "" && !db.Active():
		return untold, nil
	}
	return foreign, nil
}

// findOurs looks among what has the name or the port for the database of the call;
// 0: it is not there. others are those that are somebody else's, or do not tell yet.
func (e *Engine) findOurs(ctx context.Context, s Session, b build) (id int, others []cloud.Database, err error) {
	all, err := e.cloud.Databases(ctx, b.parent.Plan, b.parent.Subscription)
	if err != nil {
		return 0, nil, err
	}
	for _, d := range named(all, b.name, b.port) {
		is, err := e.ours(ctx, s, b.key, d.Ref)
		if err != nil {
			return 0, nil, err
		}
		if is == proved && d.Name == b.name {
			return d.Ref.Database, nil, nil
		}
		others = append(others, d)
	}
	return 0, others, nil
}

// named are the databases that have the name, or the port where one is asked.
func named(all []cloud.Database, name string, port int) []cloud.Database {
	return slices.DeleteFunc(slices.Clone(all), func(d cloud.Database) bool {
		return d.Name != name && (port == 0 || d.Port != port)
	})
}

// created follows a new database until it and its subscription are active. That a
// task names it proves nothing: it is ours when it has the session's mark.
func (e *Engine) created(ctx context.Context, l *lease, b build, id int) (calls.Verdict, error) {
	at := func(id int) cloud.Ref {
		return cloud.Ref{Plan: b.parent.Plan, Subscription: b.parent.Subscription, Database: id}
	}
	is := foreign
	if id != 0 {
		var err error
		if is, err = e.ours(ctx, l.s, b.key, at(id)); err != nil {
			return calls.Verdict{}, err
		}
	}
	if is == foreign { // adopted without an id, or a task that names another one
		found, others, err := e.findOurs(ctx, l.s, b)
		switch {
		case err != nil:
			return calls.Verdict{}, err
		case found == 0 && e.calls.Overdue(l.s.Call):
			text := "the new database is not to be found"
			if len(others) > 0 {
				text = strangers(others) + " has the name or the port, and was not created by this session"
			}
			return calls.Verdict{Outcome: Broke, Text: text}, nil
		case found == 0:
			return calls.Verdict{}, nil // the task is ahead of the database
		}
		id = found
	}
	db, err := e.cloud.Database(ctx, at(id))
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return calls.Verdict{}, nil
	case err != nil:
		return calls.Verdict{}, err
	case db.Failed() && is != untold:
		return calls.Verdict{Outcome: Broke, Resource: id, Text: "the new database's status is " + db.Status}, nil
	case !db.Active() || is == untold:
		l.observe(ctx, Progress{Text: db.Status})
		return calls.Verdict{}, nil
	}
	sub, err := e.subscription(ctx, b.parent)
	if err != nil || !sub.Active() {
		return calls.Verdict{}, err
	}
	return calls.Verdict{Outcome: Happened, Resource: id}, nil
}

// importCall imports the plan's files. It overwrites everything, so its
// target is only ever a database that this session created.
func (e *Engine) importCall(s Session, key, label string, ref cloud.Ref) outside {
	created := map[string]string{callImport: callCreate, callRehearsalImport: callRehearsalCreate}[key]
	seen := new(string)
	return outside{
		seen: seen,
		key:  key, ref: ref, label: label, needs: ModeFull, probes: true, rush: key == callImport,
		ready: func(ctx context.Context, l *lease) (Before, gate, error) {
			if g, err := e.atRest(ctx, ref); err != nil || g.stop != nil || g.wait > 0 {
				return Before{}, g, err
			}
			if is, err := e.ours(ctx, l.s, created, ref); err != nil || is != proved { // it overwrites what is there
				return Before{}, gate{stop: refuse(Stale, "Database %d is not the one that this revert created.", ref.Database)}, err
			}
			i, wait, err := e.calls.LastImport(ctx, l, ref, l.s.Plan.Backup)
			if i.Refused != nil {
				return Before{}, gate{stop: refusalOf(i.Refused)}, nil
			}
			// Where Redis Cloud does not tell: this session made the database, so
			// nothing was ever imported into it.
			return Before{At: i.At, Status: i.Raw, Known: true}, gate{wait: wait}, err
		},
		request: func(ctx context.Context, s Session) (calls.Request, error) {
			uris, err := e.importURIs(ctx, s)
			return calls.Import(ref, uris), err
		},
		effect: func(ctx context.Context, l *lease, _ cloud.Task) (calls.Verdict, error) {
			return e.importEffect(ctx, l, ref, seen)
		},
		trace: func(ctx context.Context, l *lease) (calls.Finding, error) {
			i, wait, err := e.calls.LastImport(ctx, l, ref, l.s.Plan.Backup)
			if err != nil || wait > 0 {
				return "", err
			}
			if i.Untold != nil {
				*seen = i.Untold.Text
				return calls.Unclear, nil
			}
			*seen = i.Words("import")
			if i.Refused != nil || i.At.After(l.s.Call.Before.At) || i.Untimed() && i.Raw != l.s.Call.Before.Status || i.Outcome == cloud.Running || i.Outcome == cloud.Bad {
				return calls.Found, nil // effect says how it ended
			}
			return calls.NotFound, nil // once: this goes to people
		},
		settled: func(b *Body, v calls.Verdict) {
			if key == callImport {
				b.Revert.ImportedAt = v.At
			}
		},
	}
}

// importEffect is done when the import says so and its database is well.
func (e *Engine) importEffect(ctx context.Context, l *lease, ref cloud.Ref, seen *string) (calls.Verdict, error) {
	i, wait, err := e.calls.LastImport(ctx, l, ref, l.s.Plan.Backup)
	if err != nil || wait > 0 {
		return calls.Verdict{Wait: wait}, err
	}
	if i.Untold != nil {
		v := e.unfollowed(l.s.Call, i.Untold)
		v.At = e.now()
		return v, nil
	}
	*seen = i.Words("import")
	v := judgeImport(l.s.Call.Before, i, e.cfg.ProbeEvery)
	if v.Outcome == "" && i.Outcome != cloud.Running && e.calls.Overdue(l.s.Call) {
		return calls.Verdict{Lost: true}, nil
	}
	if v.Outcome != Happened {
		return v, nil
	}
	db, err := e.cloud.Database(ctx, ref)
	if err == nil && db.Failed() {
		return calls.Verdict{Outcome: Broke, Text: brokenStatus(db).Text}, nil
	}
	if err != nil || !db.Active() {
		return calls.Verdict{}, err
	}
	if v.At.IsZero() {
		v.At = e.now() // Redis Cloud does not say when
	}
	return v, nil
}

func judgeImport(before Before, i calls.Status, every time.Duration) calls.Verdict {
	switch {
	case i.Refused != nil:
		return calls.Verdict{Outcome: Broke, Text: i.Refused.Text}
	case i.Outcome == cloud.Ok && i.At.After(before.At):
		return calls.Verdict{Outcome: Happened, At: i.At}
	case i.Untimed() && before.Status != i.Raw:
		return calls.Verdict{Outcome: Happened}
	case i.Outcome == cloud.Bad && (i.At.After(before.At) || before.Status != i.Raw):
		return calls.Verdict{Outcome: Broke, Text: i.Raw + ": " + i.Reason}
	}
	return calls.Verdict{Wait: every}
}

// importURIs are the plan's files, with the destination's own credentials put
// back where it has some.
func (e *Engine) importURIs(ctx context.Context, s Session) ([]string, error) {
	if len(s.Plan.Files) == 0 {
		return nil, errors.New("the plan names no backup files")
	}
	raw, err := e.destination(ctx, s)
	if err != nil {
		return nil, err
	}
	shown := cloud.RedactURI(raw)
	var out []string
	for _, f := range s.Plan.Files {
		if len(f) > len(shown) && f[:len(shown)] == shown {
			f = raw + f[len(shown):]
		}
		out = append(out, f)
	}
	return out, nil
}

// destination is where the database's backups go, with credentials: as captured
// before the delete, and before that as the database itself says.
func (e *Engine) destination(ctx context.Context, s Session) (string, error) {
	if s.Revert != nil && s.Revert.Was != nil {
		return e.sealer.Open(s.Revert.Was.Destination, s.ID, s.Plan.Database, "destination")
	}
	db, err := e.cloud.Database(ctx, s.Plan.Ref())
	return db.Backup.Destination.Raw(), err
}
