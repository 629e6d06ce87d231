package thread

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
		th, err := s.memory.Card(s.ctx, r.ID)
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
				_, ts, err := s.api.PostMessageContext(s.ctx, channel, slack.MsgOptionText("theirs", false))
				if err == nil {
					_, _, err = s.memory.Claim(s.ctx, r.ID, channel, ts, "")
				}
				if err != nil {
					t.Error(err)
				}
			}}
		})
		defer stop()
		s.pass(10 * time.Second)
		th, err := s.memory.Card(s.ctx, r.ID)
		if err != nil || th.TS != s.cards()[0].TS {
			t.Errorf("the first recorded card lost: %+v, %v", th, err)
		}
		ours := s.cards()[1].TS
		if id, err := s.store.ByThread(s.ctx, channel, ours); err != nil || id != r.ID {
			t.Errorf("the doubled card leads to %q, %v", id, err)
		}
	})
}

// meddler does something right before a message is posted for the first time.
type meddler struct {
	Slack
	once   sync.Once
	before func()
}

func (m *meddler) PostMessageContext(ctx context.Context, channel string, options ...slack.MsgOption) (string, string, error) {
	m.once.Do(m.before)
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

// Nobody can decide on a card that is not there, or that shows what was true once.
func TestACardThatCanBeChangedNoMoreGetsASuccessor(t *testing.T) {
	for _, set := range []string{`{"deleted":true}`, `{"update_error":"edit_window_closed"}`, `{"update_error":"cant_update_message"}`} {
		t.Run(set, func(t *testing.T) {
			play(t, func(s *stage) {
				defer s.draw()()
				r := s.open("cache-prod")
				s.pass(time.Second)
				old := s.cards()[0]
				s.moderate(old.TS, set)
				r = s.move(r, upgrade.Vote, "Approved (1 of 2).")
				s.pass(time.Minute)
				th, err := s.memory.Card(s.ctx, r.ID)
				if err != nil || th.TS == old.TS {
					t.Fatalf("the card is %+v, %v", th, err)
				}
				for _, ts := range []string{old.TS, th.TS} {
					if id, err := s.store.ByThread(s.ctx, channel, ts); err != nil || id != r.ID {
						t.Errorf("message %s leads to %q, %v", ts, id, err)
					}
				}
				replies := s.replies(th.TS)
				if len(replies) != 2 || !strings.Contains(replies[0], "this is the card now") || !strings.Contains(replies[0], "<!subteam^S0DBA>") || !strings.Contains(replies[1], "Approved (1 of 2).") {
					t.Errorf("the new card's thread says %q", replies)
				}
				s.move(r, upgrade.Approve, "Approved (2 of 2).")
				s.pass(time.Minute)
				for _, c := range s.cards() {
					if c.TS == th.TS && !strings.Contains(c.Text, "approved") {
						t.Errorf("the new card says %q", c.Text)
					}
					if c.TS != th.TS && c.TS != old.TS {
						t.Errorf("in the channel's root: %q", c.Text)
					}
				}
				if n := len(s.replies(th.TS)); n != 3 {
					t.Errorf("%d replies", n)
				}
			})
		})
	}
}

// Somebody, or something, that deletes every card does not fill the channel.
func TestCardsAreReplacedOnceAMinute(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		r := s.open("cache-prod")
		s.pass(time.Second)
		s.fault(`{"fault":"method_error","times":-1,"match":"chat.update","error":"message_not_found"}`)
		for range 10 {
			r = s.move(r, upgrade.Vote, "again")
			s.pass(30 * time.Second)
		}
		if n := len(s.cards()); n < 3 || n > 7 {
			t.Errorf("%d cards in five minutes", n)
		}
	})
}

func TestTheCardOfAnEndedSessionIsLeftDeleted(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		r := s.open("cache-prod")
		s.pass(time.Second)
		s.move(r, upgrade.Expire, "")
		s.moderate(s.cards()[0].TS, `{"deleted":true}`)
		s.pass(time.Minute)
		if n := len(s.calls("chat.postMessage")); n != 1 {
			t.Errorf("%d posts", n)
		}
	})
}

