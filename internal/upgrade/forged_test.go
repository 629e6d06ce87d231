package upgrade

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/approvals"
)

// Whoever has Redis and nothing else can write whatever these tests write. No
// changing call may leave because of it, and people must see that something is wrong.

const tag = "{redis-upgrade}:"

// tampered runs a test in a world whose records need not be in order at its end.
func tampered(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { run(t, newWorld(t, shop())) })
}

// forge changes the stored record.
func (w *world) forge(id string, fields map[string]any) {
	w.t.Helper()
	w.nil(w.rdb.HSet(w.ctx, tag+"session:"+id, fields).Err())
}

// forgeBody changes the stored body.
func (w *world) forgeBody(id string, change func(*Body)) {
	w.t.Helper()
	var b Body
	w.nil(json.Unmarshal([]byte(w.rdb.HGet(w.ctx, tag+"session:"+id, "body").Val()), &b))
	change(&b)
	raw, err := json.Marshal(b)
	w.nil(err)
	w.forge(id, map[string]any{"body": raw})
}

// dueNow has a session looked at.
func (w *world) dueNow(id string) {
	w.t.Helper()
	w.nil(w.rdb.ZAdd(w.ctx, tag+"queue:due", redis.Z{Score: float64(time.Now().UnixMilli() * 1000), Member: id}).Err())
	w.nil(w.rdb.ZAdd(w.ctx, tag+"open", redis.Z{Score: 1, Member: id}).Err())
}

// vote is a decision as it would be stored.
func forgedVote(s Session, by approvals.Voter) approvals.Decision {
	return by.Vote(s.question(), approvals.Approve, "", time.Now())
}

// fromNothing writes a whole session that was never opened.
func (w *world) fromNothing(id string, kind Kind, state State, b Body) {
	w.t.Helper()
	raw, err := json.Marshal(b)
	w.nil(err)
	w.forge(id, map[string]any{"kind": string(kind), "state": string(state), "revision": 7, "ask": 1, "life": lifeVersion, "ended": 0,
		"database": b.Plan.Database, "holds": `["` + b.Plan.Database + `"]`, "head": strings.Repeat("ab", 32), "created": 1, "updated": 1, "body": raw})
	w.nil(w.rdb.Set(w.ctx, tag+"active:"+b.Plan.Database, id, 0).Err())
	w.dueNow(id)
}

