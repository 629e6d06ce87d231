package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Gates: one list of reasons for which a session is refused, and one list of
// facts on which its card rests. Both are pure. The form, the request, the check
// after the approval and the last moment before the call that cannot be taken back
// all judge with them, each time over facts that were just read.

// candidate is what the gates judge.
type candidate struct {
	kind  Kind
	ref   cloud.Ref
	name  string
	to    string // the version after it; of an upgrade that is not filled in yet, empty
	mode  Mode
	facts Facts
}

// lasting are the refusals of a revert that an upgrade's card tells before the
// upgrade: what is left out may be otherwise when the revert is asked for.
var lasting = []func(candidate) *Refusal{unsupportedKind, noRecreateInPlan, notCreatable, replicates, certificatesUnknown, passwordUnknown, noDeleteInMode}

// refused is the first reason against a candidate; nil: it may go on.
func refused(c candidate, tests []func(candidate) *Refusal) *Refusal {
	for _, test := range tests {
		if r := test(c); r != nil {
			return r
		}
	}
	return nil
}

// judgeFacts is every reason against a session of this kind; nil: there is none.
func judgeFacts(c candidate) *Refusal { return refused(c, kindRows[c.kind].refusals) }

func unsupportedKind(c candidate) *Refusal {
	switch {
	case c.facts.Protocol == "memcached":
		return refuse(Unsupported, "%s is a memcached database; Redis Cloud does not upgrade those.", c.name)
	case c.facts.ActiveActive:
		return refuse(Unsupported, "%s is Active-Active; this bot upgrades single-region databases only.", c.name)
	}
	return nil
}

func nothingNewer(c candidate) *Refusal {
	if len(c.facts.Targets) == 0 {
		return refuse(NothingNewer, "%s runs %s and Redis Cloud offers nothing newer for it.", c.name, c.facts.Version)
	}
	return nil
}

func notAmongOffered(c candidate) *Refusal {
	if c.to == "" || slices.ContainsFunc(c.facts.Targets, func(t string) bool { return sameVersion(t, c.to) }) {
		return nil
	}
	return refuse(BadVersion, "%s (now %s) cannot go to %s.", c.name, c.facts.Version, c.to).
		hint("Offered: %s.", strings.Join(c.facts.Targets, ", "))
}

// replicasBehind is the Active-Passive order: targets before their source.
func replicasBehind(c candidate) *Refusal {
	var older, names []string
	var first []Suggestion
	for _, r := range c.facts.Replicas {
		if olderVersion(r.Version, c.to) {
			older = append(older, fmt.Sprintf("%s (%s)", r.Name, r.Version))
			names = append(names, r.Name)
			if ref, err := cloud.ParseRef(r.Ref); err == nil {
				first = append(first, Suggestion{ref, r.Name, c.to})
			}
		}
	}
	if len(older) == 0 {
		return nil
	}
	r := refuse(ReplicasFirst, "%s feeds %s through Active-Passive. A target must not be older than its source, so targets go first.",
		c.name, strings.Join(older, ", ")).hint("Upgrade %s to %s or later, then ask again.", strings.Join(names, " and "), c.to)
	r.Instead = first
	return r
}

func noBackup(c candidate) *Refusal {
	b := c.facts.Backup
	switch {
	case b.Possible:
		return nil
	case c.kind == KindRevert:
		return refuse(NoBackup, "No backup of the upgraded data is possible: %s.", b.Why).
			hint("Turn on remote backup for %s in the Redis Cloud console (Databases, Configuration, Remote backup), then ask again.", c.name)
	}
	r := refuse(NoBackup, "No backup of %s is possible: %s. An upgrade without one cannot be reverted.", c.name, b.Why)
	if b.NoPlan {
		return r.hint("Move it to a plan with backups, then ask again.")
	}
	return r.hint("Turn on remote backup for %s in the Redis Cloud console (Databases, Configuration, Remote backup), then ask again.", c.name)
}

