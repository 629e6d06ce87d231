package cloudtest

import (
	"context"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

// driven is an account with one database for every kind of answer.
func driven() cloudemu.Fleet {
	return cloudemu.Fleet{
		Subscriptions: []cloudemu.FleetSubscription{
			{Name: "shop", Databases: []cloudemu.FleetDatabase{
				{Name: "full", Version: "6.2", Port: 12001, Shards: 2, SizeGB: 2, TLS: true, Modules: []string{"RediSearch"}, Keys: 20,
					BackupPath: "s3://acme/full", BackupAge: "2h", DynamicEndpoints: true, Tags: map[string]string{"environment": "production"}},
				{Name: "plain", Version: "7.2", Port: 12002, Keys: 5},
				{Name: "old-mc", Protocol: "memcached", Port: 12003},
				{Name: "moved", Version: "7.2", Port: 12010, Password: "the-same", DynamicEndpoints: true},
				{Name: "doomed", Version: "7.2", Port: 12011},
			}},
			{Name: "standby", Databases: []cloudemu.FleetDatabase{
				{Name: "copy", Version: "7.4", Port: 13001, ReplicaOf: "plain"},
				{Name: "target", Version: "7.2", Port: 12010, Password: "the-same", DynamicEndpoints: true},
			}},
			{Name: "global", ActiveActive: true, Regions: []string{"us-east-1", "eu-west-1"}, Databases: []cloudemu.FleetDatabase{{Name: "geo", Version: "7.2"}}},
			{Name: "flex", Flash: true, Databases: []cloudemu.FleetDatabase{{Name: "tiered", Version: "7.2"}}},
			{Name: "trial-plan", Plan: "essentials", Backups: true, Targets: "all", Databases: []cloudemu.FleetDatabase{
				{Name: "trial", Version: "7.2", Protocol: "stack", BackupPath: "s3://acme/trial", BackupAge: "3h", Keys: 5, Tags: map[string]string{"team": "web"}}}},
			{Name: "next-plan", Plan: "essentials", Databases: []cloudemu.FleetDatabase{{Name: "next", Version: "7.4", Protocol: "stack"}}},
		},
		Roles: []cloudemu.FleetRole{{Name: "app", Rule: "Read-Write", Databases: []string{"full", "plain"}}},
	}
}

// step drives one method of the client in one form, and what follows from it
// at the emulator.
type step struct {
	method string // of cloud.Client or cloud.Changes
	form   string
	run    func(w *wire, ctx context.Context) error
}

// plans runs a step for a Pro and an Essentials database.
func plans(method string, run func(w *wire, ctx context.Context, ref cloud.Ref) error) []step {
	on := func(name string) func(*wire, context.Context) error {
		return func(w *wire, ctx context.Context) error { return run(w, ctx, w.ref(name)) }
	}
	return []step{{method, "Pro", on("full")}, {method, "Essentials", on("trial")}}
}

func drop[T any](_ T, err error) error { return err }

// steps is every method of both types with full and minimal bodies. The
// order matters: later steps use what earlier ones made.
func steps() []step {
	var all []step
	all = append(all, reading()...)
	all = append(all, questions()...)
	all = append(all, settings()...)
	all = append(all, working()...)
	all = append(all, building()...)
	all = append(all, deleting()...)
	return append(all, redirecting()...)
}

// reading are the calls that change nothing.
func reading() []step {
	all := []step{
		{"Account", "", func(w *wire, ctx context.Context) error { return drop(w.client.Account(ctx)) }},
		{"Subscriptions", "", func(w *wire, ctx context.Context) error { return drop(w.client.Subscriptions(ctx)) }},
		{"EssentialsSubscriptions", "", func(w *wire, ctx context.Context) error { return drop(w.client.EssentialsSubscriptions(ctx)) }},
		{"DatabaseModules", "", func(w *wire, ctx context.Context) error { return drop(w.client.DatabaseModules(ctx)) }},
		{"Roles", "", func(w *wire, ctx context.Context) error { return drop(w.client.Roles(ctx)) }},
		{"Tasks", "", func(w *wire, ctx context.Context) error { return drop(w.client.Tasks(ctx)) }},
		{"Logs", "bare", func(w *wire, ctx context.Context) error { return drop(w.client.Logs(ctx, cloud.LogQuery{})) }},
		{"Logs", "all fields", func(w *wire, ctx context.Context) error {
			return drop(w.client.Logs(ctx, cloud.LogQuery{Offset: 0, Limit: 50, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Resource: w.ref("full").Database}))
		}},
		{"MaintenanceWindows", "manual", func(w *wire, ctx context.Context) error {
			return drop(w.client.MaintenanceWindows(ctx, w.ref("full").Subscription))
		}},
		{"MaintenanceWindows", "automatic", func(w *wire, ctx context.Context) error {
			return drop(w.client.MaintenanceWindows(ctx, w.ref("copy").Subscription))
		}},
		{"Certificate", "", func(w *wire, ctx context.Context) error { return drop(w.client.Certificate(ctx, w.ref("full"))) }},
		{"Database", "memcached", func(w *wire, ctx context.Context) error { return drop(w.client.Database(ctx, w.ref("old-mc"))) }},
		{"Database", "Active-Active", func(w *wire, ctx context.Context) error { return drop(w.client.Database(ctx, w.ref("geo"))) }},
		{"Database", "Flex", func(w *wire, ctx context.Context) error { return drop(w.client.Database(ctx, w.ref("tiered"))) }},
		{"Database", "replica", func(w *wire, ctx context.Context) error { return drop(w.client.Database(ctx, w.ref("copy"))) }},
	}
	all = append(all, plans("Databases", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		return drop(w.client.Databases(ctx, ref.Plan, ref.Subscription))
	})...)
	all = append(all, plans("Subscription", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		return drop(w.client.Subscription(ctx, ref.Plan, ref.Subscription))
	})...)
	all = append(all, plans("Database", func(w *wire, ctx context.Context, ref cloud.Ref) error { return drop(w.client.Database(ctx, ref)) })...)
	all = append(all, plans("TargetVersions", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		return drop(w.client.TargetVersions(ctx, ref))
	})...)
	return append(all, plans("CreatableVersions", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		return drop(w.client.CreatableVersions(ctx, ref.Plan, ref.Subscription))
	})...)
}

