package session

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Whoever has only Redis can write anything into it except an entry with a valid
// HMAC. So a record is believed only where the journal says the same: each load
// holds it against the last entry (which covers state, holder of the database and
// the digest of the body), and since every move starts from such a record, that
// entry vouches for all before it. [Store.Verify] reads the whole chain, for the
// moments before something that cannot be taken back.

// recordReply is what is read of a session in one moment.
type recordReply struct {
	hash  *redis.MapStringStringCmd
	tail  *redis.XMessageSliceCmd // the last two entries, newest first
	found *redis.StringCmd        // what Distrust noted
}

func (s *Store) askRecord(ctx context.Context, pipe redis.Pipeliner, id string) recordReply {
	return recordReply{
		hash:  pipe.HGetAll(ctx, s.keys.session(id)),
		tail:  pipe.XRevRangeN(ctx, s.keys.journal(id), "+", "-", 2),
		found: pipe.Get(ctx, s.keys.doubt(id)),
	}
}

// answered reports whether an error is Redis' answer to one command, such as
// WRONGTYPE or no such key, and not the lack of an answer.
func answered(err error) bool {
	var answer redis.Error
	return errors.Is(err, redis.Nil) || errors.As(err, &answer) && redis.HasErrorPrefix(err, "WRONGTYPE")
}

