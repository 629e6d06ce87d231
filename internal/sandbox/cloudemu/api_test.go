package cloudemu

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestKeysAreChecked(t *testing.T) {
	b := newBench(t)
	for _, header := range []map[string]string{{"x-api-key": "other"}, {"x-api-secret-key": ""}} {
		r := b.send("GET", "/cloud/v1/", nil, header)
		if r.status != 401 || r.header.Get("Content-Type") != "text/html" || !strings.Contains(r.raw, "401 Authorization Required") {
			t.Errorf("%v: %d %s", header, r.status, r.raw)
		}
	}
	if got := b.api(200, "GET", "/", nil); dig(got, "account", "key", "owner", "name") == nil {
		t.Errorf("account: %v", got)
	}
}

func TestTheRateLimitIsAFixedMinute(t *testing.T) {
	b := newBench(t)
	first := b.send("GET", "/cloud/v1/", nil, nil)
	if got := first.header.Get("X-Rate-Limit-Remaining"); got != "399" {
		t.Errorf("after the first call %q are left", got)
	}
	for range 399 {
		b.api(200, "GET", "/", nil)
	}
	b.api(429, "GET", "/", nil)
	b.wait(time.Minute)
	b.api(200, "GET", "/", nil)
	for range 400 {
		b.send("GET", "/cloud/v1/", nil, nil)
	}
	b.api(429, "GET", "/", nil)
	b.mu.Lock()
	b.speed = 60
	b.mu.Unlock()
	b.wait(time.Second)
	b.api(200, "GET", "/", nil)
}

func TestListsNestAndEndAsTheyDo(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Databases = 45 })
	path := b.path("gen-001")[:21] + "/databases"
	seen := 0
	for offset := 0; ; offset += 7 {
		r := b.send("GET", fmt.Sprintf("/cloud/v1%s?offset=%d&limit=7", path, offset), nil, nil)
		if r.status == 404 {
			break
		}
		page := dig(r.body, "subscription", 0, "databases").([]any)
		seen += len(page)
		if dig(page, 0, "security", "password") != nil || dig(page, 0, "security", "sourceIps") == nil {
			t.Errorf("an entry of the list: %v", page[0])
		}
	}
	if seen != 20 {
		t.Errorf("%d databases in pages, want 20", seen)
	}
	trial := b.path("trial")
	fixed := trial[:strings.Index(trial, "/databases")]
	got := b.api(200, "GET", fixed+"/databases", nil)
	if len(dig(got, "subscription", "databases").([]any)) != 1 {
		t.Errorf("Essentials list: %v", got)
	}
	got = b.api(200, "GET", fixed+"/databases?offset=100", nil)
	if len(dig(got, "subscription", "databases").([]any)) != 0 {
		t.Errorf("Essentials list past its end: %v", got)
	}
	if d := b.api(200, "GET", trial, nil); dig(d, "security", "defaultUserEnabled") != true || dig(d, "backup", "remoteBackupEnabled") != false {
		t.Errorf("Essentials database: %v", d)
	}
	if got := b.api(200, "GET", "/fixed/subscriptions", nil); dig(got, "subscriptions", 0, "planName") == nil {
		t.Errorf("Essentials subscriptions: %v", got)
	}
}

