package upgrade

import (
	"slices"
	"strings"
	"testing"

	"github.com/redis-upgrade/bot/internal/session"
)

var tables = map[Kind]session.Table[State, Event]{KindUpgrade: upgradeLife, KindRevert: revertLife}

func TestEveryStateIsReachedAndHasAStep(t *testing.T) {
	for kind, life := range tables {
		reached := []State{""}
		for i := 0; i < len(reached); i++ {
			for _, to := range life[reached[i]] {
				if !slices.Contains(reached, to) {
					reached = append(reached, to)
				}
			}
		}
		for _, s := range life.States() {
			if !slices.Contains(reached, s) {
				t.Errorf("%s: nothing leads to %s", kind, s)
			}
			if _, has := kindRows[kind].steps[s]; has == Ended(s) {
				t.Errorf("%s: %s has ended: %v, has a step: %v", kind, s, Ended(s), has)
			}
			if s != "" && !s.Known() {
				t.Errorf("%s: no words for %s", kind, s)
			}
			if !Ended(s) && len(life[s]) == 0 && s != "" {
				t.Errorf("%s: nothing leads out of %s", kind, s)
			}
		}
		for s := range kindRows[kind].steps {
			if !slices.Contains(life.States(), s) {
				t.Errorf("%s: a step for %s, which the life does not have", kind, s)
			}
		}
	}
}

func TestMovesOfTheLives(t *testing.T) {
	for _, row := range []struct {
		sentence string
		kind     Kind
		from     State
		event    Event
		want     State // empty: refused
	}{
		{"a proposed upgrade is approved", KindUpgrade, Proposed, Approve, Approved},
		{"a vote leaves it proposed", KindUpgrade, Proposed, Vote, Proposed},
		{"an approved one can still be denied", KindUpgrade, Approved, Deny, Denied},
		{"an approved one that misses its start expires", KindUpgrade, Approved, Expire, Expired},
		{"moved facts ask again", KindUpgrade, Checking, Revise, Proposed},
		{"a refused preflight blocks", KindUpgrade, Checking, Block, Blocked},
		{"a blocked one is checked again", KindUpgrade, Blocked, Recheck, Checking},
		{"a backup leads to the upgrade", KindUpgrade, BackingUp, BackUp, Upgrading},
		{"before it is sent an upgrade can be cancelled", KindUpgrade, Upgrading, Cancel, Cancelled},
		{"nobody cancels what is being verified", KindUpgrade, Verifying, Cancel, ""},
		{"nobody cancels what is watched", KindUpgrade, Soaking, Cancel, ""},
		{"what is watched can be taken back", KindUpgrade, Soaking, Revert, Reverting},
		{"what is done can be taken back", KindUpgrade, Done, Revert, Reverting},
		{"what failed can be taken back", KindUpgrade, Failed, Revert, Reverting},
		{"what was cancelled cannot", KindUpgrade, Cancelled, Revert, ""},
		{"what was taken back cannot be taken back again", KindUpgrade, Reverted, Revert, ""},
		{"a proposed upgrade does not begin", KindUpgrade, Proposed, Begin, ""},
		{"a revert rehearses before anybody is asked", KindRevert, "", Propose, Rehearsing},
		{"a rehearsal asks", KindRevert, Rehearsing, Rehearse, Proposed},
		{"with the door closed giving up reopens it", KindRevert, Saving, Reopen, Reopening},
		{"with the door closed nobody ends without reopening it", KindRevert, Saving, Cancel, ""},
		{"with the door closed nothing fails without reopening it", KindRevert, Deleting, Fail, ""},
		{"before the delete giving up reopens the door", KindRevert, Deleting, Reopen, Reopening},
		{"a reopened door ends as cancelled", KindRevert, Reopening, Cancel, Cancelled},
		{"a restored database is done", KindRevert, Restoring, Finish, Done},
	} {
		got, err := tables[row.kind].Next(row.from, row.event)
		if (row.want == "") != (err != nil) || got != row.want {
			t.Errorf("%s: %q, %v", row.sentence, got, err)
		}
	}
}

func TestPastTheDeleteThereIsNoWayOutButForward(t *testing.T) {
	for _, s := range []State{Creating, Importing, Restoring} {
		for _, e := range []Event{Cancel, Wish, Reopen, Deny, Expire} {
			if to, err := revertLife.Next(s, e); err == nil {
				t.Errorf("%s in %s leads to %s", e, s, to)
			}
		}
	}
}

func TestOnlyEndedStatesLetGo(t *testing.T) {
	for _, s := range []State{Done, Denied, Expired, Cancelled, Failed, Reverted} {
		if !Ended(s) {
			t.Errorf("%s has not ended", s)
		}
	}
	for _, s := range []State{Proposed, Blocked, Reverting, Soaking, Reopening, Creating} {
		if Ended(s) {
			t.Errorf("%s has ended", s)
		}
	}
}

func TestDiagramsNameEveryMove(t *testing.T) {
	d := Diagrams()
	for name, words := range map[string][]string{
		"upgrade": {"stateDiagram-v2", "[*]", "soaking", "reverted", "keep-watch", "recheck"},
		"revert":  {"rehearsing", "reopening", "restoring", "deleted"},
		"call":    {"planned", "sending", "unknown", "adopt", "absent"},
	} {
		for _, w := range words {
			if !strings.Contains(d[name], w) {
				t.Errorf("diagram %s does not show %q:\n%s", name, w, d[name])
			}
		}
	}
	if len(d) != 3 {
		t.Errorf("%d diagrams", len(d))
	}
}

func TestLivesAreWhatTheStoreLooksUp(t *testing.T) {
	for _, l := range Lives() {
		if l.Version != lifeVersion || l.Next == nil || !l.Ended(string(Done)) || l.Ended(string(Proposed)) {
			t.Errorf("life %+v", l)
		}
	}
}
