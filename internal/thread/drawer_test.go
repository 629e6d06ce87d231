package thread

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

func TestACardFollowsItsRecord(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		r := s.open("cache-prod")
		s.pass(time.Second)
		cards := s.cards()
		if len(cards) != 1 || cards[0].Text != "Upgrade cache-prod: 7.2 → 7.4 — waiting for approval" {
			t.Fatalf("got %+v", cards)
		}
		s.move(r, upgrade.Approve, "Approved (1 of 1).")
		s.pass(time.Second)
		if cards = s.cards(); len(cards) != 1 || !strings.HasSuffix(cards[0].Text, "— approved") {
			t.Errorf("got %+v", cards)
		}
		if diff := cmp.Diff([]string{":white_check_mark: <@U0BOB>: Approved (1 of 1)."}, s.replies(cards[0].TS)); diff != "" {
			t.Error(diff)
		}
		id, err := s.store.ByThread(s.ctx, channel, cards[0].TS)
		if err != nil || id != r.ID {
			t.Errorf("the card leads to %q, %v", id, err)
		}
	})
}

func TestWhatIsDrawnAlreadyIsNotSentAgain(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		r := s.open("cache-prod")
		s.pass(time.Second)
		s.move(r, upgrade.Vote, "") // changes the revision, nothing that is seen
		s.pass(time.Minute)
		if n := len(s.calls("chat.update")); n != 0 {
			t.Errorf("%d updates that change nothing", n)
		}
	})
}

func TestTheLatestWinsWhileALimitHolds(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		r := s.open("cache-prod")
		s.pass(time.Second)
		if wait, err := s.store.TakeBudget(s.ctx, budgetUpdates, updatesPerMinute, time.Minute, updateBurst, updateBurst); err != nil || wait != 0 {
			t.Fatal(wait, err)
		}
		for _, ev := range []upgrade.Event{upgrade.Approve, upgrade.Begin, upgrade.Fit, upgrade.BackUp, upgrade.Upgrade, upgrade.Verify} {
			r = s.move(r, ev, "")
		}
		s.pass(time.Minute)
		if n := len(s.calls("chat.update")); n != 1 {
			t.Errorf("six changes became %d updates, not one", n)
		}
		if got := s.cards()[0].Text; !strings.HasSuffix(got, "— upgraded; monitoring") {
			t.Errorf("the card says %q", got)
		}
	})
}

func TestSlacksLimitsAreKept(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		for i := range 25 {
			s.open(fmt.Sprintf("db-%02d", i))
		}
		s.pass(time.Minute)
		for _, c := range s.calls("chat.postMessage") {
			if !c.OK {
				t.Errorf("Slack refused %+v", c)
			}
		}
		if n := len(s.cards()); n != 25 {
			t.Errorf("%d of 25 cards", n)
		}
	})
}

func TestMilestonesKeepTheirOrderOnABadDay(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		r := s.open("cache-prod")
		s.pass(time.Second)
		s.fault(`{"fault":"method_error","times":3,"match":"chat.postMessage"}`)
		s.fault(`{"fault":"http_500","times":2,"match":"chat.postMessage"}`)
		s.fault(`{"fault":"drop_request","times":2,"match":"chat.postMessage"}`)
		var want []string
		for i := range 9 {
			r = s.move(r, upgrade.Vote, fmt.Sprintf("word %d", i))
			want = append(want, fmt.Sprintf(":ballot_box_with_check: <@U0BOB>: word %d", i))
		}
		s.pass(2 * time.Minute)
		if diff := cmp.Diff(want, s.replies(s.cards()[0].TS)); diff != "" {
			t.Errorf("milestones (-journal +thread):\n%s", diff)
		}
	})
}

func TestACardWhoseAnswerWasLostIsPostedAgain(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		s.fault(`{"fault":"drop_answer","times":1,"match":"chat.postMessage"}`)
		r := s.open("cache-prod")
		s.pass(10 * time.Second)
		cards := s.cards()
		if len(cards) != 2 {
			t.Fatalf("%d cards, want the lost one and the living one", len(cards))
		}
		th, err := s.store.Thread(s.ctx, r.ID)
		if err != nil || th.TS != cards[1].TS {
			t.Fatalf("the living card is %+v, %v; want %s", th, err, cards[1].TS)
		}
		s.move(r, upgrade.Approve, "Approved.")
		s.pass(10 * time.Second)
		cards = s.cards()
		if !strings.HasSuffix(cards[0].Text, "waiting for approval") || !strings.HasSuffix(cards[1].Text, "approved") {
			t.Errorf("the living card must follow, the lost one cannot: %+v", cards)
		}
		if n := len(s.replies(cards[1].TS)); n != 1 {
			t.Errorf("%d replies in the living card's thread", n)
		}
	})
}

