package cloudtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// life is what a session does from beginning to end.
type life string

const (
	upgrading life = "upgrade"
	reverting life = "revert" // by recreate, of an upgrade without faults
)

// The ends of a life beside the states of a session.
const (
	refused = "refused" // nothing was recorded
	blocked = "blocked" // and done, or not, after "check again"
)

// ending is what a life came to.
type ending struct {
	end     string // a final state, or refused
	blocked bool   // on its way it stood blocked, and somebody checked again
	asked   int    // how often people decided on the plan
	unknown int    // calls without an answer, settled by on-call
	struck  string
	problem string
	minutes int // virtual
	counted counted
	broken  []string
}

func (e ending) String() string {
	words := []string{e.end}
	if e.blocked {
		words = []string{blocked, e.end}
	}
	if e.unknown > 0 {
		words = append([]string{"unknown"}, words...)
	}
	if e.asked > 1 {
		words = append([]string{"asked again"}, words...)
	}
	return strings.Join(words, ", ")
}

// shop has one database that is upgraded, one that is not.
func shop() cloudemu.Fleet {
	return cloudemu.Fleet{
		Subscriptions: []cloudemu.FleetSubscription{{Name: "shop", Databases: []cloudemu.FleetDatabase{
			{Name: "cache", Version: "7.2", Port: 12001, SizeGB: 2, BackupPath: "s3://acme/cache", BackupAge: "2h", Password: "correct-horse", NoAutoMinor: true,
				Keys: 20, KeyPrefix: "cart", SourceIPs: []string{"10.0.0.0/8"}, Tags: map[string]string{"environment": "production"}},
			{Name: "orders", Version: "7.2", Port: 12002},
		}}},
		Roles: []cloudemu.FleetRole{{Name: "app", Rule: "Read-Write", Databases: []string{"cache", "orders"}}},
	}
}

// play runs one life in a bubble of its own, with a fault that strikes once.
func play(t *testing.T, l life, s strike) (out ending) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		begin := time.Now()
		if l == upgrading {
			w.aim(s)
			out = w.playUpgrade()
		} else {
			out = w.playRevert(s)
		}
		out.struck, out.minutes = w.met(), int(time.Since(begin).Minutes())
		if len(out.broken) > 0 || t.Failed() {
			t.Logf("%s of %+v: %s; %s\n%s", l, s, out, out.problem, w.log.tail())
		}
	})
	return out
}

func (w *world) playUpgrade() ending {
	w.t.Helper()
	keys := named(w.t, w.emu, "cache").Digest
	s, r := w.propose("cache", "8.2")
	if r != nil {
		return ending{end: refused, problem: r.Error()}
	}
	out := w.follow(s.ID)
	s = w.load(s.ID)
	out.counted, out.broken = w.promises(0, s.ID)
	db := named(w.t, w.emu, "cache")
	switch {
	case db.Digest != keys:
		out.breaks("the keys are not what they were")
	case s.State == upgrade.Done && db.Version != "8.2":
		out.breaks("done, and the database reads %s", db.Version)
	case s.State != upgrade.Done && out.counted.upgrades > 0 && db.Version == "8.2":
		out.breaks("%s, and the database was upgraded", s.State)
	case s.State == upgrade.Failed && s.Problem == "":
		out.breaks("failed without a name for it")
	}
	return out
}

func (w *world) playRevert(s strike) ending {
	w.t.Helper()
	was := named(w.t, w.emu, "cache")
	up, r := w.propose("cache", "8.2")
	if r != nil {
		w.t.Fatalf("the upgrade before the revert was refused: %s", r)
	}
	if first := w.follow(up.ID); first.end != string(upgrade.Done) {
		w.t.Fatalf("the upgrade before the revert ended %s", first)
	}
	files, since := w.backup("cache", was.ID), len(w.ledger())
	hook(w.t, w.emu, "POST", "database", map[string]any{"name": "cache", "set": map[string]any{"keys": map[string]any{"new": "after the upgrade"}}}, nil)
	w.aim(s)
	rev, r := w.proposeRevert(w.load(up.ID), files)
	if r != nil {
		return ending{end: refused, problem: r.Error(), broken: w.untouched(since)}
	}
	out := w.follow(rev.ID)
	rev = w.load(rev.ID)
	out.counted, out.broken = w.promises(since, up.ID, rev.ID)
	w.judgeRevert(&out, rev, w.load(up.ID), was)
	return out
}

