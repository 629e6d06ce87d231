package cloudemu

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUpgradePassesItsStatesInOrder(t *testing.T) {
	b := newBench(t)
	path := b.path("cache-prod")
	sub := path[:len("/subscriptions/")+6]
	before := b.api(200, "GET", path, nil)
	b.api(404, "GET", path+"/upgrade", nil)

	submitted := b.api(200, "POST", path+"/upgrade", obj{"targetRedisVersion": "7.4"})
	if submitted["status"] != taskReceived || submitted["response"] != nil {
		t.Errorf("fresh task is %v", submitted)
	}
	end := b.task(submitted)
	if end["status"] != taskCompleted || dig(end, "response", "resourceId") != before["databaseId"] {
		t.Fatalf("task ended as %v", end)
	}
	grace := b.api(200, "GET", path, nil)
	if grace["status"] != "active" || grace["redisVersion"] != "7.2" {
		t.Errorf("right after the task the database is %v at %v, want still active at 7.2", grace["status"], grace["redisVersion"])
	}
	b.api(404, "GET", path+"/upgrade", nil)

	var states []any
	last := -1.0
	for range 400 {
		b.wait(2 * time.Second)
		d := b.api(200, "GET", path, nil)
		s := b.api(200, "GET", sub, nil)
		u := b.send("GET", "/cloud/v1"+path+"/upgrade", nil, nil)
		state := []any{d["status"], d["redisVersion"], s["status"], u.body["upgradeStatus"]}
		if len(states) == 0 || !cmp.Equal(states[len(states)-1], any(state)) {
			states = append(states, state)
		}
		if p, ok := u.body["progress"].(float64); ok {
			if p < last {
				t.Fatalf("progress fell from %v to %v", last, p)
			}
			last = p
		}
	}
	want := []any{
		[]any{"active", "7.2", "active", nil},
		[]any{"active-upgrade-pending", "7.2", "pending", "in-progress"},
		[]any{"active", "7.4", "pending", "done"},
		[]any{"active", "7.4", "active", "done"},
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if last != 100 {
		t.Errorf("progress ended at %v", last)
	}
	after := b.api(200, "GET", path, nil)
	if after["lastModified"] == before["lastModified"] {
		t.Error("lastModified did not move")
	}
}

func TestUpgradeIsCheckedInTheTaskInOrder(t *testing.T) {
	b := newBench(t)
	up := func(name, target string) string {
		return b.refused("POST", b.path(name)+"/upgrade", obj{"targetRedisVersion": target})
	}
	for _, row := range []struct{ sentence, database, target, want string }{
		{"memcached cannot be upgraded", "legacy-mc", "8.2", "DATABASE_UPGRADE_OF_MEMCACHED_IS_NOT_SUPPORTED"},
		{"Active-Active cannot be upgraded", "global-aa", "8.2", "ACTIVE_ACTIVE_DATABASE_UPGRADE_IS_NOT_SUPPORTED"},
		{"no downgrade", "cache-prod", "6.2", "DATABASE_UPGRADE_INVALID_REDIS_VERSION"},
		{"not to the same version", "cache-prod", "7.2", "DATABASE_UPGRADE_INVALID_REDIS_VERSION"},
		{"not to a preview", "cache-prod", "8.0", "DATABASE_UPGRADE_INVALID_REDIS_VERSION"},
		{"nothing is newer than the newest", "latest-prod", "8.8", "DATABASE_UPGRADE_INVALID_REDIS_VERSION"},
		{"a source waits for its target", "catalog-prod", "7.4", "DATABASE_REPLICA_OF_INCOMPATIBLE_VERSION"},
		{"essentials move by majors only", "trial", "7.4", "DATABASE_UPGRADE_INVALID_REDIS_VERSION"},
		{"a target may go first", "catalog-replica", "7.4", ""},
	} {
		if got := up(row.database, row.target); got != row.want {
			t.Errorf("%s: got %q, want %q", row.sentence, got, row.want)
		}
	}
	if got := up("catalog-replica", "8.2"); got != "DATABASE_UPGRADE_IS_ALREADY_RUNNING" {
		t.Errorf("a second upgrade in the grace moment: got %q", got)
	}
	b.wait(time.Minute)
	if got := up("search-prod", "8.2"); got != "SUBSCRIPTION_NOT_ACTIVE" {
		t.Errorf("an upgrade beside another in the subscription: got %q", got)
	}
	b.wait(10 * time.Minute)
	if got := up("catalog-prod", "7.4"); got != "" {
		t.Errorf("the source after its target: got %q", got)
	}
}

func TestUnknownOnesAreNotFound(t *testing.T) {
	b := newBench(t)
	path := b.path("cache-prod")
	body := obj{"targetRedisVersion": "7.4"}
	if got := b.refused("POST", path[:22]+"/databases/5/upgrade", body); got != "DATABASE_NOT_FOUND" {
		t.Errorf("unknown database: got %q", got)
	}
	if got := b.refused("POST", "/subscriptions/5/databases/5/upgrade", body); got != "SUBSCRIPTION_NOT_FOUND" {
		t.Errorf("unknown subscription: got %q", got)
	}
	if got := b.refused("POST", "/fixed"+path+"/upgrade", body); got != "SUBSCRIPTION_NOT_FOUND" {
		t.Errorf("Pro database under /fixed: got %q", got)
	}
	r := b.send("GET", "/cloud/v1"+path[:22]+"/databases/5", nil, nil)
	if r.status != 404 || r.raw != "" {
		t.Errorf("GET of an unknown database: %d %q, want an empty 404", r.status, r.raw)
	}
}

func TestAtMostThreeSubscriptionsArePending(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Databases = 80 })
	for i, name := range []string{"gen-001", "gen-021", "gen-041"} {
		if got := b.refused("POST", b.path(name)+"/upgrade", obj{"targetRedisVersion": "8.6"}); got != "" {
			t.Fatalf("upgrade %d: %s", i, got)
		}
	}
	b.wait(20 * time.Second)
	if got := b.refused("POST", b.path("gen-061")+"/upgrade", obj{"targetRedisVersion": "8.6"}); got != "TOO_MANY_PENDING_SUBSCRIPTIONS" {
		t.Errorf("the fourth: got %q", got)
	}
}