func TestNothingLeavesForAForgedRecord(t *testing.T) {
	for _, row := range []struct {
		sentence string
		forge    func(w *world) (id string)
		unseen   bool // it changes nothing that is believed, so nobody has to be told
	}{
		{"a vote and the state", func(w *world) string {
			s := w.propose("cache", "7.4")
			w.forgeBody(s.ID, func(b *Body) { b.Decisions, b.Agreed = []approvals.Decision{forgedVote(s, bob)}, time.Now() })
			w.forge(s.ID, map[string]any{"state": string(Approved)})
			w.dueNow(s.ID)
			return s.ID
		}, false},
		{"a vote that the next honest vote would seal", func(w *world) string {
			w.cfg.Upgrades = approvals.Upgrade(2)
			s := w.propose("cache", "7.4")
			w.forgeBody(s.ID, func(b *Body) { b.Decisions = []approvals.Decision{forgedVote(s, bob)} })
			_, _ = w.engine().Approve(w.ctx, Click{Session: s.ID, By: carol, Ask: s.Ask})
			w.dueNow(s.ID)
			return s.ID
		}, false},
		{"the version after the approval", func(w *world) string {
			s := w.scheduled("cache", "7.4", time.Hour)
			w.forgeBody(s.ID, func(b *Body) { b.Plan.To = "8.6" })
			return s.ID
		}, false},
		{"an upgrade from nothing, approved", func(w *world) string {
			s := w.propose("orders", "7.4")
			b := s.Body
			b.Plan.Database = w.find("cache").ref().String()
			b.Plan.Name, b.Decisions, b.Agreed = "cache", []approvals.Decision{forgedVote(s, bob)}, time.Now()
			w.fromNothing("u-aaaaaaaaaa", KindUpgrade, Approved, b)
			return "u-aaaaaaaaaa"
		}, false},
		{"a revert from nothing whose temporary database is somebody's", func(w *world) string {
			orders, cache := w.find("orders"), w.find("cache")
			w.fromNothing("r-aaaaaaaaaa", KindRevert, Rehearsing, Body{
				Plan:   Plan{Database: cache.ref().String(), Name: "cache", From: "7.4", To: "7.2", Path: Recreate},
				Revert: &RevertWork{Trial: Trial{Name: "orders", Ref: orders.ref().String(), Result: "x", Passed: true}}})
			w.nil(w.rdb.Set(w.ctx, tag+"active:"+orders.ref().String(), "r-aaaaaaaaaa", 0).Err())
			return "r-aaaaaaaaaa"
		}, false},
		{"an entry for the journal", func(w *world) string {
			s := w.propose("cache", "7.4")
			w.nil(w.rdb.XAdd(w.ctx, &redis.XAddArgs{Stream: tag + "journal:" + s.ID, ID: "2-1",
				Values: map[string]any{"v": "1", "event": "approve", "from": "proposed", "to": "approved", "by": "U0BOB", "mac": strings.Repeat("cd", 32)}}).Err())
			w.forge(s.ID, map[string]any{"state": string(Approved), "revision": 2, "head": strings.Repeat("cd", 32)})
			w.dueNow(s.ID)
			return s.ID
		}, false},
		{"another session's record and journal", func(w *world) string {
			s, other := w.propose("cache", "7.4"), w.scheduled("orders", "7.4", 0)
			hash := w.rdb.HGetAll(w.ctx, tag+"session:"+other.ID).Val()
			w.nil(w.rdb.HSet(w.ctx, tag+"session:"+s.ID, hash).Err())
			w.nil(w.rdb.Del(w.ctx, tag+"journal:"+s.ID).Err())
			for _, m := range w.rdb.XRange(w.ctx, tag+"journal:"+other.ID, "-", "+").Val() {
				w.nil(w.rdb.XAdd(w.ctx, &redis.XAddArgs{Stream: tag + "journal:" + s.ID, ID: m.ID, Values: m.Values}).Err())
			}
			w.nil(w.rdb.Del(w.ctx, tag+"session:"+other.ID, tag+"journal:"+other.ID).Err())
			w.dueNow(s.ID)
			return s.ID
		}, false},
		{"the journal is lost", func(w *world) string {
			s := w.scheduled("cache", "7.4", time.Hour)
			w.nil(w.rdb.Del(w.ctx, tag+"journal:"+s.ID).Err())
			return s.ID
		}, false},
		{"an entry in the middle is lost", func(w *world) string {
			s := w.scheduled("cache", "7.4", time.Hour)
			w.nil(w.rdb.XDel(w.ctx, tag+"journal:"+s.ID, "1-1").Err())
			return s.ID
		}, false},
		{"the record is lost", func(w *world) string {
			s := w.scheduled("cache", "7.4", time.Hour)
			w.nil(w.rdb.Del(w.ctx, tag+"session:"+s.ID).Err())
			return s.ID
		}, false},
		{"a key of another type", func(w *world) string {
			s := w.scheduled("cache", "7.4", time.Hour)
			w.nil(w.rdb.Del(w.ctx, tag+"journal:"+s.ID).Err())
			w.nil(w.rdb.Set(w.ctx, tag+"journal:"+s.ID, "x", 0).Err())
			return s.ID
		}, false},
		{"the lock of the database", func(w *world) string {
			s := w.scheduled("cache", "7.4", time.Hour)
			w.nil(w.rdb.Set(w.ctx, tag+"active:"+s.Plan.Database, "u-zzzzzzzzzz", 0).Err())
			return s.ID
		}, false},
		{"the lock of the database after the last call", func(w *world) string {
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.untilState(s.ID, Soaking)
			w.nil(w.rdb.Set(w.ctx, tag+"active:"+s.Plan.Database, "u-zzzzzzzzzz", 0).Err())
			return s.ID
		}, false},
		{"a queue entry for a session that nobody opened", func(w *world) string {
			w.dueNow("u-zzzzzzzzzz")
			return "u-zzzzzzzzzz"
		}, true},
		{"a queue entry long before the start", func(w *world) string {
			s := w.scheduled("cache", "7.4", 20*time.Hour)
			w.dueNow(s.ID)
			return s.ID
		}, true},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			tampered(t, func(t *testing.T, w *world) {
				id := row.forge(w)
				since := len(w.ledger())
				w.engine()
				time.Sleep(3 * time.Hour)
				if left := w.ledger()[since:]; len(left) > 0 {
					t.Errorf("left: %+v", left)
				}
				if row.unseen {
					return
				}
				rec, err := w.store.Load(w.ctx, id)
				w.nil(err)
				if rec.Doubt == "" || len(w.engine().Distrusted()) == 0 {
					t.Errorf("nobody is told: doubt %q, counted %v", rec.Doubt, w.engine().Distrusted())
				}
				if r, ok := AsRefusal(errOf(w.engine().Cancel(w.ctx, id, dan))); !ok || r.Code != Distrusted {
					t.Errorf("a person may still move it: %v", r)
				}
			})
		})
	}
}

