package cloudemu

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// build makes the account out of the fleet.
func (s *Server) build() {
	r := rand.New(rand.NewPCG(s.cfg.Seed, 2))
	s.account = account{id: 1001 + r.IntN(9000), name: "Acme", created: s.clock.AddDate(-3, 0, 0)}
	s.lastDatabase = 51000000 + r.IntN(400000)
	fleet := s.cfg.Fleet
	fleet.Subscriptions = slices.Concat(fleet.Subscriptions, generated(s.cfg.Databases))
	id := 100000 + r.IntN(50000)
	made := map[string]*database{}
	for i, fu := range fleet.Subscriptions {
		id += 1 + r.IntN(400)
		u := s.buildSubscription(r, id, i, fu)
		for _, fd := range fu.Databases {
			made[fd.Name] = s.buildDatabase(r, u, fd)
		}
	}
	s.connectFleet(fleet, made)
	s.buildRoles(fleet.Roles, made)
	s.log("Account", 0, "API keys were created")
}

func (s *Server) buildSubscription(r *rand.Rand, id, n int, fu FleetSubscription) *subscription {
	u := &subscription{
		id: id, name: fu.Name, fixed: fu.Plan == "essentials", multi: fu.ActiveActive,
		provider: or(fu.Provider, "AWS"), region: or(fu.Region, "us-east-1"), regions: fu.Regions,
		cluster: 20000 + r.IntN(70000)*10 + n%10, created: s.clock.AddDate(-1, -n%12, 0),
		flash:   fu.Flash,
		windows: obj{"mode": "automatic"}, backups: fu.Backups, targets: or(fu.Targets, "majors"),
	}
	if u.fixed {
		u.planID, u.planName = 98000+r.IntN(900), "Standard 30MB"
	} else if n == 0 {
		u.windows = obj{"mode": "manual", "timeZone": "America/New_York", "windows": []obj{
			{"days": []string{"Tuesday", "Thursday"}, "startHour": 2, "durationInHours": 4}}}
	}
	for _, fd := range fu.Databases {
		u.reserved = append(u.reserved, fd.Port)
	}
	s.subscriptions = append(s.subscriptions, u)
	return u
}

func (s *Server) buildDatabase(r *rand.Rand, u *subscription, fd FleetDatabase) *database {
	s.lastDatabase += 1 + r.IntN(9)
	d := &database{
		id: s.lastDatabase, sub: u, name: fd.Name, protocol: or(fd.Protocol, "redis"), version: or(fd.Version, "7.4"),
		resp: "resp2", status: statusActive, port: fd.Port, autoMinor: !fd.NoAutoMinor, datasetGB: sizeOf(fd), ramPercent: defaultRAM,
		persist: or(fd.Persistence, "aof-every-1-second"), replicated: !fd.NoReplication,
		eviction: or(fd.Eviction, "noeviction"), by: "operations-per-second", throughput: 2500, factor: "Standard",
		shards: max(fd.Shards, 1), firstShard: 1 + r.IntN(90), hashing: "standard", regex: slices.Clone(standardRegex),
		tls: fd.TLS, sourceIPs: slices.Clone(fd.SourceIPs), modules: slices.Clone(fd.Modules),
		alerts:    []alert{{"dataset-size", 80}},
		activated: s.clock.Add(-time.Duration(24*(30+r.IntN(300))) * time.Hour).Truncate(time.Second),
	}
	if d.shards > 1 {
		d.throughput = 25000 * d.shards
	}
	if d.port == 0 {
		d.port = freePort(r, u)
	}
	d.modified = d.activated
	d.password = or(fd.Password, password(r))
	if names := (dynamicNames{dynamicName(r), dynamicName(r)}); fd.DynamicEndpoints && !u.multi {
		d.dynamic = names
	}
	if d.protocol == "memcached" {
		d.password = ""
	}
	if len(d.sourceIPs) == 0 {
		d.sourceIPs = []string{"0.0.0.0/0"}
	}
	if atLeast(d.version, "8.0") {
		d.modules = moduleNames()
	}
	for _, key := range sortedKeys(fd.Tags) {
		d.tags = append(d.tags, tag{key, fd.Tags[key], d.activated, d.activated})
	}
	prefix, _, _ := strings.Cut(fd.Name, "-")
	d.keys.fill(s.cfg.Seed, fd.Name, or(fd.KeyPrefix, prefix), fd.Keys)
	if fd.BackupPath != "" {
		d.remote = remoteBackup{path: fd.BackupPath, interval: "every-24-hours", time: "02:00"}
	}
	u.databases = append(u.databases, d)
	return d
}

