package upgrade

import (
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

func TestWhatIsUrgent(t *testing.T) {
	gone := Body{Revert: &RevertWork{DeletedAt: time.Unix(1, 0)}}
	leaving := Body{Revert: &RevertWork{}, Call: &Call{Key: callDelete, Phase: Sending}}
	for _, row := range []struct {
		sentence string
		s        Session
		want     cloud.Class
	}{
		{"an approved upgrade is checked", Session{Kind: KindUpgrade, State: Checking}, cloud.ClassCheck},
		{"a watch is a check", Session{Kind: KindUpgrade, State: Soaking}, cloud.ClassCheck},
		{"an upgrade that has begun is work", Session{Kind: KindUpgrade, State: BackingUp}, cloud.ClassWork},
		{"so is a revert that people still decide about", Session{Kind: KindRevert, State: Rehearsing, Body: Body{Revert: &RevertWork{}}}, cloud.ClassWork},
		{"and one before its delete", Session{Kind: KindRevert, State: Deleting, Body: Body{Revert: &RevertWork{}}}, cloud.ClassWork},
		{"a delete that may have left is urgent", Session{Kind: KindRevert, State: Deleting, Body: leaving}, cloud.ClassRestore},
		{"nothing is more urgent than a deleted database", Session{Kind: KindRevert, State: Importing, Body: gone}, cloud.ClassRestore},
	} {
		if got := row.s.class(); got != row.want {
			t.Errorf("%s: got class %d, want %d", row.sentence, got, row.want)
		}
	}
	p := newPlaces()
	for range checkers {
		p.take(Session{Kind: KindUpgrade, State: Checking})
	}
	if _, ok := p.take(Session{Kind: KindUpgrade, State: Checking}); ok {
		t.Error("there is no end of places for checks")
	}
	if _, ok := p.take(Session{Kind: KindUpgrade, State: Upgrading}); !ok {
		t.Error("checks that wait take the places of work that has begun")
	}
}
