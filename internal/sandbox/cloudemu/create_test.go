package cloudemu

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCreateIsCheckedInTheTask(t *testing.T) {
	b := newBench(t)
	sub := b.path("cache-prod")[:21]
	for _, row := range []struct {
		sentence string
		body     obj
		want     string
	}{
		{"the name is taken, in any case", obj{"name": "Cache-Prod"}, "DATABASE_NAME_EXISTS"},
		{"the name ends with a hyphen", obj{"name": "x-"}, "DATABASE_INVALID_NAME"},
		{"the name begins with a digit", obj{"name": "1x"}, "DATABASE_INVALID_NAME"},
		{"the name has 41 characters", obj{"name": strings.Repeat("x", 41)}, "DATABASE_NAME_TOO_LONG"},
		{"the port is too low", obj{"name": "x", "port": 9999}, "DATABASE_PORT_INVALID_VALUE"},
		{"the port is too high", obj{"name": "x", "port": 20000}, "DATABASE_PORT_INVALID_VALUE"},
		{"the port is taken in the subscription", obj{"name": "x", "port": 12002}, "DATABASE_PORT_IS_UNAVAILABLE"},
		{"two sizes", obj{"name": "x", "datasetSizeInGb": 1, "memoryLimitInGb": 1}, "DATABASE_SIZE_LIMIT_INVALID_TOO_MANY_MEMORY_SPECIFICATIONS"},
		{"too small", obj{"name": "x", "datasetSizeInGb": 0.01}, "DATABASE_SIZE_TOO_SMALL"},
		{"no such version", obj{"name": "x", "redisVersion": "7.3"}, "DATABASE_REDIS_VERSION_INVALID_VALUE"},
		{"a preview", obj{"name": "x", "redisVersion": "8.0"}, "DATABASE_REDIS_VERSION_IS_NOT_SUPPORTED"},
		{"modules from 8.0 on", obj{"name": "x", "redisVersion": "8.2", "modules": []obj{{"name": "RedisJSON"}}}, "DATABASE_EXPLICIT_MODULES_NOT_SUPPORTED_FOR_THIS_REDIS_VERSION"},
		{"no such module", obj{"name": "x", "redisVersion": "7.4", "modules": []obj{{"name": "Nope"}}}, "DATABASE_INVALID_MODULE"},
		{"a module twice", obj{"name": "x", "redisVersion": "7.4", "modules": []obj{{"name": "RediSearch"}, {"name": "searchlight"}}}, "DATABASE_MODULE_MUST_BE_DEFINED_ONCE"},
		{"an eviction policy of newer versions", obj{"name": "x", "redisVersion": "7.4", "dataEvictionPolicy": "allkeys-lrm"}, "DATABASE_EVICTION_POLICY_NOT_COMPATIBLE_WITH_REDIS_VERSION"},
		{"RESP 3 before 7.2", obj{"name": "x", "redisVersion": "6.2", "respVersion": "resp3"}, "DATABASE_RESP_VERSION_IS_NOT_SUPPORTED"},
		{"a source IP that is none", obj{"name": "x", "sourceIp": []string{"nowhere"}}, "DATABASE_INVALID_SIP"},
		{"a backup without interval", obj{"name": "x", "remoteBackup": obj{"active": true, "storageType": "aws-s3", "storagePath": "s3://a/b"}}, "DATABASE_INVALID_BACKUP_INTERVAL"},
		{"a backup path of another storage", obj{"name": "x", "remoteBackup": obj{"active": true, "interval": "every-4-hours", "storageType": "ftp", "storagePath": "s3://a/b"}}, "DATABASE_INVALID_BACKUP_PATH"},
		{"a time with a short interval", obj{"name": "x", "remoteBackup": obj{"active": true, "interval": "every-4-hours", "timeUTC": "02:00", "storageType": "aws-s3", "storagePath": "s3://a/b"}}, "DATABASE_INVALID_BACKUP_INTERVAL_AND_TIME_UTC_MISMATCH"},
		{"a replica of a newer source", obj{"name": "x", "redisVersion": "7.2", "replica": obj{"syncSources": []obj{{"endpoint": "redis://" + b.database("latest-prod").Endpoint}}}}, "DATABASE_REPLICA_OF_VERSION_NOT_COMPATIBLE"},
		{"a blank password", obj{"name": "x", "password": " "}, "DATABASE_PASSWORD_IS_BLANK"},
	} {
		for _, dry := range []bool{false, true} {
			row.body["dryRun"] = dry
			if got := b.refused("POST", sub+"/databases", row.body); got != row.want {
				t.Errorf("%s (dry run %v): got %q, want %q", row.sentence, dry, got, row.want)
			}
		}
	}
	if b.database("x").ID != 0 {
		t.Error("a refused create left a database behind")
	}
}