// sizeOf is a database's size: 1 GB where none is given, and no less than the
// smallest plan has.
func sizeOf(fd FleetDatabase) float64 {
	if fd.SizeGB == 0 {
		return 1
	}
	return max(fd.SizeGB, 0.03)
}

// connectFleet does what needs all databases to exist: replica links, old
// backups, and the applications, whose writes since the backup are in the
// database and not in the files.
func (s *Server) connectFleet(fleet Fleet, made map[string]*database) {
	for _, fu := range fleet.Subscriptions {
		for _, fd := range fu.Databases {
			if fd.ReplicaOf != "" {
				d, from := made[fd.Name], made[fd.ReplicaOf]
				d.sources = []syncSource{{endpoint: "redis://" + from.asSource()}}
				d.keys.prefix, d.keys.base = from.keys.prefix, from.keys.base
			}
		}
	}
	s.addresses = nil
	for _, fu := range fleet.Subscriptions {
		for _, fd := range fu.Databases {
			s.resync(made[fd.Name])
		}
	}
	for _, fu := range fleet.Subscriptions {
		for _, fd := range fu.Databases {
			if age, err := time.ParseDuration(fd.BackupAge); err == nil {
				s.oldBackup(made[fd.Name], age)
			}
		}
	}
	for _, fu := range fleet.Subscriptions {
		for _, fd := range fu.Databases {
			if fd.WritesPerMinute > 0 {
				s.employ(made[fd.Name], fd)
			}
		}
	}
}

// oldBackup stores a backup from before the start.
func (s *Server) oldBackup(d *database, age time.Duration) {
	at := s.clock.Add(-age).Truncate(time.Second)
	s.store(d, d.remote.path, at)
	d.lastBackup = backupState{status: "success", at: at.Add(time.Minute)}
}

// employ lets an application write to d, also in the time since d's backup.
func (s *Server) employ(d *database, fd FleetDatabase) {
	a := &application{
		name: d.name + "-app", address: d.publicEndpoint(), password: d.password, tls: d.tls,
		prefix: d.keys.prefix, base: d.keys.base,
		interval: time.Duration(float64(time.Minute) / fd.WritesPerMinute),
	}
	if fd.AppUsesDynamic && d.dynamic.public != "" {
		a.address = fmt.Sprintf("%s:%d", d.dynamic.public, d.port)
	}
	a.next = s.clock.Add(s.scaled(a.interval))
	s.applications = append(s.applications, a)
	if !d.lastBackup.at.IsZero() {
		s.write(a, int(s.clock.Sub(d.lastBackup.at)/a.interval))
	}
}

// generated makes n databases gen-001 … over subscriptions of a size at which
// reading them all stays inside the rate limit.
func generated(n int) []FleetSubscription {
	per := min(max(n/10, 20), 250)
	versions := []string{"6.2", "7.2", "7.4", "8.2", "8.4", "8.6"}
	var list []FleetSubscription
	for i := range n {
		if i%per == 0 {
			list = append(list, FleetSubscription{Name: fmt.Sprintf("generated-%02d", i/per+1), Region: "us-east-1"})
		}
		u := &list[len(list)-1]
		name := fmt.Sprintf("gen-%03d", i+1)
		u.Databases = append(u.Databases, FleetDatabase{
			Name: name, Version: versions[i%len(versions)], Port: 10000 + i%per, Keys: 3, KeyPrefix: "gen",
			BackupPath: "s3://acme-backups/" + name, Tags: map[string]string{"environment": "test"},
		})
	}
	return list
}

// freePort picks a port that no database of the subscription has or will have.
func freePort(r *rand.Rand, u *subscription) int {
	for {
		port := 10000 + r.IntN(10000)
		if !slices.Contains(u.reserved, port) && !slices.ContainsFunc(u.databases, func(d *database) bool { return d.port == port }) {
			return port
		}
	}
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
