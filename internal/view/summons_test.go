package view

import (
	"strings"
	"testing"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// Slack notifies of a new message and never of an edited card, so whoever has to
// act is named in one.
func TestWhoHasToActIsCalled(t *testing.T) {
	after := with(revertFailed(upgrade.Importing), func(*upgrade.Session) {})
	for _, row := range []struct {
		sentence string
		session  upgrade.Session
		event    upgrade.Event
		data     string
		want     string
	}{
		{"the deletion waits for two", revertAt(upgrade.Proposed), upgrade.Rehearse, "", samplePolicy().Approvers + " " + samplePolicy().OnCall},
		{"a plan is asked again", upgradeAt(upgrade.Proposed), upgrade.Revise, "", samplePolicy().Approvers},
		{"nobody can tell whether a call happened", upgradeAt(upgrade.Upgrading), upgrade.Calling, `{"call":"upgrade","answer":"lose"}`, samplePolicy().OnCall},
		{"the create is refused past the delete", revertAt(upgrade.Creating), upgrade.Calling, `{"call":"create","answer":"again"}`, samplePolicy().OnCall},
		{"a failure past the delete", after, upgrade.Fail, "", samplePolicy().OnCall},
		{"a blocked upgrade is its requester's", upgradeAt(upgrade.Blocked), upgrade.Block, "", "<@" + ann + ">"},
		{"the end is told to who asked", upgradeAt(upgrade.Done), upgrade.Finish, "", "<@" + ann + ">"},
		{"progress calls nobody", upgradeAt(upgrade.Upgrading), upgrade.BackUp, "", ""},
		{"nor does a call that goes on", upgradeAt(upgrade.Upgrading), upgrade.Calling, `{"call":"upgrade","answer":"adopt"}`, ""},
	} {
		got := Summons(row.session, row.event, []byte(row.data), samplePolicy())
		if row.want == "" && got != "" || !strings.Contains(got, row.want) {
			t.Errorf("%s: called %q, want %q", row.sentence, got, row.want)
		}
		m, _ := Milestone(row.event, "", "words")
		if m := Summon(m, got); strings.Contains(m.Text, row.want) == false {
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
		{"only the door is closed", func(s *upgrade.Session) { s.Revert.ImportedAt = noon }, []string{"1. Tags: team=cart", "Last, restore client access"}, "Create `cache-prod`"},
	} {
		got := byHand(with(revertFailed(upgrade.Importing), row.change))
		for _, want := range row.says {
			if !strings.Contains(got, want) {
				t.Errorf("%s: lacks %q:\n%s", row.sentence, want, got)
			}
		}
		if row.not != "" && strings.Contains(got, row.not) {
			t.Errorf("%s: says %q:\n%s", row.sentence, row.not, got)
		}
	}
	if got := byHand(revertFailed(upgrade.Rehearsing)); got != "" {
		t.Errorf("nothing was deleted, and yet: %s", got)
	}
	if got := progress(with(revertFailed(upgrade.Creating), func(s *upgrade.Session) { s.Revert.NewRef, s.Revert.Endpoint = "pro/1206/51177", "" })); !strings.Contains(got, ":x: *Create") {
		t.Errorf("a database whose creation failed counts as created:\n%s", got)
	}
}

// One group may be approvers and on-call.
func TestAGroupOfBothIsNamedOnce(t *testing.T) {
	p := samplePolicy()
	p.Approvers, p.OnCall = "<!subteam^S1> <!subteam^S2>", "<!subteam^S2>"
	s := revertAt(upgrade.Proposed)
	asked, called := next(s, p), Summons(s, upgrade.Rehearse, nil, p)
	for _, text := range []string{asked, called} {
		if strings.Count(text, "S1") != 1 || strings.Count(text, "S2") != 1 {
			t.Errorf("%q names a group twice, or one not at all", text)
		}
	}
}