// questions are reads that make a task.
func questions() []step {
	all := plans("AskBackup", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		w.done(w.client.AskBackup(ctx, ref))
		return nil
	})
	all = append(all, plans("AskImport", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		w.done(w.client.AskImport(ctx, ref))
		return nil
	})...)
	return append(all,
		step{"AskBackup", "remote backup off: the task fails", func(w *wire, ctx context.Context) error {
			w.ended(w.client.AskBackup(ctx, w.ref("plain")))
			return nil
		}},
		step{"Task", "with and without an end", func(w *wire, ctx context.Context) error {
			task, err := w.client.AskImport(ctx, w.ref("plain"))
			if err != nil {
				return err
			}
			for range 4 { // 404 first, then received, then ended
				_, _ = w.client.Task(ctx, task.ID)
			}
			w.ended(task, nil)
			return drop(w.client.Task(ctx, task.ID))
		}},
	)
}

// settings are updates.
func settings() []step {
	on, yes, none := "snapshot-every-6-hours", true, []cloud.SyncSource{}
	evict, alerts := "allkeys-lru", []cloud.Alert{{Name: "dataset-size", Value: 70}}
	rules, secret, ips := []string{".*"}, cloud.Secret("pass-word-1"), []string{"10.0.0.0/8"}
	name := "full-renamed"
	back := "full"
	fixedAlerts := []cloud.Alert{{Name: "connections-limit", Value: 70}}
	update := func(on string, u cloud.Update) func(*wire, context.Context) error {
		return func(w *wire, ctx context.Context) error { w.done(w.client.Update(ctx, w.ref(on), u)); return nil }
	}
	all := plans("Tags", func(w *wire, ctx context.Context, ref cloud.Ref) error { return drop(w.client.Tags(ctx, ref)) })
	all = append(all, plans("SetTags", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		return w.client.SetTags(ctx, ref, []cloud.Tag{{Key: "environment", Value: "production"}, {Key: "team", Value: "web"}})
	})...)
	return append(all,
		step{"Tags", "none yet", func(w *wire, ctx context.Context) error { return drop(w.client.Tags(ctx, w.ref("plain"))) }},
		step{"SetTags", "none", func(w *wire, ctx context.Context) error { return w.client.SetTags(ctx, w.ref("plain"), nil) }},
		step{"Update", "Pro, one field", update("full", cloud.Update{SourceIPs: &ips})},
		step{"Update", "Pro, all fields", update("full", cloud.Update{Name: &name, SourceIPs: &ips, Password: &secret, TLS: &yes,
			RemoteBackup: &cloud.RemoteBackup{Active: true, Interval: "every-12-hours", TimeUTC: "02:00", Path: "s3://acme/full"},
			RegexRules:   &rules, Alerts: &alerts, AutoMinor: &yes, Persistence: &on, Eviction: &evict})},
		step{"Update", "Pro, default user and detached", update("full-renamed", cloud.Update{Name: &back, DefaultUser: &yes, Replica: &none})},
		step{"Update", "Pro, attached", update("doomed", cloud.Update{Replica: &[]cloud.SyncSource{{Endpoint: "redis://elsewhere.example.com:6379", Encryption: true, ServerCert: "-----BEGIN CERTIFICATE-----"}}})},
		step{"Update", "Pro, backup off", update("doomed", cloud.Update{RemoteBackup: &cloud.RemoteBackup{}})},
		step{"Update", "Essentials, all fields", update("trial", cloud.Update{SourceIPs: &ips, Password: &secret, TLS: &yes,
			RemoteBackup: &cloud.RemoteBackup{Active: true, Path: "s3://acme/trial"}, Alerts: &fixedAlerts, Persistence: &on, Eviction: &evict})},
		step{"UpdateRole", "", func(w *wire, ctx context.Context) error {
			roles, err := w.client.Roles(ctx)
			if err != nil {
				return err
			}
			w.done(w.client.UpdateRole(ctx, roles[0]))
			return nil
		}},
	)
}

