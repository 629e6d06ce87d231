package session

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// eventRelease is the journal's word for a record that people released although it
// did not belong to its journal. The journal begins anew with it.
const eventRelease = "released"

// beforeFirst is what the first entry of a journal continues: nothing, or, of a
// release, the word itself, so that no other entry can stand in its place.
func beforeFirst(e entry) string {
	if e.values["event"] == eventRelease {
		return eventRelease
	}
	return ""
}

func isRelease(m redis.XMessage) bool { return m.Values["event"] == eventRelease }

// releaseApart is how far a release moves the revision: further than any copy of
// this session that a replica can have seen.
const releaseApart = 1000

// Version names exactly what a record says, for those who decide on it: a digest of
// all that a release believes.
func (r Record) Version() string {
	return digest(fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%d\n%d\n%s\n%v\n%s\n%s", r.ID, r.Kind, r.State, r.Revision, r.Ask, r.Life,
		r.Database, r.Holds, bit(r.Ended), r.Body))[:12]
}

// releaseScript takes a released record into a new journal, if it is still the one
// that was shown.
//
//	KEYS  1 session  2 journal  3 journal kept aside  4 due  5 dirty  6 fence  7 votes
//	ARGV  1 id  2 revision shown  3 head shown  4 body shown  5 state shown  6 new revision  7 new head
//	      8 n and n values of the entry
//	→     1 released, 0 it is another record by now
var releaseScript = redis.NewScript(clockLua + `
local now = redis.call('HMGET', KEYS[1], 'revision', 'head', 'body', 'state')
for i = 1, 4 do
  if (now[i] or '') ~= ARGV[i + 1] then return 0 end
end
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[3]) end
local entry = {}
for i = 1, tonumber(ARGV[8]) do entry[i] = ARGV[8 + i] end
entry[#entry + 1] = 'clock'
entry[#entry + 1] = text(clock())
redis.call('XADD', KEYS[2], ARGV[6] .. '-1', unpack(entry))
redis.call('HSET', KEYS[1], 'revision', ARGV[6], 'head', ARGV[7], 'floor', ARGV[6])
redis.call('HDEL', KEYS[1], 'progress')
redis.call('DEL', KEYS[7])
redis.call('ZADD', KEYS[4], stamp(KEYS[4], KEYS[6], ARGV[1], clock(), 0), ARGV[1])
mark(KEYS[5], KEYS[6], ARGV[1], clock())
return 1
`)

// ErrNotThis: the record is no longer the one that was shown to the person.
var ErrNotThis = errors.New("the record is another one by now")

// Release notes that a person vouches for a doubted record of which version was
// shown, and takes it into a new journal once quorum different people did. The old
// journal is kept beside it. missing is how many more have to agree. A vote counts for
// one version only, and who has only Redis cannot make one.
//
// Errors: [ErrNotThis] when the record is another one by now or is not doubted,
// [ErrNotAllowed] when its state is none of its life, [ErrUnavailable].
func (s *Store) Release(ctx context.Context, id, by, version string, quorum int) (missing int, err error) {
	r, err := s.Load(ctx, id)
	if err != nil {
		return 0, err
	}
	if r.Doubt == "" || r.Version() != version {
		return 0, fmt.Errorf("%w: session %s", ErrNotThis, id)
	}
	life, err := s.life(r.Kind, r.Life)
	if err != nil || !life.Has(r.State) {
		return 0, fmt.Errorf("%w: session %s: no life has the state %q of %q", ErrNotAllowed, id, r.State, r.Kind)
	}
	key := s.keys.release(id)
	if err := s.rdb.HSet(ctx, key, by, s.seal.vote(id, by, version)).Err(); err != nil {
		return 0, unavailable("note a release of "+id, err)
	}
	votes, err := s.rdb.HGetAll(ctx, key).Result()
	if err != nil {
		return 0, unavailable("count releases of "+id, err)
	}
	people := ""
	for who, mac := range votes {
		if hmac.Equal([]byte(mac), []byte(s.seal.vote(id, who, version))) {
			quorum--
			people += who + " "
		}
	}
	if quorum > 0 {
		return quorum, nil
	}
	return 0, s.release(ctx, r, people)
}

func (k seal) vote(id, by, version string) string {
	h := hmac.New(newHash, k.current)
	for _, p := range []string{k.deployment, "release", id, by, version} {
		part(h, p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (s *Store) release(ctx context.Context, r Record, people string) error {
	nonce, err := s.nonce()
	if err != nil {
		return err
	}
	st := &step{move: Move{Event: eventRelease, By: people, Note: "Released by " + people + "although: " + r.Doubt,
		At: time.Now(), Record: r}, before: Record{Head: eventRelease}, after: r}
	st.after.Doubt, st.after.Revision, st.after.Floor = "", r.Revision+releaseApart, r.Revision+releaseApart
	st.entry = entryOf(st.move, st.after)
	st.sign(s.seal, nonce)
	keys := []string{s.keys.session(r.ID), s.keys.journal(r.ID), s.keys.aside(r.ID, r.Revision), s.keys.queue(queueDue),
		s.keys.queue(queueDirty), s.keys.fence(), s.keys.release(r.ID)}
	args := []any{r.ID, strconv.FormatInt(r.Revision, 10), r.Head, r.Body, r.State, st.after.Revision, st.after.Head}
	n, err := s.runInt(ctx, "release session "+r.ID, releaseScript, keys, counted(args, st.entry.stored())...)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w: session %s", ErrNotThis, r.ID)
	}
	s.marks.see(st.after)
	s.logMove(ctx, st)
	return nil
}