// notActive refuses a database in transition, which passes by itself, and one
// that does not mend itself, which does not.
func notActive(c candidate) *Refusal {
	db := cloud.Database{Name: c.name, Status: c.facts.Status}
	switch {
	case db.Active():
		return nil
	case db.Failed():
		return brokenStatus(db)
	}
	r := refuse(NotActive, "%s is %s, not active.", c.name, db.Status).hint("Ask again when Redis Cloud shows it active.")
	r.passes = true
	return r
}

// keyPending is the status of a subscription whose owner has to grant Redis Cloud
// access to the customer-managed key.
const keyPending = "encryption_key_pending"

// brokenSubscription refuses what would wait for a subscription that does not
// mend itself. One that only changes is no reason to refuse: often another of our
// upgrades is why, and every call waits for it in its turn.
func brokenSubscription(c candidate) *Refusal {
	if strings.EqualFold(c.facts.SubStatus, keyPending) {
		return refuse(NotActive, "Subscription %s waits for its encryption key (%s).", c.facts.Subscription, c.facts.SubStatus).
			hint("Whoever manages that key has to grant Redis Cloud access to it; then check again.")
	}
	if sub := (cloud.Subscription{Status: c.facts.SubStatus}); sub.Failed() {
		return refuse(NotActive, "Redis Cloud shows subscription %s as %s.", c.facts.Subscription, c.facts.SubStatus).
			hint("That takes Redis support; the console shows more.")
	}
	return nil
}

func noRecreateInPlan(c candidate) *Refusal {
	if c.ref.Plan != cloud.Pro {
		return refuse(NoWayBack, "Essentials databases cannot be created anew on the same port.").
			hint("The backup can be restored into another database, by hand.")
	}
	return nil
}

func notCreatable(c candidate) *Refusal {
	if slices.ContainsFunc(c.facts.Creatable, func(v string) bool { return sameVersion(v, c.to) }) {
		return nil
	}
	return refuse(NoWayBack, "Redis Cloud no longer creates %s databases.", c.to)
}

func replicates(c candidate) *Refusal {
	if f := c.facts; len(f.Replicas) == 0 && len(f.ReplicaOf) == 0 && !f.ExternalSource {
		return nil
	}
	return refuse(NoWayBack, "%s is part of an Active-Passive pair: recreating it would cut the link, and a target older than its source cannot sync.", c.name).
		hint("Detach the replication first, then ask again.")
}

func certificatesUnknown(c candidate) *Refusal {
	if c.facts.ClientAuth {
		return refuse(NoWayBack, "%s asks its clients for certificates, and Redis Cloud does not give those back: the new database would let in who has none.", c.name).
			hint("Follow the manual steps in docs/revert.md with the certificates at hand.")
	}
	return nil
}

func passwordUnknown(c candidate) *Refusal {
	if c.facts.PasswordUntold {
		return refuse(NoWayBack, "Redis Cloud does not tell this database's password, so it could not be created again with the same one.")
	}
	return nil
}

func noDeleteInMode(c candidate) *Refusal {
	if c.mode != ModeFull {
		return refuse(NotAllowed, "This bot runs with MODE=%s and deletes nothing.", c.mode).
			hint("Set MODE=full, or follow the manual steps in docs/revert.md.")
	}
	return nil
}

func alreadyBack(c candidate) *Refusal {
	if sameVersion(c.facts.Version, c.to) {
		return refuse(NoWayBack, "%s already reads %s.", c.name, c.facts.Version)
	}
	return nil
}

// revertPath says on an upgrade's card whether it could be reverted.
func revertPath(mode Mode, ref cloud.Ref, name string, f Facts) WayBack {
	if r := refused(candidate{KindRevert, ref, name, f.Version, mode, f}, lasting); r != nil {
		return WayBack{Text: "Cannot be reverted by this bot: " + r.Error()}
	}
	return WayBack{Possible: true, Text: "Delete, create on " + f.Version + " at the same port, import the backup taken before the upgrade."}
}