// working are backup, upgrade and import.
func working() []step {
	all := plans("StartBackup", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		w.done(w.client.StartBackup(ctx, ref, ""))
		w.done(w.client.AskBackup(ctx, ref))
		return nil
	})
	all = append(all, plans("StartBackup", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		w.done(w.client.StartBackup(ctx, ref, "s3://acme/elsewhere"))
		return nil
	})...)
	all = append(all, plans("UpgradeStatus", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		_, err := w.client.UpgradeStatus(ctx, ref)
		if err == nil {
			w.t.Errorf("%s was never upgraded and has a status", ref)
		}
		return nil // 404: never
	})...)
	all = append(all, plans("StartUpgrade", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		w.ended(w.client.StartUpgrade(ctx, ref, "7.4"))
		w.pass(time.Minute)
		for range 2 { // under way, then done
			if _, err := w.client.UpgradeStatus(ctx, ref); err != nil {
				return err
			}
			if _, err := w.client.Database(ctx, ref); err != nil {
				return err
			}
			w.pass(10 * time.Minute)
		}
		return nil
	})...)
	all = append(all, step{"StartUpgrade", "refused in the task", func(w *wire, ctx context.Context) error {
		if got := w.ended(w.client.StartUpgrade(ctx, w.ref("old-mc"), "8.2")); got.Err == nil {
			w.t.Error("a memcached database was upgraded")
		}
		return nil
	}})
	return append(all, plans("StartImport", func(w *wire, ctx context.Context, ref cloud.Ref) error {
		uris := w.files(ref.Database)
		w.done(w.client.StartImport(ctx, ref, "aws-s3", uris))
		w.done(w.client.AskImport(ctx, ref))
		return nil
	})...)
}

// files are the newest backup files of a database.
func (w *wire) files(database int) []string {
	w.t.Helper()
	var all map[string][]struct {
		URI      string `json:"uri"`
		Database int    `json:"database_id"`
		Shards   int    `json:"shards"`
	}
	hook(w.t, w.emu, "GET", "backups", nil, &all)
	for _, list := range all {
		if last := list[len(list)-1]; last.Database == database {
			var uris []string
			for _, f := range list[len(list)-last.Shards:] {
				uris = append(uris, f.URI)
			}
			return uris
		}
	}
	w.t.Fatalf("no backup of %d", database)
	return nil
}

// building are creates.
func building() []step {
	full := func(w *wire, ctx context.Context) cloud.Create {
		db, err := w.client.Database(ctx, w.ref("full"))
		must(w.t, err)
		c := cloud.CreateFrom(db, "7.2")
		c.Name, c.Port = "full-again", 12050
		c.ClientCerts = []string{"-----BEGIN CERTIFICATE-----"}
		c.OSSCluster, c.ExternalOSS = true, true
		return c
	}
	return []step{
		{"DryRun", "", func(w *wire, ctx context.Context) error {
			w.done(w.client.DryRun(ctx, cloud.Pro, w.ref("full").Subscription, full(w, ctx)))
			return nil
		}},
		{"Create", "Pro, like another", func(w *wire, ctx context.Context) error {
			w.ended(w.client.Create(ctx, cloud.Pro, w.ref("full").Subscription, full(w, ctx)))
			if err := drop(w.client.Database(ctx, w.ref("full-again"))); err != nil { // without endpoints yet
				return err
			}
			w.pass(10 * time.Minute)
			return drop(w.client.Database(ctx, w.ref("full-again")))
		}},
		{"Create", "Pro, all that is left", func(w *wire, ctx context.Context) error {
			off := false
			w.done(w.client.Create(ctx, cloud.Pro, w.ref("full").Subscription, cloud.Create{Name: "more", MemoryLimitGB: 2, AutoMinor: &off, Version: "8.4",
				QueryPerformance: "2x", Sharding: "redis-oss-hashing", Replication: true,
				Throughput: cloud.Throughput{By: "operations-per-second", Value: 1000},
				Replica:    []cloud.SyncSource{{Endpoint: "redis://elsewhere.example.com:6379"}}}))
			return nil
		}},
		{"Create", "Flex", func(w *wire, ctx context.Context) error {
			w.done(w.client.Create(ctx, cloud.Pro, w.ref("tiered").Subscription, cloud.Create{Name: "tiered-2", DatasetSizeGB: 100, RAMPercentage: 30}))
			db, err := w.client.Database(ctx, w.ref("tiered-2"))
			if err == nil && (db.MemoryStorage != "ram-and-flash" || db.RAMPercentage != 30) {
				w.t.Errorf("created on %s with %d %% RAM", db.MemoryStorage, db.RAMPercentage)
			}
			return err
		}},
		{"Create", "Pro, bare", func(w *wire, ctx context.Context) error {
			w.done(w.client.Create(ctx, cloud.Pro, w.ref("full").Subscription, cloud.Create{Name: "bare"}))
			return nil
		}},
	}
}

