package cloudemu

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stored is a file in the hook's list.
type stored struct {
	URI           string
	Database      string
	Version       string
	Format, Shard int
	Shards, Keys  int
	Digest        string
	SetDigest     string `json:"set_digest"`
}

func (b *bench) files(name string) []stored {
	b.t.Helper()
	var all map[string][]stored
	b.hook("GET", "backups", nil, &all)
	return all[name]
}

// newest gives the URIs of the latest set of a database.
func (b *bench) newest(name string) []string {
	files := b.files(name)
	last := files[len(files)-1]
	var uris []string
	for _, f := range files[len(files)-last.Shards:] {
		uris = append(uris, f.URI)
	}
	return uris
}

func (b *bench) status(path, kind string) map[string]any {
	b.t.Helper()
	end := b.task(b.api(200, "GET", path+"/"+kind, nil))
	resource, _ := dig(end, "response", "resource").(map[string]any)
	return resource
}

func TestRecreateBringsBackKeysAndAddress(t *testing.T) {
	b := newBench(t, busy)
	path, old := b.path("cache-prod"), b.database("cache-prod")
	config := b.api(200, "GET", path, nil)
	b.do("POST", path+"/backup", nil)
	file := b.files("cache-prod")[1]
	b.do("POST", path+"/upgrade", obj{"targetRedisVersion": "8.6"})
	if d := b.database("cache-prod"); d.Version != "8.6" || d.Digest == file.Digest {
		t.Fatalf("after the upgrade and writes: %+v", d)
	}
	b.do("PUT", path, obj{"sourceIp": []string{"127.0.0.1/32"}})
	closed := b.database("cache-prod").Digest
	b.wait(time.Hour)
	if got := b.database("cache-prod").Digest; got != closed {
		t.Error("the application wrote through the closed door")
	}
	b.do("DELETE", path, nil)
	b.api(404, "GET", path, nil)

	created := b.do("POST", path[:21]+"/databases", obj{
		"name": "cache-prod", "port": 12001, "redisVersion": "7.2", "datasetSizeInGb": 2, "sourceIp": []string{"127.0.0.1/32"},
		"password": dig(config, "security", "password"),
	})
	path = b.path("cache-prod")
	now := b.database("cache-prod")
	if dig(created, "response", "resourceId") != float64(now.ID) || now.ID == old.ID || now.Keys != 0 || now.Version != "7.2" {
		t.Fatalf("created %v as %+v", created, now)
	}
	if now.Endpoint != old.Endpoint || now.Endpoint != config["publicEndpoint"] {
		t.Errorf("static endpoint changed from %s to %s", old.Endpoint, now.Endpoint)
	}
	b.do("POST", path+"/import", obj{"sourceType": "aws-s3", "importFromUri": []string{file.URI}})
	if got := b.status(path, "import")["status"]; got != "succeeded" {
		t.Fatalf("import: %v", got)
	}
	if got := b.database("cache-prod"); got.Digest != file.Digest || got.Keys != file.Keys {
		t.Errorf("keys after the import: %+v, want those of %+v", got, file)
	}
	b.do("PUT", path, obj{"sourceIp": []string{"0.0.0.0/0"}})
	if got := b.database("cache-prod"); got.Digest == file.Digest {
		t.Error("the application did not come back after the door was opened")
	}
}

func TestBackupGoesFromExportingToSuccess(t *testing.T) {
	b := newBench(t, quiet)
	path := b.path("search-prod")
	before := b.status(path, "backup")
	b.task(b.api(200, "POST", path+"/backup", obj{}))
	running := b.status(path, "backup")
	if running["status"] != "exporting" || running["lastBackupTime"] != before["lastBackupTime"] {
		t.Errorf("while it runs: %v", running)
	}
	if got := b.refused("POST", path+"/backup", nil); got != "DATABASE_BACKUP_FAILED" {
		t.Errorf("a second one at once: got %q", got)
	}
	if n := len(b.files("search-prod")); n != 3 {
		t.Errorf("%d files before it ended, want the 3 old ones", n)
	}
	b.wait(2 * time.Minute)
	done := b.status(path, "backup")
	if done["status"] != "success" || done["lastBackupTime"] == before["lastBackupTime"] {
		t.Errorf("at the end: %v", done)
	}
	files := b.files("search-prod")[3:]
	keys := 0
	d := b.database("search-prod")
	for i, f := range files {
		want := fmt.Sprintf("-%d-search-prod-%d_of_3-", d.ID, i+1)
		if !strings.HasPrefix(f.URI, "s3://acme-backups/search-prod/bk20261122-") || !strings.Contains(f.URI, want) || !strings.HasSuffix(f.URI, ".rdb.gz") {
			t.Errorf("file name %s", f.URI)
		}
		if f.SetDigest != d.Digest || f.Format != 12 || f.Version != "7.4" || f.Keys == 0 {
			t.Errorf("file %+v of %+v", f, d)
		}
		keys += f.Keys
	}
	if keys != d.Keys {
		t.Errorf("files hold %d keys, database %d", keys, d.Keys)
	}
}

