package view

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// The sandbox's people.
const (
	ann   = "U0ANN"
	bob   = "U0BOB"
	carol = "U0CAROL"
	dan   = "U0DAN"
)

// noon is when every sample was asked for.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func samplePolicy() Policy {
	return Policy{
		Upgrades: approvals.Upgrade(1), Reverts: approvals.Revert(2), Approvers: "<!subteam^S0DBA>", OnCall: "<!subteam^S0ONCALL>",
		Engine: upgrade.New(upgrade.Config{Mode: upgrade.ModeFull}, upgrade.Parts{Inventory: inventory.New(inventory.Config{})}),
	}
}

// with changes a copy of a sample; what is shared is replaced, never written to.
func with(s upgrade.Session, changes ...func(*upgrade.Session)) upgrade.Session {
	if s.Revert != nil {
		r := *s.Revert
		s.Revert = &r
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func doing(percent float64, text string) func(*upgrade.Session) {
	return func(s *upgrade.Session) { s.Progress = upgrade.Progress{Percent: percent, Text: text} }
}

func calling(key string, phase upgrade.Phase) func(*upgrade.Session) {
	return func(s *upgrade.Session) {
		s.Call = &upgrade.Call{Key: key, Ref: s.Plan.Database, Phase: phase, Intent: 1, Question: 7, Seen: "database 51175 is active on 7.2", SendBy: noon.Add(40 * time.Minute)}
	}
}

func cancelled(by string) func(*upgrade.Session) {
	return func(s *upgrade.Session) { s.CancelBy = by }
}

func denied(by, reason string) func(*upgrade.Session) {
	return func(s *upgrade.Session) {
		d := votes(s, by)[0]
		d.Choice, d.Reason = approvals.Deny, reason
		s.Decisions = append(slices.Clone(s.Decisions), d)
	}
}

func voted(by ...string) func(*upgrade.Session) {
	return func(s *upgrade.Session) { s.Decisions = votes(s, by...) }
}

func linked(s *upgrade.Session) { s.Link = "r-9x2mv4kq7t" }

func votes(s *upgrade.Session, by ...string) []approvals.Decision {
	var out []approvals.Decision
	for i, id := range by {
		out = append(out, approvals.Decision{By: id, Name: id, Choice: approvals.Approve, At: s.Asked.Add(time.Duration(5+i) * time.Minute), Ask: s.Ask, PlanHash: s.Plan.Hash()})
	}
	return out
}

// upgradeAt is one upgrade as it looks in a state, with everything that it has
// learned until then.
func upgradeAt(state upgrade.State) upgrade.Session {
	s := upgrade.Session{ID: "u-3f7ka2mzq5", Kind: upgrade.KindUpgrade, State: state, Revision: 3, Ask: 1, Ended: upgrade.Ended(state), Created: noon, Updated: noon}
	s.Plan = upgrade.Plan{Database: "pro/1206/51055", Name: "cache-prod", From: "7.2", To: "7.4", Backup: "s3://acme-redis-backups/cache-prod"}
	s.Reason, s.By, s.Home, s.Authors, s.Asked = "7.2 leaves support in spring, and we want hash field expiry for the session cache.", ann, "C0REDISOPS", []string{ann}, noon
	s.Facts = upgrade.Facts{At: noon, Version: "7.2", Status: "active", Subscription: "production-us", SubStatus: "active", Protocol: "redis",
		Endpoint: "redis-12010.c1.us-east-1-2.ec2.cloud.redislabs.com:12010", Port: 12010, Shards: 2, UsedMB: 812, Replication: true, Persistence: "aof-every-1-second",
		AutoMinor: true, Targets: []string{"7.4", "8.0", "8.2", "8.4"},
		Backup:  upgrade.BackupFacts{Possible: true, Where: s.Plan.Backup, Last: noon.Add(-11 * time.Hour), Status: "done", Known: true},
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
		s.Decisions, s.Agreed = votes(&s, bob), noon.Add(5*time.Minute)
	}
	if at >= 2 {
		s.Upgrade.Snapshot = &upgrade.Snapshot{Version: "7.2", Endpoint: s.Facts.Endpoint, Port: 12010, Shards: 2}
	}
	if at >= 3 {
		s.Upgrade.BackupAt, s.Upgrade.BackupBy = noon.Add(31*time.Minute), noon.Add(9*time.Minute)
	}
	if at >= 4 {
		s.Upgrade.Sent = noon.Add(32 * time.Minute)
	}
	if at >= 5 {
		s.Upgrade.Finished, s.Upgrade.SoakUntil = noon.Add(37*time.Minute), noon.Add(67*time.Minute)
	}
	return s
}

// failedAt is an upgrade that failed in a state.
func failedAt(state upgrade.State) upgrade.Session {
	s := upgradeAt(state)
	s.State, s.Ended = upgrade.Failed, true
	return s
}

// revertAt is one revert as it looks in a state.
func revertAt(state upgrade.State) upgrade.Session {
	s := upgradeAt(upgrade.Proposed)
	s.ID, s.Kind, s.State, s.Ended = "r-9x2mv4kq7t", upgrade.KindRevert, state, upgrade.Ended(state)
	asked := noon.Add(2 * time.Hour)
	s.Created, s.Asked, s.By, s.Authors = asked, asked.Add(10*time.Minute), dan, []string{dan}
	s.Reason, s.Link = "p99 went from 2 ms to 40 ms since the upgrade; checkout is timing out.", "u-3f7ka2mzq5"
	s.Plan.From, s.Plan.To, s.Plan.Path, s.Plan.Files = "7.4", "7.2", upgrade.Recreate, shardFiles("cache-prod", 2)
	s.Revert = &upgrade.RevertWork{Upgraded: "7.4", BackupAt: noon.Add(30 * time.Minute), UpgradedAt: noon.Add(32 * time.Minute),
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
		s.Decisions, s.Agreed = votes(s, bob, dan), asked.Add(6*time.Minute)
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

// revertFailed is a revert that failed in a state.
func revertFailed(state upgrade.State) upgrade.Session {
	s := revertAt(state)
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

func sampleEntry() inventory.Entry {
	return inventory.Entry{Ref: cloud.Ref{Plan: cloud.Pro, Subscription: 1206, Database: 51055}, Name: "cache-prod", SubscriptionName: "production-us",
		SubscriptionStatus: "active", Status: "active", Protocol: "redis", Version: "7.2", Shards: 2, BackupOn: true, Allowed: true, Newest: "8.4", Behind: 4}
}

func upToDate() inventory.Entry {
	e := sampleEntry()
	e.Ref.Database, e.Name, e.Version, e.Behind = 51099, "latest-prod", "8.4", 0
	return e
}

func bigFleet() []inventory.Entry {
	var out []inventory.Entry
	for i := range 400 {
		e := sampleEntry()
		e.Ref.Database, e.Name, e.SubscriptionName = 60000+i, fmt.Sprintf("gen-%03d", i), "<production> & more"
		out = append(out, e)
	}
	return out
}
