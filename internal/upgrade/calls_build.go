package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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
		ready: func(ctx context.Context, _ *lease) (Before, gate, error) { return e.roomFor(ctx, b) },
		send: func(ctx context.Context, s Session) (cloud.Task, error) {
			c, err := b.body(s)
			if err != nil {
				return cloud.Task{}, &cloud.NotSent{Cause: err}
			}
			return e.changes.Create(ctx, b.parent.Plan, b.parent.Subscription, c)
		},
		effect: func(ctx context.Context, l *lease, task cloud.Task) (verdict, error) {
			return e.created(ctx, l, b, task.Resource)
		},
		trace: func(ctx context.Context, _ *lease) (finding, error) { return e.traceCreate(ctx, b, seen) },
		// A status task needs a database; a dry run stands in the same queue.
		barrier: func(ctx context.Context, s Session) (cloud.Task, error) {
			c, err := b.body(s)
			if err != nil {
				return cloud.Task{}, err
			}
			return e.changes.DryRun(ctx, b.parent.Plan, b.parent.Subscription, c)
		},
		holds: func(s Session, v verdict) []session.Hold {
			return []session.Hold{{Database: b.ref(v.resource), To: s.ID}}
		},
		settled: func(body *Body, v verdict) {
			if b.key == callCreate {
				body.Revert.NewRef = b.ref(v.resource)
			} else {
				body.Revert.Trial.Ref = b.ref(v.resource)
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
func (e *Engine) roomFor(ctx context.Context, b build) (Before, gate, error) {
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
	if len(taken) > 0 {
		return Before{}, gate{stop: refuse(Stale, "Something named %s, or on port %d, already exists in the subscription.", b.name, b.port)}, nil
	}
	return Before{Known: true}, gate{}, nil
}

// traceCreate looks for what nothing had when the intent was written.
func (e *Engine) traceCreate(ctx context.Context, b build, seen *string) (finding, error) {
	all, err := e.cloud.Databases(ctx, b.parent.Plan, b.parent.Subscription)
	if err != nil {
		return "", err
	}
	found := named(all, b.name, b.port)
	*seen = fmt.Sprintf("%d databases have the name or the port", len(found))
	switch {
	case len(found) == 0:
		return absent, nil
	case len(found) == 1 && found[0].Name == b.name && (b.port == 0 || found[0].Port == 0 || found[0].Port == b.port):
		return happened, nil
	}
	return unclear, nil
}

// named are the databases that have the name, or the port where one is asked.
func named(all []cloud.Database, name string, port int) []cloud.Database {
	return slices.DeleteFunc(slices.Clone(all), func(d cloud.Database) bool {
		return d.Name != name && (port == 0 || d.Port != port)
	})
}

// created follows a new database until it and its subscription are active.
func (e *Engine) created(ctx context.Context, l *lease, b build, id int) (verdict, error) {
	parent := b.parent
	if id == 0 { // adopted: found by name
		all, err := e.cloud.Databases(ctx, parent.Plan, parent.Subscription)
		if err != nil {
			return verdict{}, err
		}
		found := named(all, b.name, b.port)
		if len(found) != 1 {
			return verdict{outcome: Broke, text: fmt.Sprintf("%d databases have the name or port", len(found))}, nil
		}
		id = found[0].Ref.Database
	}
	db, err := e.cloud.Database(ctx, cloud.Ref{Plan: parent.Plan, Subscription: parent.Subscription, Database: id})
	switch {
	case errors.Is(err, cloud.ErrNotFound) && e.overdue(l.s.Call):
		return verdict{outcome: Broke, text: fmt.Sprintf("the new database %d is not to be found", id)}, nil
	case errors.Is(err, cloud.ErrNotFound):
		return verdict{}, nil // the task is ahead of the database
	case err != nil:
		return verdict{}, err
	case db.Failed():
		return verdict{outcome: Broke, resource: id, text: "the new database's status is " + db.Status}, nil
	case !db.Active():
		l.observe(ctx, Progress{Text: db.Status})
		return verdict{}, nil
	}
	sub, err := e.subscription(ctx, parent)
	if err != nil || !sub.Active() {
		return verdict{}, err
	}
	return verdict{outcome: Happened, resource: id}, nil
}

// importCall imports the plan's files. It overwrites everything, so its
// target is only ever a database that this session created.
func (e *Engine) importCall(s Session, key, label string, ref cloud.Ref) outside {
	seen := new(string)
	return outside{
		seen: seen,
		key:  key, ref: ref, label: label, needs: ModeFull, once: true, grave: true, probes: true, rush: key == callImport,
		ready: func(ctx context.Context, l *lease) (Before, gate, error) {
			if g, err := e.atRest(ctx, ref); err != nil || g.stop != nil || g.wait > 0 {
				return Before{}, g, err
			}
			i, wait, err := e.probeImport(ctx, l, ref)
			if i.refused != nil {
				return Before{}, gate{stop: i.refused}, nil
			}
			// Where Redis Cloud does not tell: this session made the database, so
			// nothing was ever imported into it.
			return Before{At: i.At, Status: i.Raw, Known: true}, gate{wait: wait}, err
		},
		send: func(ctx context.Context, s Session) (cloud.Task, error) {
			uris, err := e.importURIs(ctx, s)
			if err != nil {
				return cloud.Task{}, &cloud.NotSent{Cause: err}
			}
			return e.changes.StartImport(ctx, ref, cloud.SourceTypeOf(uris[0]), uris)
		},
		effect: func(ctx context.Context, l *lease, _ cloud.Task) (verdict, error) {
			return e.importEffect(ctx, l, ref, seen)
		},
		trace: func(ctx context.Context, l *lease) (finding, error) {
			i, wait, err := e.probeImport(ctx, l, ref)
			if err != nil || wait > 0 {
				return "", err
			}
			if i.untold != nil {
				*seen = i.untold.Text
				return unclear, nil
			}
			*seen = reading("import", i)
			if i.refused != nil || i.At.After(l.s.Call.Before.At) || i.untimed() && i.Raw != l.s.Call.Before.Status || i.Status == cloud.Running || i.Status == cloud.Bad {
				return happened, nil // effect says how it ended
			}
			return absent, nil // once: this goes to people
		},
		settled: func(b *Body, v verdict) {
			if key == callImport {
				b.Revert.ImportedAt = v.at
			}
		},
	}
}

// importEffect is done when the import says so and its database is well.
func (e *Engine) importEffect(ctx context.Context, l *lease, ref cloud.Ref, seen *string) (verdict, error) {
	i, wait, err := e.probeImport(ctx, l, ref)
	if err != nil || wait > 0 {
		return verdict{wait: wait}, err
	}
	if i.untold != nil {
		v := e.unfollowed(l.s.Call, i.untold)
		v.at = e.now()
		return v, nil
	}
	*seen = reading("import", i)
	v := judgeImport(l.s.Call.Before, i, e.cfg.ProbeEvery)
	if v.outcome == "" && i.Status != cloud.Running && e.overdue(l.s.Call) {
		return verdict{lost: true}, nil
	}
	if v.outcome != Happened {
		return v, nil
	}
	db, err := e.cloud.Database(ctx, ref)
	if err == nil && db.Failed() {
		return verdict{outcome: Broke, text: brokenStatus(db).Text}, nil
	}
	if err != nil || !db.Active() {
		return verdict{}, err
	}
	if v.at.IsZero() {
		v.at = e.now() // Redis Cloud does not say when
	}
	return v, nil
}

func judgeImport(before Before, i probed, every time.Duration) verdict {
	switch {
	case i.refused != nil:
		return verdict{outcome: Broke, text: i.refused.Text}
	case i.Status == cloud.Ok && i.At.After(before.At):
		return verdict{outcome: Happened, at: i.At}
	case i.untimed() && before.Status != i.Raw:
		return verdict{outcome: Happened}
	case i.Status == cloud.Bad && (i.At.After(before.At) || before.Status != i.Raw):
		return verdict{outcome: Broke, text: i.Raw + ": " + i.Reason}
	}
	return verdict{wait: every}
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