// Whatever Slack says of a channel, its requester hears of it, once, and the drawer
// goes on trying calmly.
func TestAnyPermanentRefusalIsTold(t *testing.T) {
	for _, row := range []struct {
		method, code string
		told         int
	}{
		{"chat.postMessage", "restricted_action_thread_only_channel", 1}, {"chat.postMessage", "restricted_action_non_threadable_channel", 1},
		{"chat.postMessage", "ekm_access_denied", 1}, {"chat.postMessage", "missing_scope", 1}, {"chat.postMessage", "team_access_not_granted", 1},
		{"chat.postMessage", "not_allowed", 1}, {"chat.postMessage", "a_code_of_next_year", 1},
		{"chat.postMessage", "service_unavailable", 0}, {"chat.postMessage", "internal_error", 0}, {"chat.postMessage", "token_revoked", 0},
		{"chat.update", "is_inactive", 1}, {"chat.update", "a_code_of_next_year", 1}, {"chat.update", "fatal_error", 0},
	} {
		t.Run(row.method+" "+row.code, func(t *testing.T) {
			play(t, func(s *stage) {
				defer s.draw(func(c *Config, api *Slack) {
					c.Idle, *api = time.Second, &refusing{Slack: *api, method: row.method, code: row.code}
				})()
				r := s.open("cache-prod")
				s.pass(70 * time.Second)
				s.move(r, upgrade.Approve, "")
				s.pass(70 * time.Second)
				if got := s.direct(); len(got) != row.told {
					t.Errorf("ann was told %q", got)
				}
			})
		})
	}
}

// refusing is a Slack that refuses everything of a method in the channel.
type refusing struct {
	Slack
	method, code string
}

func (r *refusing) PostMessageContext(ctx context.Context, to string, options ...slack.MsgOption) (string, string, error) {
	if r.method == "chat.postMessage" && to == channel {
		return "", "", slack.SlackErrorResponse{Err: r.code}
	}
	return r.Slack.PostMessageContext(ctx, to, options...)
}

func (r *refusing) UpdateMessageContext(ctx context.Context, to, ts string, options ...slack.MsgOption) (string, string, string, error) {
	if r.method == "chat.update" {
		return "", "", "", slack.SlackErrorResponse{Err: r.code}
	}
	return r.Slack.UpdateMessageContext(ctx, to, ts, options...)
}

// A thread is in the channel in which its card is, whatever the bot's channel is by
// now; where that takes no posts any more the story goes on in the new one.
func TestARevertStaysWithItsUpgradeInTheChannelOfBefore(t *testing.T) {
	for _, archived := range []bool{false, true} {
		t.Run(fmt.Sprint("archived: ", archived), func(t *testing.T) {
			play(t, func(s *stage) {
				stop := s.draw()
				s.open("cache-prod")
				s.pass(time.Second)
				stop()
				root := s.cards()[0].TS
				s.hook("channel", `{"channel":%q,"set":{"bot_member":true}}`, other)
				if archived {
					s.hook("channel", `{"channel":%q,"set":{"archived":true}}`, channel)
				}
				defer s.draw(func(c *Config, _ *Slack) { c.Channel = other })()
				r := s.start("r-cache-prod", upgrade.KindRevert, upgrade.Body{Link: "u-cache-prod", Revert: &upgrade.RevertWork{Upgraded: "7.4"}})
				s.move(r, upgrade.Note, "Settings saved.")
				s.pass(time.Minute)
				th, err := s.memory.Card(s.ctx, r.ID)
				want := Card{Channel: channel, Parent: root}
				if archived {
					want = Card{Channel: other}
				}
				if err != nil || th.Channel != want.Channel || th.Parent != want.Parent || th.Cursor != 2 {
					t.Errorf("the revert's card is %+v, %v; want %+v", th, err, want)
				}
			})
		})
	}
}

