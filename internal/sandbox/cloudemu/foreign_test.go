package cloudemu

import (
	"testing"
	"time"
)

func TestOthersActInTheSameAccount(t *testing.T) {
	b := newBench(t, quiet)
	b.fault("task_error", -1, "")
	b.hook("POST", "create", obj{"subscription": "shop-us", "database": obj{
		"name": "by-hand", "version": "8.6", "port": 12345, "keys": 7, "password": "theirs"}}, nil)
	d := b.database("by-hand")
	got := b.api(200, "GET", b.path("by-hand"), nil)
	if d.Keys != 7 || d.Status != "active" || dig(got, "security", "password") != "theirs" || got["activatedOn"] != "2026-11-22T12:00:00Z" {
		t.Errorf("created by hand: %+v, %v", d, got)
	}

	call := func(method, path string, body any) (status float64) {
		t.Helper()
		var out obj
		b.hook("POST", "call", obj{"method": method, "path": path, "body": body}, &out)
		status, _ = out["status"].(float64)
		if status < 300 {
			b.wait(time.Hour)
		}
		return status
	}
	if s := call("POST", b.path("cache-prod")+"/upgrade", obj{"targetRedisVersion": "8.2"}); s != 200 || b.database("cache-prod").Version != "8.2" {
		t.Errorf("somebody's upgrade: %v, %+v", s, b.database("cache-prod"))
	}
	if s := call("PUT", b.path("by-hand"), obj{"name": "renamed"}); s != 200 || b.database("renamed").ID != d.ID {
		t.Errorf("somebody's new name: %v", s)
	}
	if s := call("PUT", b.path("renamed")+"/tags", obj{"tags": []obj{}}); s != 200 {
		t.Errorf("somebody's tags: %v", s)
	}
	if s := call("DELETE", b.path("renamed"), nil); s != 200 || b.database("renamed").ID != 0 {
		t.Errorf("somebody's delete: %v", s)
	}
	if s := call("POST", b.path("cache-prod")+"/upgrade", obj{"nope": 1}); s != 400 {
		t.Errorf("a call with a wrong field: %v", s)
	}
	b.wantLedger(t, 0)
	if n := b.left("task_error"); n != -1 {
		t.Errorf("a fault struck others: %d left", n)
	}
}

func TestTheConsoleChangesWhatARevertNeeds(t *testing.T) {
	b := newBench(t, quiet)
	set := func(name string, what obj) { b.hook("POST", "database", obj{"name": name, "set": what}, nil) }
	set("orders-prod", obj{"name": "orders", "client_certificates": 1, "password_hidden": true})
	got := b.api(200, "GET", b.path("orders"), nil)
	if dig(got, "security", "tlsClientAuthentication") != true || dig(got, "security", "password") != nil {
		t.Errorf("security: %v", got["security"])
	}
	set("orders", obj{"client_certificates": 0, "password_hidden": false, "default_user": false})
	got = b.api(200, "GET", b.path("orders"), nil)
	if dig(got, "security", "tlsClientAuthentication") != false || dig(got, "security", "password") == nil || dig(got, "security", "enableDefaultUser") != false {
		t.Errorf("security: %v", got["security"])
	}
	set("latest-prod", obj{"replica_of": "cache-prod"})
	source, target := b.database("cache-prod"), b.database("latest-prod")
	if target.Digest != source.Digest || dig(b.api(200, "GET", b.path("latest-prod"), nil), "replica", "syncSources", 0, "endpoint") == nil {
		t.Errorf("attached: %+v", target)
	}
	set("latest-prod", obj{"replica_of": ""})
	if r := b.api(200, "GET", b.path("latest-prod"), nil)["replica"]; r != nil {
		t.Errorf("detached: %v", r)
	}
}
