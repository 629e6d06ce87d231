package cloudemu

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// faultEffects shows for every fault that it does what its description says,
// and that it is used up afterwards.
var faultEffects = map[string]func(t *testing.T, b *bench){
	"rate_limit": func(t *testing.T, b *bench) {
		if r := b.once(t, "GET", "/tasks", 429); r.header.Get("X-Rate-Limit-Remaining") != "0" {
			t.Errorf("header %q", r.header.Get("X-Rate-Limit-Remaining"))
		}
	},
	"rate_limit_no_header": func(t *testing.T, b *bench) {
		if r := b.once(t, "GET", "/tasks", 429); r.header["X-Rate-Limit-Remaining"] != nil {
			t.Error("there is a header")
		}
	},
	"error_500":        func(t *testing.T, b *bench) { b.once(t, "GET", "/tasks", 500) },
	"error_503":        func(t *testing.T, b *bench) { b.once(t, "GET", "/tasks", 503) },
	"forbidden_403":    func(t *testing.T, b *bench) { b.once(t, "GET", "/tasks", 403) },
	"timeout_408":      func(t *testing.T, b *bench) { b.once(t, "GET", "/tasks", 408) },
	"conflict_409":     func(t *testing.T, b *bench) { b.once(t, "GET", "/tasks", 409) },
	"precondition_412": func(t *testing.T, b *bench) { b.once(t, "GET", "/tasks", 412) },
	"html_401": func(t *testing.T, b *bench) {
		if r := b.once(t, "GET", "/tasks", 401); !strings.HasPrefix(r.raw, "<html>") {
			t.Errorf("body %q", r.raw)
		}
	},
	"error_500_after_accept": func(t *testing.T, b *bench) {
		b.api(200, "GET", "/tasks", nil)
		if r := b.send("POST", "/cloud/v1"+b.path("cache-prod")+"/backup", nil, nil); r.status != 500 {
			t.Errorf("status %d", r.status)
		}
		b.wantLedger(t, 1)
	},
	"slow": func(t *testing.T, b *bench) {
		begin := time.Now()
		b.api(200, "POST", b.path("cache-prod")+"/backup", nil)
		if took := time.Since(begin); took < 15*time.Millisecond {
			t.Errorf("answered after %v", took)
		}
	},
	"slow_accept": func(t *testing.T, b *bench) {
		begin := time.Now()
		b.api(200, "GET", "/tasks", nil)
		if took := time.Since(begin); took < 15*time.Millisecond {
			t.Errorf("answered after %v", took)
		}
		b.fault("slow_accept", 1, "/tasks 60s")
		begin = time.Now()
		b.api(200, "GET", "/tasks", nil)
		if took := time.Since(begin); took < 50*time.Millisecond {
			t.Errorf("asked to be a minute late, answered after %v", took)
		}
	},
	"drop_after_accept": func(t *testing.T, b *bench) {
		b.api(200, "GET", "/tasks", nil)
		if r := b.send("POST", "/cloud/v1"+b.path("cache-prod")+"/backup", nil, nil); r.err == nil {
			t.Errorf("got an answer: %d", r.status)
		}
		b.wantLedger(t, 1)
	},
	"drop_before_accept": func(t *testing.T, b *bench) {
		if r := b.send("POST", "/cloud/v1"+b.path("cache-prod")+"/backup", nil, nil); r.err == nil {
			t.Errorf("got an answer: %d", r.status)
		}
		b.wantLedger(t, 0)
	},
	"hang": func(t *testing.T, b *bench) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		go func() {
			for ctx.Err() == nil && b.left("hang") > 0 {
				time.Sleep(5 * time.Millisecond)
			}
			time.Sleep(50 * time.Millisecond) // it has struck, and could answer now
			cancel()
		}()
		req, err := http.NewRequestWithContext(ctx, "POST", b.url+"/cloud/v1"+b.path("cache-prod")+"/backup", nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			t.Errorf("got an answer: %d", res.StatusCode)
		}
		b.wantLedger(t, 0)
	},
	"foreign_create": func(t *testing.T, b *bench) {
		path := b.path("cache-prod")[:21] + "/databases"
		b.api(202, "POST", path, obj{"name": "x", "port": 12345, "dryRun": true})
		if r := b.send("POST", "/cloud/v1"+path, obj{"name": "x", "port": 12345, "redisVersion": "7.2"}, nil); r.err == nil {
			t.Errorf("got an answer: %d", r.status)
		}
		b.wantLedger(t, 0)
		d := b.database("x")
		if d.Port != 12345 || d.Version != "8.6" || d.Status != "active" || d.Keys == 0 {
			t.Errorf("in between there is %+v", d)
		}
	},
	"status_task_error": func(t *testing.T, b *bench) {
		b.do("POST", b.path("cache-prod")+"/backup", nil)
		b.wantRefused(t, "GET", "/backup", nil, "GENERAL_ERROR")
		b.fault("status_task_error", 1, "/import DATABASE_IMPORT_NOT_ALLOWED Not on this plan.")
		b.do("GET", b.path("cache-prod")+"/backup", nil)
		end := b.task(b.api(200, "GET", b.path("cache-prod")+"/import", nil))
		want := obj{"type": "DATABASE_IMPORT_NOT_ALLOWED", "status": "400 BAD_REQUEST", "description": "Not on this plan."}
		if diff := cmp.Diff(want, dig(end, "response", "error")); diff != "" {
			t.Error(diff)
		}
	},
	"status_no_time": func(t *testing.T, b *bench) {
		never := b.task(b.api(200, "GET", b.path("reports-staging")+"/import", nil))
		if got := dig(never, "response", "resource"); !cmp.Equal(got, any(obj{})) {
			t.Errorf("never imported: %v", got)
		}
		end := b.task(b.api(200, "GET", b.path("cache-prod")+"/backup", nil))
		if diff := cmp.Diff(any(obj{"status": "success"}), dig(end, "response", "resource")); diff != "" {
			t.Error(diff)
		}
	},
	"wrong_resource": func(t *testing.T, b *bench) {
		path := b.path("cache-prod")[:21] + "/databases"
		b.do("POST", path, obj{"name": "x", "dryRun": true})
		b.fault("wrong_resource", 1, "/databases orders-prod")
		end := b.do("POST", path, obj{"name": "x"})
		if got, want := dig(end, "response", "resourceId"), float64(b.database("orders-prod").ID); got != want || b.database("x").ID == 0 {
			t.Errorf("the task names %v, want %v", got, want)
		}
	},
	"task_404": func(t *testing.T, b *bench) {
		task := b.task(b.api(200, "GET", b.path("cache-prod")+"/backup", nil))
		b.fault("task_404", 1, "")
		b.api(404, "GET", "/tasks/"+task["taskId"].(string), nil)
		b.api(200, "GET", "/tasks/"+task["taskId"].(string), nil)
	},
	"task_stuck": func(t *testing.T, b *bench) {
		b.fault("task_stuck", -1, "")
		id := b.api(200, "POST", b.path("cache-prod")+"/backup", nil)["taskId"].(string)
		b.wait(time.Hour)
		if got := b.eventually("/tasks/" + id)["status"]; got != taskReceived {
			t.Errorf("after an hour: %v", got)
		}
		b.fault("task_stuck", 0, "")
		b.wait(time.Minute)
		if got := b.eventually("/tasks/" + id)["status"]; got != taskCompleted {
			t.Errorf("after it was switched off: %v", got)
		}
		b.fault("task_stuck", 1, "")
		id = b.api(200, "GET", b.path("cache-prod")+"/backup", nil)["taskId"].(string)
		b.wait(100 * time.Millisecond)
		if got := b.eventually("/tasks/" + id)["status"]; got != taskReceived {
			t.Errorf("behind another task: %v", got)
		}
		b.wait(time.Minute)
		if got := b.eventually("/tasks/" + id)["status"]; got != taskCompleted {
			t.Errorf("after the other task: %v", got)
		}
	},
	"task_error": func(t *testing.T, b *bench) {
		b.wantRefused(t, "POST", "/backup", nil, "GENERAL_ERROR")
		b.fault("task_error", 1, "POST /v1/subscriptions DATABASE_BACKUP_NOT_SUPPORTED")
		b.wantRefused(t, "POST", "/backup", nil, "DATABASE_BACKUP_NOT_SUPPORTED")
	},
	"maintenance": func(t *testing.T, b *bench) {
		b.wantRefused(t, "POST", "/backup", nil, "CLUSTER_UNDER_MAINTENANCE")
	},
	"subscription_busy": func(t *testing.T, b *bench) {
		b.wantRefused(t, "GET", "/backup", nil, "SUBSCRIPTION_NOT_ACTIVE")
	},
	"string_error": func(t *testing.T, b *bench) {
		end := b.task(b.api(200, "POST", b.path("orders-prod")+"/backup", nil))
		if got := dig(end, "response", "error"); got != "DATABASE_BACKUP_DISABLED" {
			t.Errorf("error is %v", got)
		}
	},
	"unknown_status": func(t *testing.T, b *bench) {
		if got := b.api(200, "GET", b.path("cache-prod"), nil)["status"]; got != "proxy-rebalance-pending" {
			t.Errorf("status is %v", got)
		}
	},
	"old_links": func(t *testing.T, b *bench) {
		got := b.api(200, "POST", b.path("cache-prod")+"/backup", nil)
		if got["links"] != nil || dig(got, "_links", "task", "href") == nil {
			t.Errorf("task is %v", got)
		}
	},
	"list_404": func(t *testing.T, b *bench) { b.once(t, "GET", b.path("cache-prod")[:21]+"/databases", 404) },
	"no_password": func(t *testing.T, b *bench) {
		if got := dig(b.api(200, "GET", b.path("cache-prod"), nil), "security", "password"); got != nil {
			t.Errorf("password is %v", got)
		}
	},
	"no_dynamic_endpoints": func(t *testing.T, b *bench) {
		if got := b.api(200, "GET", b.path("sessions-eu"), nil)["dynamicEndpoints"]; got != nil {
			t.Errorf("dynamicEndpoints is %v", got)
		}
	},
	"upgrade_failed": func(t *testing.T, b *bench) {
		b.do("POST", b.path("cache-prod")+"/upgrade", obj{"targetRedisVersion": "7.4"})
		got := b.api(200, "GET", b.path("cache-prod")+"/upgrade", nil)
		if d := b.database("cache-prod"); got["upgradeStatus"] != "failed" || d.Version != "7.2" || d.Status != "active" || d.SubscriptionStatus != "active" {
			t.Errorf("%v, %+v", got, d)
		}
	},
	"upgrade_recovery_pending": func(t *testing.T, b *bench) {
		b.task(b.api(200, "POST", b.path("cache-prod")+"/upgrade", obj{"targetRedisVersion": "7.4"}))
		b.wait(20 * time.Second)
		if d := b.database("cache-prod"); d.Version != "7.4" {
			t.Errorf("did not end: %+v", d)
		}
	},
	"upgrade_failed_late": func(t *testing.T, b *bench) {
		b.speed = 1
		b.task(b.api(200, "POST", b.path("cache-prod")+"/upgrade", obj{"targetRedisVersion": "7.4"}))
		b.wait(3 * time.Minute)
		got := b.api(200, "GET", b.path("cache-prod")+"/upgrade", nil)["upgradeStatus"]
		if d := b.database("cache-prod"); got != "failed" || d.Status != "active-upgrade-pending" || d.Version != "7.2" {
			t.Errorf("after 3 minutes %v, %+v", got, d)
		}
		b.wait(3 * time.Minute)
		got = b.api(200, "GET", b.path("cache-prod")+"/upgrade", nil)["upgradeStatus"]
		if d := b.database("cache-prod"); got != "failed" || d.Status != "active" || d.Version != "7.4" {
			t.Errorf("after 6 minutes %v, %+v", got, d)
		}
	},
	"upgrade_status_404": func(t *testing.T, b *bench) {
		b.fault("upgrade_status_404", 0, "")
		b.do("POST", b.path("cache-prod")+"/upgrade", obj{"targetRedisVersion": "7.4"})
		b.fault("upgrade_status_404", 1, "")
		b.once(t, "GET", b.path("cache-prod")+"/upgrade", 404)
	},
	"auto_minor": func(t *testing.T, b *bench) {
		first := b.api(200, "GET", b.path("cache-prod"), nil)["redisVersion"]
		second := b.api(200, "GET", b.path("cache-prod"), nil)["redisVersion"]
		if first != "7.2" || second != "7.4" {
			t.Errorf("read %v, then %v", first, second)
		}
	},
	"backup_no_permission":              failedBackup("no-permission"),
	"backup_wrong_file_path":            failedBackup("wrong-file-path"),
	"backup_general_error":              failedBackup("general-error"),
	"import_download_error":             failedImport("download-error", 100),
	"import_file_corrupted":             failedImport("file-corrupted", 0),
	"import_general_error":              failedImport("general-error", 0),
	"import_key_too_long":               failedImport("key-too-long", 0),
	"import_out_of_memory":              failedImport("out-of-memory", 0),
	"import_invalid_bulk_length":        failedImport("invalid-bulk-length", 0),
	"import_file_larger_than_mem_limit": failedImport("file-larger-than-mem-limit", 0),
	"adhoc_backup": func(t *testing.T, b *bench) {
		b.do("POST", b.path("orders-prod")+"/backup", obj{"adhocBackupPath": "s3://a/b"})
	},
	"port_taken": func(t *testing.T, b *bench) {
		path := b.path("cache-prod")[:21] + "/databases"
		b.do("POST", path, obj{"name": "x", "port": 12345, "dryRun": true})
		if got := b.refused("POST", path, obj{"name": "x", "port": 12345}); got != "DATABASE_PORT_IS_UNAVAILABLE" {
			t.Errorf("got %q", got)
		}
		b.do("POST", path, obj{"name": "x", "port": 12345})
	},
	"version_gone": func(t *testing.T, b *bench) {
		got := b.api(200, "GET", "/subscriptions/redis-versions", nil)
		if dig(got, "redisVersions", 0, "version") != "8.2" {
			t.Errorf("got %v", got)
		}
		b.fault("version_gone", 1, "POST")
		if got := b.refused("POST", b.path("cache-prod")[:21]+"/databases", obj{"name": "x", "redisVersion": "7.2"}); got != "DATABASE_REDIS_VERSION_IS_NOT_SUPPORTED" {
			t.Errorf("got %q", got)
		}
	},
	"create_failed": func(t *testing.T, b *bench) {
		b.do("POST", b.path("cache-prod")[:21]+"/databases", obj{"name": "x"})
		if d := b.database("x"); d.Status != "creation-failed" || d.SubscriptionStatus != "active" {
			t.Errorf("got %+v", d)
		}
		b.do("DELETE", b.path("x"), nil)
	},
}

