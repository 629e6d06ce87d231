package inventory

import "github.com/redis-upgrade/bot/internal/cloud"

func subscriptionNamed(plan cloud.Plan, id int, name string) cloud.Subscription {
	return cloud.Subscription{ID: id, Name: name, Status: "active", Plan: plan}
}

func databaseNamed(ref cloud.Ref, name, version string, endpoints ...string) cloud.Database {
	d := cloud.Database{
		Ref: ref, Name: name, Version: version, Protocol: "redis", Status: "active", Shards: 1,
		Provider: "AWS", Region: "us-east-1", Modules: []cloud.Module{{Name: "RedisJSON"}},
		Backup:   cloud.BackupSettings{Enabled: true, Destination: "ftp://user:hunter2@backups.example.test/"},
		Security: cloud.Security{DefaultUser: true, Password: "hunter2"},
	}
	if len(endpoints) > 0 {
		d.PublicEndpoint = endpoints[0]
	}
	if len(endpoints) > 1 {
		d.PrivateEndpoint = endpoints[1]
	}
	return d
}

func fedBy(d cloud.Database, sources ...string) cloud.Database {
	d.SyncSources = sources
	return d
}

func memcachedNamed(ref cloud.Ref, name string) cloud.Database {
	d := databaseNamed(ref, name, "", "mc.example.test:10006")
	d.Protocol = "memcached"
	return d
}

func activeActiveNamed(ref cloud.Ref, name, version string) cloud.Database {
	d := databaseNamed(ref, name, version, "aa.example.test:10008")
	d.ActiveActive = true
	return d
}