// deleting are deletes, and what takes the place.
func deleting() []step {
	return []step{
		{"Delete", "Pro", func(w *wire, ctx context.Context) error {
			ref := w.ref("doomed")
			w.done(w.client.Delete(ctx, ref))
			if _, err := w.client.Database(ctx, ref); err == nil {
				w.t.Error("the deleted database is still there")
			}
			return nil
		}},
		{"Delete", "Essentials", func(w *wire, ctx context.Context) error { w.done(w.client.Delete(ctx, w.ref("next"))); return nil }},
		{"Create", "Essentials, full", func(w *wire, ctx context.Context) error {
			subscription := subscriptionNamed(w, "next-plan")
			db, err := w.client.Database(ctx, w.ref("trial"))
			if err != nil {
				return err
			}
			db.Name, db.Backup = "next", cloud.BackupSettings{}
			w.done(w.client.Create(ctx, cloud.Essentials, subscription, cloud.CreateFrom(db, "7.4")))
			return nil
		}},
	}
}

// subscriptionNamed is the id of an Essentials subscription.
func subscriptionNamed(w *wire, name string) int {
	w.t.Helper()
	all, err := w.client.EssentialsSubscriptions(w.t.Context())
	must(w.t, err)
	for _, s := range all {
		if s.Name == name {
			return s.ID
		}
	}
	w.t.Fatalf("there is no subscription %s", name)
	return 0
}

// redirecting moves dynamic names there and back.
func redirecting() []step {
	redirect := func(w *wire, ctx context.Context) (cloud.Redirection, error) {
		return w.client.Redirect(ctx, cloud.RedirectRequest{Source: w.ref("moved").Database, Target: w.ref("target").Database, Type: "public", DuplicateACLs: true})
	}
	id := ""
	return []step{
		{"Traffic", "never redirected", func(w *wire, ctx context.Context) error {
			if _, err := w.client.Traffic(ctx, w.ref("trial")); err == nil {
				w.t.Error("a database that was never redirected has a traffic state")
			}
			return nil
		}},
		{"Redirect", "", func(w *wire, ctx context.Context) error {
			r, err := redirect(w, ctx)
			id = r.ID
			w.pass(2 * time.Minute)
			return err
		}},
		{"Redirection", "completed", func(w *wire, ctx context.Context) error { return drop(w.client.Redirection(ctx, id)) }},
		{"Traffic", "cut", func(w *wire, ctx context.Context) error { return drop(w.client.Traffic(ctx, w.ref("moved"))) }},
		{"ResumeTraffic", "Pro", func(w *wire, ctx context.Context) error {
			w.pass(6 * time.Minute)
			return w.client.ResumeTraffic(ctx, w.ref("moved"))
		}},
		{"RevertRedirect", "", func(w *wire, ctx context.Context) error {
			w.pass(time.Minute)
			if err := drop(w.client.RevertRedirect(ctx, id)); err != nil {
				return err
			}
			w.pass(2 * time.Minute)
			return drop(w.client.Redirection(ctx, id))
		}},
		{"ResumeTraffic", "Essentials, refused", func(w *wire, ctx context.Context) error {
			err := w.client.ResumeTraffic(ctx, w.ref("trial"))
			if err == nil || !cloud.DidNotHappen(err) {
				w.t.Errorf("resume of what was never cut: %v", err)
			}
			return nil
		}},
		{"Redirect", "refused", func(w *wire, ctx context.Context) error {
			_, err := w.client.Redirect(ctx, cloud.RedirectRequest{Source: w.ref("full").Database, Target: w.ref("plain").Database, Type: "private"})
			if err == nil || !strings.Contains(err.Error(), "422") {
				w.t.Errorf("redirection between different ports: %v", err)
			}
			return nil
		}},
	}
}
