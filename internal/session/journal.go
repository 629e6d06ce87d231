package session

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Entry is one line of a session's journal: what happened, who did it, when.
type Entry struct {
	Revision        int64 // of the record after it
	Event, From, To string
	By, Note        string
	At              time.Time // as the mover's clock said
	Stored          time.Time // as Redis' clock said: the same clock for all entries, but not covered by their HMAC
	Data            []byte    // JSON details, or nil
}

// entry is the stored form of a journal line: values of entryFields, in order.
type entry struct {
	id       string // session
	revision int64
	values   map[string]string
}

// entryFields are what an entry's HMAC covers, besides deployment, session,
// revision and the entry before. A field may be added only together with a new
// value of "v" that says which list is covered.
var entryFields = []string{
	"v", "kind", "life", "database", "ask", "event", "from", "to", "by", "note", "at", "data", "body", "nonce",
}

// entryOf makes the entry of a move. Its body is the digest of the stored form
// after the move. (Before November 2026 it was empty when the move kept the form.)
func entryOf(m Move, after Record) entry {
	at, body := "", ""
	if !m.At.IsZero() {
		at = m.At.UTC().Format(time.RFC3339Nano)
	}
	if after.Body != nil {
		body = digest(after.Body)
	}
	return entry{id: after.ID, revision: after.Revision, values: map[string]string{
		"v": "1", "kind": after.Kind, "life": strconv.Itoa(after.Life), "database": after.Database,
		"ask": strconv.FormatInt(after.Ask, 10), "event": m.Event, "from": m.Record.State, "to": after.State,
		"by": m.By, "note": m.Note, "at": at, "data": string(m.Data), "body": body,
	}}
}

// sign puts nonce and HMAC into the entry, and the HMAC into the record as its head.
func (st *step) sign(key seal, nonce string) {
	st.entry.values["nonce"] = nonce
	mac := key.mac(key.current, st.before.Head, st.entry)
	st.entry.values["mac"] = mac
	st.after.Head = mac
}

// stored is the entry as arguments of XADD. Empty values are left out.
func (e entry) stored() []any {
	var out []any
	for _, name := range append(entryFields, "mac") {
		if v := e.values[name]; v != "" {
			out = append(out, name, v)
		}
	}
	return out
}

// entryOfMessage reads a stored entry back.
func entryOfMessage(id string, m redis.XMessage) (entry, error) {
	revision, ok := strings.CutSuffix(m.ID, "-1")
	n, err := strconv.ParseInt(revision, 10, 64)
	if err != nil || !ok {
		return entry{}, fmt.Errorf("%w: session %s: entry id %q", ErrTampered, id, m.ID)
	}
	e := entry{id: id, revision: n, values: map[string]string{}}
	for name, v := range m.Values {
		e.values[name], _ = v.(string)
	}
	return e, nil
}

// public is the entry as callers see it.
func (e entry) public() Entry {
	out := Entry{
		Revision: e.revision, Event: e.values["event"], From: e.values["from"], To: e.values["to"],
		By: e.values["by"], Note: e.values["note"],
	}
	if at, err := time.Parse(time.RFC3339Nano, e.values["at"]); err == nil {
		out.At = at
	}
	if ms, err := strconv.ParseInt(e.values["clock"], 10, 64); err == nil {
		out.Stored = time.UnixMilli(ms).UTC()
	}
	if d := e.values["data"]; d != "" {
		out.Data = []byte(d)
	}
	return out
}

// Journal returns up to max entries (0: all) with a revision above after, oldest
// first; none for an unknown session. It does not verify them.
func (s *Store) Journal(ctx context.Context, id string, after int64, max int) ([]Entry, error) {
	from := strconv.FormatInt(after+1, 10) + "-0"
	if max <= 0 {
		max = math.MaxInt32
	}
	messages, err := s.rdb.XRangeN(ctx, s.keys.journal(id), from, "+", int64(max)).Result()
	if err != nil {
		return nil, unavailable("read journal of "+id, err)
	}
	out := make([]Entry, 0, len(messages))
	for _, m := range messages {
		e, err := entryOfMessage(id, m)
		if err != nil {
			return nil, err
		}
		out = append(out, e.public())
	}
	return out, nil
}

// seal holds the journal's keys, derived from the deployment's so that one key is
// never used for two purposes.
type seal struct {
	deployment   string
	current, old []byte // old is nil when there is none
}

func newSeal(deployment string, current, old []byte) seal {
	k := seal{deployment: deployment, current: derive(current)}
	if old != nil {
		k.old = derive(old)
	}
	return k
}

func derive(key []byte) []byte {
	h := hmac.New(newHash, key)
	h.Write([]byte("redis-upgrade journal 1"))
	return h.Sum(nil)
}

// mac is the HMAC of an entry and the head before it. Every part is preceded by its
// length, so no two different entries have the same input.
func (k seal) mac(key []byte, before string, e entry) string {
	h := hmac.New(newHash, key)
	part(h, k.deployment)
	part(h, e.id)
	part(h, strconv.FormatInt(e.revision, 10))
	part(h, before)
	for _, name := range entryFields {
		part(h, e.values[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func part(h hash.Hash, s string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(s)))
	h.Write(n[:])
	h.Write([]byte(s))
}

// newHash is the hash under every HMAC of the journal.
func newHash() hash.Hash { return sha256.New() }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
