package session_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
)

// rewrite replaces the journal by what change makes of it.
func rewrite(h *harness, change func([]redis.XMessage) []redis.XMessage) {
	key := h.key("journal:s1")
	messages, err := h.rdb.XRange(h.ctx, key, "-", "+").Result()
	h.nil(err)
	h.nil(h.rdb.Del(h.ctx, key).Err())
	for _, m := range change(messages) {
		h.nil(h.rdb.XAdd(h.ctx, &redis.XAddArgs{Stream: key, ID: m.ID, Values: m.Values}).Err())
	}
}

// set forges a field of the record.
func set(field, value string) func(h *harness) {
	return func(h *harness) { h.nil(h.rdb.HSet(h.ctx, h.key("session:s1"), field, value).Err()) }
}

// word forges a field of a journal entry.
func word(revision int, field, value string) func(h *harness) {
	return func(h *harness) {
		rewrite(h, func(m []redis.XMessage) []redis.XMessage {
			m[revision-1].Values[field] = value
			return m
		})
	}
}

var tamperRows = []struct {
	sentence string
	tamper   func(h *harness)
	says     string
}{
	{"the note of an entry", word(2, "note", "approved by all"), "entry 2 was not written by us"},
	{"the person of the last entry", word(3, "by", "U0EVE"), "entry 3 was not written by us"},
	{"a field that was empty", word(1, "data", "{}"), "entry 1 was not written by us"},
	{"an entry taken out", func(h *harness) { h.nil(h.rdb.XDel(h.ctx, h.key("journal:s1"), "2-1").Err()) }, "entry 2 is missing"},
	{"the last entry cut off", func(h *harness) { h.nil(h.rdb.XDel(h.ctx, h.key("journal:s1"), "3-1").Err()) }, "revision"},
	{"an entry added", func(h *harness) {
		h.nil(h.rdb.XAdd(h.ctx, &redis.XAddArgs{Stream: h.key("journal:s1"), ID: "4-1", Values: []string{"event", "finish", "mac", "00"}}).Err())
	}, "entry 4 was not written by us"},
	{"another session's journal", func(h *harness) {
		h.open("s2", "db2")
		m, err := h.rdb.XRange(h.ctx, h.key("journal:s2"), "-", "+").Result()
		h.nil(err)
		rewrite(h, func(own []redis.XMessage) []redis.XMessage { return append(m[:1], own[1:]...) })
	}, "entry 1 was not written by us"},
	{"the whole journal", func(h *harness) { h.nil(h.rdb.Del(h.ctx, h.key("journal:s1")).Err()) }, "journal is gone"},
	{"the state", set("state", "done"), "state"},
	{"the ask", set("ask", "9"), "ask"},
	{"the database", set("database", "db9"), "database"},
	{"the head", set("head", "00"), "head"},
	{"the body", set("body", `{"approved":true}`), "body"},
	{"the revision", set("revision", "2"), "revision"},
	{"a number that is none", set("revision", "x"), "revision"},
}

func TestVerifyFindsTampering(t *testing.T) {
	for _, row := range tamperRows {
		t.Run(row.sentence, func(t *testing.T) {
			eachBackend(t, func(t *testing.T, h *harness) {
				r := h.open("s1", "db1")
				r = h.must(h.Advance(h.ctx, session.Move{Record: r, Event: "vote", By: "U0BOB", Note: "hm", Body: []byte("two")}))
				h.move(r, "begin")
				h.nil(h.Verify(h.ctx, "s1"))
				row.tamper(h)
				err := h.Verify(h.ctx, "s1")
				h.wantErr(err, session.ErrTampered)
				if err != nil && !strings.Contains(err.Error(), row.says) {
					t.Errorf("says %q, not %q", err, row.says)
				}
			})
		})
	}
}

func TestVerifyNeedsTheKeyAndKnowsTheOldOne(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.open("s1", "db1")
		other, rotated := h.cfg, h.cfg
		other.SealKey = []byte("other")
		rotated.SealKey, rotated.SealKeyOld = []byte("other"), h.cfg.SealKey
		h.wantErr(session.New(h.rdb, other).Verify(h.ctx, "s1"), session.ErrTampered)
		store := session.New(h.rdb, rotated)
		h.nil(store.Verify(h.ctx, "s1"))
		_, err := store.Advance(h.ctx, session.Move{Record: h.load("s1"), Event: "vote"})
		h.nil(err)
		h.nil(store.Verify(h.ctx, "s1"))
		h.wantErr(h.Verify(h.ctx, "s1"), session.ErrTampered)
		h.wantErr(h.Verify(h.ctx, "ghost"), session.ErrNotFound)
	})
}