func TestCreatePassesItsStates(t *testing.T) {
	b := newBench(t)
	sub := b.path("cache-prod")[:21]
	end := b.task(b.api(202, "POST", sub+"/databases", obj{"name": "new", "port": 12345, "redisVersion": "8.2"}))
	id := int(dig(end, "response", "resourceId").(float64))
	var states []string
	for range 100 {
		d := b.api(200, "GET", b.path("new"), nil)
		_, hasStatic := d["publicEndpoint"]
		state := d["status"].(string)
		if hasStatic != (state == "active") {
			t.Fatalf("endpoints in state %s: %v", state, hasStatic)
		}
		if len(states) == 0 || states[len(states)-1] != state {
			states = append(states, state)
		}
		b.wait(2 * time.Second)
	}
	if diff := cmp.Diff([]string{"draft", "pending", "dynamic-endpoints-creation-pending", "active"}, states); diff != "" {
		t.Error(diff)
	}
	d := b.api(200, "GET", b.path("new"), nil)
	if int(d["databaseId"].(float64)) != id || d["dynamicEndpoints"] == nil || len(d["modules"].([]any)) != 4 {
		t.Errorf("new database: %v", d)
	}
	if got := dig(d, "security", "password").(string); len(got) != 32 {
		t.Errorf("generated password %q", got)
	}
	if _, has := d["port"]; has {
		t.Error("GET shows a port")
	}
}

func TestDryRunPlansOnly(t *testing.T) {
	b := newBench(t)
	sub := b.path("cache-prod")[:21]
	n := len(b.databases())
	end := b.do("POST", sub+"/databases", obj{"name": "x", "dryRun": true, "redisVersion": "7.2", "datasetSizeInGb": 60})
	if dig(end, "response", "resource", "pricing", 0, "pricePerUnit") == nil || dig(end, "response", "resourceId") != nil {
		t.Errorf("dry run: %v", end)
	}
	var ledger []obj
	b.hook("GET", "ledger", nil, &ledger)
	if len(b.databases()) != n || len(ledger) != 0 {
		t.Errorf("a dry run did something: %v", ledger)
	}
}

func TestAPortIsFreeInAnotherSubscription(t *testing.T) {
	b := newBench(t)
	b.do("POST", b.path("reports-staging")[:21]+"/databases", obj{"name": "cache-prod2", "port": 12001})
	if got := b.database("cache-prod2"); got.Port != 12001 || got.Endpoint == b.database("cache-prod").Endpoint {
		t.Errorf("got %+v", got)
	}
}