func TestEveryFaultDoesSomething(t *testing.T) {
	var list []struct{ Fault, Does string }
	newBench(t).hook("GET", "faults", nil, &list)
	if len(list) != len(faultEffects) {
		t.Errorf("%d faults, %d effects", len(list), len(faultEffects))
	}
	for _, f := range list {
		t.Run(f.Fault, func(t *testing.T) {
			effect := faultEffects[f.Fault]
			if effect == nil || f.Does == "" {
				t.Fatal("no effect or no description")
			}
			b := newBench(t, quiet)
			b.t = t
			b.speed = 1000
			b.fault(f.Fault, 1, "")
			if f.Fault == "task_404" {
				b.fault(f.Fault, 0, "")
			}
			effect(t, b)
			if left := b.left(f.Fault); left != 0 {
				t.Errorf("%d times are left", left)
			}
		})
	}
}

// once wants a status one time and 200, or what follows, the next time.
func (b *bench) once(t *testing.T, method, path string, want int) result {
	t.Helper()
	r := b.send(method, "/cloud/v1"+path, nil, nil)
	if r.status != want {
		t.Errorf("got %d, want %d", r.status, want)
	}
	if again := b.send(method, "/cloud/v1"+path, nil, nil); again.status != http.StatusOK {
		t.Errorf("the second time: %d", again.status)
	}
	return r
}