func errOf(_ Session, err error) error { return err }

// scheduled is an approved upgrade that begins after a while; 0: one not approved yet.
func (w *world) scheduled(name, to string, in time.Duration) Session {
	w.t.Helper()
	s := w.propose(name, to, func(r *Request) {
		if in > 0 {
			r.NotBefore = time.Now().Add(in)
		}
	})
	if in == 0 {
		return s
	}
	return w.approve(s, bob)
}

// putBack puts an older state of a session into Redis, complete with its journal.
func (w *world) putBack(s Session, hash map[string]string, entries []redis.XMessage) {
	w.t.Helper()
	w.nil(w.rdb.Del(w.ctx, tag+"session:"+s.ID, tag+"journal:"+s.ID).Err())
	w.nil(w.rdb.HSet(w.ctx, tag+"session:"+s.ID, hash).Err())
	for _, m := range entries {
		w.nil(w.rdb.XAdd(w.ctx, &redis.XAddArgs{Stream: tag + "journal:" + s.ID, ID: m.ID, Values: m.Values}).Err())
	}
	w.nil(w.rdb.Set(w.ctx, tag+"active:"+s.Plan.Database, s.ID, 0).Err())
	w.dueNow(s.ID)
}

// An older state, complete with its journal, passes every seal. The replica that saw
// the newer one does not act on it; two people can let it.
func TestAnOlderStateIsNotActedOn(t *testing.T) {
	tampered(t, func(t *testing.T, w *world) {
		s := w.scheduled("cache", "7.4", time.Minute)
		hash := maps.Clone(w.rdb.HGetAll(w.ctx, tag+"session:"+s.ID).Val())
		entries := w.rdb.XRange(w.ctx, tag+"journal:"+s.ID, "-", "+").Val()
		w.wantEnd(s.ID, Done)
		since := len(w.ledger())
		w.console("cache", map[string]any{"redis_version": "7.2"}) // so that nothing else would hold it
		w.putBack(s, hash, entries)
		time.Sleep(3 * time.Hour)
		if left := w.ledger()[since:]; len(left) > 0 {
			t.Errorf("sent again: %+v", left)
		}
		if len(w.engine().Distrusted()) != 1 {
			t.Error("not noticed")
		}
	})
}

// What one replica saw the others do not act against either, once it has looked, for as
// long as it runs.
func TestAReplicaThatSawNothingIsTold(t *testing.T) {
	tampered(t, func(t *testing.T, w *world) {
		s := w.scheduled("cache", "7.4", time.Hour)
		hash := maps.Clone(w.rdb.HGetAll(w.ctx, tag+"session:"+s.ID).Val())
		entries := w.rdb.XRange(w.ctx, tag+"journal:"+s.ID, "-", "+").Val()
		w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, ann) })
		w.putBack(s, hash, entries)
		w.engine().poke()
		time.Sleep(5 * time.Minute)
		w.another()
		time.Sleep(3 * time.Hour)
		if left := w.ledger(); len(left) > 0 {
			t.Errorf("sent although it was cancelled: %+v", left)
		}
	})
}