func TestBackupIsRefused(t *testing.T) {
	b := newBench(t)
	for _, row := range []struct {
		sentence, database string
		body               any
		want               string
	}{
		{"without remote backup", "orders-prod", nil, "DATABASE_BACKUP_DISABLED"},
		{"to another place without remote backup", "orders-prod", obj{"adhocBackupPath": "s3://x/y"}, "DATABASE_BACKUP_DISABLED"},
		{"to a place that is none", "cache-prod", obj{"adhocBackupPath": "/tmp"}, "DATABASE_INVALID_BACKUP_PATH"},
		{"of one region of a single-region database", "cache-prod", obj{"regionName": "us-east-1"}, "BACKUP_REGION_NAME_IS_NOT_ALLOWED_WITH_SINGLE_REGION_SUBSCRIPTION"},
		{"of no region of an Active-Active database", "global-aa", nil, "ACTIVE_ACTIVE_BACKUP_MISSING_REGION_NAME"},
		{"of an unknown region", "global-aa", obj{"regionName": "mars"}, "ACTIVE_ACTIVE_INVALID_BACKUP_REGION_NAME"},
		{"of a plan without backups", "trial", obj{}, "DATABASE_BACKUP_NOT_SUPPORTED"},
	} {
		if got := b.refused("POST", b.path(row.database)+"/backup", row.body); got != row.want {
			t.Errorf("backup %s: got %q, want %q", row.sentence, got, row.want)
		}
	}
	if got := b.refused("GET", b.path("orders-prod")+"/backup", nil); got != "DATABASE_BACKUP_DISABLED" {
		t.Errorf("status without remote backup: got %q", got)
	}
	if got := b.status(b.path("reports-staging"), "backup"); got == nil || len(got) != 0 {
		t.Errorf("status of a never backed up database: %v, want {}", got)
	}
	b.fault("adhoc_backup", 1, "")
	b.do("POST", b.path("orders-prod")+"/backup", obj{"adhocBackupPath": "s3://other/place"})
	if got := b.status(b.path("orders-prod"), "backup")["status"]; got != "success" {
		t.Errorf("adhoc backup where it is allowed: %v", got)
	}
}

func TestTurningRemoteBackupOnAllowsABackup(t *testing.T) {
	b := newBench(t)
	path := b.path("orders-prod")
	b.do("PUT", path, obj{"remoteBackup": obj{"active": true, "interval": "every-24-hours", "timeUTC": "02:00", "storageType": "aws-s3", "storagePath": "s3://acme-backups/orders"}})
	got := dig(b.api(200, "GET", path, nil), "backup")
	want := map[string]any{"enableRemoteBackup": true, "interval": "every-24-hours", "timeUTC": "02:00", "destination": "s3://acme-backups/orders"}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Error(diff)
	}
	if got := b.status(path, "backup"); len(got) != 0 {
		t.Errorf("before the first: %v", got)
	}
	b.do("POST", path+"/backup", nil)
	if n := len(b.files("orders-prod")); n != 2 {
		t.Errorf("%d files of 2 shards", n)
	}
}

func TestImportLooksIntoItsFiles(t *testing.T) {
	b := newBench(t, quiet)
	b.do("POST", b.path("latest-prod")+"/backup", nil)
	for _, row := range []struct {
		sentence, into string
		uris           []string
		status, reason any
	}{
		{"an older version refuses a newer dump", "cache-prod", b.newest("search-prod"), "failed", "file-corrupted"},
		{"a file of the same format loads", "reports-staging", b.newest("search-prod"), "succeeded", nil},
		{"a file of an older version loads", "reports-staging", b.newest("cache-prod"), "succeeded", nil},
		{"a file of a newer format does not", "reports-staging", b.newest("latest-prod"), "failed", "file-corrupted"},
		{"a set with a missing shard does not", "reports-staging", b.newest("search-prod")[:2], "failed", "general-error"},
	} {
		path := b.path(row.into)
		b.do("POST", path+"/import", obj{"sourceType": "aws-s3", "importFromUri": row.uris})
		got := b.status(path, "import")
		if got["status"] != row.status || got["failureReason"] != row.reason || got["lastImportTime"] == nil {
			t.Errorf("%s: %v", row.sentence, got)
		}
		if d := b.database(row.into); row.status == "failed" && d.Keys != 0 {
			t.Errorf("%s: %d keys are left although the data was dropped before the file was read", row.sentence, d.Keys)
		}
	}
}