// recordOf reads a record and says in its Doubt why it is not to be believed.
func (s *Store) recordOf(id string, reply recordReply) (Record, error) {
	for _, err := range []error{reply.hash.Err(), reply.tail.Err()} {
		if err != nil && !answered(err) {
			return Record{}, unavailable("load session "+id, err)
		}
	}
	h := reply.hash.Val()
	if len(h) == 0 && len(reply.tail.Val()) == 0 && reply.hash.Err() == nil && reply.tail.Err() == nil {
		return Record{}, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	r, err := recordOf(id, h)
	r.Progress = s.seal.openProgress(id, r.Progress)
	r.Doubt = s.doubt(r, reply, err)
	r.Own = r.Doubt != "" && s.marks.older(r) != ""
	if r.Doubt == "" {
		s.marks.see(r)
	}
	return r, nil
}

// doubt holds a record against the end of its journal and against what this process
// has seen of it before; "" when they belong together.
func (s *Store) doubt(r Record, reply recordReply, unreadable error) string {
	tail := reply.tail.Val()
	switch {
	case unreadable != nil:
		return unreadable.Error()
	case reply.hash.Err() != nil:
		return "the record's key is of another type"
	case reply.tail.Err() != nil:
		return "the journal's key is of another type"
	case r.Revision == 0:
		return "the record is gone, the journal is there"
	case len(tail) == 0:
		return "the journal is gone"
	}
	last, err := entryOfMessage(r.ID, tail[0])
	if err != nil {
		return err.Error()
	}
	before := beforeFirst(last)
	if len(tail) > 1 {
		before, _ = tail[1].Values["mac"].(string)
	}
	if last.values["event"] == EventRelease {
		before = beforeFirst(last)
	}
	if !s.seal.signed(before, last) {
		return fmt.Sprintf("journal entry %d was not written with this SEAL_KEY or SEAL_KEY_OLD", last.revision)
	}
	if r.Body == nil || last.values["body"] != "" { // an entry of an older release may not tell the body: Verify does
		if err := agree(r, last, last.values["body"]); err != nil {
			return err.Error()
		}
	}
	if why, ok := strings.CutPrefix(reply.found.Val(), r.Head+" "); ok {
		return why
	}
	return s.marks.older(r)
}

// distrustKept is how long what [Store.Distrust] noted stands unless it is noted again.
const distrustKept = time.Hour

// Distrust notes what [Store.Verify], or a look at the world, found against the record
// as it is: every replica then loads it with that Doubt, for an hour or until it is
// released. What nobody else can find again ([Record].Own) stands for as long as a
// replica would remember it. It is [ErrUnavailable] only.
func (s *Store) Distrust(ctx context.Context, r Record, why string) error {
	kept := distrustKept
	if r.Own {
		kept = marksKept
	}
	return orUnavailable("note a doubt about "+r.ID, s.rdb.Set(ctx, s.keys.doubt(r.ID), r.Head+" "+why, kept).Err())
}

// Verify proves that every journal entry was written by a holder of the seal key,
// that none is missing, and that the record is where the journal left it; else it
// fails with [ErrTampered] and names the first revision that is wrong. It also
// fails when the journal does not hold what this process saw of it before.
func (s *Store) Verify(ctx context.Context, id string) error {
	r, entries, err := s.history(ctx, id)
	if err != nil {
		return err
	}
	if r.Doubt != "" && len(entries) == 0 {
		return fmt.Errorf("%w: session %s: %s", ErrTampered, id, r.Doubt)
	}
	last, body, err := s.seal.chain(id, entries)
	if err != nil {
		return err
	}
	if err := errors.Join(agree(r, last, body), s.marks.continues(id, entries)); err != nil {
		return err
	}
	if r.Doubt != "" {
		return fmt.Errorf("%w: session %s: %s", ErrTampered, id, r.Doubt)
	}
	return nil
}

// Line is one journal entry as [Store.Audit] found it; Problem is "" where it is
// what this bot wrote.
type Line struct {
	Entry
	MAC     string // proves the entry, and is covered by the next one
	Problem string
}

// Audit reads a whole journal and says of every entry whether this bot wrote it and
// whether one is missing before it. problem says where record and journal disagree;
// "" when they do not. Errors: [ErrNotFound], [ErrUnavailable].
func (s *Store) Audit(ctx context.Context, id string) (lines []Line, problem string, err error) {
	_, entries, err := s.history(ctx, id)
	if err != nil {
		return nil, "", err
	}
	head, next := "", int64(1)
	for i, m := range entries {
		e, err := entryOfMessage(id, m)
		line := Line{Entry: e.public(), MAC: e.values["mac"]}
		if i == 0 || e.values["event"] == EventRelease {
			head = beforeFirst(e)
		}
		switch {
		case err != nil:
			line.Problem = err.Error()
		case !s.seal.signed(head, e):
			line.Problem = "not written with this SEAL_KEY or SEAL_KEY_OLD, or the entry before it was changed"
		case e.revision != next && e.values["event"] != EventRelease:
			line.Problem = fmt.Sprintf("entry %d is missing before it", next)
		}
		head, next = line.MAC, e.revision+1
		lines = append(lines, line)
	}
	if err := s.Verify(ctx, id); err != nil {
		if !errors.Is(err, ErrTampered) {
			return nil, "", err
		}
		problem = err.Error()
	}
	return lines, problem, nil
}

// history reads record and whole journal in one moment.
func (s *Store) history(ctx context.Context, id string) (Record, []redis.XMessage, error) {
	pipe := s.rdb.TxPipeline()
	reply := s.askRecord(ctx, pipe, id)
	stream := pipe.XRange(ctx, s.keys.journal(id), "-", "+")
	if _, err := pipe.Exec(ctx); err != nil && !answered(err) {
		return Record{}, nil, unavailable("verify session "+id, err)
	}
	r, err := s.recordOf(id, reply)
	return r, stream.Val(), err
}

// agree compares a record with the last entry of its journal and the digest of the
// last body that the journal saw.
func agree(r Record, last entry, body string) error {
	for _, c := range []struct{ what, record, journal string }{
		{"revision", strconv.FormatInt(r.Revision, 10), strconv.FormatInt(last.revision, 10)},
		{"head", r.Head, last.values["mac"]},
		{"state", r.State, last.values["to"]},
		{"kind", r.Kind, last.values["kind"]},
		{"life", strconv.Itoa(r.Life), last.values["life"]},
		{"database", r.Database, last.values["database"]},
		{"ask", strconv.FormatInt(r.Ask, 10), last.values["ask"]},
	} {
		if c.record != c.journal {
			return fmt.Errorf("%w: session %s: %s is %q in the record, %q in the journal", ErrTampered, r.ID, c.what, c.record, c.journal)
		}
	}
	if r.Body == nil && body == "" || digest(r.Body) == body {
		return nil
	}
	return fmt.Errorf("%w: session %s: body is not the one the journal saw", ErrTampered, r.ID)
}

// chain verifies a whole journal and returns its last entry and the digest of the
// last body written. A journal begins with the opening, or anew with a release.
func (k seal) chain(id string, messages []redis.XMessage) (last entry, body string, err error) {
	if start := slices.IndexFunc(messages, isRelease); start > 0 {
		messages = messages[start:]
	}
	head, next := "", int64(1)
	for i, m := range messages {
		e, err := entryOfMessage(id, m)
		if err != nil {
			return entry{}, "", err
		}
		if i == 0 && isRelease(m) {
			head, next = beforeFirst(e), e.revision
		}
		if e.revision != next {
			return entry{}, "", fmt.Errorf("%w: session %s: entry %d is missing", ErrTampered, id, next)
		}
		if !k.signed(head, e) {
			return entry{}, "", fmt.Errorf("%w: session %s: entry %d was not written by us", ErrTampered, id, e.revision)
		}
		head, next, last = e.values["mac"], next+1, e
		if b := e.values["body"]; b != "" {
			body = b
		}
	}
	return last, body, nil
}

// signed says whether an entry carries the HMAC of a key that is, or was, ours.
func (k seal) signed(before string, e entry) bool {
	for _, key := range [][]byte{k.current, k.old} {
		if key != nil && hmac.Equal([]byte(k.mac(key, before, e)), []byte(e.values["mac"])) {
			return true
		}
	}
	return false
}

// An observation is stored behind an HMAC over session and content: what is waited
// for and since when stands in it.

const progressMAC = 64 // hex letters

func (k seal) progressMAC(key []byte, id string, progress []byte) string {
	h := hmac.New(newHash, key)
	for _, p := range []string{k.deployment, "progress", id, string(progress)} {
		part(h, p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (k seal) sealProgress(id string, progress []byte) []byte {
	return append([]byte(k.progressMAC(k.current, id, progress)), progress...)
}

// openProgress returns what was sealed for this session; nil when it was not.
func (k seal) openProgress(id string, sealed []byte) []byte {
	if len(sealed) <= progressMAC {
		return nil
	}
	mac, progress := sealed[:progressMAC], sealed[progressMAC:]
	for _, key := range [][]byte{k.current, k.old} {
		if key != nil && hmac.Equal([]byte(k.progressMAC(key, id, progress)), mac) {
			return progress
		}
	}
	return nil
}

// marks is how far a process has seen sessions. A Redis that was put back to an
// older state is complete and passes every seal; who saw the newer one notices.
type marks struct {
	mu   sync.Mutex
	seen map[string]mark // ended ones too: an older copy of one would be open
}

type mark struct {
	revision, floor int64
	floorHead       string // HMAC of the entry at floor, where this process knows it
	at              time.Time
}

// marksKept is after how long a session that nobody loads any more is forgotten.
const marksKept = 48 * time.Hour

func (m *marks) see(r Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = map[string]mark{}
	}
	if len(m.seen)%1024 == 1023 {
		for id, old := range m.seen {
			if time.Since(old.at) > marksKept {
				delete(m.seen, id)
			}
		}
	}
	was := m.seen[r.ID]
	now := mark{revision: r.Revision, floor: max(was.floor, r.Floor), floorHead: was.floorHead, at: time.Now()}
	if r.Floor > was.floor {
		now.floorHead = ""
		if r.Floor == r.Revision {
			now.floorHead = r.Head
		}
	}
	m.seen[r.ID] = now
}

// older says that a record lies before a move that must not be forgotten; "" where
// it does not. What a failover may lose besides, such as a vote, is asked again.
func (m *marks) older(r Record) string {
	m.mu.Lock()
	was := m.seen[r.ID]
	m.mu.Unlock()
	if was.floor > r.Revision {
		return fmt.Sprintf("the record is at revision %d, and revision %d was seen before: Redis was put back to an older state", r.Revision, was.revision)
	}
	return ""
}

// continues fails when a journal does not hold the entry that was seen.
func (m *marks) continues(id string, entries []redis.XMessage) error {
	m.mu.Lock()
	was := m.seen[id]
	m.mu.Unlock()
	if was.floorHead == "" {
		return nil
	}
	for _, e := range entries {
		if e.ID == strconv.FormatInt(was.floor, 10)+"-1" && e.Values["mac"] != was.floorHead {
			return fmt.Errorf("%w: session %s: entry %d is not the one that was seen before", ErrTampered, id, was.floor)
		}
	}
	return nil
}
