package samples

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// The sandbox's people.
const (
	Ann   = "U0ANN"
	Bob   = "U0BOB"
	Carol = "U0CAROL"
	Dan   = "U0DAN"
)

// Noon is when every sample was asked for.
var Noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// Policy asks one approver for an upgrade and two people for a revert.
func Policy() view.Policy {
	return view.Policy{
		Upgrades: approvals.Upgrade(1), Reverts: approvals.Revert(2), Approvers: "<!subteam^S0DBA>", OnCall: "<!subteam^S0ONCALL>",
		Engine: upgrade.New(upgrade.Config{Mode: upgrade.ModeFull}, upgrade.Parts{Inventory: inventory.New(inventory.Config{})}),
	}
}

// With changes a copy of a sample; what is shared is replaced, never written to.
func With(s upgrade.Session, changes ...func(*upgrade.Session)) upgrade.Session {
	if s.Revert != nil {
		r := *s.Revert
		s.Revert = &r
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

// Doing sets the progress of the step under way.
func Doing(percent float64, text string) func(*upgrade.Session) {
	return func(s *upgrade.Session) { s.Progress = upgrade.Progress{Percent: percent, Text: text} }
}

// Calling sets the call that is out.
func Calling(key string, phase upgrade.Phase) func(*upgrade.Session) {
	return func(s *upgrade.Session) {
		s.Call = &upgrade.Call{Key: key, Ref: s.Plan.Database, Phase: phase, Intent: 1, Question: 7, Seen: "database 51175 is active on 7.2", SendBy: Noon.Add(40 * time.Minute)}
	}
}

// Cancelled sets who asked to cancel.
func Cancelled(by string) func(*upgrade.Session) {
	return func(s *upgrade.Session) { s.CancelBy = by }
}

// Denied adds a vote against.
func Denied(by, reason string) func(*upgrade.Session) {
	return func(s *upgrade.Session) {
		d := votes(s, by)[0]
		d.Choice, d.Reason = approvals.Deny, reason
		s.Decisions = append(slices.Clone(s.Decisions), d)
	}
}

// Voted sets who approved.
func Voted(by ...string) func(*upgrade.Session) {
	return func(s *upgrade.Session) { s.Decisions = votes(s, by...) }
}

// Linked sets the revert of an upgrade.
func Linked(s *upgrade.Session) { s.Link = "r-9x2mv4kq7t" }

func votes(s *upgrade.Session, by ...string) []approvals.Decision {
	var out []approvals.Decision
	for i, id := range by {
		out = append(out, approvals.Decision{By: id, Name: id, Choice: approvals.Approve, At: s.Asked.Add(time.Duration(5+i) * time.Minute), Ask: s.Ask, PlanHash: s.Plan.Hash()})
	}
	return out
}

// Upgrade is one upgrade as it looks in a state, with everything that it has
// learned until then.
func Upgrade(state upgrade.State) upgrade.Session {
	s := upgrade.Session{ID: "u-3f7ka2mzq5", Kind: upgrade.KindUpgrade, State: state, Revision: 3, Ask: 1, Ended: upgrade.Ended(state), Created: Noon, Updated: Noon}
	s.Plan = upgrade.Plan{Database: "pro/1206/51055", Name: "cache-prod", From: "7.2", To: "7.4", Backup: "s3://acme-redis-backups/cache-prod"}
	s.Reason, s.By, s.Home, s.Authors, s.Asked = "7.2 leaves support in spring, and we want hash field expiry for the session cache.", Ann, "C0REDISOPS", []string{Ann}, Noon
	s.Facts = upgrade.Facts{At: Noon, Version: "7.2", Status: "active", Subscription: "production-us", SubStatus: "active", Protocol: "redis",
		Endpoint: "redis-12010.c1.us-east-1-2.ec2.cloud.redislabs.com:12010", Port: 12010, Shards: 2, UsedMB: 812, Replication: true, Persistence: "aof-every-1-second",
		AutoMinor: true, Targets: []string{"7.4", "8.0", "8.2", "8.4"},
		Backup:  upgrade.BackupFacts{Possible: true, Where: s.Plan.Backup, Last: Noon.Add(-11 * time.Hour), Status: "done", Known: true},
		WayBack: upgrade.WayBack{Possible: true, Text: "Delete, create on 7.2 at the same port, import the backup taken before the upgrade."}}
	order := []upgrade.State{upgrade.Approved, upgrade.Checking, upgrade.BackingUp, upgrade.Upgrading, upgrade.Verifying, upgrade.Soaking, upgrade.Done}
	at := slices.Index(order, state)
	if state == upgrade.Reverting || state == upgrade.Reverted || state == upgrade.Failed {
		at = len(order) - 1
	}
	if state == upgrade.Blocked {
		at = 1
	}
	if at >= 0 {
		s.Decisions, s.Agreed = votes(&s, Bob), Noon.Add(5*time.Minute)
	}
	if at >= 2 {
		s.Upgrade.Snapshot = &upgrade.Snapshot{Version: "7.2", Endpoint: s.Facts.Endpoint, Port: 12010, Shards: 2}
	}
	if at >= 3 {
		s.Upgrade.BackupAt, s.Upgrade.BackupBy = Noon.Add(31*time.Minute), Noon.Add(9*time.Minute)
	}
	if at >= 4 {
		s.Upgrade.Sent = Noon.Add(32 * time.Minute)
	}
	if at >= 5 {
		s.Upgrade.Finished, s.Upgrade.SoakUntil = Noon.Add(37*time.Minute), Noon.Add(67*time.Minute)
	}
	return s
}

// Failed is an upgrade that failed in a state.
func Failed(state upgrade.State) upgrade.Session {
	s := Upgrade(state)
	s.State, s.Ended = upgrade.Failed, true
	return s
}

// Revert is one revert as it looks in a state.
func Revert(state upgrade.State) upgrade.Session {
	s := Upgrade(upgrade.Proposed)
	s.ID, s.Kind, s.State, s.Ended = "r-9x2mv4kq7t", upgrade.KindRevert, state, upgrade.Ended(state)
	asked := Noon.Add(2 * time.Hour)
	s.Created, s.Asked, s.By, s.Authors = asked, asked.Add(10*time.Minute), Dan, []string{Dan}
	s.Reason, s.Link = "p99 went from 2 ms to 40 ms since the upgrade; checkout is timing out.", "u-3f7ka2mzq5"
	s.Plan.From, s.Plan.To, s.Plan.Path, s.Plan.Files = "7.4", "7.2", upgrade.Recreate, shardFiles("cache-prod", 2)
	s.Revert = &upgrade.RevertWork{Upgraded: "7.4", BackupAt: Noon.Add(30 * time.Minute), UpgradedAt: Noon.Add(32 * time.Minute),
		Snapshot: upgrade.Snapshot{Version: "7.2", Endpoint: s.Facts.Endpoint, Port: 12010, Shards: 2}, Trial: upgrade.Trial{Name: "cache-prod-rehearsal-9x2mv4"}}
	order := []upgrade.State{upgrade.Proposed, upgrade.Approved, upgrade.Closing, upgrade.Saving, upgrade.Deleting, upgrade.Creating, upgrade.Importing, upgrade.Restoring, upgrade.Done}
	at := slices.Index(order, state)
	switch state {
	case upgrade.Denied, upgrade.Expired:
		at = 0
	case upgrade.Reopening, upgrade.Cancelled:
		at = 3
	}
	reach(&s, at)
	return s
}

// captured is what a revert holds of the database that it deletes.
func captured() *upgrade.Captured {
	db := cloud.Database{Name: "cache-prod", DatasetSizeGB: 4, Throughput: cloud.Throughput{By: "operations-per-second", Value: 25000}, Replication: true,
		Persistence: "aof-every-1-second", Eviction: "noeviction", Security: cloud.Security{DefaultUser: true, TLS: true}, Modules: []cloud.Module{{Name: "RedisJSON"}}}
	raw, err := json.Marshal(db)
	if err != nil {
		panic(err)
	}
	return &upgrade.Captured{Database: raw, SourceIPs: []string{"10.0.0.0/8", "192.168.1.0/24"}, Tags: []cloud.Tag{{Key: "team", Value: "cart"}},
		Roles: []upgrade.BoundRole{{ID: 7, Name: "app", Rules: []string{"Read-Write"}}}}
}

// reach fills in what a revert has done when it has come so far.
func reach(s *upgrade.Session, at int) {
	r, asked := s.Revert, s.Asked
	if at >= 0 {
		r.Trial.Ref, r.Trial.Passed, r.Trial.Deleted, r.DryRun = "pro/1206/51176", true, true, "accepted"
		r.Trial.Result = "all 2 files imported into a temporary database on 7.2 (806 MB used afterwards)"
	}
	if at >= 1 {
		s.Decisions, s.Agreed = votes(s, Bob, Dan), asked.Add(6*time.Minute)
		s.Decisions[1].OnCall = true
	}
	if at >= 3 {
		r.Was = captured()
		r.DoorShut = asked.Add(8 * time.Minute)
	}
	if at >= 4 {
		r.SafetyAt = asked.Add(20 * time.Minute)
	}
	if at >= 5 {
		r.DeletedAt = asked.Add(21 * time.Minute)
	}
	if at >= 6 {
		r.NewRef, r.Endpoint = "pro/1206/51177", r.Snapshot.Endpoint
	}
	if at >= 7 {
		r.ImportedAt = asked.Add(25 * time.Minute)
	}
}

// RevertFailed is a revert that failed in a state.
func RevertFailed(state upgrade.State) upgrade.Session {
	s := Revert(state)
	s.State, s.Ended = upgrade.Failed, true
	return s
}

func shardFiles(name string, n int) []string {
	var out []string
	for i := 1; i <= n; i++ {
		out = append(out, fmt.Sprintf("s3://acme-redis-backups/cache-prod/bk20260304-123000-51055-%s-%d_of_%d-%d-%d-%d.rdb.gz", name, i, n, i, (i-1)*1000, i*1000-1))
	}
	return out
}

// Entry is a database of the inventory that is four versions behind.
func Entry() inventory.Entry {
	return inventory.Entry{Ref: cloud.Ref{Plan: cloud.Pro, Subscription: 1206, Database: 51055}, Name: "cache-prod", SubscriptionName: "production-us",
		SubscriptionStatus: "active", Status: "active", Protocol: "redis", Version: "7.2", Shards: 2, BackupOn: true, Allowed: true, Newest: "8.4", Behind: 4}
}

// UpToDate is one on the newest version.
func UpToDate() inventory.Entry {
	e := Entry()
	e.Ref.Database, e.Name, e.Version, e.Behind = 51099, "latest-prod", "8.4", 0
	return e
}

func bigFleet() []inventory.Entry {
	var out []inventory.Entry
	for i := range 400 {
		e := Entry()
		e.Ref.Database, e.Name, e.SubscriptionName = 60000+i, fmt.Sprintf("gen-%03d", i), "<production> & more"
		out = append(out, e)
	}
	return out
}