func TestTargetsAndVersions(t *testing.T) {
	b := newBench(t)
	list := func(body map[string]any, key, field string) []any {
		out := []any{}
		for _, o := range body[key].([]any) {
			out = append(out, o.(map[string]any)[field])
		}
		return out
	}
	for name, want := range map[string][]any{
		"orders-prod": {"7.2", "7.4", "8.2", "8.4", "8.6"},
		"sessions-eu": {"8.4", "8.6"},
		"latest-prod": {}, "legacy-mc": {}, "global-aa": {},
		"trial": {"8.2", "8.4", "8.6"},
	} {
		got := list(b.api(200, "GET", b.path(name)+"/available-target-versions", nil), "targets", "redisVersion")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("targets of %s:\n%s", name, diff)
		}
	}
	got := list(b.api(200, "GET", "/subscriptions/redis-versions?subscriptionId="+b.path("cache-prod")[15:21], nil), "redisVersions", "version")
	if diff := cmp.Diff([]any{"6.2", "7.2", "7.4", "8.2", "8.4", "8.6"}, got); diff != "" {
		t.Errorf("creatable:\n%s", diff)
	}
	b.api(404, "GET", "/subscriptions/redis-versions?subscriptionId=5", nil)
	b.api(200, "GET", "/fixed/redis-versions", nil)
}

func TestSpeedChangesWhatIsStillToCome(t *testing.T) {
	b := newBench(t)
	path := b.path("cache-prod")
	b.task(b.api(200, "POST", path+"/upgrade", obj{"targetRedisVersion": "7.4"}))
	b.wait(time.Minute)
	b.api(200, "GET", path, nil)
	b.mu.Lock()
	b.speed = 100
	b.mu.Unlock()
	b.api(200, "GET", path, nil)
	b.wait(3 * time.Second)
	if d := b.database("cache-prod"); d.Version != "7.4" || d.SubscriptionStatus != "active" {
		t.Errorf("3 s at speed 100 after a minute at speed 1: %+v", d)
	}
}

func TestAClockJumpPlaysEverythingInOrder(t *testing.T) {
	b := newBench(t)
	b.api(200, "POST", b.path("cache-prod")+"/upgrade", obj{"targetRedisVersion": "7.4"})
	b.api(200, "POST", b.path("search-prod")+"/upgrade", obj{"targetRedisVersion": "8.2"})
	b.wait(9 * time.Hour)
	if a, c := b.database("cache-prod"), b.database("search-prod"); a.Version != "7.4" || c.Version != "8.2" {
		t.Errorf("after nine hours: %+v, %+v", a, c)
	}
}
