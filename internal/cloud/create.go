package cloud

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Create says what a new database shall be. Zero values leave the choice to
// Redis Cloud, except for the truth values, which are always sent.
type Create struct {
	Name     string // unique in the subscription
	Port     int    // 10000-19999, Pro only; 0: any
	Protocol string
	Version  string // major.minor
	// AutoMinor set to false keeps Pro databases from 8.4 on at their version.
	AutoMinor *bool
	RESP      string

	DatasetSizeGB    float64 // GB; wins over MemoryLimitGB, of which only one may be sent
	MemoryLimitGB    float64 // GB
	RAMPercentage    int     // ram-and-flash only
	Throughput       Throughput
	QueryPerformance string
	Replication      bool
	Persistence      string
	Eviction         string
	OSSCluster       bool
	ExternalOSS      bool   // only with OSSCluster
	Sharding         string // default-regex-rules, custom-regex-rules, redis-oss-hashing; immutable
	Modules          []Module

	Password    Secret // "": Redis Cloud invents one, and clients break
	SourceIPs   []string
	TLS         bool
	ClientCerts []string // PEM, for client authentication; the API never returns them
	Alerts      []Alert
	Backup      *RemoteBackup
	Replica     []SyncSource // attaching wipes the data: leave out where an import follows
}

// RemoteBackup is the setting for backups by schedule, as it is sent.
type RemoteBackup struct {
	Active   bool
	Interval string // every-24-hours, -12-, -6-, -4-, -2-, every-1-hours
	TimeUTC  string // "02:00"; sent for 24 and 12 hours only
	Path     URI    // may carry credentials; its scheme gives the storage type
}

// CreateFrom returns the request that makes a database like d on the given
// version: same name, port, password and settings. What a creation cannot
// carry has to follow by Update, SetTags and UpdateRole: custom RegexRules
// (before the import, they wipe the data), a switched off default user, tags,
// roles, Replica. Modules are left out from 8.0 on, which bundles them; give a
// d whose Modules were read before the upgrade, later ones list the bundle.
// Essentials has neither port nor size of its own. An empty d.Security.Password
// (as in lists) stays empty.
func CreateFrom(d Database, version string) Create {
	pro := d.Plan != Essentials
	c := Create{
		Name: d.Name, Protocol: d.Protocol, Version: version, RESP: d.RESP,
		Replication: d.Replication, Persistence: d.Persistence, Eviction: d.Eviction,
		Password: d.Security.Password, SourceIPs: d.Security.SourceIPs, TLS: d.Security.TLS,
		Alerts: d.Alerts, Backup: d.Backup.remote(),
	}
	if !atLeast(version, 8, 0) {
		for _, m := range d.Modules {
			c.Modules = append(c.Modules, Module{Name: moduleName(m.Name)})
		}
	}
	if !pro {
		return c
	}
	c.Port = d.Port
	c.Throughput = d.Throughput
	c.OSSCluster, c.ExternalOSS = d.OSSCluster, d.OSSCluster && d.ExternalOSS
	c.Sharding = shardingOf(d.HashingPolicy)
	if c.DatasetSizeGB = d.DatasetSizeGB; c.DatasetSizeGB == 0 {
		c.MemoryLimitGB = d.MemoryLimitGB
	}
	if d.MemoryStorage == "ram-and-flash" {
		c.RAMPercentage = d.RAMPercentage
	}
	if !strings.EqualFold(d.QueryPerformance, "Standard") {
		c.QueryPerformance = d.QueryPerformance
	}
	if atLeast(version, 8, 4) {
		off := false
		c.AutoMinor = &off // else it upgrades again by itself
	}
	return c
}

// moduleName maps the one name that reading and creating spell differently.
func moduleName(name string) string {
	if strings.EqualFold(name, "searchlight") {
		return "RediSearch"
	}
	return name
}

// shardingOf maps the hashing policy read to the sharding type sent.
func shardingOf(policy string) string {
	switch strings.ToLower(policy) {
	case "":
		return ""
	case "standard":
		return "default-regex-rules"
	case "custom":
		return "custom-regex-rules"
	}
	return "redis-oss-hashing"
}

// remote returns the setting to send, nil when backups are off.
func (b BackupSettings) remote() *RemoteBackup {
	if !b.Enabled || b.Destination == "" {
		return nil
	}
	return &RemoteBackup{Active: true, Interval: b.Interval, TimeUTC: b.TimeUTC, Path: b.Destination}
}

// Create makes a database. The task's end says that it is being made; Resource
// of the ended task is its id, always a new one.
//
// API: Databases - Pro, createDatabase; - Essentials, createFixedDatabase.
func (c *Changes) Create(ctx context.Context, plan Plan, subscription int, what Create) (Task, error) {
	in := creation(plan, subscription, what)
	if what.Name == "" {
		return Task{}, refuse(in, "needs a name")
	}
	return c.sendTask(ctx, in)
}

// DryRun lets Redis Cloud check a creation without performing it; the plan is
// in the result of the ended task. Pro only: Essentials has no dry run and
// would create the database. Without a send deadline it sets its own, since it
// changes nothing.
//
// API: Databases - Pro, createDatabase with dryRun.
func (c *Changes) DryRun(ctx context.Context, plan Plan, subscription int, what Create) (Task, error) {
	in := creation(plan, subscription, what)
	in.what = "dry run of a creation"
	if plan != Pro || what.Name == "" {
		return Task{}, refuse(in, "needs a Pro subscription and a name")
	}
	in.body.(map[string]any)["dryRun"] = true
	if _, ok := sendDeadline(ctx); !ok {
		ctx = WithSendDeadline(ctx, time.Now().Add(defaultReadTimeout))
	}
	return c.sendTask(ctx, in)
}