func TestMalformedBodiesAreRefusedAtOnce(t *testing.T) {
	b := newBench(t)
	path := b.path("cache-prod")
	for _, row := range []struct{ sentence, method, path, body string }{
		{"an unknown field", "POST", path + "/upgrade", `{"targetRedisVersion":"7.4","force":true}`},
		{"a field in other letters", "POST", path + "/upgrade", `{"TargetRedisVersion":"7.4"}`},
		{"a missing required field", "POST", path + "/upgrade", `{}`},
		{"no body where one is needed", "POST", path + "/upgrade", ``},
		{"a number for a string", "POST", path + "/upgrade", `{"targetRedisVersion":7.4}`},
		{"not JSON", "POST", path + "/upgrade", `{`},
		{"two values", "POST", path + "/upgrade", `{"targetRedisVersion":"7.4"} {}`},
		{"an unknown enum word", "POST", path + "/import", `{"sourceType":"HTTP","importFromUri":[]}`},
		{"an unknown nested field", "PUT", path, `{"remoteBackup":{"activ":true}}`},
		{"an Essentials field for Pro", "PUT", path, `{"sourceIps":["0.0.0.0/0"]}`},
		{"an unknown persistence", "PUT", path, `{"dataPersistence":"often"}`},
		{"a version in an update", "PUT", path, `{"redisVersion":"7.4"}`},
		{"a create without name", "POST", path[:21] + "/databases", `{"port":12345}`},
		{"a body for a delete", "DELETE", path, `{"sure":true}`},
	} {
		r := b.send(row.method, "/cloud/v1"+row.path, row.body, nil)
		message, _ := r.body["message"].(string)
		if r.status != 400 || !strings.HasPrefix(message, "Bad Request: JSON parameter contains unsupported fields / values. JSON parse error: ") {
			t.Errorf("%s: %d %s", row.sentence, r.status, r.raw)
		}
		for _, field := range []string{"timestamp", "status", "error", "path"} {
			if r.body[field] == nil {
				t.Errorf("%s: error body lacks %s", row.sentence, field)
			}
		}
	}
	var tasks []obj
	b.hook("GET", "tasks", nil, &tasks)
	if len(tasks) != 0 {
		t.Errorf("a malformed body made a task: %v", tasks)
	}
	r := b.send("POST", "/cloud/v1"+path+"/upgrade", "targetRedisVersion=7.4", map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
	if r.status != 415 {
		t.Errorf("a form: %d", r.status)
	}
	b.api(400, "GET", "/subscriptions/abc", nil)
	b.api(400, "GET", path[:21]+"/databases?limit=-1", nil)
}

func TestUpdateChangesOneThingAtATime(t *testing.T) {
	b := newBench(t, quiet)
	path := b.path("cache-prod")
	b.task(b.api(200, "PUT", path, obj{"name": "cache-main", "dataPersistence": "none", "replication": false, "autoMinorVersionUpgrade": false,
		"alerts": []obj{{"name": "latency", "value": 3}}, "enableDefaultUser": false}))
	if got := b.api(200, "GET", path, nil); got["status"] != "active-change-pending" || got["name"] != "cache-prod" {
		t.Errorf("while it changes: %v", got)
	}
	if got := b.refused("PUT", path, obj{"dataPersistence": "none"}); got != "DATABASE_NOT_ACTIVE" {
		t.Errorf("a second change: got %q", got)
	}
	b.wait(time.Minute)
	got := b.api(200, "GET", path, nil)
	want := map[string]any{"name": "cache-main", "dataPersistence": "none", "replication": false, "autoMinorVersionUpgrade": false, "status": "active"}
	for field, value := range want {
		if got[field] != value {
			t.Errorf("%s is %v, want %v", field, got[field], value)
		}
	}
	if dig(got, "security", "enableDefaultUser") != false || dig(got, "alerts", 0, "name") != "latency" {
		t.Errorf("got %v", got)
	}
	for _, row := range []struct {
		sentence string
		body     obj
		want     string
	}{
		{"password while the default user is off", obj{"password": "secret"}, "NOT_ALLOWED_TO_UPDATE_A_DATABASE_PASSWORD_WHEN_DEFAULT_USER_IS_DISABLED"},
		{"name of another", obj{"name": "orders-prod"}, "DATABASE_NAME_EXISTS"},
		{"itself as source", obj{"replica": obj{"syncSources": []obj{{"endpoint": "redis://" + b.database("cache-main").Endpoint}}}}, "DATABASE_REPLICA_CYCLE"},
		{"ram percentage", obj{"ramPercentage": 20}, "DATABASE_RAM_PERCENTAGE_NOT_SUPPORTED"},
	} {
		if got := b.refused("PUT", path, row.body); got != row.want {
			t.Errorf("%s: got %q, want %q", row.sentence, got, row.want)
		}
	}
	if b.database("cache-main").Keys != 400 {
		t.Error("an ordinary update lost keys")
	}
}

func TestWhatWipesData(t *testing.T) {
	b := newBench(t, quiet)
	b.do("PUT", b.path("cache-prod"), obj{"regexRules": []string{".*"}})
	if d := b.database("cache-prod"); d.Keys != 0 {
		t.Errorf("regex rules left %d keys", d.Keys)
	}
	source := b.database("catalog-prod")
	b.do("PUT", b.path("reports-staging"), obj{"replica": obj{"syncSources": []obj{{"endpoint": "redis://" + source.Endpoint}}}})
	if d := b.database("reports-staging"); d.Digest != source.Digest {
		t.Error("a new replica does not have the data of its source, and only that")
	}
	b.do("PUT", b.path("reports-staging"), obj{"replica": obj{"syncSources": []obj{}}})
	if d := b.database("reports-staging"); d.Keys != source.Keys {
		t.Error("detaching lost the data")
	}
	if got := b.api(200, "GET", b.path("reports-staging"), nil); got["replica"] != nil {
		t.Errorf("still a replica: %v", got["replica"])
	}
}

func TestAnImportIntoAReplicaIsOverwritten(t *testing.T) {
	b := newBench(t, quiet)
	source := b.database("catalog-prod").Digest
	path := b.path("catalog-replica")
	b.task(b.api(200, "POST", path+"/import", obj{"sourceType": "aws-s3", "importFromUri": b.newest("cache-prod")}))
	b.wait(80 * time.Second)
	if d := b.database("catalog-replica"); d.Digest == source {
		t.Error("the import did not arrive")
	}
	b.wait(2 * time.Minute)
	if d := b.database("catalog-replica"); d.Digest != source {
		t.Error("the source did not take its target back")
	}
}

func TestEssentialsHaveTheirOwnRules(t *testing.T) {
	b := newBench(t, func(c *Config) {
		c.Fleet = Fleet{Subscriptions: []FleetSubscription{{
			Name: "plan", Plan: "essentials", Backups: true, Targets: "all",
			Databases: []FleetDatabase{{Name: "small", Version: "7.2", Protocol: "stack", Keys: 10, BackupPath: "s3://b/small"}},
		}}}
	})
	path := b.path("small")
	list := strings.TrimSuffix(path, path[strings.LastIndex(path, "/"):])
	if got := b.refused("POST", list, obj{"name": "second"}); got != "FIXED_DATABASE_FIXED_SUBSCRIPTION_REACHED_MAX_DATABASES_COUNT" {
		t.Errorf("a second database: %q", got)
	}
	b.do("POST", path+"/backup", nil)
	b.do("POST", path+"/upgrade", obj{"targetRedisVersion": "7.4"})
	if d := b.database("small"); d.Version != "7.4" || len(b.files("small")) != 1 {
		t.Errorf("got %+v", d)
	}
	b.do("PUT", path, obj{"periodicBackupPath": "", "sourceIps": []string{"10.0.0.0/8"}})
	if d := b.api(200, "GET", path, nil); dig(d, "backup", "remoteBackupEnabled") != false || dig(d, "security", "sourceIps", 0) != "10.0.0.0/8" {
		t.Errorf("got %v", d)
	}
	b.do("DELETE", path, nil)
	b.api(400, "POST", list, obj{"name": "small", "port": 12000})
	b.task(b.api(200, "POST", list, obj{"name": "small", "redisVersion": "7.2"}))
	b.wait(time.Hour)
	b.do("POST", b.path("small")+"/import", obj{"sourceType": "aws-s3", "importFromUri": b.newest("small")})
	if d := b.database("small"); d.Keys != 10 || d.Version != "7.2" || d.Protocol != "stack" {
		t.Errorf("got %+v", d)
	}
}
