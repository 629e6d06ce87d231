package cloudemu

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultFleet(t *testing.T) {
	raw, err := json.Marshal(DefaultFleet())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseFleet(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(DefaultFleet(), parsed); diff != "" {
		t.Errorf("parsed again:\n%s", diff)
	}
	b := newBench(t)
	got := map[string]string{}
	subs := map[int]bool{}
	for _, d := range b.databases() {
		subs[d.SubscriptionID] = true
		backup := "never"
		if d.LastBackup != nil {
			at, err := time.Parse(time.RFC3339Nano, *d.LastBackup)
			if err != nil {
				t.Fatal(err)
			}
			backup = b.clock().Sub(at).Round(time.Hour).String()
		}
		got[d.Name] = fmt.Sprintf("%s %s shards=%d backup=%s dynamic=%v", d.Protocol, d.Version, d.Shards, backup, d.Dynamic != "")
	}
	want := map[string]string{
		"cache-prod":      "redis 7.2 shards=1 backup=2h0m0s dynamic=false",
		"orders-prod":     "redis 6.2 shards=2 backup=never dynamic=false",
		"catalog-prod":    "redis 7.2 shards=1 backup=5h0m0s dynamic=false",
		"catalog-replica": "redis 7.2 shards=1 backup=5h0m0s dynamic=false",
		"search-prod":     "redis 7.4 shards=3 backup=1h0m0s dynamic=false",
		"sessions-eu":     "redis 8.2 shards=1 backup=8h0m0s dynamic=true",
		"latest-prod":     "redis 8.6 shards=1 backup=20h0m0s dynamic=false",
		"reports-staging": "redis 7.4 shards=1 backup=never dynamic=false",
		"legacy-mc":       "memcached 7.4 shards=1 backup=never dynamic=false",
		"trial":           "stack 7.4 shards=1 backup=never dynamic=false",
		"global-aa":       "redis 7.2 shards=1 backup=never dynamic=false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(subs) < 4 {
		t.Errorf("%d subscriptions", len(subs))
	}
}

func TestParseFleetNamesAllMistakes(t *testing.T) {
	_, err := ParseFleet([]byte(`{"subscriptions":[
	  {"name":"a","plan":"gold","databases":[
	    {"name":"x","port":12000,"version":"7.3"},{"name":"y","port":12000},{"name":"x","backup_age":"soon"},
	    {"name":"z","replica_of":"nobody","source_ips":["nowhere"],"modules":["Nope"],"persistence":"often"}]},
	  {"name":"b","plan":"essentials","databases":[{"name":"1bad"},{"name":"c"}]}],
	  "roles":[{"name":"r","rule":"All","databases":["nobody"]}]}`))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"gold", "7.3", "port 12000", "used twice", "soon", "nobody", "nowhere", "Nope", "often", "holds one database", "1bad", "All",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word about %q in:\n%v", want, err)
		}
	}
	for _, bad := range []string{`{`, `{}`, `{"subscription":[]}`, `{"subscriptions":[]} {}`} {
		if _, err := ParseFleet([]byte(bad)); err == nil {
			t.Errorf("accepted %s", bad)
		}
	}
}

func TestTheSameSeedGivesTheSameAccount(t *testing.T) {
	read := func(seed uint64) string {
		b := newBench(t, func(c *Config) { c.Seed = seed })
		return b.send("GET", "/hooks/cloud/databases", nil, nil).raw + fmt.Sprint(b.api(200, "POST", b.path("cache-prod")+"/backup", nil)["taskId"])
	}
	if first, again := read(1), read(1); first != again {
		t.Error("two accounts of one seed differ")
	}
	if read(1) == read(2) {
		t.Error("two seeds give the same account")
	}
}

func TestGeneratedDatabases(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Databases = 10000 })
	if d := b.database("gen-10000"); d.ID == 0 || d.Keys == 0 {
		t.Errorf("got %+v", d)
	}
	if n := len(b.api(200, "GET", "/subscriptions", nil)["subscriptions"].([]any)); n > 60 {
		t.Errorf("%d subscriptions cannot be read inside the rate limit", n)
	}
}

func TestApplicationsWriteThroughOpenDoors(t *testing.T) {
	b := newBench(t, busy)
	var file stored
	for _, f := range b.files("cache-prod") {
		file = f
	}
	first := b.database("cache-prod")
	if first.Digest == file.Digest || first.Keys <= file.Keys {
		t.Error("nothing was written since the backup of the start")
	}
	b.wait(10 * time.Second)
	second := b.database("cache-prod").Digest
	if second == first.Digest {
		t.Error("nothing was written in 10 s at 6 writes a minute")
	}
	if b.database("catalog-replica").Digest != b.database("catalog-prod").Digest {
		t.Error("the target does not follow its source")
	}
	b.hook("POST", "database", obj{"name": "cache-prod", "set": obj{"source_ips": []string{"127.0.0.1/32"}}}, nil)
	closed := b.database("cache-prod").Digest
	b.wait(time.Hour)
	if b.database("cache-prod").Digest != closed {
		t.Error("something was written through a closed door")
	}
	var apps []map[string]any
	b.hook("GET", "applications", nil, &apps)
	if apps[0]["name"] != "cache-prod-app" || apps[0]["connected"] != false || apps[0]["refused"] != "source IP is not allowed" {
		t.Errorf("application: %v", apps[0])
	}
	b.hook("POST", "application", obj{"name": "cache-prod-app", "address": b.database("reports-staging").Endpoint, "password": b.api(200, "GET", b.path("reports-staging"), nil)["security"].(map[string]any)["password"]}, nil)
	before := b.database("reports-staging").Digest
	b.wait(time.Minute)
	if b.database("reports-staging").Digest == before {
		t.Error("the application did not take its new connection details")
	}
}

