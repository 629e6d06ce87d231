package cloudemu

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Fleet is what the account owns at the start.
type Fleet struct {
	Subscriptions []FleetSubscription `json:"subscriptions"`
	// Roles are ACL roles; every database they name gets their rule.
	Roles []FleetRole `json:"roles,omitempty"`
}

// FleetSubscription is a subscription and its databases.
type FleetSubscription struct {
	Name string `json:"name"`
	// Plan is pro (default) or essentials.
	Plan string `json:"plan,omitempty"`
	// ActiveActive makes all its databases Active-Active in Regions. Pro only.
	ActiveActive bool     `json:"active_active,omitempty"`
	Regions      []string `json:"regions,omitempty"`
	Provider     string   `json:"provider,omitempty"` // AWS (default), GCP or Azure
	Region       string   `json:"region,omitempty"`   // default us-east-1
	// Flash keeps part of the data in flash memory (Flex, ram-and-flash). Pro only.
	Flash bool `json:"flash,omitempty"`
	// Backups says whether an Essentials plan supports backups.
	Backups bool `json:"backups,omitempty"`
	// Targets is what an Essentials database may be upgraded to: majors
	// (default: versions of a later major), all or none.
	Targets   string          `json:"targets,omitempty"`
	Databases []FleetDatabase `json:"databases"`
}

// FleetDatabase is one database. Only the name is required.
type FleetDatabase struct {
	Name     string  `json:"name"`
	Version  string  `json:"version,omitempty"`  // default 7.4
	Protocol string  `json:"protocol,omitempty"` // redis (default), memcached, stack (Essentials)
	Port     int     `json:"port,omitempty"`     // 10000-19999; default: a free one
	Shards   int     `json:"shards,omitempty"`   // default 1
	SizeGB   float64 `json:"size_gb,omitempty"`  // default 1
	// NoReplication switches replication off, which is on by default in Pro.
	NoReplication bool     `json:"no_replication,omitempty"`
	Persistence   string   `json:"persistence,omitempty"` // default aof-every-1-second
	Eviction      string   `json:"eviction,omitempty"`    // default noeviction
	Modules       []string `json:"modules,omitempty"`     // below 8.0; from 8.0 on all are bundled
	// BackupPath turns remote backup on, with this destination.
	BackupPath string `json:"backup_path,omitempty"`
	// BackupAge is how old the newest backup is, as in "2h"; empty: never backed up.
	BackupAge string `json:"backup_age,omitempty"`
	// NoAutoMinor opts out of automatic minor upgrades.
	NoAutoMinor bool `json:"no_auto_minor,omitempty"`
	// DynamicEndpoints gives it dynamic names beside the static address.
	DynamicEndpoints bool `json:"dynamic_endpoints,omitempty"`
	// ReplicaOf names the database of the fleet that feeds this one (Active-Passive).
	ReplicaOf string            `json:"replica_of,omitempty"`
	SourceIPs []string          `json:"source_ips,omitempty"` // default 0.0.0.0/0
	TLS       bool              `json:"tls,omitempty"`
	Password  string            `json:"password,omitempty"` // default: generated
	Tags      map[string]string `json:"tags,omitempty"`
	// Keys is how many keys it holds; KeyPrefix is what they begin with.
	Keys      int    `json:"keys,omitempty"`
	KeyPrefix string `json:"key_prefix,omitempty"` // default: the first word of the name
	// WritesPerMinute lets an application write to it, through its public
	// static address or, with AppUsesDynamic, through its dynamic one.
	WritesPerMinute float64 `json:"writes_per_minute,omitempty"`
	AppUsesDynamic  bool    `json:"app_uses_dynamic,omitempty"`
}

// FleetRole is an ACL role over databases of the fleet.
type FleetRole struct {
	Name      string   `json:"name"`
	Rule      string   `json:"rule"` // Full-Access, Read-Write or Read-Only
	Databases []string `json:"databases"`
}

// ParseFleet reads the JSON of a fleet file and reports all mistakes at once.
// The file has the fields of Fleet, for example
//
//	{"subscriptions": [
//	   {"name": "shop", "region": "eu-west-1", "databases": [
//	      {"name": "carts", "version": "7.2", "port": 12010, "shards": 2, "keys": 500,
//	       "backup_path": "s3://acme-backups/carts", "backup_age": "3h",
//	       "tags": {"environment": "production"}, "writes_per_minute": 6},
//	      {"name": "carts-copy", "version": "7.2", "replica_of": "carts"}]},
//	   {"name": "play", "plan": "essentials", "databases": [{"name": "trial", "version": "7.2"}]}],
//	 "roles": [{"name": "shop-app", "rule": "Read-Write", "databases": ["carts"]}]}
//
// Database names must be unique in the whole fleet. Ports are unique per
// subscription.
func ParseFleet(data []byte) (Fleet, error) {
	var f Fleet
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Fleet{}, fmt.Errorf("read fleet: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Fleet{}, errors.New("read fleet: something follows the JSON object")
	}
	c := fleetCheck{databases: map[string]bool{}}
	c.fleet(f)
	if err := errors.Join(c.mistakes...); err != nil {
		return Fleet{}, err
	}
	return f, nil
}

// fleetCheck collects the mistakes of a fleet.
type fleetCheck struct {
	mistakes  []error
	databases map[string]bool
}