func creation(plan Plan, subscription int, what Create) call {
	in := call{what: "database creation", on: fmt.Sprintf("%s/%d", plan, subscription), method: http.MethodPost,
		path: plan.subscription(subscription, "databases"), body: what.wire(plan)}
	in.secrets = append(in.secrets, what.Password.Reveal())
	if what.Backup != nil {
		in.secrets = append(in.secrets, secretsOf(what.Backup.Path.Raw())...)
	}
	for _, s := range what.Replica {
		in.secrets = append(in.secrets, secretsOf(s.Endpoint.Raw())...)
	}
	return in
}

// wire returns the request body. The API refuses fields it does not know, so
// the two plans get what each of them has.
func (c Create) wire(plan Plan) map[string]any {
	b := fields{"name": c.Name, "replication": c.Replication, "enableTls": c.TLS}
	b.text("protocol", c.Protocol)
	b.text("redisVersion", c.Version)
	b.text("respVersion", c.RESP)
	b.text("dataPersistence", c.Persistence)
	b.text("dataEvictionPolicy", c.Eviction)
	b.text("password", c.Password.Reveal())
	if len(c.ClientCerts) > 0 {
		b["clientTlsCertificates"] = certificates(plan, c.ClientCerts)
	}
	if c.Alerts != nil {
		b["alerts"] = wireAlerts(c.Alerts)
	}
	if len(c.Modules) > 0 {
		b["modules"] = wireModules(c.Modules)
	}
	if len(c.Replica) > 0 {
		b["replica"] = wireReplica(c.Replica)
	}
	if c.SourceIPs != nil {
		b[sourceIPField(plan)] = c.SourceIPs
	}
	if c.Backup != nil {
		b.backup(plan, *c.Backup)
	}
	if plan != Essentials {
		c.proOnly(b)
	}
	return b
}

// proOnly adds the fields that Essentials does not know or decides by plan.
func (c Create) proOnly(b fields) {
	b["supportOSSClusterApi"] = c.OSSCluster
	if c.OSSCluster {
		b["useExternalEndpointForOSSClusterApi"] = c.ExternalOSS
	}
	if c.Port > 0 {
		b["port"] = c.Port
	}
	switch {
	case c.DatasetSizeGB > 0:
		b["datasetSizeInGb"] = c.DatasetSizeGB
	case c.MemoryLimitGB > 0:
		b["memoryLimitInGb"] = c.MemoryLimitGB
	}
	if c.Throughput.By != "" {
		b["throughputMeasurement"] = map[string]any{"by": c.Throughput.By, "value": c.Throughput.Value}
	}
	if c.RAMPercentage > 0 {
		b["ramPercentage"] = c.RAMPercentage
	}
	if c.AutoMinor != nil {
		b["autoMinorVersionUpgrade"] = *c.AutoMinor
	}
	b.text("queryPerformanceFactor", c.QueryPerformance)
	b.text("shardingType", c.Sharding)
}

// fields is a request body under construction.
type fields map[string]any

func (f fields) text(name, value string) {
	if value != "" {
		f[name] = value
	}
}

// backup adds remote backup; Essentials only has a path.
func (f fields) backup(plan Plan, b RemoteBackup) {
	if plan == Essentials {
		f["periodicBackupPath"] = b.Path.Raw()
		return
	}
	f["remoteBackup"] = b.wire()
}

func (b RemoteBackup) wire() fields {
	w := fields{"active": b.Active}
	if !b.Active {
		return w
	}
	w.text("interval", b.Interval)
	if b.Interval == "every-24-hours" || b.Interval == "every-12-hours" {
		w.text("timeUTC", b.TimeUTC)
	}
	w.text("storageType", StorageTypeOf(b.Path.Raw()))
	w.text("storagePath", b.Path.Raw())
	return w
}

func sourceIPField(plan Plan) string {
	if plan == Essentials {
		return "sourceIps"
	}
	return "sourceIp"
}

func wireAlerts(alerts []Alert) []fields {
	out := []fields{}
	for _, a := range alerts {
		out = append(out, fields{"name": a.Name, "value": a.Value})
	}
	return out
}

func wireModules(modules []Module) []fields {
	var out []fields
	for _, m := range modules {
		out = append(out, fields{"name": m.Name})
	}
	return out
}

func wireReplica(sources []SyncSource) fields {
	var out []fields
	for _, s := range sources {
		w := fields{"endpoint": s.Endpoint.Raw(), "encryption": s.Encryption}
		w.text("serverCert", s.ServerCert)
		out = append(out, w)
	}
	return fields{"syncSources": out}
}

// certificates are strings for Pro and objects for Essentials, as Redis's own
// client sends them; the description says objects for both.
func certificates(plan Plan, pems []string) any {
	if plan != Essentials {
		return pems
	}
	var out []fields
	for _, p := range pems {
		out = append(out, fields{"publicCertificatePEMString": p})
	}
	return out
}