// left tells how many times of a fault are left.
func (b *bench) left(name string) int {
	var list []struct {
		Fault string
		Times int
	}
	b.hook("GET", "faults", nil, &list)
	for _, f := range list {
		if f.Fault == name {
			return f.Times
		}
	}
	return 0
}

// eventually reads a task past its first 404s.
func (b *bench) eventually(path string) map[string]any {
	for range 5 {
		if r := b.send("GET", "/cloud/v1"+path, nil, nil); r.status == http.StatusOK {
			return r.body
		}
	}
	return nil
}

func (b *bench) wantLedger(t *testing.T, want int) {
	t.Helper()
	var ledger []obj
	b.hook("GET", "ledger", nil, &ledger)
	if len(ledger) != want {
		t.Errorf("ledger: %v, want %d calls", ledger, want)
	}
}

func (b *bench) wantRefused(t *testing.T, method, path string, body any, want string) {
	t.Helper()
	if got := b.refused(method, b.path("cache-prod")+path, body); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func failedBackup(reason string) func(*testing.T, *bench) {
	return func(t *testing.T, b *bench) {
		path := b.path("cache-prod")
		before := b.status(path, "backup")
		b.do("POST", path+"/backup", nil)
		got := b.status(path, "backup")
		if got["status"] != "failed" || got["failureReason"] != reason || got["lastBackupTime"] != before["lastBackupTime"] {
			t.Errorf("got %v", got)
		}
		if n := len(b.files("cache-prod")); n != 1 {
			t.Errorf("%d files", n)
		}
	}
}

func failedImport(reason string, keys int) func(*testing.T, *bench) {
	return func(t *testing.T, b *bench) {
		path := b.path("reports-staging")
		b.do("POST", path+"/import", obj{"sourceType": "aws-s3", "importFromUri": b.newest("cache-prod")})
		got := b.status(path, "import")
		if d := b.database("reports-staging"); got["failureReason"] != reason || d.Keys != keys || d.Status != "active" {
			t.Errorf("got %v, %+v", got, d)
		}
	}
}

func TestRecoveryPendingIsShown(t *testing.T) {
	b := newBench(t)
	b.fault("upgrade_recovery_pending", 1, "/upgrade")
	path := b.path("cache-prod")
	b.task(b.api(200, "POST", path+"/upgrade", obj{"targetRedisVersion": "7.4"}))
	b.wait(3 * time.Minute)
	if got := b.api(200, "GET", path+"/upgrade", nil)["upgradeStatus"]; got != "in-progress-recovery-pending" {
		t.Errorf("after 3 minutes: %v", got)
	}
	b.wait(5 * time.Minute)
	if got := b.api(200, "GET", path+"/upgrade", nil)["upgradeStatus"]; got != "done" {
		t.Errorf("after 8 minutes: %v", got)
	}
}

func TestFaultsMatchMethodAndPath(t *testing.T) {
	b := newBench(t)
	b.fault("error_500", -1, "GET /v1/subscriptions/")
	b.api(200, "GET", "/subscriptions", nil)
	for range 3 {
		b.api(500, "GET", b.path("cache-prod"), nil)
	}
	b.fault("error_500", 0, "")
	b.api(200, "GET", b.path("cache-prod"), nil)
	b.fault("error_500", -1, "")
	b.fault("html_401", -1, "")
	b.hook("POST", "faults", obj{"fault": "none"}, nil)
	b.api(200, "GET", b.path("cache-prod"), nil)
	b.fault("drop_after_accept", -1, "GET /v1/tasks") // more than once: net/http repeats a read
	if r := b.send("GET", "/cloud/v1/tasks", nil, nil); r.err == nil {
		t.Error("a read was answered although the match begins with GET")
	}
}

func TestBadHookInputIsNamed(t *testing.T) {
	b := newBench(t)
	for _, row := range []struct{ sentence, method, hook, body, want string }{
		{"an unknown fault", "POST", "faults", `{"fault":"nope","times":1}`, "rate_limit"},
		{"a negative number", "POST", "faults", `{"fault":"slow","times":-2}`, "-1"},
		{"an unknown field", "POST", "faults", `{"fault":"slow","time":1}`, "time"},
		{"a fault that takes nothing", "POST", "faults", `{"fault":"error_503","match":"/backup DATABASE_X"}`, "takes nothing"},
		{"a time that is none", "POST", "faults", `{"fault":"slow","match":"/backup soon"}`, "45s"},
		{"an unknown database to name", "POST", "faults", `{"fault":"wrong_resource","match":"/ nope"}`, "nope"},
		{"an unknown version to create", "POST", "faults", `{"fault":"foreign_create","match":"/ 9.9"}`, "9.9"},
		{"an unknown subscription", "POST", "create", `{"subscription":"nope","database":{"name":"x"}}`, "nope"},
		{"a name that is taken", "POST", "create", `{"subscription":"shop-us","database":{"name":"cache-prod"}}`, "DATABASE_NAME_EXISTS"},
		{"a port that is taken", "POST", "create", `{"subscription":"shop-us","database":{"name":"x","port":12001}}`, "12001"},
		{"a call without a method", "POST", "call", `{"path":"/tasks"}`, "method"},
		{"a name that cannot be", "POST", "database", `{"name":"cache-prod","set":{"name":"9x"}}`, "DATABASE_INVALID_NAME"},
		{"a source that is not there", "POST", "database", `{"name":"cache-prod","set":{"replica_of":"nope"}}`, "nope"},
		{"not JSON", "POST", "faults", `{`, "JSON"},
		{"an unknown database", "POST", "database", `{"name":"nope","set":{}}`, "nope"},
		{"an unknown setting", "POST", "database", `{"name":"cache-prod","set":{"colour":1}}`, "redis_version"},
		{"an unknown version", "POST", "database", `{"name":"cache-prod","set":{"redis_version":"9.9"}}`, "9.9"},
		{"an unknown file", "POST", "backup", `{"uri":"s3://x","set":{}}`, "backups"},
		{"an unknown application", "POST", "application", `{"name":"x"}`, "applications"},
		{"no id", "GET", "keys", ``, "databases"},
	} {
		r := b.send(row.method, "/hooks/cloud/"+row.hook, row.body, nil)
		text, _ := r.body["error"].(string)
		if r.status != 400 || !strings.Contains(text, row.want) {
			t.Errorf("%s: %d %s", row.sentence, r.status, r.raw)
		}
	}
	r := b.send("GET", "/hooks/cloud/nope", nil, nil)
	if r.status != 404 || len(r.body["hooks"].([]any)) != len(hooks()) {
		t.Errorf("an unknown hook: %d %s", r.status, r.raw)
	}
}
