package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/releases"
)

// Facts are what the world said when the card was drawn. They are read again
// before anything is sent; none is trusted because it was written down.
type Facts struct {
	At             time.Time   `json:"at"`
	Version        string      `json:"version"`
	Status         string      `json:"status"`
	Subscription   string      `json:"subscription"`
	SubStatus      string      `json:"sub_status"`
	Protocol       string      `json:"protocol"`
	ActiveActive   bool        `json:"active_active,omitempty"`
	Endpoint       string      `json:"endpoint"`
	Dynamic        bool        `json:"dynamic,omitempty"` // it has dynamic endpoints: these do not survive a recreate
	Port           int         `json:"port"`
	Shards         int         `json:"shards"`
	Modules        []string    `json:"modules,omitempty"`
	UsedMB         float64     `json:"used_mb"`
	Replication    bool        `json:"replication"`
	Persistence    string      `json:"persistence"`
	AutoMinor      bool        `json:"auto_minor,omitempty"`
	Targets        []string    `json:"targets"`
	Backup         BackupFacts `json:"backup"`
	WayBack        WayBack     `json:"way_back"`
	Replicas       []Replica   `json:"replicas,omitempty"` // Active-Passive targets fed by this database
	ReplicaOf      []string    `json:"replica_of,omitempty"`
	ExternalSource bool        `json:"external_source,omitempty"`
}

// BackupFacts are what is known of the database's backups.
type BackupFacts struct {
	Possible bool      `json:"possible"`
	Why      string    `json:"why,omitempty"`     // why not
	NoPlan   bool      `json:"no_plan,omitempty"` // its plan has no backups at all
	Where    string    `json:"where"`             // destination without credentials
	Last     time.Time `json:"last,omitzero"`     // of the last good backup; zero: never
	Status   string    `json:"status"`            // as Redis Cloud said it
	Known    bool      `json:"known"`             // false: Redis Cloud did not say in time
}

// WayBack says whether this upgrade can be taken back, and how.
type WayBack struct {
	Possible bool   `json:"possible"`
	Text     string `json:"text"`
}

