package thread

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

func recordKey(id string) string  { return "{test}:session:" + id }
func journalKey(id string) string { return "{test}:journal:" + id }

// forge changes the stored state of a session, and looks at it.
func (s *stage) forge(id string, state upgrade.State) {
	s.t.Helper()
	s.nil(s.rdb.HSet(s.ctx, recordKey(id), "state", string(state)).Err())
	s.dirty(id)
}

func (s *stage) dirty(id string) {
	s.t.Helper()
	s.nil(s.store.Dirty().Set(s.ctx, id, 0))
	s.pass(5 * time.Second)
}

func (s *stage) nil(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// count is how many replies say something.
func count(replies []string, words string) (n int) {
	for _, r := range replies {
		if strings.Contains(r, words) {
			n++
		}
	}
	return n
}

// calmly looks for work once in two seconds, because these tests take hours.
func calmly(c *Config, _ *Slack) { c.Idle = 2 * time.Second }

const notBelieved, again = "record not to be believed", "believed again"

func TestEachDoubtIsToldOnce(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw(calmly)()
		r := s.open("cache-prod")
		s.pass(3 * time.Second)
		told := func(sentence string, want int) {
			t.Helper()
			root := s.cards()[0].TS
			if got := count(s.replies(root), notBelieved); got != want {
				t.Errorf("%s: told %d times, want %d: %q", sentence, got, want, s.replies(root))
			}
		}
		s.forge(r.ID, upgrade.Approved)
		told("a doubt", 1)
		if err := s.rdb.ZScore(s.ctx, "{test}:queue:due", r.ID).Err(); err != nil { // it waits for people
			t.Errorf("the engine does not look at it: %v", err)
		}
		s.dirty(r.ID)
		s.pass(time.Hour)
		told("an hour later", 1)
		s.forge(r.ID, upgrade.Upgrading)
		told("another doubt", 2)
		s.forge(r.ID, upgrade.Approved)
		s.pass(10 * time.Minute)
		told("the first one again, without an end between", 2)
		if n := len(s.calls("chat.update")); n > 10 {
			t.Errorf("%d updates of a card that hardly changes", n)
		}
	})
}

func TestARepairedSessionIsToldSo(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw(calmly)()
		r := s.open("cache-prod")
		s.pass(3 * time.Second)
		for turn := 1; turn <= 2; turn++ { // the same doubt, once it was over, is a new one
			s.forge(r.ID, upgrade.Approved)
			s.nil(s.rdb.HSet(s.ctx, recordKey(r.ID), "state", r.State).Err())
			s.pass(10 * time.Second)
			root := s.cards()[0].TS
			if n := count(s.replies(root), again); n != turn-1 {
				t.Errorf("%d: told before anybody can be sure", turn)
			}
			s.pass(10 * time.Minute) // nobody has it drawn
			replies := s.replies(root)
			if count(replies, notBelieved) != turn || count(replies, again) != turn {
				t.Errorf("%d: told %q", turn, replies)
			}
			if card := s.cards()[0].Text; !strings.HasSuffix(card, "waiting for approval") {
				t.Errorf("%d: the card says %q", turn, card)
			}
		}
	})
}

// A post that Slack refuses, and a drawer that ends on the way to it, lose nothing.
func TestADoubtIsToldAlthoughSlackIsAway(t *testing.T) {
	play(t, func(s *stage) {
		stop := s.draw(calmly)
		r := s.open("cache-prod")
		s.pass(3 * time.Second)
		s.fault(`{"fault":"method_error","times":3,"match":"chat.postMessage"}`)
		s.nil(s.rdb.HSet(s.ctx, recordKey(r.ID), "state", string(upgrade.Approved)).Err())
		s.nil(s.store.Dirty().Set(s.ctx, r.ID, 0))
		time.Sleep(2100 * time.Millisecond) // the card is drawn, its thread not told
		stop()
		defer s.draw(calmly)()
		s.pass(10 * time.Minute)
		if replies := s.replies(s.cards()[0].TS); count(replies, notBelieved) != 1 {
			t.Errorf("told %q", replies)
		}
	})
}

// What was noted of a record lapses and is found again a moment later: that is no end.
func TestADoubtThatLapsesForAMomentIsNotOver(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw(calmly)()
		r := s.open("cache-prod")
		s.pass(3 * time.Second)
		for range 2 {
			s.nil(s.store.Distrust(s.ctx, r, "the lock of its database is not its own"))
			s.dirty(r.ID)
			s.pass(time.Hour + 30*time.Second)
		}
		replies := s.replies(s.cards()[0].TS)
		if count(replies, notBelieved) != 1 || count(replies, again) != 0 {
			t.Errorf("told %q", replies)
		}
	})
}

