package view_test

import (
	"strings"
	"testing"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

// Slack notifies of a new message and never of an edited card, so whoever has to
// act is named in one.
func TestWhoHasToActIsCalled(t *testing.T) {
	after := samples.With(samples.RevertFailed(upgrade.Importing), func(*upgrade.Session) {})
	for _, row := range []struct {
		sentence string
		session  upgrade.Session
		event    upgrade.Event
		data     string
		want     string
	}{
		{"the deletion waits for two", samples.Revert(upgrade.Proposed), upgrade.Rehearse, "", samples.Policy().Approvers + " " + samples.Policy().OnCall},
		{"a plan is asked again", samples.Upgrade(upgrade.Proposed), upgrade.Revise, "", samples.Policy().Approvers},
		{"nobody can tell whether a call happened", samples.Upgrade(upgrade.Upgrading), upgrade.Calling, `{"call":"upgrade","answer":"lose"}`, samples.Policy().OnCall},
		{"the create is refused past the delete", samples.Revert(upgrade.Creating), upgrade.Calling, `{"call":"create","answer":"again"}`, samples.Policy().OnCall},
		{"a failure past the delete", after, upgrade.Fail, "", samples.Policy().OnCall},
		{"a blocked upgrade is its requester's", samples.Upgrade(upgrade.Blocked), upgrade.Block, "", "<@" + samples.Ann + ">"},
		{"the end is told to who asked", samples.Upgrade(upgrade.Done), upgrade.Finish, "", "<@" + samples.Ann + ">"},
		{"progress calls nobody", samples.Upgrade(upgrade.Upgrading), upgrade.BackUp, "", ""},
		{"nor does a call that goes on", samples.Upgrade(upgrade.Upgrading), upgrade.Calling, `{"call":"upgrade","answer":"adopt"}`, ""},
	} {
		got := view.Summons(row.session, row.event, []byte(row.data), samples.Policy())
		if row.want == "" && got != "" || !strings.Contains(got, row.want) {
			t.Errorf("%s: called %q, want %q", row.sentence, got, row.want)
		}
		m, _ := view.Milestone(row.event, "", "words")
		if m := view.Summon(m, got); strings.Contains(m.Text, row.want) == false {
			t.Errorf("%s: the message says %q", row.sentence, m.Text)
		}
	}
}

func TestAFailureAfterTheDeleteSaysWhatToDo(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   func(*upgrade.Session)
		says     []string
		not      string
	}{
		{"nothing was created", func(s *upgrade.Session) { s.Revert.NewRef, s.Revert.Endpoint = "", "" },
			[]string{"1. Create `cache-prod`", "on version 7.2 at port 12010", "dataset 4 GB", "throughput 25000", "TLS", "2. Import all", "3. Its saved password was erased", "team=cart", "app (Read-Write)", "Last, restore client access (source IPs): 10.0.0.0/8, 192.168.1.0/24"}, "Look at the new database"},
		{"it was created", func(s *upgrade.Session) { s.Revert.NewRef = "pro/1206/51177" }, []string{"1. Look at the new database `pro/1206/51177`", "2. Create"}, ""},
		{"only the door is closed", func(s *upgrade.Session) { s.Revert.ImportedAt = samples.Noon }, []string{"1. Tags: team=cart", "Last, restore client access"}, "Create `cache-prod`"},
	} {
		got := view.ByHand(samples.With(samples.RevertFailed(upgrade.Importing), row.change))
		for _, want := range row.says {
			if !strings.Contains(got, want) {
				t.Errorf("%s: lacks %q:\n%s", row.sentence, want, got)
			}
		}
		if row.not != "" && strings.Contains(got, row.not) {
			t.Errorf("%s: says %q:\n%s", row.sentence, row.not, got)
		}
	}
	if got := view.ByHand(samples.RevertFailed(upgrade.Rehearsing)); got != "" {
		t.Errorf("nothing was deleted, and yet: %s", got)
	}
	if got := view.ProgressText(samples.With(samples.RevertFailed(upgrade.Creating), func(s *upgrade.Session) { s.Revert.NewRef, s.Revert.Endpoint = "pro/1206/51177", "" })); !strings.Contains(got, ":x: *Create") {
		t.Errorf("a database whose creation failed counts as created:\n%s", got)
	}
}

// One group may be approvers and on-call.
func TestAGroupOfBothIsNamedOnce(t *testing.T) {
	p := samples.Policy()
	p.Approvers, p.OnCall = "<!subteam^S1> <!subteam^S2>", "<!subteam^S2>"
	s := samples.Revert(upgrade.Proposed)
	asked, called := view.Next(s, p), view.Summons(s, upgrade.Rehearse, nil, p)
	for _, text := range []string{asked, called} {
		if strings.Count(text, "S1") != 1 || strings.Count(text, "S2") != 1 {
			t.Errorf("%q names a group twice, or one not at all", text)
		}
	}
}
