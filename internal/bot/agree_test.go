package bot

import (
	"context"
	"strings"
	"testing"
	"time"
)

// Of two replicas that decide by different rules one goes on: that which began
// last. The other says what differs, is not ready, and takes nothing, until the
// first is gone.
func TestReplicasThatDecideDifferentlyDoNotBothDecide(t *testing.T) {
	w, c := newWorld(t)
	c.Lease = 600 * time.Millisecond
	old := w.runs(c)
	old.ready()
	like := w.runs(c)
	like.ready()

	c.ApprovalsRequired, c.Mode = 2, "full"
	b, err := New(c, Parts{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	for _, r := range []*running{old, like} {
		r.red(`decides by another configuration (MODE=upgrade: "full" there; APPROVALS_REQUIRED=1: "2" there): this one stands aside`)
		eventually(t, "it takes nothing", func() bool { _, sockets := r.health.condition(); return sockets == 0 })
	}
	eventually(t, "the newer one is ready", b.Ready)
	if why := b.health.partly()["configuration_differs"]; !strings.Contains(why, "stands aside; give all replicas the same") {
		t.Errorf("the newer one says %q", why)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	old.ready()
	like.ready()
}

func TestWhatDecidesIsCompared(t *testing.T) {
	_, c := newWorld(t)
	same := c
	same.ApproverGroups, same.SlackBotToken, same.LogLevel = append([]string{}, c.ApproverGroups...), "xoxb-new", "debug"
	if d := difference(c.rules(), same.rules()); d != "" {
		t.Errorf("what does not decide differs: %s", d)
	}
	for _, secret := range []string{c.SlackBotToken, c.SealKey, c.RedisCloudSecretKey} {
		if strings.Contains(c.rules(), secret) {
			t.Error("a secret is told to Redis")
		}
	}
	for name, change := range map[string]func(*Config){
		"MODE": func(c *Config) { c.Mode = "observe" }, "ALLOW_SUBSCRIPTIONS": func(c *Config) { c.AllowSubscriptions = []string{"1"} },
		"APPROVALS_REQUIRED": func(c *Config) { c.ApprovalsRequired = 3 }, "REVERT_APPROVALS_REQUIRED": func(c *Config) { c.RevertApprovalsRequired = 3 },
		"APPROVER_GROUPS": func(c *Config) { c.ApproverGroups = nil }, "APPROVER_USERS": func(c *Config) { c.ApproverUsers = []string{"U1"} },
		"REQUESTER_GROUPS": func(c *Config) { c.RequesterGroups = []string{"S1"} }, "ONCALL_GROUP": func(c *Config) { c.OnCallGroup = "S1" },
	} {
		other := c
		change(&other)
		if d := difference(c.rules(), other.rules()); !strings.HasPrefix(d, name+"=") {
			t.Errorf("%s: %q", name, d)
		}
	}
}
