package cloud

import (
	"net"
	"strconv"
	"strings"
	"time"
)

// Database is one database as its plan's list or its own GET describes it.
// The list leaves the password out.
type Database struct {
	Ref
	Name     string
	Protocol string // redis, memcached, stack
	Status   string // as it came; see Active, Failed
	Version  string // redisVersion as major.minor; "" where not given
	// FullVersion is the most precise version given, such as 6.2.10.
	FullVersion string

	MemoryLimitGB float64 // GB; 0 where not given
	DatasetSizeGB float64 // GB; 0 where not given
	UsedMB        float64 // MB
	MemoryStorage string  // ram, ram-and-flash
	RAMPercentage int     // ram-and-flash only
	Provider      string
	Region        string

	Replication      bool
	Persistence      string // none, aof-every-1-second, …
	Eviction         string
	Throughput       Throughput
	QueryPerformance string // Standard, 2x, …
	RESP             string // resp2, resp3
	OSSCluster       bool
	ExternalOSS      bool
	AutoMinor        *bool // nil where not given (Essentials: always on)

	PublicEndpoint  string           // host:port; "" until active or where blocked
	PrivateEndpoint string           // host:port
	Dynamic         DynamicEndpoints // names that can be redirected; empty where not rolled out
	ReplicaSource   DynamicEndpoints // addresses for use as a replication source
	Port            int              // from an endpoint; 0 until there is one

	Shards        int // 0 where not given (Essentials)
	Clustering    bool
	HashingPolicy string
	RegexRules    []string // patterns in their order

	Modules  []Module
	Alerts   []Alert
	Backup   BackupSettings
	Security Security

	// SyncSources are the addresses this database replicates from
	// (Active-Passive), without credentials; Replica has them whole.
	SyncSources []string
	Replica     []SyncSource

	ActiveActive bool
	Regions      []Region // Active-Active only

	Activated time.Time // zero while pending
	Modified  time.Time
}

// Throughput is what a database was sized for.
type Throughput struct {
	By    string // operations-per-second, number-of-shards
	Value int
}

// DynamicEndpoints is a public and a private address, host:port.
type DynamicEndpoints struct{ Public, Private string }

// Module is a loaded module; from 8.0 on all bundled ones are listed.
type Module struct {
	Name       string // RedisJSON, RediSearch, …
	Capability string // "JSON", "Search and query", …
	Version    string
}

// Alert is a threshold set for a database.
type Alert struct {
	Name  string
	Value int
}

// BackupSettings says where and when a database is backed up by itself.
type BackupSettings struct {
	Enabled     bool
	Interval    string // every-24-hours …
	TimeUTC     string // "02:00"
	Destination URI    // may carry credentials
}

// Security says who may connect and how.
type Security struct {
	DefaultUser bool
	Password    Secret // "" in lists, and where the API gives none
	TLS         bool
	ClientAuth  bool // client certificates are asked for
	SourceIPs   []string
}

// SyncSource is one source of an Active-Passive target.
type SyncSource struct {
	Endpoint   URI
	Encryption bool
	ServerCert string // PEM; never returned, only sent
}

// Region is one region of an Active-Active database.
type Region struct {
	Provider, Region                string
	PublicEndpoint, PrivateEndpoint string
	UsedMB                          float64
}

// Active reports whether the database can be worked on.
func (d Database) Active() bool { return Active(d.Status) }

// Failed reports a status that waiting does not mend. What is neither Active
// nor Failed is in transition, also where the word is unknown.
func (d Database) Failed() bool { return statusFailed(d.Status) }

// Active reports whether a status, of a database or a subscription, is that of
// something at rest, which takes changes.
func Active(status string) bool { return strings.EqualFold(status, "active") }

func statusFailed(s string) bool {
	return strings.EqualFold(s, "error") || strings.EqualFold(s, "creation-failed")
}

// Endpoints returns every host:port the database answers at, lower case,
// without trailing dots, each once.
func (d Database) Endpoints() []string {
	all := []string{
		d.PublicEndpoint, d.PrivateEndpoint, d.Dynamic.Public, d.Dynamic.Private,
		d.ReplicaSource.Public, d.ReplicaSource.Private,
	}
	for _, r := range d.Regions {
		all = append(all, r.PublicEndpoint, r.PrivateEndpoint)
	}
	var out []string
	seen := make(map[string]bool, len(all))
	for _, e := range all {
		if e = normalEndpoint(e); e != "" && !seen[e] {
			seen[e] = true
			out = append(out, e)
		}
	}
	return out
}

// normalEndpoint returns host:port in lower case without a trailing dot, "" if
// it is not one.
func normalEndpoint(s string) string {
	host, port, err := net.SplitHostPort(strings.ToLower(strings.TrimSpace(s)))
	host = strings.TrimSuffix(host, ".")
	if err != nil || host == "" || port == "" {
		return ""
	}
	return net.JoinHostPort(host, port)
}

// portOf returns the port of the first address that has one.
func portOf(endpoints ...string) int {
	for _, e := range endpoints {
		_, port, err := net.SplitHostPort(e)
		if err != nil {
			continue
		}
		if n, err := strconv.Atoi(port); err == nil && n > 0 && n < 1<<16 {
			return n
		}
	}
	return 0
}

// withoutUser returns an address without its credentials.
func withoutUser(uri string) string {
	scheme, rest, found := strings.Cut(uri, "://")
	if !found {
		scheme, rest = "", uri
	} else {
		scheme += "://"
	}
	return scheme + rest[strings.LastIndexByte(rest, '@')+1:]
}

// minor cuts a version to major.minor; anything unlike a version stays.
func minor(version string) string {
	version = strings.TrimSpace(version)
	parts := strings.Split(version, ".")
	if len(parts) < 3 {
		return version
	}
	for _, p := range parts[:2] {
		if _, err := strconv.Atoi(p); err != nil {
			return version
		}
	}
	return parts[0] + "." + parts[1]
}

// atLeast compares versions by their first two parts, as numbers.
func atLeast(version string, wantMajor, wantMinor int) bool {
	major, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(second)
	return a > wantMajor || a == wantMajor && b >= wantMinor
}