func TestTasksAreWorkedOffOneAtATime(t *testing.T) {
	b := newBench(t)
	one := b.api(200, "POST", b.path("cache-prod")+"/backup", nil)["taskId"].(string)
	two := b.api(200, "GET", b.path("sessions-eu")+"/backup", nil)["taskId"].(string)
	states := func() []any {
		return []any{b.eventually("/tasks/" + one)["status"], b.eventually("/tasks/" + two)["status"]}
	}
	var seen []any
	for range 70 {
		now := states()
		if len(seen) == 0 || !cmp.Equal(seen[len(seen)-1], any(now)) {
			seen = append(seen, now)
		}
		b.wait(100 * time.Millisecond)
	}
	want := []any{
		[]any{taskReceived, taskReceived}, []any{taskWorking, taskReceived}, []any{taskCompleted, taskReceived},
		[]any{taskCompleted, taskWorking}, []any{taskCompleted, taskCompleted},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if got := b.api(200, "GET", "/tasks", nil); dig(got, "tasks", 0, "taskId") != two {
		t.Errorf("the newest change is not first: %v", got)
	}
	b.wait(11 * 24 * time.Hour)
	b.api(200, "GET", b.path("sessions-eu")+"/backup", nil)
	r := b.send("GET", "/cloud/v1/tasks/"+one, nil, nil)
	if r.status != 404 || r.raw != "" {
		t.Errorf("a task of eleven days ago: %d %q", r.status, r.raw)
	}
}

func TestFreshTasksMayBe404(t *testing.T) {
	b := newBench(t)
	counts := map[int]bool{}
	for range 20 {
		id := b.api(200, "GET", b.path("cache-prod")+"/backup", nil)["taskId"].(string)
		n := 0
		for b.send("GET", "/cloud/v1/tasks/"+id, nil, nil).status == 404 {
			n++
		}
		counts[n] = true
	}
	if diff := cmp.Diff(map[int]bool{0: true, 1: true, 2: true}, counts); diff != "" {
		t.Errorf("404s of fresh tasks:\n%s", diff)
	}
}

func TestLedgerHoldsAcceptedChangesWithoutSecrets(t *testing.T) {
	b := newBench(t)
	path := b.path("cache-prod")
	b.do("PUT", path, obj{"password": "hunter22", "remoteBackup": obj{"active": true, "interval": "every-1-hours", "storageType": "ftp", "storagePath": "ftp://me:hunter22@host/dir"}})
	b.refused("POST", path+"/upgrade", obj{"targetRedisVersion": "1.0"})
	b.status(path, "backup")
	b.send("POST", "/cloud/v1"+path+"/upgrade", `{}`, nil)
	b.api(200, "POST", path+"/tags", obj{"key": "a", "value": "b"})
	end := b.do("POST", path[:21]+"/databases", obj{"name": "x"})
	b.api(200, "DELETE", b.path("x"), nil)
	var ledger []map[string]any
	b.hook("GET", "ledger", nil, &ledger)
	if strings.Contains(fmt.Sprint(ledger), "hunter22") {
		t.Errorf("a secret is in the ledger: %v", ledger)
	}
	id := float64(b.database("cache-prod").ID)
	created := dig(end, "response", "resourceId")
	type row = []any
	var got []row
	for _, e := range ledger {
		got = append(got, row{e["method"], e["resource_id"], e["outcome"], e["error"]})
		if !strings.HasPrefix(e["path"].(string), "/v1/") || e["at"] == nil {
			t.Errorf("entry %v", e)
		}
	}
	want := []row{
		{"PUT", id, "completed", ""}, {"POST", id, "error", "DATABASE_UPGRADE_INVALID_REDIS_VERSION"},
		{"POST", id, "completed", ""}, {"POST", created, "completed", ""}, {"DELETE", created, "pending", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTags(t *testing.T) {
	b := newBench(t)
	path := b.path("trial") + "/tags"
	if got, has := b.api(200, "GET", path, nil)["tags"]; has {
		t.Errorf("tags before the first write: %v", got)
	}
	b.api(200, "POST", path, obj{"key": "redis-upgrade:by", "value": "Ann"})
	b.api(409, "POST", path, obj{"key": "redis-upgrade:by", "value": "Bob"})
	b.api(422, "POST", path, obj{"key": "Upper", "value": "x"})
	b.api(200, "PUT", path+"/redis-upgrade:by", obj{"value": "Bob"})
	b.api(404, "PUT", path+"/other", obj{"value": "Bob"})
	if got := b.api(200, "GET", path, nil); dig(got, "tags", 0, "value") != "Bob" {
		t.Errorf("got %v", got)
	}
	b.api(200, "PUT", path, obj{"tags": []obj{{"key": "a b", "value": "1"}, {"key": "c", "value": "2"}}})
	b.api(422, "PUT", path, obj{"tags": []obj{{"key": "a", "value": "1"}, {"key": "a", "value": "2"}}})
	b.api(200, "DELETE", path+"/a%20b", nil)
	if got := b.api(200, "GET", path, nil)["tags"].([]any); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	b.api(404, "GET", "/subscriptions/1/databases/1/tags", nil)
}

func TestMaintenanceWindows(t *testing.T) {
	b := newBench(t)
	cache := b.path("cache-prod")
	path := cache[:21] + "/maintenance-windows"
	window := func(days []string, start, hours int) obj {
		return obj{"mode": "manual", "windows": []obj{{"days": days, "startHour": start, "durationInHours": hours}}}
	}
	for _, row := range []struct {
		sentence string
		body     obj
		want     string
	}{
		{"manual without windows", obj{"mode": "manual"}, "MAINTENANCE_WINDOW_MANUAL_MODE_WITH_NO_MAINTENANCE_WINDOWS"},
		{"too short", window([]string{"Monday"}, 3, 3), "MAINTENANCE_WINDOW_INVALID_DURATION_IN_HOURS"},
		{"no such hour", window([]string{"Monday"}, 24, 4), "MAINTENANCE_WINDOW_INVALID_START_HOUR"},
		{"no such day", window([]string{"monday"}, 3, 4), "MAINTENANCE_WINDOW_INVALID_DAYS"},
		{"a day twice", window([]string{"Monday", "Monday"}, 3, 4), "MAINTENANCE_WINDOW_DUPLICATE_DAYS"},
		{"a good one", window([]string{"Monday"}, 3, 4), ""},
	} {
		if got := b.refused("PUT", path, row.body); got != row.want {
			t.Errorf("%s: got %q, want %q", row.sentence, got, row.want)
		}
	}
	if got := b.api(200, "GET", path, nil); dig(got, "windows", 0, "startHour") != 3.0 {
		t.Errorf("got %v", got)
	}
	b.task(b.api(200, "POST", cache+"/upgrade", obj{"targetRedisVersion": "7.4"}))
	b.wait(time.Minute)
	b.api(404, "GET", path, nil)
}

func TestRolesAreReplacedAsAWhole(t *testing.T) {
	b := newBench(t)
	role := dig(b.api(200, "GET", "/acl/roles", nil), "roles", 0).(map[string]any)
	path := fmt.Sprintf("/acl/roles/%v", role["id"])
	d := b.database("sessions-eu")
	grant := func(rule string, sub, id int) obj {
		return obj{"redisRules": []obj{{"ruleName": rule, "databases": []obj{{"subscriptionId": sub, "databaseId": id}}}}}
	}
	for _, row := range []struct {
		sentence, path string
		body           obj
		want           string
	}{
		{"an unknown role", "/acl/roles/1", grant("Full-Access", d.SubscriptionID, d.ID), "ACL_ROLE_NOT_FOUND"},
		{"an unknown rule", path, grant("Nope", d.SubscriptionID, d.ID), "ACL_REDIS_RULE_NOT_FOUND"},
		{"an unknown database", path, grant("Full-Access", d.SubscriptionID, 1), "DATABASE_NOT_FOUND"},
		{"another subscription", path, grant("Full-Access", 1, d.ID), "DATABASE_SUBSCRIPTION_MISMATCH"},
		{"no rules", path, obj{"redisRules": []obj{}}, "ACL_ROLE_REDIS_RULES_IS_MISSING"},
		{"a good change", path, grant("Read-Only", d.SubscriptionID, d.ID), ""},
		{"a change while it is pending", path, grant("Read-Only", d.SubscriptionID, d.ID), "ACL_ROLE_IS_IN_PENDING_STATUS_AND_CANNOT_BE_UPDATED"},
	} {
		r := b.send("PUT", "/cloud/v1"+row.path, row.body, nil)
		if r.status != 202 {
			t.Fatalf("%s: %d %s", row.sentence, r.status, r.raw)
		}
		if got := b.kind(r.body); got != row.want {
			t.Errorf("%s: got %q, want %q", row.sentence, got, row.want)
		}
	}
	b.wait(time.Minute)
	got := dig(b.api(200, "GET", "/acl/roles", nil), "roles", 0)
	if dig(got, "status") != "active" || dig(got, "redisRules", 0, "databases", 0, "databaseName") != "sessions-eu" || dig(got, "redisRules", 1) != nil {
		t.Errorf("got %v", got)
	}
}

func TestSmallReads(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/logs", "/session-logs", "/database-modules", "/data-persistence", "/regions?provider=AWS", b.path("cache-prod") + "/slow-log"} {
		b.api(200, "GET", path, nil)
	}
	b.api(400, "GET", "/logs?limit=1001", nil)
	b.api(404, "GET", b.path("cache-prod")+"/certificate", nil)
	b.do("PUT", b.path("cache-prod"), obj{"enableTls": true})
	if got := b.api(200, "GET", b.path("cache-prod")+"/certificate", nil)["publicCertificatePEMString"]; got == nil {
		t.Error("no certificate")
	}
	log := b.api(200, "GET", "/logs?limit=2", nil)["entries"].([]any)
	if len(log) != 2 || dig(log, 0, "id").(float64) <= dig(log, 1, "id").(float64) {
		t.Errorf("log is not newest first: %v", log)
	}
	aa := b.api(200, "GET", b.path("global-aa"), nil)
	if aa["activeActiveRedis"] != true || len(aa["crdbDatabases"].([]any)) != 2 || aa["security"] != nil {
		t.Errorf("Active-Active: %v", aa)
	}
	if mc := b.api(200, "GET", b.path("legacy-mc"), nil); dig(mc, "security", "password") != nil {
		t.Errorf("memcached has a password: %v", mc)
	}
}

// TestWhatIsNotEmulatedSaysSo: a 404 would read as "there is no such thing".
func TestWhatIsNotEmulatedSaysSo(t *testing.T) {
	b := newBench(t)
	sub := b.path("cache-prod")[:21]
	for _, call := range []string{
		"GET " + sub + "/peerings", "GET " + sub + "/private-link", "GET /cost-report/1", "POST /subscriptions", "DELETE " + sub,
		"GET /cloud-accounts", "PUT " + b.path("cache-prod") + "/flush", "POST /subscriptions/redis-versions", "GET /nothing",
	} {
		method, path, _ := strings.Cut(call, " ")
		if got := b.api(501, method, path, nil); !strings.Contains(got["message"].(string), "not emulated") {
			t.Errorf("%s: %v", call, got)
		}
	}
	b.api(404, "GET", "/subscriptions/1", nil)
	b.api(404, "GET", "/tasks/1", nil)
}

func TestCertificatesAreRealAndTakenInBothForms(t *testing.T) {
	b := newBench(t)
	b.hook("POST", "database", obj{"name": "cache-prod", "set": obj{"tls": true}}, nil)
	pems, _ := b.api(200, "GET", b.path("cache-prod")+"/certificate", nil)["publicCertificatePEMString"].(string)
	block, rest := pem.Decode([]byte(pems))
	if block == nil || len(rest) > 0 {
		t.Fatalf("not PEM: %q", pems)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !cert.IsCA || cert.CheckSignatureFrom(cert) != nil || b.clock().After(cert.NotAfter) || b.clock().Before(cert.NotBefore) {
		t.Errorf("certificate: %v, %+v", err, cert)
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(pems)) {
		t.Error("no pool takes it")
	}
	for _, list := range []any{[]string{pems}, []obj{{"publicCertificatePEMString": pems}}} {
		b.do("PUT", b.path("cache-prod"), obj{"clientTlsCertificates": []string{}})
		b.do("PUT", b.path("cache-prod"), obj{"clientTlsCertificates": list})
		if got := b.api(200, "GET", b.path("cache-prod"), nil); dig(got, "security", "tlsClientAuthentication") != true {
			t.Errorf("%T: %v", list, got["security"])
		}
	}
	b.api(400, "PUT", b.path("cache-prod"), obj{"clientTlsCertificates": []int{1}})
}

func TestPricesAreTold(t *testing.T) {
	b := newBench(t)
	got := b.api(200, "GET", b.path("cache-prod")[:21]+"/pricing", nil)
	if dig(got, "pricing", 0, "pricePerUnit") == nil || dig(got, "pricing", 0, "region") != "us-east-1" {
		t.Errorf("got %v", got)
	}
}
