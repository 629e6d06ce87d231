package bot

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/slacksocket"
	"github.com/redis-upgrade/bot/internal/thread"
)

// replica is a wired bot that is not run.
func replica(t *testing.T, c Config) *Bot {
	t.Helper()
	b, err := New(c, Parts{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.rdb.Close(); b.cloud.Close() })
	b.people.know(b.directory("T0SANDBOX"))
	return b
}

func TestWhatPeopleMay(t *testing.T) {
	_, c := newWorld(t)
	named := c
	named.ApproverUsers = []string{"U0EVE"}
	closed := c
	closed.RequesterGroups = []string{"S0ONCALL"}
	for _, row := range []struct {
		sentence, user           string
		config                   Config
		member, approver, onCall bool
	}{
		{"a member of an approver group approves", "U0BOB", c, true, true, false},
		{"an engineer asks", "U0ANN", c, true, false, false},
		{"on-call is a role of its own", "U0DAN", c, true, false, true},
		{"a person can be named an approver", "U0EVE", named, true, true, false},
		{"with requester groups the others do not ask", "U0ANN", closed, false, false, false},
		{"and their members do", "U0DAN", closed, true, false, true},
	} {
		v, err := replica(t, row.config).people.Voter(t.Context(), row.user)
		if err != nil || !v.Known || v.Member != row.member || v.Approver != row.approver || v.OnCall != row.onCall {
			t.Errorf("%s: got %+v, %v", row.sentence, v, err)
		}
	}
	other := c
	other.ApproverGroups, other.OnCallGroup = []string{"S0ONCALL"}, ""
	rule := c.rule(approvals.Upgrade(1)) // of a session that another configuration opened
	for user, approver := range map[string]bool{"U0BOB": true, "U0DAN": false} {
		if v, err := replica(t, other).people.Under(t.Context(), user, rule); err != nil || v.Approver != approver || v.OnCall == approver {
			t.Errorf("%s by the session's rule: %+v, %v", user, v, err)
		}
	}
	if v, err := replica(t, c).people.Voter(t.Context(), "U0GUEST"); err != nil || !v.Guest {
		t.Errorf("a guest is one: %+v, %v", v, err)
	}
}

// An organisation, a partner's shared channel, an app that is installed for all of
// the organisation: over the wire.
func TestPeopleOfSeveralWorkspaces(t *testing.T) {
	w, c := newWorld(t)
	w.post("/hooks/slack/workspace", `{"partner":true,"grid":true}`)
	c.OnCallGroup = "S0SRE" // of the organisation; lists dan by his id there
	here, org := replica(t, c), replica(t, c)
	for _, user := range []string{"U0ANN", "U0GITA", "U0HUGO", "U0OLGA", "W0ANN"} {
		if v, err := here.people.Voter(t.Context(), user); err != nil || v.Foreign || !v.Member {
			t.Errorf("%s is one of us: %+v, %v", user, v, err)
		}
	}
	for _, user := range []string{"U0FRANK", "U0FAY", "U0IVAN"} {
		if v, err := here.people.Voter(t.Context(), user); err != nil || !v.Foreign {
			t.Errorf("%s is not one of us: %+v, %v", user, v, err)
		}
	}
	for _, user := range []string{"U0DAN", "W0DAN"} {
		if v, err := here.people.Voter(t.Context(), user); err != nil || !v.OnCall || v.ID != "W0DAN" {
			t.Errorf("%s is on call, whichever id is used: %+v, %v", user, v, err)
		}
	}
	w.post("/hooks/slack/workspace", `{"org_install":true}`)
	who, err := org.slack.AuthTestContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	org.people.know(org.directory(who.TeamID))
	for user, foreign := range map[string]bool{"U0ANN": false, "U0IVAN": false, "U0FAY": true, "U0FRANK": true} {
		if v, err := org.people.Voter(t.Context(), user); err != nil || v.Foreign != foreign {
			t.Errorf("installed for the organisation, %s is foreign: %v, %v; want %v", user, v.Foreign, err, foreign)
		}
	}
}