func TestAReleasedSessionIsToldSo(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw(calmly)()
		r := s.open("cache-prod")
		s.pass(3 * time.Second)
		s.nil(s.rdb.Del(s.ctx, journalKey(r.ID)).Err())
		s.dirty(r.ID)
		doubted := s.must(s.store.Load(s.ctx, r.ID))
		for _, by := range []string{"U0DAN", "U0BOB"} {
			_, err := s.store.Release(s.ctx, r.ID, by, doubted.Version(), 2)
			s.nil(err)
		}
		s.pass(10 * time.Minute)
		s.move(s.must(s.store.Load(s.ctx, r.ID)), upgrade.Approve, "Approved (1 of 1).")
		s.pass(3 * time.Second)
		replies := s.replies(s.cards()[0].TS)
		if len(replies) != 3 || !strings.HasPrefix(replies[1], ":white_check_mark: <@U0BOB>, <@U0DAN>: Released: the record is believed again") || !strings.Contains(replies[2], "Approved") {
			t.Errorf("told %q", replies)
		}
		if card := s.cards()[0].Text; !strings.HasSuffix(card, "— approved") {
			t.Errorf("the card says %q", card)
		}
	})
}

func TestAThreadHearsOfWhatIsLost(t *testing.T) {
	for sentence, keys := range map[string][]string{"the record is gone": {"session"}, "record and journal are gone": {"session", "journal"}} {
		t.Run(sentence, func(t *testing.T) {
			play(t, func(s *stage) {
				defer s.draw(calmly)()
				r := s.open("cache-prod")
				r = s.move(r, upgrade.Approve, "Approved (1 of 1).")
				s.pass(3 * time.Second)
				for _, key := range keys {
					s.nil(s.rdb.Del(s.ctx, "{test}:"+key+":"+r.ID).Err())
				}
				for range 3 {
					s.dirty(r.ID)
					s.pass(10 * time.Minute)
				}
				card := s.cards()
				if len(card) != 1 || !strings.HasSuffix(card[0].Text, notBelieved+"; nothing is sent") {
					t.Fatalf("got %+v", card)
				}
				if replies := s.replies(card[0].TS); count(replies, notBelieved) != 1 {
					t.Errorf("told %q", replies)
				}
				if n := len(s.calls("chat.update")); n > 5 {
					t.Errorf("%d updates", n)
				}
			})
		})
	}
}

// What lapsed with its retention was not lost.
func TestNothingIsToldPastTheRetention(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw(calmly)()
		r := s.open("cache-prod")
		s.pass(3 * time.Second)
		s.move(r, upgrade.Cancel, "Cancelled.")
		s.pass(3 * time.Second)
		before := len(s.messages())
		s.nil(s.rdb.Del(s.ctx, recordKey(r.ID), journalKey(r.ID)).Err()) // a moment before its thread does
		s.dirty(r.ID)
		s.pass(10 * time.Minute)
		if after := s.messages(); len(after) != before {
			t.Errorf("told %+v", after[before:])
		}
	})
}

// An older state that was put back is drawn once, not for ever, although the card has
// shown a newer one; and so is the newer one when it is back.
func TestAnOlderStateIsDrawnOnce(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw(calmly)()
		r := s.open("cache-prod")
		hash, entries := s.copyOf(r.ID)
		r = s.must(s.store.Advance(s.ctx, session.Move{Record: r, Event: string(upgrade.Approve), Note: "Approved (1 of 1).", Due: session.Never, Confirm: true, At: time.Now()}))
		s.pass(3 * time.Second)
		newHash, newEntries := s.copyOf(r.ID)
		s.putBack(r.ID, hash, entries)
		s.pass(10 * time.Minute)
		if card := s.cards()[0]; !strings.HasSuffix(card.Text, notBelieved+"; nothing is sent") || count(s.replies(card.TS), notBelieved) != 1 {
			t.Errorf("card %q, told %q", card.Text, s.replies(card.TS))
		}
		s.putBack(r.ID, newHash, newEntries)
		s.pass(10 * time.Minute)
		if card := s.cards()[0]; !strings.HasSuffix(card.Text, "— approved") || count(s.replies(card.TS), again) != 1 {
			t.Errorf("card %q, told %q", card.Text, s.replies(card.TS))
		}
		if n := len(s.calls("chat.update")); n > 8 {
			t.Errorf("%d updates", n)
		}
	})
}

func (s *stage) copyOf(id string) (map[string]string, []redis.XMessage) {
	return maps.Clone(s.rdb.HGetAll(s.ctx, recordKey(id)).Val()), s.rdb.XRange(s.ctx, journalKey(id), "-", "+").Val()
}

func (s *stage) putBack(id string, hash map[string]string, entries []redis.XMessage) {
	s.t.Helper()
	s.nil(s.rdb.Del(s.ctx, recordKey(id), journalKey(id)).Err())
	s.nil(s.rdb.HSet(s.ctx, recordKey(id), hash).Err())
	for _, m := range entries {
		s.nil(s.rdb.XAdd(s.ctx, &redis.XAddArgs{Stream: journalKey(id), ID: m.ID, Values: m.Values}).Err())
	}
	s.dirty(id)
}