// A second card can be recognised where its post was answered, but another one
// was recorded first.
func TestADoubledCardLeadsToTheSessionToo(t *testing.T) {
	play(t, func(s *stage) {
		r := s.open("cache-prod")
		stop := s.draw(func(_ *Config, api *Slack) {
			*api = &meddler{Slack: *api, before: func() { // somebody else's post is recorded first
				_, _, err := s.store.ClaimCard(s.ctx, r.ID, channel, "1.000001")
				if err != nil {
					t.Error(err)
				}
			}}
		})
		defer stop()
		s.pass(10 * time.Second)
		th, err := s.store.Thread(s.ctx, r.ID)
		if err != nil || th.TS != "1.000001" {
			t.Errorf("the first recorded card lost: %+v, %v", th, err)
		}
		ours := s.cards()[0].TS
		if id, err := s.store.ByThread(s.ctx, channel, ours); err != nil || id != r.ID {
			t.Errorf("the doubled card leads to %q, %v", id, err)
		}
	})
}

// meddler does something right before a message is posted for the first time.
type meddler struct {
	Slack
	before func()
}

func (m *meddler) PostMessageContext(ctx context.Context, channel string, options ...slack.MsgOption) (string, string, error) {
	if m.before != nil {
		do := m.before
		m.before = nil
		do()
	}
	return m.Slack.PostMessageContext(ctx, channel, options...)
}

func TestARateLimitHoldsEverybodyBack(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		defer s.draw()() // another replica
		quiet := s.open("quiet")
		s.pass(time.Second)
		s.fault(`{"fault":"rate_limited","times":1,"match":"chat.postMessage","retry_after":30}`)
		s.open("loud")
		s.pass(2 * time.Second)
		s.move(quiet, upgrade.Approve, "")
		begun := len(s.calls("chat.postMessage")) + len(s.calls("chat.update"))
		s.pass(25 * time.Second)
		if now := len(s.calls("chat.postMessage")) + len(s.calls("chat.update")); now != begun {
			t.Errorf("%d calls while Slack had asked for quiet", now-begun)
		}
		s.pass(10 * time.Second)
		if cards := s.cards(); len(cards) != 2 || !strings.HasSuffix(cards[0].Text, "approved") {
			t.Errorf("after the limit: %+v", cards)
		}
	})
}

func TestARevertTellsItsStoryInItsUpgradesThread(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		revert := s.start("r-cache-prod", upgrade.KindRevert, upgrade.Body{Link: "u-cache-prod", Revert: &upgrade.RevertWork{Upgraded: "7.4"}})
		s.pass(5 * time.Second)
		if n := len(s.messages()); n != 0 {
			t.Fatalf("%d messages before the upgrade has its card", n)
		}
		s.open("cache-prod")
		s.pass(5 * time.Second)
		s.move(revert, upgrade.Note, "Settings captured.")
		s.pass(5 * time.Second)
		cards := s.cards()
		if len(cards) != 1 {
			t.Fatalf("%d roots", len(cards))
		}
		want := []string{"Revert cache-prod: 7.2 → 7.4 — test restore running; nothing is changed yet", ":information_source: <@U0BOB>: Settings captured."}
		if diff := cmp.Diff(want, s.replies(cards[0].TS)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestANewReplicaGoesOnWhereTheOldOneStopped(t *testing.T) {
	play(t, func(s *stage) {
		stop := s.draw()
		r := s.open("cache-prod")
		s.pass(time.Second)
		r = s.move(r, upgrade.Vote, "one")
		s.pass(time.Second)
		stop()
		r = s.move(r, upgrade.Vote, "two")
		s.move(r, upgrade.Approve, "three")
		s.pass(time.Hour / 2)
		defer s.draw()()
		s.pass(10 * time.Second)
		cards := s.cards()
		want := []string{":ballot_box_with_check: <@U0BOB>: one", ":ballot_box_with_check: <@U0BOB>: two", ":white_check_mark: <@U0BOB>: three"}
		if diff := cmp.Diff(want, s.replies(cards[0].TS)); diff != "" || len(cards) != 1 {
			t.Errorf("%d cards, milestones:\n%s", len(cards), diff)
		}
	})
}

func TestManyReplicasSayEverythingOnce(t *testing.T) {
	play(t, func(s *stage) {
		for range 3 {
			defer s.draw()()
		}
		r := s.open("cache-prod")
		var want []string
		for i := range 12 {
			r = s.move(r, upgrade.Vote, fmt.Sprint(i))
			want = append(want, fmt.Sprintf(":ballot_box_with_check: <@U0BOB>: %d", i))
			s.pass(70 * time.Millisecond)
		}
		s.pass(time.Minute)
		cards := s.cards()
		if diff := cmp.Diff(want, s.replies(cards[0].TS)); diff != "" || len(cards) != 1 {
			t.Errorf("%d cards, milestones:\n%s", len(cards), diff)
		}
	})
}

func TestADeletedCardDoesNotSilenceItsThread(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		r := s.open("cache-prod")
		s.pass(time.Second)
		s.fault(`{"fault":"method_error","times":-1,"match":"chat.update","error":"message_not_found"}`)
		s.move(r, upgrade.Approve, "Approved.")
		s.pass(time.Minute)
		if n := len(s.replies(s.cards()[0].TS)); n != 1 {
			t.Errorf("%d milestones", n)
		}
		if n := len(s.calls("chat.update")); n != 1 {
			t.Errorf("%d attempts to change a message that is gone", n)
		}
	})
}