// One group that Slack does not know takes nothing from the others.
func TestAGroupThatIsGoneTakesNothingFromTheOthers(t *testing.T) {
	_, c := newWorld(t)
	c.OnCallGroup = "S0GONE"
	v, err := replica(t, c).people.Voter(t.Context(), "U0BOB")
	if err != nil || !v.Approver || v.OnCall {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestWhoSlackCannotNameMayDoNothing(t *testing.T) {
	w, c := newWorld(t)
	w.fault("usergroups_down", "")
	v, err := replica(t, c).people.Voter(t.Context(), "U0BOB")
	if err == nil || v.Known || v.Approver || v.Member {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestAMessageWithoutASessionIsNoError(t *testing.T) {
	_, c := newWorld(t)
	b := replica(t, c)
	if id, err := (thread.Memory{Store: b.store}).SessionAt(t.Context(), "C1", "1.1"); err != nil || id != "" {
		t.Errorf("got %q, %v", id, err)
	}
}

func TestTheBudgetOfRedisCloudIsShared(t *testing.T) {
	_, c := newWorld(t)
	const window = 100 * time.Hour // so long that nothing comes back while the test runs
	ours, theirs := newLimiter(replica(t, c).store, window), newLimiter(replica(t, c).store, window)
	urgent := cloud.WithClass(t.Context(), cloud.ClassRestore)
	for n := range cloudBurst {
		if err := ours.Wait(urgent, 1); err != nil {
			t.Fatalf("call %d of a burst: %v", n+1, err)
		}
	}
	for replica, l := range map[string]*limiter{"the replica that made the burst": ours, "another replica": theirs} {
		ctx, cancel := context.WithTimeout(urgent, 200*time.Millisecond)
		if err := l.Wait(ctx, 1); err == nil {
			t.Errorf("%s had a call left", replica)
		}
		cancel()
	}
}

// However many look something up, at every replica: what has begun goes first, and
// a revert past its delete before that. Nobody asks the store in vain meanwhile.
func TestTheUrgentGoFirst(t *testing.T) {
	_, c := newWorld(t)
	const window = 100 * time.Hour
	replicas := []*limiter{newLimiter(replica(t, c).store, window), newLimiter(replica(t, c).store, window)}
	ctx, cancel := context.WithCancel(t.Context())
	var crowd sync.WaitGroup
	for n := range 200 {
		crowd.Go(func() { _ = replicas[n%2].Wait(ctx, 1) })
	}
	order := []cloud.Class{cloud.ClassRefresh, cloud.ClassPerson, cloud.ClassCheck, cloud.ClassWork, cloud.ClassRestore}
	left := cloudBurst // by whoever is less urgent
	for i, class := range order[2:] {
		below, got := reserves[order[i+1]], 0
		for {
			ctx, stop := context.WithTimeout(cloud.WithClass(ctx, class), 300*time.Millisecond)
			err := replicas[got%2].Wait(ctx, 1)
			stop()
			if err != nil {
				break
			}
			got++
		}
		if want := below - reserves[class]; class != cloud.ClassCheck && got != want || got < want {
			t.Errorf("class %d got %d calls beside the crowd, want %d", class, got, want)
		}
		left -= got
	}
	cancel()
	crowd.Wait()
	if left < 0 {
		t.Errorf("%d calls more than there are", -left)
	}
}

func TestWhatCannotMendItselfSaysHowToMend(t *testing.T) {
	for code, want := range map[string]bool{"invalid_auth": true, "missing_scope": true, "forbidden": true, "slack: token_revoked": true, "internal_error": false, "ratelimited": false, "connection refused": false} {
		if got := slacksocket.Remedy(errors.New(code)) != ""; got != want {
			t.Errorf("%s: got %v, want %v", code, got, want)
		}
	}
	if slacksocket.Remedy(nil) != "" {
		t.Error("no error needs a remedy")
	}
}