func (c *fleetCheck) bad(where, format string, args ...any) {
	c.mistakes = append(c.mistakes, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

func (c *fleetCheck) oneOf(where, field, got string, accepted ...string) {
	if got != "" && !slices.Contains(accepted, got) {
		c.bad(where, "%s is %q; accepted: %s", field, got, strings.Join(accepted, ", "))
	}
}

func (c *fleetCheck) fleet(f Fleet) {
	if len(f.Subscriptions) == 0 {
		c.bad("fleet", "has no subscriptions")
	}
	for _, u := range f.Subscriptions {
		for _, d := range u.Databases {
			if c.databases[d.Name] {
				c.bad("database "+d.Name, "name is used twice")
			}
			c.databases[d.Name] = true
		}
	}
	for i, u := range f.Subscriptions {
		c.subscription(i, u)
	}
	for _, r := range f.Roles {
		c.oneOf("role "+r.Name, "rule", r.Rule, ruleNames()...)
		for _, name := range r.Databases {
			if !c.databases[name] {
				c.bad("role "+r.Name, "database %q is not in the fleet", name)
			}
		}
	}
}

func (c *fleetCheck) subscription(i int, u FleetSubscription) {
	where := "subscription " + u.Name
	if u.Name == "" {
		where = fmt.Sprintf("subscription %d", i+1)
		c.bad(where, "has no name")
	}
	c.oneOf(where, "plan", u.Plan, "pro", "essentials")
	c.oneOf(where, "provider", u.Provider, "AWS", "GCP", "Azure")
	c.oneOf(where, "targets", u.Targets, "majors", "all", "none")
	fixed := u.Plan == "essentials"
	if u.ActiveActive && (fixed || len(u.Regions) < 2) {
		c.bad(where, "active_active needs plan pro and at least two regions")
	}
	if u.Flash && (fixed || u.ActiveActive) {
		c.bad(where, "flash needs plan pro and one region")
	}
	if fixed && len(u.Databases) > 1 {
		c.bad(where, "an essentials subscription holds one database")
	}
	ports := map[int]bool{}
	for _, d := range u.Databases {
		c.database("database "+d.Name, d, fixed)
		if d.Port != 0 && ports[d.Port] {
			c.bad("database "+d.Name, "port %d is used twice in the subscription", d.Port)
		}
		ports[d.Port] = true
	}
}

// What a slip of the finger must not ask for: the keys are in memory, and the
// time between two writes is a whole number of nanoseconds.
const (
	maxShards = 1_000
	maxKeys   = 1_000_000
	maxSizeGB = 1_000_000
	maxWrites = 1_000_000
)

func (c *fleetCheck) database(where string, d FleetDatabase, fixed bool) {
	if !validName(d.Name) {
		c.bad(where, "name must have at most 40 letters, digits and hyphens, start with a letter and end with a letter or digit")
	}
	var known []string
	for _, r := range releases {
		known = append(known, r.version)
	}
	c.oneOf(where, "version", d.Version, known...)
	c.oneOf(where, "persistence", d.Persistence, persistences...)
	c.oneOf(where, "eviction", d.Eviction, evictions...)
	c.oneOf(where, "protocol", d.Protocol, "redis", "memcached", "stack")
	if d.Protocol == "stack" && !fixed {
		c.bad(where, "protocol stack exists in essentials only")
	}
	for _, m := range d.Modules {
		c.oneOf(where, "module", m, moduleNames()...)
	}
	if d.Port != 0 && (d.Port < 10000 || d.Port > 19999) {
		c.bad(where, "port %d is not in 10000-19999", d.Port)
	}
	if d.Shards < 0 || d.Keys < 0 || d.SizeGB < 0 || d.WritesPerMinute < 0 {
		c.bad(where, "numbers must not be negative")
	}
	if d.Shards > maxShards || d.Keys > maxKeys || d.SizeGB > maxSizeGB || d.WritesPerMinute > maxWrites {
		c.bad(where, "more than %d shards, %d keys, %d GB or %d writes per minute are not emulated", maxShards, maxKeys, maxSizeGB, maxWrites)
	}
	if d.ReplicaOf != "" && !c.databases[d.ReplicaOf] {
		c.bad(where, "replica_of %q is not in the fleet", d.ReplicaOf)
	}
	for _, ip := range d.SourceIPs {
		if _, err := parseRule(ip); err != nil {
			c.bad(where, "source_ips: %q is not an address or network", ip)
		}
	}
	c.backup(where, d)
}

func (c *fleetCheck) backup(where string, d FleetDatabase) {
	if d.BackupPath != "" && storageType(d.BackupPath) == "" {
		c.bad(where, "backup_path %q must start with s3://, gs://, abs://, ftp:// or ftps://", d.BackupPath)
	}
	if d.BackupAge == "" {
		return
	}
	if age, err := time.ParseDuration(d.BackupAge); err != nil || age <= 0 {
		c.bad(where, "backup_age %q is not a duration like 2h", d.BackupAge)
	}
	if d.BackupPath == "" {
		c.bad(where, "backup_age needs backup_path")
	}
}

var namePattern = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?$`)

func validName(name string) bool { return len(name) <= 40 && namePattern.MatchString(name) }
