package upgrade

import (
	"cmp"
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
	Activated      time.Time   `json:"activated,omitzero"` // when the database was created
	Name           string      `json:"name,omitempty"`
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
	LimitGB        float64     `json:"limit_gb,omitempty"`
	UsedMB         float64     `json:"used_mb"`
	Replication    bool        `json:"replication"`
	Persistence    string      `json:"persistence"`
	AutoMinor      bool        `json:"auto_minor,omitempty"`
	ClientAuth     bool        `json:"client_auth,omitempty"`     // it asks its clients for certificates
	PasswordUntold bool        `json:"password_untold,omitempty"` // Redis Cloud does not tell its password
	Targets        []string    `json:"targets"`
	Creatable      []string    `json:"creatable,omitempty"` // versions that a new database of its subscription can have
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
	Untimed  bool      `json:"untimed,omitempty"` // the last one succeeded, and Redis Cloud does not say when
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

// read asks Redis Cloud for the facts of an upgrade or a revert of one database,
// all of them anew. Errors are cloud's.
func (e *Engine) read(ctx context.Context, ref cloud.Ref, kind Kind) (Facts, cloud.Database, error) {
	db, err := e.cloud.Database(ctx, ref)
	if err != nil {
		return Facts{}, db, fmt.Errorf("read database: %w", err)
	}
	sub, err := e.subscription(ctx, ref)
	if err != nil {
		return Facts{}, db, fmt.Errorf("read subscription: %w", err)
	}
	f := Facts{At: e.now(), Activated: db.Activated, Name: db.Name, Version: db.Version, Status: db.Status, Subscription: sub.Name, SubStatus: sub.Status,
		Protocol: db.Protocol, ActiveActive: db.ActiveActive || sub.ActiveActive,
		Endpoint: db.PublicEndpoint, Dynamic: db.Dynamic.Public != "" || db.Dynamic.Private != "",
		Port: db.Port, Shards: db.Shards, LimitGB: cmp.Or(db.DatasetSizeGB, db.MemoryLimitGB), UsedMB: db.UsedMB,
		Replication: db.Replication, Persistence: db.Persistence, AutoMinor: movesByItself(db),
		ClientAuth: db.Security.ClientAuth, PasswordUntold: db.Security.Password.Reveal() == ""}
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
	creatable, err := e.cloud.CreatableVersions(ctx, ref.Plan, ref.Subscription)
	if err != nil {
		return f, db, fmt.Errorf("read creatable versions: %w", err)
	}
	for _, v := range creatable {
		if !v.Preview {
			f.Creatable = append(f.Creatable, v.Version)
		}
	}
	f.Backup = backupFacts(ref, db, sub)
	if err := e.replication(ctx, db, &f, kind.Destroys()); err != nil {
		return f, db, err
	}
	f.WayBack = revertPath(e.mode, ref, db.Name, f)
	return f, db, nil
}

func (e *Engine) subscription(ctx context.Context, ref cloud.Ref) (cloud.Subscription, error) {
	return e.cloud.Subscription(ctx, ref.Plan, ref.Subscription)
}

// listedAnew is how many subscriptions are listed to find the Active-Passive links
// of a database that is upgraded: each costs a call. In a larger account its own
// subscription is, and the index, which is minutes old, knows the others. Before a
// delete all are listed, however many there are.
const listedAnew = 25

// replication finds the links of a database: only targets name their sources, so
// every database of the account has to be looked at.
func (e *Engine) replication(ctx context.Context, db cloud.Database, f *Facts, everywhere bool) error {
	all, complete, err := e.neighbours(ctx, db.Ref, everywhere)
	if err != nil {
		return fmt.Errorf("read Active-Passive links: %w", err)
	}
	if !complete {
		if all, err = e.indexed(ctx, db.Ref, all); err != nil {
			return err
		}
	}
	for _, d := range all {
		if d.Ref == db.Ref {
			continue
		}
		if slices.ContainsFunc(d.SyncSources, func(uri string) bool { return inventory.Answers(db, uri) }) {
			f.Replicas = append(f.Replicas, Replica{Ref: d.Ref.String(), Name: d.Name, Version: d.Version, Status: d.Status})
		}
	}
	for _, uri := range db.SyncSources {
		i := slices.IndexFunc(all, func(d cloud.Database) bool { return d.Ref != db.Ref && inventory.Answers(d, uri) })
		switch {
		case i < 0:
			f.ExternalSource = true
		case !slices.Contains(f.ReplicaOf, all[i].Name):
			f.ReplicaOf = append(f.ReplicaOf, all[i].Name)
		}
	}
	return nil
}

// neighbours lists the databases of the account, or only those of one subscription
// where that would take too many calls; then complete is false.
func (e *Engine) neighbours(ctx context.Context, ref cloud.Ref, everywhere bool) (all []cloud.Database, complete bool, err error) {
	subs, err := e.cloud.Subscriptions(ctx)
	if err != nil {
		return nil, false, err
	}
	essentials, err := e.cloud.EssentialsSubscriptions(ctx)
	if err != nil {
		return nil, false, err
	}
	subs = append(subs, essentials...)
	complete = everywhere || len(subs) <= listedAnew
	for _, sub := range subs {
		if !complete && (sub.Plan != ref.Plan || sub.ID != ref.Subscription) {
			continue
		}
		listed, err := e.cloud.Databases(ctx, sub.Plan, sub.ID)
		if err != nil && !errors.Is(err, cloud.ErrNotFound) {
			return nil, false, err
		}
		all = append(all, listed...)
	}
	return all, complete, nil
}

// indexed adds the links that the index knows to what was listed, read anew.
func (e *Engine) indexed(ctx context.Context, ref cloud.Ref, all []cloud.Database) ([]cloud.Database, error) {
	sources, _ := e.inventory.SourcesOf(ref)
	for _, linked := range append(e.inventory.ReplicasOf(ref), sources...) {
		if slices.ContainsFunc(all, func(d cloud.Database) bool { return d.Ref == linked.Ref }) {
			continue
		}
		d, err := e.cloud.Database(ctx, linked.Ref)
		if errors.Is(err, cloud.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s, which is linked by Active-Passive: %w", linked.Name, err)
		}
		all = append(all, d)
	}
	return all, nil
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