func TestALongRunOfWritesIsTheSameAsManyShortOnes(t *testing.T) {
	long, short := &application{prefix: "k", base: 30}, &application{prefix: "k", base: 30}
	var a, b dataset
	long.apply(&a, 12345)
	for range 12345 {
		short.apply(&b, 1)
		short.writes++
	}
	if a.digest() != b.digest() {
		t.Error("digests differ")
	}
}

func TestTheConsole(t *testing.T) {
	b := newBench(t)
	b.hook("POST", "database", obj{"name": "orders-prod", "set": obj{
		"backup_path": "s3://b/orders", "backup_now": true, "redis_version": "7.2", "tags": obj{"a": "b"}, "keys": obj{"order:000001": nil, "mine": "yes"},
	}}, nil)
	var keys struct{ Keys map[string]string }
	b.hook("GET", "keys?name=orders-prod", nil, &keys)
	if _, has := keys.Keys["order:000001"]; has || keys.Keys["mine"] != "yes" {
		t.Errorf("keys: %v", keys.Keys)
	}
	if d := b.database("orders-prod"); d.Version != "7.2" || d.LastBackup == nil || len(b.files("orders-prod")) != 2 {
		t.Errorf("got %+v", d)
	}
	b.hook("POST", "database", obj{"name": "orders-prod", "set": obj{"subscription_status": "pending"}}, nil)
	if got := b.refused("POST", b.path("orders-prod")+"/backup", nil); got != "SUBSCRIPTION_NOT_ACTIVE" {
		t.Errorf("got %q", got)
	}
	b.hook("POST", "database", obj{"name": "orders-prod", "set": obj{"subscription_status": ""}}, nil)
	uri := b.newest("orders-prod")[0]
	b.hook("POST", "backup", obj{"uri": uri, "set": obj{"corrupt": true}}, nil)
	b.do("POST", b.path("reports-staging")+"/import", obj{"sourceType": "aws-s3", "importFromUri": b.newest("orders-prod")})
	if got := b.status(b.path("reports-staging"), "import")["failureReason"]; got != "file-corrupted" {
		t.Errorf("a spoilt file: %v", got)
	}
	b.hook("POST", "backup", obj{"uri": uri, "set": obj{"delete": true}}, nil)
	if len(b.files("orders-prod")) != 1 {
		t.Error("the file is still there")
	}
	b.hook("POST", "database", obj{"name": "orders-prod", "set": obj{"delete": true}}, nil)
	if b.database("orders-prod").ID != 0 {
		t.Error("the database is still there")
	}
}

func TestSubscribersArePoked(t *testing.T) {
	b := newBench(t)
	pokes, stop := b.s.Subscribe()
	b.api(200, "GET", "/tasks", nil)
	select {
	case <-pokes:
		t.Error("poked by a read that changed nothing")
	default:
	}
	b.api(200, "POST", b.path("cache-prod")+"/backup", nil)
	select {
	case <-pokes:
	default:
		t.Error("not poked by a change")
	}
	stop()
}

func TestFlashAndSourceEndpoints(t *testing.T) {
	b := newBench(t, func(c *Config) {
		c.Fleet = Fleet{Subscriptions: []FleetSubscription{
			{Name: "flex", Flash: true, Databases: []FleetDatabase{{Name: "big", Version: "7.2"}}},
			{Name: "small", Plan: "essentials", Databases: []FleetDatabase{{Name: "feeder", Version: "7.2", Protocol: "stack", Keys: 5}}},
			{Name: "copies", Databases: []FleetDatabase{{Name: "copy", Version: "7.2", ReplicaOf: "feeder"}}},
		}}
	})
	flash := b.api(200, "GET", b.path("big"), nil)
	if flash["memoryStorage"] != "ram-and-flash" || flash["ramPercentage"] != 20.0 {
		t.Errorf("flash database: %v, %v", flash["memoryStorage"], flash["ramPercentage"])
	}
	if got := b.refused("PUT", b.path("big"), obj{"ramPercentage": 25}); got != "DATABASE_RAM_PERCENTAGE_IS_INVALID" {
		t.Errorf("25 %% of RAM: %q", got)
	}
	b.do("PUT", b.path("big"), obj{"ramPercentage": 50})
	if got := b.api(200, "GET", b.path("big"), nil)["ramPercentage"]; got != 50.0 {
		t.Errorf("50 %% of RAM reads %v", got)
	}
	source := dig(b.api(200, "GET", b.path("feeder"), nil), "replicaAsSourceEndpoints", "public")
	used := dig(b.api(200, "GET", b.path("copy"), nil), "replica", "syncSources", 0, "endpoint")
	if source == nil || used != "redis://"+source.(string) {
		t.Errorf("the target replicates from %v, its source offers %v", used, source)
	}
	if b.database("copy").Digest != b.database("feeder").Digest {
		t.Error("the target does not have the keys of its source")
	}
}
