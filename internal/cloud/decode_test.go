package cloud

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const proDatabase = `{"databaseId":51055,"name":"orders","protocol":"redis","provider":"AWS","region":"us-east-1","redisVersion":"7.2","respVersion":"resp2","autoMinorVersionUpgrade":true,"status":"active","datasetSizeInGb":2,"memoryUsedInMb":4,"memoryStorage":"ram","supportOSSClusterApi":false,"useExternalEndpointForOSSClusterApi":false,"dataPersistence":"aof-every-1-second","replication":true,"dataEvictionPolicy":"noeviction","throughputMeasurement":{"by":"operations-per-second","value":2500},"activatedOn":"2024-05-10T14:14:33Z","lastModified":"2024-05-10T14:14:33Z","publicEndpoint":"redis-17571.c235866.us-east-1-1.ec2.cloud.rlrcp.com:17571","privateEndpoint":"redis-17571.internal.c235866.us-east-1-1.ec2.cloud.rlrcp.com:17571","dynamicEndpoints":{"public":"horse-battery-staple-12345.db.redis.io:17571","private":"cherry-cook-turn-91868.db.redis.io:17571"},"replica":null,"clustering":{"numberOfShards":1,"regexRules":[{"ordinal":1,"pattern":"(?<tag>.*)"},{"ordinal":0,"pattern":".*\\{(?<tag>.*)\\}.*"}],"hashingPolicy":"standard"},"security":{"enableDefaultUser":true,"password":"hunter2hunter2","sslClientAuthentication":false,"tlsClientAuthentication":false,"enableTls":false,"sourceIps":["0.0.0.0/0"]},"modules":[{"id":18536,"name":"RedisJSON","capabilityName":"JSON","version":"2.0.6","parameters":[]}],"alerts":[{"name":"dataset-size","value":80,"defaultValue":80}],"backup":{"enableRemoteBackup":true,"interval":"every-24-hours","timeUTC":"02:00","destination":"s3://acme-backups/orders"},"links":[]}`

const essentialsDatabase = `{"databaseId":51055029,"name":"cache","protocol":"stack","provider":"AWS","region":"us-west-1","redisVersion":"7.4","respVersion":"resp2","status":"active","planMemoryLimit":256,"memoryLimitMeasurementUnit":"MB","memoryUsedInMb":7,"memoryStorage":"ram","supportOSSClusterApi":false,"useExternalEndpointForOSSClusterApi":false,"dataPersistence":"none","replication":false,"dataEvictionPolicy":"noeviction","activatedOn":"2024-05-10T14:14:33Z","replicaOf":{"endpoints":["redis://default:pw@SOURCE.example.com.:17000"]},"replica":null,"clustering":{"enabled":false,"regexRules":[],"hashingPolicy":"standard"},"security":{"defaultUserEnabled":false,"password":"hunter2hunter2","sslClientAuthentication":false,"tlsClientAuthentication":false,"enableTls":false,"sourceIps":["0.0.0.0/0"]},"modules":[],"alerts":[{"name":"connections-limit","value":80,"defaultValue":80}],"backup":{"remoteBackupEnabled":false,"status":"idle"},"links":[]}`

const activeActiveDatabase = `{"databaseId":1466,"name":"geo","redisVersion":"7.2","protocol":"redis","status":"active","memoryStorage":"ram","activeActiveRedis":true,"replication":true,"dataEvictionPolicy":"noeviction","autoMinorVersionUpgrade":true,"modules":[],"globalDataPersistence":"none","globalSourceIp":["0.0.0.0/0"],"globalAlerts":[],"globalEnableDefaultUser":true,"crdbDatabases":[{"provider":"AWS","region":"us-east-1","redisVersionCompliance":"6.2.10","respVersion":"resp2","publicEndpoint":"redis-14383.mc940-1.us-east-1-mz.ec2.cloud.rlrcp.com:14383","privateEndpoint":"redis-14383.internal.mc940-1.us-east-1-mz.ec2.cloud.rlrcp.com:14383","memoryLimitInGb":1,"datasetSizeInGb":1,"memoryUsedInMb":29.9949,"dataPersistence":"none","alerts":[],"security":{"enableDefaultUser":true,"enableTls":false,"sourceIps":["0.0.0.0/0"]},"backup":{"enableRemoteBackup":false,"interval":"","timeUTC":""},"links":[]}],"links":[]}`