// A session of which nothing is left is counted, and its card is drawn.
func TestALostSessionIsNoticed(t *testing.T) {
	tampered(t, func(t *testing.T, w *world) {
		s := w.scheduled("cache", "7.4", time.Hour)
		w.nil(w.rdb.HSet(w.ctx, tag+"thread:"+s.ID, "channel", "C1", "ts", "1.1").Err())
		w.nil(w.rdb.Del(w.ctx, tag+"session:"+s.ID, tag+"journal:"+s.ID, tag+"queue:dirty").Err())
		w.dueNow("u-zzzzzzzzzz") // of which nobody has heard
		time.Sleep(2 * time.Hour)
		if left := w.rdb.ZScore(w.ctx, tag+"queue:due", "u-zzzzzzzzzz").Err(); left != redis.Nil {
			t.Errorf("what nobody opened is looked at for ever: %v", left)
		}
		if drawn := w.rdb.ZScore(w.ctx, tag+"queue:dirty", s.ID).Err(); len(w.engine().Distrusted()) != 1 || drawn != nil {
			t.Errorf("counted %v, to be drawn: %v", w.engine().Distrusted(), drawn)
		}
	})
}

// A record that is put right is counted no more, and its card is drawn anew.
func TestARepairedSessionIsNoticed(t *testing.T) {
	tampered(t, func(t *testing.T, w *world) {
		s := w.scheduled("cache", "7.4", 3*time.Hour)
		w.forge(s.ID, map[string]any{"state": string(Upgrading)})
		w.dueNow(s.ID)
		time.Sleep(10 * time.Minute)
		if len(w.engine().Distrusted()) != 1 {
			t.Fatal("not noticed")
		}
		w.nil(w.rdb.Del(w.ctx, tag+"queue:dirty").Err())
		w.forge(s.ID, map[string]any{"state": string(Approved)})
		time.Sleep(10 * time.Minute)
		if drawn := w.rdb.ZScore(w.ctx, tag+"queue:dirty", s.ID).Err(); len(w.engine().Distrusted()) != 0 || drawn != nil {
			t.Errorf("counted %v, to be drawn: %v", w.engine().Distrusted(), drawn)
		}
		w.wantEnd(s.ID, Done)
	})
}

func TestTwoPeopleReleaseARecord(t *testing.T) {
	tampered(t, func(t *testing.T, w *world) {
		s := w.scheduled("cache", "7.4", time.Hour)
		w.nil(w.rdb.Del(w.ctx, tag+"journal:"+s.ID).Err())
		time.Sleep(90 * time.Minute)
		s, err := w.engine().Load(w.ctx, s.ID)
		w.nil(err)
		if s.Distrusted == "" || s.Plan.Name != "cache" {
			t.Fatalf("not shown: %q, %+v", s.Distrusted, s.Plan)
		}
		for i, row := range []struct {
			by      approvals.Voter
			version string
			code    Code
			missing int
		}{
			{ann, s.Version(), NotEntitled, 0},
			{dan, "000000000000", Stale, 0},
			{dan, s.Version(), "", 1},
			{dan, s.Version(), TooLate, 0}, // alone
			{bob, s.Version(), "", 0},
			{bob, s.Version(), TooLate, 0},
		} {
			missing, err := w.engine().Release(w.ctx, s.ID, row.version, row.by)
			r, _ := AsRefusal(err)
			if missing != row.missing || row.code == "" && err != nil || row.code != "" && (r == nil || r.Code != row.code) {
				t.Errorf("%d: missing %d, %v", i, missing, err)
			}
		}
		w.wantEnd(s.ID, Done)
	})
}

