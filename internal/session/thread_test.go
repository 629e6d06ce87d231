package session_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/thread"
)

func TestThread(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		rec := h.open("s1", "db1")
		for rec.Revision < 10 {
			rec = h.move(rec, "vote")
		}
		wantThread := func(want thread.Card) {
			t.Helper()
			got, err := h.Card(h.ctx, "s1")
			h.nil(err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("thread (-want +got):\n%s", diff)
			}
		}
		wantThread(thread.Card{})
		card := thread.Card{Channel: "C1", TS: "10.1"}
		for _, post := range []struct {
			sentence, ts string
			won          bool
		}{
			{"the first post wins", "10.1", true},
			{"the second loses", "10.2", false},
			{"the winner's repeat wins", "10.1", true},
		} {
			winner, won, err := h.Claim(h.ctx, "s1", "C1", post.ts, "")
			h.ok(post.sentence, post.won)(won, err)
			if diff := cmp.Diff(card, winner); diff != "" {
				t.Errorf("%s: winner (-want +got):\n%s", post.sentence, diff)
			}
		}
		wantThread(card)

		h.nil(h.Drawn(h.ctx, "s1", 2, "two"))
		h.nil(h.Milestone(h.ctx, "s1", 7))
		h.nil(h.Milestone(h.ctx, "s1", 5))
		card.Revision, card.Digest, card.Cursor = 2, "two", 7
		wantThread(card)
		h.wantClaim(h.Dirty(), lease, "s1")
		h.wantClaim(h.Dirty(), lease)
		h.nil(h.Drawn(h.ctx, "s1", 1, "one")) // sent late: what the card shows is unknown
		card.Digest = ""
		wantThread(card)
		h.wantClaim(h.Dirty(), lease, "s1")
		h.nil(h.Drawn(h.ctx, "s1", 2, "progress"))
		h.nil(h.Drawn(h.ctx, "s1", 10, "ten")) // compared as numbers
		card.Revision, card.Digest = 10, "ten"
		wantThread(card)
		h.wantClaim(h.Dirty(), lease)

		// What was drawn and told from a record that is forgotten.
		h.nil(h.Milestone(h.ctx, "s1", 11))
		wantThread(card)
		h.nil(h.Drawn(h.ctx, "s1", 11, "eleven"))
		card.Digest = ""
		wantThread(card)
		h.wantClaim(h.Dirty(), lease, "s1")
		h.nil(h.Drawn(h.ctx, "s1", 10, "ten"))
		card.Digest = "ten"
		wantThread(card)

		wantLink := func(ts, want string) {
			t.Helper()
			id, err := h.ByThread(h.ctx, "C1", ts)
			if err != nil || id != want {
				t.Errorf("message %s leads to %q, %v", ts, id, err)
			}
		}
		wantLink("10.1", "s1")
		_, err := h.ByThread(h.ctx, "C1", "10.2")
		h.wantErr(err, session.ErrNotFound)
		h.nil(h.LinkThread(h.ctx, "C1", "10.2", "s1"))
		wantLink("10.2", "s1")

		reply, won, err := h.Claim(h.ctx, "s2", "C1", "10.3", "10.1")
		h.ok("a reply is a card", true)(won, err)
		if diff := cmp.Diff(thread.Card{Channel: "C1", TS: "10.3", Parent: "10.1"}, reply); diff != "" {
			t.Errorf("reply (-want +got):\n%s", diff)
		}
		wantLink("10.1", "s1")
		wantLink("10.3", "s2")
	})
}

// The thread of a session lapses with it, and that of one which was lost when it has
// been told.
func TestTheThreadOfALostSessionIsKeptUntilItIsTold(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.open("s1", "db1")
		_, _, err := h.Claim(h.ctx, "s1", "C1", "1.1", "")
		h.nil(err)
		h.nil(h.Drawn(h.ctx, "s1", 1, "d"))
		h.ok("it is there", false)(h.Orphaned(h.ctx, "s1"))
		h.nil(h.rdb.Del(h.ctx, h.key("session:s1"), h.key("journal:s1")).Err())
		h.nil(h.DrawnDoubted(h.ctx, "s1", "e"))
		h.ok("it is lost", true)(h.Orphaned(h.ctx, "s1"))
		h.nil(h.ToldDoubt(h.ctx, "s1", "d1", time.Time{}))
		h.ok("its thread was told", false)(h.Orphaned(h.ctx, "s1"))
		h.ok("nothing is known of it", false)(h.Orphaned(h.ctx, "s2"))
		at := time.UnixMilli(1779494400000).UTC()
		h.nil(h.ToldDoubt(h.ctx, "s1", "d1 d2", at))
		got, err := h.Card(h.ctx, "s1")
		if h.nil(err); got.Doubt != "d1 d2" || !got.Believed.Equal(at) || got.Digest != "e" || got.Revision != 0 {
			t.Errorf("got %+v", got)
		}
	})
}
