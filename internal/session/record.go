package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Record is a session as stored. Hand it back to [Store.Advance] as it was loaded.
type Record struct {
	ID, Kind, State string
	Revision        int64 // counts moves; 0: not opened yet
	Ask             int64 // number of the question put to people; see Move.Ask
	Life            int   // version of the life it was opened under

	Database string   // what it is about; its history is found by it
	Holds    []string // databases that it alone may act on now, sorted

	Ended   bool      // by its life: holds nothing, has no timer
	Created time.Time // Redis time
	Updated time.Time // Redis time of the last move

	Body     []byte // the kind's own stored form
	Head     string // HMAC of the last journal entry
	Progress []byte // last observation; see Store.Observe

	// Floor is the revision of the last move that must not be forgotten: one with
	// Move.Confirm. A replica that has seen it refuses an older record.
	Floor int64
	// Doubt says, for people, why record and journal do not belong together; ""
	// when they do. The store refuses to move such a record ([ErrTampered]); what
	// else stands in it is believed by nobody and only shown.
	Doubt string
	// Own: this process doubts the record because it saw a newer one, which no other
	// replica need have seen. [Store.Distrust] tells them.
	Own bool
}

// The fields of a stored record. Fields may be added; a name is never changed,
// reused or given another meaning, and readers ignore what they do not know, so
// that two releases can run side by side. What only one kind knows goes into body.
const (
	fieldKind     = "kind"
	fieldState    = "state"
	fieldRevision = "revision"
	fieldAsk      = "ask"
	fieldLife     = "life"
	fieldDatabase = "database"
	fieldHolds    = "holds"    // JSON list
	fieldEnded    = "ended"    // 1 or 0
	fieldCreated  = "created"  // ms, Redis time; written by the script
	fieldUpdated  = "updated"  // ms, Redis time; written by the script
	fieldBody     = "body"     // opaque
	fieldHead     = "head"     // hex
	fieldProgress = "progress" // opaque, sealed; written by observe only
	fieldFloor    = "floor"    // revision
)

// fields is the stored form of a record, without the body and what scripts write.
func (r Record) fields() ([]any, error) {
	holds, err := json.Marshal(r.Holds)
	if err != nil {
		return nil, fmt.Errorf("encode holds: %w", err)
	}
	return []any{
		fieldKind, r.Kind, fieldState, r.State,
		fieldRevision, r.Revision, fieldAsk, r.Ask, fieldLife, r.Life,
		fieldDatabase, r.Database, fieldHolds, holds,
		fieldEnded, bit(r.Ended), fieldHead, r.Head, fieldFloor, r.Floor,
	}, nil
}

// recordOf reads the stored form back.
func recordOf(id string, h map[string]string) (Record, error) {
	r := Record{
		ID: id, Kind: h[fieldKind], State: h[fieldState],
		Database: h[fieldDatabase], Ended: h[fieldEnded] == "1",
		Head: h[fieldHead],
	}
	var err error
	number := func(name string) int64 {
		n, bad := strconv.ParseInt(h[name], 10, 64)
		if bad != nil && h[name] != "" {
			err = errors.Join(err, fmt.Errorf("session %s: field %s: %w", id, name, bad))
		}
		return n
	}
	r.Revision, r.Ask, r.Life = number(fieldRevision), number(fieldAsk), int(number(fieldLife))
	r.Floor = number(fieldFloor)
	r.Created, r.Updated = fromMS(number(fieldCreated)), fromMS(number(fieldUpdated))
	if b, ok := h[fieldBody]; ok {
		r.Body = []byte(b)
	}
	if p, ok := h[fieldProgress]; ok {
		r.Progress = []byte(p)
	}
	if holds := h[fieldHolds]; holds != "" {
		if bad := json.Unmarshal([]byte(holds), &r.Holds); bad != nil {
			err = errors.Join(err, fmt.Errorf("session %s: field %s: %w", id, fieldHolds, bad))
		}
	}
	return r, err
}

// Load reads a session and holds it against the end of its journal; see
// [Record].Doubt. It fails with [ErrNotFound] or [ErrUnavailable].
func (s *Store) Load(ctx context.Context, id string) (Record, error) {
	pipe := s.rdb.TxPipeline() // one moment for both
	reply := s.askRecord(ctx, pipe, id)
	if _, err := pipe.Exec(ctx); err != nil && !answered(err) {
		return Record{}, unavailable("load session "+id, err)
	}
	return s.recordOf(id, reply)
}

// Owner returns the session that may act on a database, "" when it is free.
func (s *Store) Owner(ctx context.Context, database string) (string, error) {
	owner, err := s.rdb.Get(ctx, s.keys.active(database)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", unavailable("read owner of "+database, err)
	}
	return owner, nil
}

// History returns the ids of up to max sessions that ever held a database,
// newest first (max 0: all). The oldest may be past retention: Load says ErrNotFound.
func (s *Store) History(ctx context.Context, database string, max int) ([]string, error) {
	ids, err := s.rdb.ZRevRange(ctx, s.keys.byDatabase(database), 0, int64(max)-1).Result()
	if err != nil {
		return nil, unavailable("read history of "+database, err)
	}
	return ids, nil
}

// List returns up to max sessions (0: all), newest first: the open ones, or all that are
// kept when open is false.
func (s *Store) List(ctx context.Context, open bool, max int) ([]Record, error) {
	index := s.keys.every()
	if open {
		index = s.keys.open()
	}
	ids, err := s.rdb.ZRevRange(ctx, index, 0, int64(max)-1).Result()
	if err != nil || len(ids) == 0 {
		return nil, orUnavailable("list sessions", err)
	}
	var out []Record
	for some := range slices.Chunk(ids, loadedAtOnce) {
		out, err = s.appendLoaded(ctx, out, index, some, open)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// loadedAtOnce bounds how long one transaction holds the server up.
const loadedAtOnce = 200

// appendLoaded adds the sessions of an index that are there, and forgets the others.
func (s *Store) appendLoaded(ctx context.Context, out []Record, index string, ids []string, open bool) ([]Record, error) {
	pipe := s.rdb.TxPipeline()
	replies := make([]recordReply, len(ids))
	for i, id := range ids {
		replies[i] = s.askRecord(ctx, pipe, id)
	}
	if _, err := pipe.Exec(ctx); err != nil && !answered(err) {
		return nil, unavailable("list sessions", err)
	}
	for i, id := range ids {
		r, err := s.recordOf(id, replies[i])
		if errors.Is(err, ErrNotFound) {
			if err := s.forget(ctx, index, id); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if !open || !r.Ended { // it may have ended since the index was read
			out = append(out, r)
		}
	}
	return out, nil
}

// CountOpen is how many sessions have not ended.
func (s *Store) CountOpen(ctx context.Context) (int, error) {
	n, err := s.rdb.ZCard(ctx, s.keys.open()).Result()
	return int(n), orUnavailable("count sessions", err)
}

// forgetScript drops a vanished session from an index.
//
//	KEYS  1 index  2 session
//	ARGV  1 id
//	→     number dropped
var forgetScript = redis.NewScript(`
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
`)

func (s *Store) forget(ctx context.Context, index, id string) error {
	n, err := s.runInt(ctx, "forget session "+id, forgetScript, []string{index, s.keys.session(id)}, id)
	if err != nil || n == 0 {
		return err
	}
	_, err = s.recount(ctx, id)
	return err
}

// orUnavailable is unavailable for an error that may be nil.
func orUnavailable(tried string, err error) error {
	if err == nil {
		return nil
	}
	return unavailable(tried, err)
}

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