// A lock that was lost is part of what people release; one that another session has is
// not taken away from it.
func TestAReleasedRecordHasItsLock(t *testing.T) {
	tampered(t, func(t *testing.T, w *world) {
		s := w.scheduled("cache", "7.4", time.Hour)
		w.nil(w.rdb.Del(w.ctx, tag+"active:"+s.Plan.Database).Err())
		time.Sleep(90 * time.Minute)
		s, err := w.engine().Load(w.ctx, s.ID)
		w.nil(err)
		if !strings.Contains(s.Distrusted, "lock") {
			t.Fatalf("doubted because: %q", s.Distrusted)
		}
		for _, by := range []approvals.Voter{dan, bob} {
			_, err := w.engine().Release(w.ctx, s.ID, s.Version(), by)
			w.nil(err)
		}
		w.wantEnd(s.ID, Done)
	})
}

// FuzzForgedRecord writes anything anywhere into the stored form of an approved,
// scheduled upgrade. What leaves is what people approved, or nothing.
func FuzzForgedRecord(f *testing.F) {
	f.Add("session", "state", "proposed", int64(0))
	f.Add("session", "body", `{"plan":{"to":"8.6"}}`, int64(0))
	f.Add("session", "revision", "9", int64(0))
	f.Add("session", "progress", `{"revision":2,"probe":"x"}`, int64(0))
	f.Add("session", "holds", `[]`, int64(0))
	f.Add("session", "ended", "1", int64(0))
	f.Add("session", "life", "2", int64(0))
	f.Add("session", "floor", "99", int64(0))
	f.Add("journal", "by", "U0EVE", int64(1))
	f.Add("journal", "to", "checking", int64(2))
	f.Add("journal", "event", "released", int64(1))
	f.Add("active", "", "u-2", int64(0))
	f.Add("flag", "", "x", int64(0))
	f.Fuzz(func(t *testing.T, key, field, value string, entry int64) {
		tampered(t, func(t *testing.T, w *world) {
			s := w.scheduled("cache", "7.4", 30*time.Minute)
			switch key {
			case "journal":
				name := tag + "journal:" + s.ID
				all := w.rdb.XRange(w.ctx, name, "-", "+").Val()
				w.nil(w.rdb.Del(w.ctx, name).Err())
				for i, m := range all {
					if int64(i+1) == entry && field != "" {
						m.Values[field] = value
					}
					w.nil(w.rdb.XAdd(w.ctx, &redis.XAddArgs{Stream: name, ID: strconv.Itoa(i+1) + "-1", Values: m.Values}).Err())
				}
			case "active":
				w.nil(w.rdb.Set(w.ctx, tag+"active:"+s.Plan.Database, value, 0).Err())
			case "flag":
				w.nil(w.rdb.Set(w.ctx, tag+"flag:pause", value, 0).Err())
			default:
				w.forge(s.ID, map[string]any{field: value})
			}
			w.dueNow(s.ID)
			time.Sleep(2 * time.Hour)
			for _, c := range w.ledger() {
				if c.At.Before(s.Plan.NotBefore) {
					t.Errorf("before its start: %+v", c)
				}
				switch {
				case strings.HasSuffix(c.Path, fmt.Sprintf("/databases/%d/backup", s.Plan.Ref().Database)):
				case strings.HasSuffix(c.Path, fmt.Sprintf("/databases/%d/upgrade", s.Plan.Ref().Database)) && strings.Contains(string(c.Body), "7.4"):
				default:
					t.Errorf("nobody approved %s %s %s", c.Method, c.Path, c.Body)
				}
			}
		})
	})
}

// A failover that forgets a cancel which people were told is done must not let the
// upgrade leave: the replica that saw it does not believe the older record.
func TestAForgottenCancelIsNotActedOn(t *testing.T) {
	tampered(t, func(t *testing.T, w *world) {
		s := w.scheduled("cache", "7.4", time.Hour)
		hash := maps.Clone(w.rdb.HGetAll(w.ctx, tag+"session:"+s.ID).Val())
		entries := w.rdb.XRange(w.ctx, tag+"journal:"+s.ID, "-", "+").Val()
		w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, ann) })
		w.putBack(s, hash, entries)
		time.Sleep(3 * time.Hour)
		if left := w.ledger(); len(left) > 0 {
			t.Errorf("sent although it was cancelled: %+v", left)
		}
		if len(w.engine().Distrusted()) != 1 {
			t.Error("not noticed")
		}
	})
}