func TestWhatSomebodyHasToMendIsTriedCalmly(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		s.fault(`{"fault":"bot_removed"}`)
		s.open("cache-prod")
		s.pass(2 * time.Minute)
		if n := len(s.calls("chat.postMessage")); n < 2 || n > 6 {
			t.Errorf("%d attempts in two minutes", n)
		}
		s.fault(`{"fault":"none"}`)
		s.pass(time.Minute)
		if n := len(s.cards()); n != 1 {
			t.Errorf("%d cards after it was mended", n)
		}
	})
}

func TestAPanicLeavesTheOthersAlone(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw(func(_ *Config, api *Slack) { *api = &meddler{Slack: *api, before: func() { panic("a bug") }} })()
		s.open("cache-prod")
		s.open("orders-prod")
		s.pass(time.Minute) // the claim of the one that panicked lapses
		if n := len(s.cards()); n != 2 {
			t.Errorf("%d of 2 cards", n)
		}
	})
}

func TestASessionOfANewerReplicaIsLeftToIt(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		if err := s.store.Dirty().Set(s.ctx, "u-gone", 0); err != nil { // past its retention
			t.Fatal(err)
		}
		s.pass(time.Minute)
		items, next, err := s.store.Dirty().Claim(s.ctx, time.Second, 10)
		if err != nil || len(items) != 0 || next != -1 {
			t.Errorf("what is gone stays dirty: %v, %v, %v", items, next, err)
		}
	})
}

var _ Slack = (*slack.Client)(nil)

// Nobody clicks on a card that is not there: whoever asked hears of it.
func TestAShutChannelIsToldToWhoAsked(t *testing.T) {
	for _, fault := range []string{"channel_archived", "bot_removed"} {
		t.Run(fault, func(t *testing.T) {
			play(t, func(s *stage) {
				defer s.draw(func(c *Config, _ *Slack) { c.Idle = time.Minute })()
				shut := func(times int) { s.fault(`{"fault":%q,"times":%d,"match":%q}`, fault, times, channel) }
				shut(-1)
				r := s.open("cache-prod")
				s.pass(30 * time.Minute)
				if got := s.direct(); len(got) != 1 || !strings.Contains(got[0], "nobody can decide on it") {
					t.Fatalf("ann was told %q", got)
				}
				shut(0)
				s.pass(5 * time.Minute)
				cards := s.cards()
				if len(cards) != 1 {
					t.Fatalf("then there are the cards %+v", cards)
				}
				shut(-1)
				s.move(r, upgrade.Approve, "Approved (1 of 1).")
				s.pass(30 * time.Minute)
				if got := s.direct(); len(got) != 2 || !strings.Contains(got[1], "goes on") {
					t.Errorf("ann was told %q", got)
				}
				shut(0)
				s.pass(5 * time.Minute)
				if diff := cmp.Diff([]string{":white_check_mark: <@U0BOB>: Approved (1 of 1)."}, s.replies(cards[0].TS)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