// judgeRevert compares what the revert says with what there is.
func (w *world) judgeRevert(out *ending, rev, up upgrade.Session, was hooked) {
	w.t.Helper()
	db := named(w.t, w.emu, "cache")
	gone := rev.Revert != nil && !rev.Revert.DeletedAt.IsZero()
	switch {
	case rev.State == upgrade.Done:
		if db.Version != was.Version || db.Port != was.Port || db.Endpoint != was.Endpoint || db.Digest != was.Digest ||
			!slices.Equal(db.SourceIPs, was.SourceIPs) || up.State != upgrade.Reverted {
			out.breaks("done, and the database is %+v, its upgrade %s", db, up.State)
		}
		if !maps.Equal(db.Tags, was.Tags) && !strings.Contains(strings.Join(rev.Revert.Loose, " "), "tags") {
			out.breaks("done without tags, and nobody is told")
		}
	case gone:
		if !strings.Contains(rev.Problem, "s3://acme/cache/") || !strings.Contains(rev.Problem, "Backup of the upgraded data") {
			out.breaks("failed after the delete without telling where the data is: %s", rev.Problem)
		}
		if up.State != upgrade.Failed {
			out.breaks("failed after the delete, and the upgrade is %s", up.State)
		}
	default:
		if db.ID != was.ID || db.Version == was.Version || !slices.Equal(db.SourceIPs, was.SourceIPs) {
			out.breaks("%s before the delete, and the database is %+v", rev.State, db)
		}
		if up.State != upgrade.Done {
			out.breaks("%s before the delete, and the upgrade is %s", rev.State, up.State)
		}
	}
	var all []hooked
	hook(w.t, w.emu, "GET", "databases", nil, &all)
	for _, d := range all {
		if strings.Contains(d.Name, "-rehearsal-") && !strings.Contains(strings.Join(rev.Revert.Loose, " ")+rev.Problem, d.Name) {
			out.breaks("temporary database %s is left (%s), and nobody is told", d.Name, d.Status)
		}
	}
}

func (e *ending) breaks(text string, args ...any) {
	e.broken = append(e.broken, fmt.Sprintf(text, args...))
}

// untouched checks that nothing was sent.
func (w *world) untouched(since int) []string {
	if n := len(w.ledger()); n > since {
		return []string{fmt.Sprintf("refused, and %d calls were accepted", n-since)}
	}
	return nil
}

// backup names the newest backup files of a database, one per line.
func (w *world) backup(name string, id int) string {
	w.t.Helper()
	var all map[string][]struct {
		URI      string `json:"uri"`
		Database int    `json:"database_id"`
		Shards   int    `json:"shards"`
	}
	hook(w.t, w.emu, "GET", "backups", nil, &all)
	list := all[name]
	if len(list) == 0 || list[len(list)-1].Database != id {
		w.t.Fatalf("there is no backup of %s", name)
	}
	text := ""
	for _, f := range list[len(list)-list[len(list)-1].Shards:] {
		text += f.URI + "\n"
	}
	return text
}

// patience is the virtual time after which a session counts as stuck.
const patience = 30 * time.Hour

// follow lets people do their part until the session has ended.
func (w *world) follow(id string) (out ending) {
	w.t.Helper()
	begin := time.Now()
	var ask int64 = -1
	for {
		s := w.load(id)
		switch {
		case s.Ended:
			out.end, out.problem = string(s.State), s.Problem
			time.Sleep(time.Minute) // whatever is still on its way arrives
			return out
		case s.State == upgrade.Proposed && s.Ask != ask:
			ask = s.Ask
			out.asked++
			w.vote(s)
		case s.State == upgrade.Blocked && !out.blocked:
			out.blocked, out.problem = true, s.Problem
			time.Sleep(10 * time.Minute)
			_, _ = w.act(func(ctx context.Context) (upgrade.Session, error) { return w.engine.Recheck(ctx, id, ann) })
		case s.Call != nil && s.Call.Phase == upgrade.Unknown:
			out.unknown++
			w.settle(s)
		case time.Since(begin) > patience:
			w.t.Errorf("stuck: %s is %s, call %+v, progress %+v", s.ID, s.State, s.Call, s.Progress)
			out.end = "stuck"
			return out
		}
		time.Sleep(time.Minute)
	}
}

// settle answers for on-call what became of a call, from what really happened.
func (w *world) settle(s upgrade.Session) {
	w.t.Helper()
	sent := s.Call.SendBy.Add(-engineConfig().SendTimeout)
	want := intent{key: s.Call.Key}.what()
	happened := slices.ContainsFunc(w.ledger(), func(c accepted) bool {
		return !c.At.Before(sent) && c.what() == want && c.Outcome != "error"
	})
	by := []approvals.Voter{dan}
	if !happened {
		time.Sleep(2 * time.Hour) // no sooner may a delete or an import be declared absent
		by = append(by, eva)
	}
	for _, v := range by {
		_, _ = w.act(func(ctx context.Context) (upgrade.Session, error) {
			return w.engine.Settle(ctx, upgrade.Click{Session: s.ID, By: v}, happened)
		})
	}
}