// The order of the queue is the order on the screen, and what cannot be drawn yet is
// not drawn in vain.
func TestABacklogIsDrawnInOrderAndOnce(t *testing.T) {
	play(t, func(s *stage) {
		const cards = 80
		drawn := &counting{}
		defer s.draw(func(c *Config, _ *Slack) { c.Idle, c.Policy.Engine = time.Second, drawn })()
		defer s.draw(func(c *Config, _ *Slack) { c.Idle, c.Policy.Engine = time.Second, drawn })() // another replica
		for i := range cards {
			s.open(fmt.Sprintf("db-%03d", i))
		}
		s.pass(20 * time.Second)
		urgent := s.start("u-urgent", upgrade.KindUpgrade, upgrade.Body{})
		if err := s.store.Dirty().Set(s.ctx, urgent.ID, -time.Hour); err != nil {
			t.Fatal(err)
		}
		before := len(s.cards())
		s.pass(10 * time.Second)
		if at := slices.IndexFunc(s.cards(), func(m message) bool { return strings.Contains(m.Text, "urgent") }); at < 0 || at > before+5 {
			t.Errorf("the urgent card is number %d, %d were there", at, before)
		}
		s.pass(3 * time.Minute)
		if n := len(s.cards()); n != cards+1 {
			t.Fatalf("%d cards", n)
		}
		if n := drawn.n.Load(); n > 6*cards {
			t.Errorf("%d cards were drawn %d times", cards, n)
		}
	})
}

// counting counts the cards that are drawn.
type counting struct{ n atomic.Int64 }

func (c *counting) Revertible(upgrade.Session) *upgrade.Refusal {
	c.n.Add(1)
	return nil
}
func (c *counting) AbsentFrom(upgrade.Session) time.Time { return time.Time{} }

// Slack may take longer than a lease: whoever draws keeps the right to.
func TestASlowSlackDoublesNothing(t *testing.T) {
	play(t, func(s *stage) {
		slow := func(c *Config, api *Slack) { c.Idle, c.Lease, *api = time.Second, 3*time.Second, &slowly{*api} }
		defer s.draw(slow)()
		defer s.draw(slow)()
		r := s.open("cache-prod")
		var want []string
		for i := range 6 {
			r = s.move(r, upgrade.Vote, fmt.Sprint(i))
			want = append(want, fmt.Sprintf(":ballot_box_with_check: <@U0BOB>: %d", i))
			s.pass(3 * time.Second)
		}
		s.pass(2 * time.Minute)
		cards := s.cards()
		if diff := cmp.Diff(want, s.replies(cards[0].TS)); diff != "" || len(cards) != 1 {
			t.Errorf("%d cards, milestones:\n%s", len(cards), diff)
		}
	})
}

// slowly is a Slack that does everything at once and answers 8 s later.
type slowly struct{ Slack }

func (r *slowly) PostMessageContext(ctx context.Context, to string, options ...slack.MsgOption) (string, string, error) {
	channel, ts, err := r.Slack.PostMessageContext(ctx, to, options...)
	time.Sleep(8 * time.Second)
	return channel, ts, err
}

func TestWhatSomebodyHasToMendIsTriedCalmly(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		s.fault(`{"fault":"bot_removed","match":%q}`, channel)
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

// A session that is not believed says so on its card, without a button, and once in
// its thread; what its journal says is told to nobody.
func TestASessionThatIsNotBelievedSaysSo(t *testing.T) {
	play(t, func(s *stage) {
		defer s.draw()()
		r := s.open("cache-prod")
		s.pass(time.Second)
		if err := s.rdb.HSet(s.ctx, "{test}:session:"+r.ID, "state", string(upgrade.Approved)).Err(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := s.store.Dirty().Set(s.ctx, r.ID, 0); err != nil {
				t.Fatal(err)
			}
			s.pass(time.Minute)
		}
		cards := s.cards()
		if len(cards) != 1 || !strings.HasPrefix(cards[0].Text, "Upgrade cache-prod: 7.2 → 7.4 — record not to be believed; nothing is sent") {
			t.Fatalf("got %+v", cards)
		}
		if replies := s.replies(cards[0].TS); len(replies) != 1 || !strings.Contains(replies[0], "record not to be believed") {
			t.Errorf("told %q", replies)
		}
	})
}
