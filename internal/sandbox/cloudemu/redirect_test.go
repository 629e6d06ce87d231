package cloudemu

import (
	"testing"
	"time"
)

// pair makes a twin of sessions-eu in another subscription.
func pair(t *testing.T, b *bench) (source, target shown) {
	t.Helper()
	path := b.path("sessions-eu")
	config := b.api(200, "GET", path, nil)
	b.do("POST", b.path("reports-staging")[:21]+"/databases", obj{
		"name": "sessions-old", "port": 14001, "redisVersion": "7.4", "password": dig(config, "security", "password"),
	})
	return b.database("sessions-eu"), b.database("sessions-old")
}

func TestRedirectionMovesTheDynamicNameOnly(t *testing.T) {
	b := newBench(t, busy)
	source, target := pair(t, b)
	started := b.api(200, "POST", "/endpoint-redirections", obj{
		"sourceDatabaseId": source.ID, "targetDatabaseId": target.ID, "endpointTargetType": "public",
		"duplicateACLs": true, "migrationProtection": true,
	})
	if started["status"] != "initiated" || started["completedAt"] != nil {
		t.Errorf("started as %v", started)
	}
	id := started["redirectionId"].(string)
	path := "/endpoint-redirections/" + id
	b.wait(30 * time.Second)
	if got := b.api(200, "GET", path, nil)["status"]; got != "in-progress" {
		t.Errorf("after 30 s: %v", got)
	}
	b.wait(time.Minute)
	if got := b.api(200, "GET", path, nil)["status"]; got != "completed" {
		t.Errorf("after 90 s: %v", got)
	}
	s, d := b.database("sessions-eu"), b.database("sessions-old")
	if s.Dynamic != target.Dynamic || d.Dynamic != source.Dynamic || s.Endpoint != source.Endpoint {
		t.Errorf("source %+v -> %+v, target %+v -> %+v", source, s, target, d)
	}
	if b.database("sessions-old").Keys == 0 {
		t.Error("the application did not follow the dynamic name")
	}
	traffic := b.path("sessions-eu") + "/traffic"
	if got := b.api(200, "GET", traffic, nil); got["canResume"] != false || got["stopReason"] == nil {
		t.Errorf("traffic: %v", got)
	}
	b.api(409, "POST", traffic+"/resume", nil)
	b.wait(5 * time.Minute)
	r := b.send("POST", "/cloud/v1"+traffic+"/resume", nil, nil)
	if r.status != 204 || r.raw != "" {
		t.Errorf("resume: %d %q", r.status, r.raw)
	}
	if got := b.api(200, "GET", traffic, nil)["resumeInProgress"]; got != true {
		t.Errorf("resumeInProgress %v", got)
	}
	b.api(404, "GET", b.path("cache-prod")+"/traffic", nil)

	if got := b.api(200, "POST", path+"/revert", nil); got["isRevert"] != true {
		t.Errorf("revert: %v", got)
	}
	b.wait(2 * time.Minute)
	if got := b.api(200, "GET", path, nil); got["status"] != "reverted" || got["revertedAt"] == nil {
		t.Errorf("after the revert: %v", got)
	}
	if got := b.database("sessions-eu"); got.Dynamic != source.Dynamic {
		t.Errorf("the name did not come back: %+v", got)
	}
	b.api(409, "POST", path+"/revert", nil)
}

func TestRedirectionCanBeRevertedForADay(t *testing.T) {
	b := newBench(t)
	source, target := pair(t, b)
	id := b.api(200, "POST", "/endpoint-redirections", obj{
		"sourceDatabaseId": source.ID, "targetDatabaseId": target.ID, "endpointTargetType": "private", "migrationProtection": true,
	})["redirectionId"].(string)
	b.wait(25 * time.Hour)
	b.api(409, "POST", "/endpoint-redirections/"+id+"/revert", nil)
	b.api(404, "GET", "/endpoint-redirections/other", nil)
}

func TestRedirectionIsRefused(t *testing.T) {
	b := newBench(t)
	source, target := pair(t, b)
	ask := func(from, to int, protect bool) obj {
		return obj{"sourceDatabaseId": from, "targetDatabaseId": to, "endpointTargetType": "public", "migrationProtection": protect}
	}
	b.hook("POST", "database", obj{"name": "cache-prod", "set": obj{"dynamic_endpoints": true}}, nil)
	for _, row := range []struct {
		sentence string
		want     int
		body     obj
	}{
		{"without protection", 422, ask(source.ID, target.ID, false)},
		{"to another port", 422, ask(source.ID, b.database("cache-prod").ID, true)},
		{"to a database without dynamic names", 422, ask(source.ID, b.database("orders-prod").ID, true)},
		{"to Essentials", 422, ask(source.ID, b.database("trial").ID, true)},
		{"from Active-Active", 422, ask(b.database("global-aa").ID, target.ID, true)},
		{"to itself", 422, ask(source.ID, source.ID, true)},
		{"to nothing", 404, ask(source.ID, 1, true)},
		{"with another type", 400, obj{"sourceDatabaseId": source.ID, "targetDatabaseId": target.ID, "endpointTargetType": "both", "migrationProtection": true}},
	} {
		if r := b.send("POST", "/cloud/v1/endpoint-redirections", row.body, nil); r.status != row.want {
			t.Errorf("%s: %d %s", row.sentence, r.status, r.raw)
		}
	}
	b.do("PUT", b.path("sessions-old"), obj{"sourceIp": []string{"10.0.0.0/8"}})
	if r := b.send("POST", "/cloud/v1/endpoint-redirections", ask(source.ID, target.ID, true), nil); r.status != 422 {
		t.Errorf("with another allow list: %d", r.status)
	}
}