func TestDatabaseOfPro(t *testing.T) {
	on, at := true, time.Date(2024, 5, 10, 14, 14, 33, 0, time.UTC)
	want := Database{
		Ref: orders, Name: "orders", Protocol: "redis", Status: "active", Version: "7.2", FullVersion: "7.2",
		DatasetSizeGB: 2, UsedMB: 4, MemoryStorage: "ram", Provider: "AWS", Region: "us-east-1",
		Replication: true, Persistence: "aof-every-1-second", Eviction: "noeviction",
		Throughput: Throughput{"operations-per-second", 2500}, RESP: "resp2", AutoMinor: &on,
		PublicEndpoint:  "redis-17571.c235866.us-east-1-1.ec2.cloud.rlrcp.com:17571",
		PrivateEndpoint: "redis-17571.internal.c235866.us-east-1-1.ec2.cloud.rlrcp.com:17571",
		Dynamic:         DynamicEndpoints{"horse-battery-staple-12345.db.redis.io:17571", "cherry-cook-turn-91868.db.redis.io:17571"},
		Port:            17571, Shards: 1, HashingPolicy: "standard",
		RegexRules: []string{`.*\{(?<tag>.*)\}.*`, `(?<tag>.*)`},
		Modules:    []Module{{"RedisJSON", "JSON", "2.0.6"}},
		Alerts:     []Alert{{"dataset-size", 80}},
		Backup:     BackupSettings{true, "every-24-hours", "02:00", "s3://acme-backups/orders"},
		Security:   Security{DefaultUser: true, Password: "hunter2hunter2", SourceIPs: []string{"0.0.0.0/0"}},
		Activated:  at, Modified: at,
	}
	if diff := cmp.Diff(want, decodeDatabase(t, Pro, 1206, proDatabase)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func decodeDatabase(t *testing.T, plan Plan, subscription int, body string) Database {
	t.Helper()
	var w wireDatabase
	if err := decode([]byte(body), &w); err != nil {
		t.Fatal(err)
	}
	return w.database(plan, subscription)
}

func TestDatabaseOfEssentials(t *testing.T) {
	d := decodeDatabase(t, Essentials, 111728, essentialsDatabase)
	if d.Ref != cache || d.MemoryLimitGB != 0.25 || d.Security.DefaultUser || d.Backup.Enabled || d.Port != 0 || d.AutoMinor != nil {
		t.Errorf("got %+v", d)
	}
	if diff := cmp.Diff([]string{"redis://SOURCE.example.com.:17000"}, d.SyncSources); diff != "" {
		t.Errorf("sources without credentials: -want +got\n%s", diff)
	}
	if got := d.Replica[0].Endpoint.Raw(); got != "redis://default:pw@SOURCE.example.com.:17000" {
		t.Errorf("raw source = %s", got)
	}
}

func TestDatabaseOfActiveActive(t *testing.T) {
	d := decodeDatabase(t, Pro, 7, activeActiveDatabase)
	if !d.ActiveActive || d.Version != "7.2" || d.FullVersion != "7.2" || len(d.Regions) != 1 || !d.Security.DefaultUser ||
		d.Persistence != "none" || d.UsedMB < 29 {
		t.Errorf("got %+v", d)
	}
	want := []string{
		"redis-14383.mc940-1.us-east-1-mz.ec2.cloud.rlrcp.com:14383",
		"redis-14383.internal.mc940-1.us-east-1-mz.ec2.cloud.rlrcp.com:14383",
	}
	if diff := cmp.Diff(want, d.Endpoints()); diff != "" {
		t.Errorf("endpoints: -want +got\n%s", diff)
	}
}

func TestDatabaseTakesWhatIsUnusual(t *testing.T) {
	for _, tt := range []struct {
		sentence, body string
		ok             func(Database) bool
	}{
		{"a version of three parts is cut to two", `{"redisVersion":"6.2.13"}`,
			func(d Database) bool { return d.Version == "6.2" && d.FullVersion == "6.2.13" }},
		{"without redisVersion the deprecated field helps", `{"redisVersionCompliance":"7.2.4"}`,
			func(d Database) bool { return d.Version == "7.2" && d.FullVersion == "7.2.4" }},
		{"numbers may be strings", `{"databaseId":"7","memoryUsedInMb":"4.5"}`,
			func(d Database) bool { return d.Database == 7 && d.UsedMB == 4.5 }},
		{"a field of the wrong type loses only itself", `{"clustering":"none","security":[1],"name":"x","modules":{"name":"RedisJSON"}}`,
			func(d Database) bool { return d.Name == "x" && len(d.Modules) == 1 && d.Security.DefaultUser }},
		{"null is nothing", `{"name":null,"replica":null,"dynamicEndpoints":null,"alerts":null,"autoMinorVersionUpgrade":null}`,
			func(d Database) bool { return d.Name == "" && d.AutoMinor == nil }},
		{"an unknown status is in transition", `{"status":"bdb-update-pending"}`,
			func(d Database) bool { return !d.Active() && !d.Failed() && d.Status == "bdb-update-pending" }},
		{"draft is not a failure", `{"status":"draft"}`, func(d Database) bool { return !d.Failed() }},
		{"error is a failure", `{"status":"error"}`, Database.Failed},
		{"creation-failed is a failure", `{"status":"creation-failed"}`, Database.Failed},
		{"the capital Q of a recorded answer is read", `{"QueryPerformanceFactor":"2x"}`,
			func(d Database) bool { return d.QueryPerformance == "2x" }},
		{"a time with an offset becomes UTC", `{"activatedOn":"2022-11-21T20:02:21+02:00"}`,
			func(d Database) bool { return d.Activated.Equal(time.Date(2022, 11, 21, 18, 2, 21, 0, time.UTC)) }},
		{"a time nobody can read is no time", `{"activatedOn":"yesterday"}`, func(d Database) bool { return d.Activated.IsZero() }},
		{"client authentication of either spelling counts", `{"security":{"tlsClientAuthentication":true}}`,
			func(d Database) bool { return d.Security.ClientAuth }},
		{"the port comes from a dynamic name if nothing else has one", `{"dynamicEndpoints":{"public":"a-b-c-1.db.redis.io:12000"}}`,
			func(d Database) bool { return d.Port == 12000 }},
	} {
		if d := decodeDatabase(t, Pro, 1, tt.body); !tt.ok(d) {
			t.Errorf("%s: got %+v", tt.sentence, d)
		}
	}
}

func TestEndpoints(t *testing.T) {
	d := Database{PublicEndpoint: "Redis-1.C2.example.com.:10001", PrivateEndpoint: "redis-1.c2.example.com:10001",
		Dynamic: DynamicEndpoints{Public: "a-b-c-1.db.redis.io:10001"}, ReplicaSource: DynamicEndpoints{Private: "nonsense"}}
	if diff := cmp.Diff([]string{"redis-1.c2.example.com:10001", "a-b-c-1.db.redis.io:10001"}, d.Endpoints()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTask(t *testing.T) {
	at := time.Date(2024, 4, 15, 9, 8, 4, 222268000, time.UTC)
	for _, tt := range []struct {
		sentence, body string
		want           Task
		ended, failed  bool
	}{
		{"received: neither ended nor failed", received,
			Task{ID: "50ec6172-8475-4ef6-8b3c-d61e688d8fe5", Command: "x", Status: TaskReceived, At: at,
				Description: "Task request received and is being queued for processing."}, false, false},
		{"completed: ended, with the ids", `{"taskId":"a","status":"processing-completed","response":{"resourceId":51055029,"additionalResourceId":111728}}`,
			Task{ID: "a", Status: TaskCompleted, Resource: 51055029, Additional: 111728}, true, false},
		{"an error object", `{"taskId":"a","status":"processing-error","response":{"error":{"type":"SUBSCRIPTION_NOT_ACTIVE","status":"403 FORBIDDEN","description":"Cannot preform any actions"}}}`,
			Task{ID: "a", Status: TaskBroke, Err: &TaskError{"SUBSCRIPTION_NOT_ACTIVE", 403, "Cannot preform any actions"}}, true, true},
		{"an error string", `{"taskId":"a","status":"processing-error","response":{"error":"DATABASE_NOT_FOUND","additionalInfo":"no such bdb"}}`,
			Task{ID: "a", Status: TaskBroke, Err: &TaskError{"DATABASE_NOT_FOUND", 0, "no such bdb"}}, true, true},
		{"an error without any explanation", `{"taskId":"a","status":"processing-error","description":"failed","response":{}}`,
			Task{ID: "a", Status: TaskBroke, Description: "failed", Err: &TaskError{"", 0, "failed"}}, true, true},
		{"an empty response and the old links", `{"taskId":"a","status":"processing-in-progress","response":{},"_links":{"task":{"href":"x"}}}`,
			Task{ID: "a", Status: TaskProcessing}, false, false},
		{"a status nobody knows goes on", `{"taskId":"a","status":"thinking"}`, Task{ID: "a", Status: "thinking"}, false, false},
		{"a result is kept, its password is not", `{"taskId":"a","status":"processing-completed","response":{"resource":{"n":1,"password":"hunter2","security":{"globalPassword":"x"},"to":"ftp://u:hunter2@h/"}}}`,
			Task{ID: "a", Status: TaskCompleted, Result: json.RawMessage(`{"n":1,"password":"[secret]","security":{"globalPassword":"[secret]"},"to":"ftp://[secret]@h/"}`)}, true, false},
	} {
		got, err := decodeTask([]byte(tt.body), redactText)
		if err != nil {
			t.Fatalf("%s: %v", tt.sentence, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.sentence, diff)
		}
		if got.Ended() != tt.ended || got.Failed() != tt.failed {
			t.Errorf("%s: ended %v, failed %v", tt.sentence, got.Ended(), got.Failed())
		}
	}
}

func TestBackupAndImportOf(t *testing.T) {
	at := time.Date(2024, 5, 21, 10, 36, 26, 0, time.UTC)
	ended := func(result string) Task { return Task{Status: TaskCompleted, Result: json.RawMessage(result)} }
	for _, tt := range []struct {
		sentence string
		task     Task
		want     Backup
	}{
		{"success", ended(`{"status":"success","lastBackupTime":"2024-05-21T10:36:26Z"}`), Backup{Status: Ok, Raw: "success", At: at}},
		{"success without a time, as recorded: not never", ended(`{"status":"success"}`), Backup{Status: Ok, Raw: "success"}},
		{"the other words of success", ended(`{"status":"Completed","lastBackupTime":"2024-05-21T10:36:26Z"}`), Backup{Status: Ok, Raw: "Completed", At: at}},
		{"failed, with a reason", ended(`{"status":"failed","failureReason":"no-permission"}`), Backup{Status: Bad, Raw: "failed", Reason: "no-permission"}},
		{"exporting is running", ended(`{"status":"exporting","lastBackupTime":"2024-05-21T10:36:26Z"}`), Backup{Status: Running, Raw: "exporting", At: at}},
		{"a word nobody knows is running", ended(`{"status":"dreaming"}`), Backup{Status: Running, Raw: "dreaming"}},
		{"an empty object is never", ended(`{}`), Backup{Status: Never}},
		{"no object at all is never", ended(``), Backup{Status: Never}},
		{"a task under way says nothing", Task{Status: TaskReceived}, Backup{}},
		{"a failed task says only why", Task{Status: TaskBroke, Err: &TaskError{Code: "DATABASE_BACKUP_DISABLED"}}, Backup{Reason: "DATABASE_BACKUP_DISABLED"}},
		{"a reason without a word is a failure", ended(`{"failureReason":"wrong-file-path"}`), Backup{Status: Bad, Reason: "wrong-file-path"}},
		{"a result that is no object says nothing", ended(`[1]`), Backup{}},
	} {
		if diff := cmp.Diff(tt.want, BackupOf(tt.task)); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.sentence, diff)
		}
	}
	got := ImportOf(ended(`{"status":"failed","lastImportTime":"2024-05-21T10:36:26Z","failureReason":"file-corrupted","failureReasonParams":[{"key":"bytes_configured_bdb_limit","value":"1234"},{"key":"bytes_of_expected_dataset","value":"5678"}]}`))
	want := Import{Status: Bad, Raw: "failed", At: at, Reason: "file-corrupted",
		Params: map[string]string{"bytes_configured_bdb_limit": "1234", "bytes_of_expected_dataset": "5678"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := ImportOf(ended(`{"status":"idle"}`)); got.Status != Never {
		t.Errorf("idle without a time = %+v, want never", got)
	}
}

func TestErrorBody(t *testing.T) {
	long := ""
	for range 100 {
		long += "word "
	}
	for _, tt := range []struct {
		sentence, contentType, body string
		code, text                  string
	}{
		{"response.error object", "", `{"response":{"error":{"type":"A_B","status":"400 BAD_REQUEST","description":"why"}}}`, "A_B", "why"},
		{"response.error string", "", `{"response":{"error":"DATABASE_NOT_FOUND"}}`, "DATABASE_NOT_FOUND", ""},
		{"error object", "", `{"error":{"type":"A_B","description":"why"}}`, "A_B", "why"},
		{"error and message", "", `{"timestamp":"x","status":404,"error":"Not Found","message":"no database 7","path":"/v1/x"}`, "", "Not Found: no database 7"},
		{"a code as the message", "", `{"error":"Forbidden","message":"SUBSCRIPTION_NOT_ACTIVE"}`, "SUBSCRIPTION_NOT_ACTIVE", "Forbidden: SUBSCRIPTION_NOT_ACTIVE"},
		{"error alone", "", `{"error":"Conflict"}`, "", "Conflict"},
		{"message alone", "", `{"message":"why"}`, "", "why"},
		{"description alone", "", `{"description":"why"}`, "", "why"},
		{"plain text", "text/plain", "Bad Request: unsupported fields", "", "Bad Request: unsupported fields"},
		{"a JSON string", "", `"why"`, "", "why"},
		{"the HTML page of a 401", "text/html", "<html><head><title>401 Authorization Required</title>", "", ""},
		{"HTML without its type", "", "<!DOCTYPE html><p>hi", "", ""},
		{"nothing", "", "", "", ""},
		{"JSON of no known shape", "", `[1,2]`, "", ""},
		{"a long text is cut", "text/plain", long, "", string([]rune(clip(long)))},
	} {
		code, text := errorBody([]byte(tt.body), tt.contentType, redactText)
		if code != tt.code || text != tt.text {
			t.Errorf("%s: got %q, %q; want %q, %q", tt.sentence, code, text, tt.code, tt.text)
		}
	}
	if n := len([]rune(clip(long))); n != maxErrorText {
		t.Errorf("clip left %d runes", n)
	}
}

func TestParseTime(t *testing.T) {
	want := time.Date(2022, 11, 20, 0, 0, 0, 0, time.UTC)
	for _, s := range []string{"2022-11-20T00:00:00Z", "2022-11-20T00:00:00.000000000Z", "2022-11-20T02:00:00+02:00",
		"2022-11-20T02:00:00+0200", "2022-11-20T00:00:00", "2022-11-20 00:00:00", "2022-11-20", "20-Nov-2022"} {
		if got := parseTime(s); !got.Equal(want) {
			t.Errorf("parseTime(%q) = %v", s, got)
		}
	}
}

func FuzzDatabase(f *testing.F) {
	f.Add([]byte(proDatabase))
	f.Add([]byte(essentialsDatabase))
	f.Add([]byte(activeActiveDatabase))
	f.Fuzz(func(t *testing.T, body []byte) {
		var w wireDatabase
		if decode(body, &w) != nil {
			return
		}
		d := w.database(Pro, 1)
		if d.Active() && d.Failed() || d.Port < 0 || d.Port > 65535 {
			t.Errorf("contradiction: %+v", d)
		}
		for _, e := range d.Endpoints() {
			if normalEndpoint(e) != e {
				t.Errorf("endpoint %q is not normal", e)
			}
		}
		if _, err := json.Marshal(CreateFrom(d, "7.2").wire(Pro)); err != nil {
			t.Error(err)
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add([]byte(`{"response":{"error":{"type":"A_B"}}}`), "application/json")
	f.Add([]byte(`<html>`), "text/html")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		_, said := errorBody(body, contentType, redactText)
		if n := len([]rune(said)); n > maxErrorText {
			t.Errorf("%d runes", n)
		}
		if len(said) > 0 && said[0] == '<' && body[0] == '<' {
			t.Errorf("a page got through: %q", said)
		}
	})
}
