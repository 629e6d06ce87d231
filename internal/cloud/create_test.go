package cloud

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCreateFrom(t *testing.T) {
	d := decodeDatabase(t, Pro, 1206, proDatabase)
	got := wireOf(t, CreateFrom(d, "7.2"), Pro)
	want := `{"name":"orders","port":17571,"protocol":"redis","redisVersion":"7.2","datasetSizeInGb":2,"throughputMeasurement":{"by":"operations-per-second","value":2500},"replication":true,"dataPersistence":"aof-every-1-second","dataEvictionPolicy":"noeviction","respVersion":"resp2","supportOSSClusterApi":false,"enableTls":false,"password":"hunter2hunter2","sourceIp":["0.0.0.0/0"],"modules":[{"name":"RedisJSON"}],"alerts":[{"name":"dataset-size","value":80}],"shardingType":"default-regex-rules","remoteBackup":{"active":true,"interval":"every-24-hours","timeUTC":"02:00","storageType":"aws-s3","storagePath":"s3://acme-backups/orders"}}`
	sameJSON(t, got, want)
}

func wireOf(t *testing.T, c Create, plan Plan) string {
	t.Helper()
	out, err := json.Marshal(c.wire(plan))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestCreateFromRules(t *testing.T) {
	base := func(change func(*Database)) Database {
		d := Database{Ref: orders, Name: "n", DatasetSizeGB: 1, MemoryLimitGB: 2}
		change(&d)
		return d
	}
	for _, tt := range []struct {
		sentence, version string
		d                 Database
		ok                func(Create, map[string]any) bool
	}{
		{"modules are left out from 8.0 on", "8.0", base(func(d *Database) { d.Modules = []Module{{Name: "RedisJSON"}} }),
			func(c Create, w map[string]any) bool { return c.Modules == nil && w["modules"] == nil }},
		{"modules stay below 8.0", "7.4", base(func(d *Database) { d.Modules = []Module{{Name: "searchlight"}} }),
			func(c Create, _ map[string]any) bool { return c.Modules[0].Name == "RediSearch" }},
		{"auto minor upgrades are switched off from 8.4 on", "8.4", base(func(*Database) {}),
			func(_ Create, w map[string]any) bool { return w["autoMinorVersionUpgrade"] == false }},
		{"below 8.4 nothing is said about them", "8.2", base(func(*Database) {}),
			func(_ Create, w map[string]any) bool { _, found := w["autoMinorVersionUpgrade"]; return !found }},
		{"version 8.10 is above 8.4", "8.10", base(func(*Database) {}), func(c Create, _ map[string]any) bool { return c.AutoMinor != nil }},
		{"only one size is sent", "7.2", base(func(*Database) {}),
			func(_ Create, w map[string]any) bool {
				return w["datasetSizeInGb"] == 1.0 && w["memoryLimitInGb"] == nil
			}},
		{"without a dataset size the limit is sent", "7.2", base(func(d *Database) { d.DatasetSizeGB = 0 }),
			func(_ Create, w map[string]any) bool {
				return w["datasetSizeInGb"] == nil && w["memoryLimitInGb"] == 2.0
			}},
		{"the RAM share is for flash only", "7.2", base(func(d *Database) { d.RAMPercentage, d.MemoryStorage = 30, "ram" }),
			func(_ Create, w map[string]any) bool { return w["ramPercentage"] == nil }},
		{"flash keeps its RAM share", "7.2", base(func(d *Database) { d.RAMPercentage, d.MemoryStorage = 30, "ram-and-flash" }),
			func(_ Create, w map[string]any) bool { return w["ramPercentage"] == 30.0 }},
		{"a standard query factor is omitted", "7.2", base(func(d *Database) { d.QueryPerformance = "Standard" }),
			func(_ Create, w map[string]any) bool { return w["queryPerformanceFactor"] == nil }},
		{"another one is kept", "7.2", base(func(d *Database) { d.QueryPerformance = "4x" }),
			func(_ Create, w map[string]any) bool { return w["queryPerformanceFactor"] == "4x" }},
		{"the external endpoint only goes with the cluster API", "7.2", base(func(d *Database) { d.ExternalOSS = true }),
			func(c Create, _ map[string]any) bool { return !c.ExternalOSS }},
		{"custom rules become their sharding type", "7.2", base(func(d *Database) { d.HashingPolicy = "custom" }),
			func(c Create, _ map[string]any) bool { return c.Sharding == "custom-regex-rules" }},
		{"an unknown policy is OSS hashing", "7.2", base(func(d *Database) { d.HashingPolicy = "oss" }),
			func(c Create, _ map[string]any) bool { return c.Sharding == "redis-oss-hashing" }},
		{"backups that are off are not sent", "7.2", base(func(d *Database) { d.Backup.Destination = "s3://b" }),
			func(c Create, _ map[string]any) bool { return c.Backup == nil }},
		{"the replication source is left out during the import", "7.2", base(func(d *Database) { d.Replica = []SyncSource{{Endpoint: "redis://h:1"}} }),
			func(c Create, w map[string]any) bool { return c.Replica == nil && w["replica"] == nil }},
		{"without a password none is sent", "7.2", base(func(*Database) {}), func(_ Create, w map[string]any) bool { return w["password"] == nil }},
		{"a closed list of addresses stays closed", "7.2", base(func(d *Database) { d.Security.SourceIPs = []string{} }),
			func(_ Create, w map[string]any) bool { l, ok := w["sourceIp"].([]any); return ok && len(l) == 0 }},
	} {
		c := CreateFrom(tt.d, tt.version)
		var w map[string]any
		if err := json.Unmarshal([]byte(wireOf(t, c, Pro)), &w); err != nil {
			t.Fatal(err)
		}
		if !tt.ok(c, w) {
			t.Errorf("%s: got %v", tt.sentence, w)
		}
	}
}

func TestCreateFromEssentials(t *testing.T) {
	d := decodeDatabase(t, Essentials, 111728, essentialsDatabase)
	d.PublicEndpoint, d.Port = "redis-12037.c1.example.com:12037", 12037
	d.Backup = BackupSettings{Enabled: true, Interval: "every-24-hours", Destination: "s3://b"}
	sameJSON(t, wireOf(t, CreateFrom(d, "7.2"), Essentials), `{"name":"cache","protocol":"stack","redisVersion":"7.2","respVersion":"resp2","replication":false,"dataPersistence":"none","dataEvictionPolicy":"noeviction","enableTls":false,"password":"hunter2hunter2","sourceIps":["0.0.0.0/0"],"alerts":[{"name":"connections-limit","value":80}],"periodicBackupPath":"s3://b"}`)
}

func TestTypesOfAddresses(t *testing.T) {
	for uri, want := range map[string][2]string{
		"s3://b/f": {"aws-s3", "aws-s3"}, "gs://b/f": {"google-blob-storage", "google-blob-storage"},
		"abs://k@a/f": {"azure-blob-storage", "azure-blob-storage"}, "ftp://h/f": {"ftp", "ftp"}, "FTPS://h/f": {"ftp", "ftp"},
		"https://h/f": {"http", ""}, "redis://h:1": {"redis", ""}, "rediss://h:1": {"redis", ""}, "file": {"", ""}, "nfs://h": {"", ""},
	} {
		if diff := cmp.Diff(want, [2]string{SourceTypeOf(uri), StorageTypeOf(uri)}); diff != "" {
			t.Errorf("%s: -want +got\n%s", uri, diff)
		}
	}
}