func TestImportIsRefusedInTheTask(t *testing.T) {
	b := newBench(t)
	file := b.newest("cache-prod")[0]
	for _, row := range []struct {
		sentence, kind string
		uris           []string
		want           string
	}{
		{"no files", "aws-s3", []string{}, "DATABASE_IMPORT_URI_NOT_PROVIDED"},
		{"a file twice", "aws-s3", []string{file, file}, "DUPLICATE_DATABASE_IMPORT_SOURCE_PATH"},
		{"a missing file", "aws-s3", []string{file + "x"}, "DATABASE_IMPORT_SOURCE_NOT_FOUND"},
		{"another scheme for s3", "aws-s3", []string{"gs://b/f"}, "DATABASE_IMPORT_S3_BAD_URI"},
		{"another scheme for google", "google-blob-storage", []string{file}, "DATABASE_IMPORT_GCS_BAD_URI"},
		{"another scheme for azure", "azure-blob-storage", []string{file}, "DATABASE_IMPORT_AZURE_BAD_URI"},
		{"another scheme for ftp", "ftp", []string{file}, "DATABASE_IMPORT_FTP_BAD_URI"},
		{"another scheme for http", "http", []string{file}, "DATABASE_IMPORT_HTTP_BAD_URI"},
		{"two servers", "redis", []string{"redis://a:1", "redis://b:1"}, "DATABASE_IMPORT_MULTIPLE_REDIS_SOURCES"},
		{"a Redis Cloud server", "redis", []string{"redis://" + b.database("cache-prod").Endpoint}, "DATABASE_IMPORT_FROM_NON_OSS"},
	} {
		got := b.refused("POST", b.path("reports-staging")+"/import", obj{"sourceType": row.kind, "importFromUri": row.uris})
		if got != row.want {
			t.Errorf("%s: got %q, want %q", row.sentence, got, row.want)
		}
	}
	path := b.path("reports-staging")
	b.do("POST", path+"/import", obj{"sourceType": "http", "importFromUri": []string{"http://example.com/x.rdb"}})
	if got := b.status(path, "import"); got["failureReason"] != "download-error" || b.database("reports-staging").Keys != 100 {
		t.Errorf("a file that cannot be fetched: %v", got)
	}
}

func TestDeleteFreesThePortAtThe404(t *testing.T) {
	b := newBench(t)
	path := b.path("cache-prod")
	sub := path[:21]
	b.task(b.api(200, "DELETE", path, nil))
	if got := b.api(200, "GET", path, nil)["status"]; got != "delete-pending" {
		t.Errorf("right after the task: %v", got)
	}
	if got := b.api(200, "GET", sub, nil)["status"]; got != "pending" {
		t.Errorf("its subscription: %v", got)
	}
	b.wait(31 * time.Second)
	b.api(404, "GET", path, nil)
	if got := b.refused("DELETE", path, nil); got != "SUBSCRIPTION_NOT_ACTIVE" && got != "DATABASE_NOT_FOUND" {
		t.Errorf("again: %q", got)
	}
	b.wait(time.Minute)
	if got := b.refused("DELETE", path, nil); got != "DATABASE_NOT_FOUND" {
		t.Errorf("once more: %q", got)
	}
	roles := b.api(200, "GET", "/acl/roles", nil)
	if strings.Contains(fmt.Sprint(roles), "cache-prod") {
		t.Error("a role still names the deleted database")
	}
	if len(b.files("cache-prod")) == 0 {
		t.Error("its backup files are gone")
	}
	for _, route := range []string{sub, "/fixed/subscriptions/1"} {
		b.api(501, "DELETE", route, nil)
	}
	b.api(501, "PUT", b.path("orders-prod")+"/flush", obj{})
}

func TestAnEmptySubscriptionStays(t *testing.T) {
	b := newBench(t)
	path := b.path("reports-staging")
	b.do("DELETE", path, nil)
	b.api(404, "GET", path[:21]+"/databases?offset=0&limit=100", nil)
	if got := b.api(200, "GET", path[:21], nil); got["status"] != "active" || got["numberOfDatabases"] != 0.0 {
		t.Errorf("subscription: %v", got)
	}
	b.do("DELETE", b.path("trial"), nil)
}