// Replica is one database that replicates from ours.
type Replica struct {
	Ref     string `json:"ref,omitempty"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Status  string `json:"status"`
}

// read asks Redis Cloud and the inventory for the facts of an upgrade of one
// database. Errors are cloud's.
func (e *Engine) read(ctx context.Context, ref cloud.Ref) (Facts, cloud.Database, error) {
	db, err := e.cloud.Database(ctx, ref)
	if err != nil {
		return Facts{}, db, fmt.Errorf("read database: %w", err)
	}
	sub, err := e.subscription(ctx, ref)
	if err != nil {
		return Facts{}, db, fmt.Errorf("read subscription: %w", err)
	}
	f := Facts{At: e.now(), Version: db.Version, Status: db.Status, Subscription: sub.Name, SubStatus: sub.Status,
		Protocol: db.Protocol, ActiveActive: db.ActiveActive || sub.ActiveActive,
		Endpoint: db.PublicEndpoint, Dynamic: db.Dynamic.Public != "" || db.Dynamic.Private != "",
		Port: db.Port, Shards: db.Shards, UsedMB: db.UsedMB, Replication: db.Replication, Persistence: db.Persistence,
		AutoMinor: movesByItself(db)}
	for _, m := range db.Modules {
		f.Modules = append(f.Modules, m.Name)
	}
	if f.Protocol == "memcached" || f.ActiveActive {
		return f, db, nil // refused whatever else is true
	}
	targets, err := e.cloud.TargetVersions(ctx, ref)
	if err != nil {
		return f, db, fmt.Errorf("read target versions: %w", err)
	}
	f.Targets = releases.Offered(targets)
	if f.WayBack, err = e.wayBack(ctx, ref, db.Version); err != nil {
		return f, db, err
	}
	f.Backup = backupFacts(ref, db, sub)
	if err := e.replication(ctx, ref, &f); err != nil {
		return f, db, err
	}
	if f.WayBack.Possible && (len(f.Replicas) > 0 || len(f.ReplicaOf) > 0 || f.ExternalSource) {
		f.WayBack = WayBack{Text: "Not by this bot while it replicates: recreating it would cut the Active-Passive link. Detach the replication first."}
	}
	return f, db, nil
}

func (e *Engine) subscription(ctx context.Context, ref cloud.Ref) (cloud.Subscription, error) {
	return e.cloud.Subscription(ctx, ref.Plan, ref.Subscription)
}

// replication finds the links in the index and reads the targets' versions
// anew: the index is minutes old, and a target may just have been upgraded.
func (e *Engine) replication(ctx context.Context, ref cloud.Ref, f *Facts) error {
	for _, r := range e.inventory.ReplicasOf(ref) {
		db, err := e.cloud.Database(ctx, r.Ref)
		if errors.Is(err, cloud.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read replica %s: %w", r.Name, err)
		}
		f.Replicas = append(f.Replicas, Replica{Ref: r.Ref.String(), Name: db.Name, Version: db.Version, Status: db.Status})
	}
	known, external := e.inventory.SourcesOf(ref)
	for _, s := range known {
		f.ReplicaOf = append(f.ReplicaOf, s.Name)
	}
	f.ExternalSource = len(external) > 0
	return nil
}

// backupFacts are what the database's own settings say; the time of the last
// backup takes a status task and is read apart.
func backupFacts(ref cloud.Ref, db cloud.Database, sub cloud.Subscription) BackupFacts {
	b := BackupFacts{Where: db.Backup.Destination.Redacted()}
	switch {
	case ref.Plan == cloud.Essentials && !sub.SupportsBackups:
		b.Why, b.NoPlan = "its Essentials plan has no backups", true
	case !db.Backup.Enabled:
		b.Why = "remote backup is off, so Redis Cloud has nowhere to put one"
	default:
		b.Possible = true
	}
	return b
}

// wayBack says whether the present version could be created again.
func (e *Engine) wayBack(ctx context.Context, ref cloud.Ref, version string) (WayBack, error) {
	if ref.Plan == cloud.Essentials {
		return WayBack{Text: "Essentials databases cannot be created anew on the same port; a revert is a restore into another database, by hand."}, nil
	}
	versions, err := e.cloud.CreatableVersions(ctx, ref.Plan, ref.Subscription)
	if err != nil {
		return WayBack{}, fmt.Errorf("read creatable versions: %w", err)
	}
	creatable := slices.ContainsFunc(versions, func(v cloud.Version) bool { return sameVersion(v.Version, version) && !v.Preview })
	if !creatable {
		return WayBack{Text: fmt.Sprintf("Redis Cloud no longer creates %s databases, so there is no way back once this has run.", version)}, nil
	}
	if e.mode != ModeFull {
		return WayBack{Text: "By hand only: this bot runs with MODE=" + string(e.mode) + " and deletes nothing."}, nil
	}
	return WayBack{Possible: true, Text: "Delete, create on " + version + " at the same port, import the backup taken before the upgrade."}, nil
}

// lastBackup asks for the last backup and waits for the status task, up to
// limit. It never fails the request: what cannot be read is unknown.
func (e *Engine) lastBackup(ctx context.Context, ref cloud.Ref, limit time.Duration) (cloud.Backup, bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	task, err := e.cloud.AskBackup(ctx, ref)
	for err == nil && !task.Ended() {
		select {
		case <-ctx.Done():
			return cloud.Backup{}, false
		case <-time.After(e.cfg.Poll / 4):
		}
		next, taskErr := e.cloud.Task(ctx, task.ID)
		if errors.Is(taskErr, cloud.ErrNotFound) {
			continue // the task service may not know it yet
		}
		task, err = next, taskErr
	}
	if err != nil || task.Failed() {
		return cloud.Backup{}, false
	}
	return cloud.BackupOf(task), true
}

// sameVersion compares on major.minor, which is all Redis Cloud promises.
func sameVersion(a, b string) bool {
	va, errA := releases.Parse(a)
	vb, errB := releases.Parse(b)
	return errA == nil && errB == nil && va == vb
}

func olderVersion(a, b string) bool {
	va, errA := releases.Parse(a)
	vb, errB := releases.Parse(b)
	return errA == nil && errB == nil && va.Less(vb)
}

// movesByItself reports whether Redis Cloud moves the database to newer minors
// unasked: Essentials always, Pro where it was not opted out.
// https://redis.io/docs/latest/operate/rc/databases/version-management/
func movesByItself(db cloud.Database) bool {
	return db.Plan == cloud.Essentials || db.AutoMinor != nil && *db.AutoMinor
}

// reached reports whether a database at version got to target: equal on
// major.minor, or a later minor of the same major where Redis moves minors by
// itself.
func reached(version, target string, autoMinor bool) bool {
	if sameVersion(version, target) {
		return true
	}
	v, errV := releases.Parse(version)
	t, errT := releases.Parse(target)
	return autoMinor && errV == nil && errT == nil && v.Major == t.Major && t.Less(v)
}

// Inventory is what the engine asks the warm index.
type Inventory interface {
	Get(ref cloud.Ref) (inventory.Entry, bool)
	ReplicasOf(ref cloud.Ref) []inventory.Entry
	SourcesOf(ref cloud.Ref) (known []inventory.Entry, external []string)
	Age() time.Duration
	CachedTargets(ref cloud.Ref) (versions []string, read time.Time, ok bool)
}
