package inventory

import (
	"slices"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Entry is one database as the last reading of the account saw it. Its slices
// and its map are shared with the index: read them, do not change them.
type Entry struct {
	// Ref names the database to Redis Cloud: plan, subscription, database id.
	Ref cloud.Ref
	// Name is the database's name; unique within its subscription only.
	Name string
	// SubscriptionName and SubscriptionStatus describe the subscription it lives in.
	SubscriptionName, SubscriptionStatus string
	// Status is the database's own status, "active" when it is at rest.
	Status string
	// Protocol is "redis", "stack" or "memcached"; the last cannot be upgraded.
	Protocol string
	// Version is the Redis version it runs, "7.2".
	Version string
	// Provider and Region say where it runs: "AWS", "us-east-1".
	Provider, Region string
	// Endpoint is the host:port to show to people; empty until the database is active.
	Endpoint string
	// Port is the port of its endpoints, 0 when unknown.
	Port int
	// Shards is the number of shards, at least 1 for a database that tells it.
	Shards int
	// ActiveActive says that it spans regions; such a database is not upgraded by us.
	ActiveActive bool
	// BackupOn says that remote backup is switched on.
	BackupOn bool
	// Store says that this is the database the bot itself lives in.
	Store bool
	// Allowed says that the configuration lets the bot touch its subscription.
	Allowed bool
	// Tags are its tags: empty when it has none, nil while they were never read.
	// They cost a call per database and are read a few at a time (see
	// Config.TagsPerRefresh), so what decides about approvals reads them itself.
	Tags map[string]string
	// Newest is the newest released version offered in its subscription; empty
	// when unknown.
	Newest string
	// Behind counts the released versions on offer that are newer than Version.
	// It is a hint for lists; [Index.Targets] has the real choice.
	Behind int
	// SyncSources are the host:port addresses it replicates from (Active-Passive).
	SyncSources []string
	// Modules are the names of its modules.
	Modules []string
	// Stale is when its subscription was last read without an error; zero when
	// that was the latest reading.
	Stale time.Time
}

// Upgradable says whether an upgrade of this database makes sense at all, as far
// as the inventory knows: something newer is on offer, its kind can be upgraded,
// and the bot may touch it.
func (e Entry) Upgradable() bool {
	return e.Behind > 0 && e.Allowed && !e.Store && !e.ActiveActive && e.Protocol != memcached
}

// memcached is the protocol whose databases have no Redis version to upgrade.
const memcached = "memcached"

// entryOf joins what was stored with what this process's configuration says.
func (c *Config) entryOf(s *subscription, d *database, offered []string) Entry {
	e := Entry{
		Ref:                cloud.Ref{Plan: s.Plan, Subscription: s.ID, Database: d.ID},
		Name:               d.Name,
		SubscriptionName:   s.Name,
		SubscriptionStatus: s.Status,
		Status:             d.Status,
		Protocol:           d.Protocol,
		Version:            d.Version,
		Provider:           d.Provider,
		Region:             d.Region,
		Port:               d.Port,
		Shards:             d.Shards,
		ActiveActive:       d.ActiveActive || s.ActiveActive,
		BackupOn:           d.BackupOn,
		Store:              c.isStore(d),
		Allowed:            len(c.Allow) == 0 || slices.Contains(c.Allow, s.ID),
		Tags:               d.Tags,
		SyncSources:        d.Sources,
		Modules:            d.Modules,
	}
	if len(d.Endpoints) > 0 {
		e.Endpoint = d.Endpoints[0]
	}
	if s.Failed {
		e.Stale = s.ReadAt
	}
	if d.Protocol != memcached {
		e.Newest, e.Behind = ahead(d.Version, offered)
	}
	return e
}

// isStore says whether d is the bot's own memory: by its id, or because one of
// its addresses is one we are connected to.
func (c *Config) isStore(d *database) bool {
	if c.StoreDatabase != 0 && d.ID == c.StoreDatabase {
		return true
	}
	for _, own := range c.StoreAddrs {
		if a := address(own); a != "" && slices.Contains(d.Endpoints, a) {
			return true
		}
	}
	return false
}