// decisive are the facts on which a card rests, each as text; empty where a
// record of an older build does not hold it.
var decisive = []struct {
	what string
	of   func(Facts) string
}{
	{"name", func(f Facts) string { return f.Name }},
	{"subscription", func(f Facts) string { return f.Subscription }},
	{"size limit", func(f Facts) string { return gigabytes(f.LimitGB) }},
	{"shards", func(f Facts) string { return positive(f.Shards) }},
	{"modules", func(f Facts) string { return listed(f.Modules) }},
	{"endpoint", func(f Facts) string { return f.Endpoint }},
	{"port", func(f Facts) string { return positive(f.Port) }},
	{"dynamic endpoints", func(f Facts) string { return onOff(f.Dynamic) }},
	{"replication", func(f Facts) string { return onOff(f.Replication) }},
	{"persistence", func(f Facts) string { return f.Persistence }},
	{"auto minor upgrades", func(f Facts) string { return onOff(f.AutoMinor) }},
	{"Active-Passive targets", func(f Facts) string { return listed(replicaNames(f.Replicas)) }},
	{"Active-Passive sources", func(f Facts) string {
		if f.ExternalSource {
			return listed(append(slices.Clone(f.ReplicaOf), "one outside this account"))
		}
		return listed(f.ReplicaOf)
	}},
}

func gigabytes(n float64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%g GB", n)
}

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

func replicaNames(all []Replica) []string {
	var out []string
	for _, r := range all {
		out = append(out, r.Name)
	}
	return out
}

// departures names the decisive facts that are not what they were.
func departures(was, now Facts) []string {
	var out []string
	for _, d := range decisive {
		before, after := d.of(was), d.of(now)
		if before != "" && before != after {
			out = append(out, fmt.Sprintf("%s (was %s, is %s now)", d.what, before, after))
		}
	}
	return out
}

// compare reads the facts again and says whether what was approved still fits.
func (e *Engine) compare(ctx context.Context, s Session) (Facts, cloud.Database, gate, error) {
	f, db, err := e.read(ctx, s.Plan.Ref(), s.Kind)
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return s.Facts, db, gate{stop: refuse(NotFound, "%s no longer exists in Redis Cloud.", s.Plan.Name)}, nil
	case denied(err) != nil:
		return s.Facts, db, gate{stop: denied(err)}, nil
	case err != nil:
		return f, db, gate{}, err
	}
	return f, db, fits(s, f, e.mode), nil
}

// fits judges fresh facts against what people approved.
func fits(s Session, f Facts, mode Mode) gate {
	c := candidate{s.Kind, s.Plan.Ref(), s.Plan.Name, s.Plan.To, mode, f}
	was := s.Facts
	was.Name = s.Plan.Name
	if r := notActive(c); r != nil && r.passes {
		return gate{stop: r} // in transition nothing can be compared
	}
	if !sameVersion(f.Version, s.Plan.From) {
		stop := refuse(Stale, "%s was on %s when this was approved and is on %s now; somebody or Redis Cloud moved it.", s.Plan.Name, s.Plan.From, f.Version)
		return gate{stop: stop, void: s.row().offered && len(f.Targets) > 0 && notAmongOffered(c) == nil}
	}
	if was.Backup.Possible && f.Backup.Possible && f.Backup.Where != was.Backup.Where {
		return gate{stop: refuse(Stale, "The backup destination moved from %s to %s.", was.Backup.Where, f.Backup.Where), void: true}
	}
	if r := judgeFacts(c); r != nil {
		return gate{stop: r}
	}
	if moved := departures(was, f); len(moved) > 0 {
		return gate{stop: refuse(Stale, "%s is not what was approved: %s.", s.Plan.Name, strings.Join(moved, ", ")), void: true}
	}
	if was.WayBack.Possible && !f.WayBack.Possible {
		return gate{stop: refuse(Stale, "It could be reverted when this was approved, and cannot now. %s", f.WayBack.Text), void: true}
	}
	return gate{}
}
