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
	"time"

	"github.com/redis/go-redis/v9"
)

// EventRelease is the journal's word for a record that people released although it
// did not belong to its journal. The journal begins anew with it; its By names them
// all, with a blank between two.
const EventRelease = "released"

// beforeFirst is what the first entry of a journal continues: nothing, or, of a
// release, the word itself, so that no other entry can stand in its place.
func beforeFirst(e entry) string {
	if e.values["event"] == EventRelease {
		return EventRelease
	}
	return ""
}

func isRelease(m redis.XMessage) bool { return m.Values["event"] == EventRelease }

// releaseApart is how far a release moves the revision: further than any copy of
// this session that a replica can have seen.
const releaseApart = 1000

// voteKept is how long a release waits for another person's.
const voteKept = 24 * time.Hour

// Version names exactly what a record says, for those who decide on it: a digest of
// all that a release believes.
func (r Record) Version() string {
	return digest(fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%d\n%d\n%s\n%v\n%s\n%s", r.ID, r.Kind, r.State, r.Revision, r.Ask, r.Life,
		r.Database, r.Holds, bit(r.Ended), r.Body))[:12]
}

// releaseScript takes a released record into a new journal, if it is still the one
// that was shown, and gives it the locks that it names. A journal of an ended session
// lapses with its record; the one that is kept aside lapses in any case.
//
//	KEYS  1 session  2 journal  3 journal kept aside  4 due  5 dirty  6 fence  7 votes,
//	      then the lock of each database
//	ARGV  1 id  2 revision shown  3 head shown  4 body shown  5 state shown  6 new revision  7 new head
//	      8 ended 0/1  9 retention ms (0: for ever)  10 n and n values of the entry,
//	      then the present owner of each lock
//	→     1 released (also when this call did so before), 0 record or owner is another one by now
var releaseScript = redis.NewScript(clockLua + `
local now = redis.call('HMGET', KEYS[1], 'revision', 'head', 'body', 'state')
if now[1] == ARGV[6] and now[2] == ARGV[7] then return 1 end
for i = 1, 4 do
  if (now[i] or '') ~= ARGV[i + 1] then return 0 end
end
local owners = 10 + tonumber(ARGV[10]) - 7
for i = 8, #KEYS do
  if (redis.call('GET', KEYS[i]) or '') ~= ARGV[owners + i] then return 0 end
end
local retention = tonumber(ARGV[9])
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('RENAME', KEYS[2], KEYS[3])
  if retention > 0 then redis.call('PEXPIRE', KEYS[3], ARGV[9]) end
end
local entry = {}
for i = 1, tonumber(ARGV[10]) do entry[i] = ARGV[10 + i] end
entry[#entry + 1] = 'clock'
entry[#entry + 1] = text(clock())
redis.call('XADD', KEYS[2], ARGV[6] .. '-1', unpack(entry))
redis.call('HSET', KEYS[1], 'revision', ARGV[6], 'head', ARGV[7], 'floor', ARGV[6], 'ended', ARGV[8])
for i = 8, #KEYS do redis.call('SET', KEYS[i], ARGV[1]) end
redis.call('HDEL', KEYS[1], 'progress')
redis.call('DEL', KEYS[7])
if ARGV[8] == '0' then
  redis.call('PERSIST', KEYS[1])
  redis.call('ZADD', KEYS[4], stamp(KEYS[4], KEYS[6], ARGV[1], clock(), 0), ARGV[1])
elseif retention > 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[9])
  redis.call('PEXPIRE', KEYS[2], ARGV[9])
end
mark(KEYS[5], KEYS[6], ARGV[1], clock())
return 1
`)

// ErrNotThis: the record is no longer the one that was shown to the person.
var ErrNotThis = errors.New("the record is another one by now")

// Releasable fails with [ErrNotThis] where a record is not doubted, and with
// [ErrNotAllowed] where its state is none of its life, so that nothing can go on
// from it.
func (s *Store) Releasable(r Record) error {
	if r.Doubt == "" {
		return fmt.Errorf("%w: session %s", ErrNotThis, r.ID)
	}
	life, err := s.life(r.Kind, r.Life)
	if err != nil || !life.Has(r.State) {
		return fmt.Errorf("%w: session %s: no life has the state %q of %q", ErrNotAllowed, r.ID, r.State, r.Kind)
	}
	return nil
}

// Releasers are the people who released this version of a record within a day,
// sorted. It is [ErrUnavailable] only.
func (s *Store) Releasers(ctx context.Context, r Record) ([]string, error) {
	votes, err := s.rdb.HGetAll(ctx, s.keys.release(r.ID)).Result()
	if err != nil {
		return nil, unavailable("read releases of "+r.ID, err)
	}
	var people []string
	for who, mac := range votes {
		if hmac.Equal([]byte(mac), []byte(s.seal.vote(r.ID, who, r.Version()))) {
			people = append(people, who)
		}
	}
	slices.Sort(people)
	return people, nil
}

// Release notes that a person vouches for a doubted record of which version was
// shown, and takes it into a new journal once quorum different people did so within a
// day. The old journal is kept beside it. missing is how many more have to agree. A
// vote counts for one version only, and who has only Redis cannot make one.
//
// Errors: [ErrNotThis] when the record is another one by now or is not doubted,
// [ErrNotAllowed] when its state is none of its life, [ErrHeld] when another open
// session has one of its databases, [ErrUnavailable].
func (s *Store) Release(ctx context.Context, id, by, version string, quorum int) (missing int, err error) {
	r, err := s.Load(ctx, id)
	if err != nil {
		return 0, err
	}
	if err := s.Releasable(r); err != nil {
		return 0, err
	}
	if r.Version() != version {
		return 0, fmt.Errorf("%w: session %s", ErrNotThis, id)
	}
	key, pipe := s.keys.release(id), s.rdb.TxPipeline()
	pipe.HSet(ctx, key, by, s.seal.vote(id, by, version))
	pipe.PExpire(ctx, key, voteKept)
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, unavailable("note a release of "+id, err)
	}
	people, err := s.Releasers(ctx, r)
	if err != nil || len(people) < quorum {
		return quorum - len(people), err
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

// maxDoubt is how many letters of a doubt a journal takes: whoever wrote the record
// may have written them.
const maxDoubt = 300

func (s *Store) release(ctx context.Context, r Record, people []string) error {
	life, err := s.life(r.Kind, r.Life)
	if err != nil {
		return err
	}
	nonce, err := s.nonce()
	if err != nil {
		return err
	}
	doubt := []rune(r.Doubt)
	note := "Released: the record is believed again as it is. It was not because: "
	st := &step{before: Record{Head: EventRelease, Ended: r.Ended}, after: r}
	st.move = Move{
		Event: EventRelease, By: strings.Join(people, " "), At: time.Now(), Record: r,
		Note: note + string(doubt[:min(len(doubt), maxDoubt)]),
	}
	st.after.Doubt, st.after.Revision, st.after.Floor = "", r.Revision+releaseApart, r.Revision+releaseApart
	st.after.Ended = life.Ended != nil && life.Ended(r.State)
	st.entry = entryOf(st.move, st.after)
	st.sign(s.seal, nonce)
	keys := []string{s.keys.session(r.ID), s.keys.journal(r.ID), s.keys.aside(r.ID, r.Revision), s.keys.queue(queueDue),
		s.keys.queue(queueDirty), s.keys.fence(), s.keys.release(r.ID)}
	var owners []any
	for _, db := range r.Holds {
		if st.after.Ended {
			break // it acts on nothing
		}
		owner, err := s.ownerBefore(ctx, r.ID, db)
		if err != nil {
			return err
		}
		keys, owners = append(keys, s.keys.active(db)), append(owners, owner)
	}
	args := []any{r.ID, strconv.FormatInt(r.Revision, 10), r.Head, r.Body, r.State, st.after.Revision, st.after.Head,
		bit(st.after.Ended), ms(s.cfg.Retention)}
	args = append(counted(args, st.entry.stored()), owners...)
	n, err := s.runInt(ctx, "release session "+r.ID, releaseScript, keys, args...)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w: session %s", ErrNotThis, r.ID)
	}
	s.marks.see(st.after)
	s.logMove(ctx, st)
	if _, err := s.recount(ctx, r.ID); err != nil {
		s.log.Info("a released session may be counted elsewhere for a while", "session", r.ID, "error", err)
	}
	return nil
}

// ownerBefore is who has the lock that a released session takes: nobody, itself, or
// a session that is gone or has ended. [ErrHeld] for any other.
func (s *Store) ownerBefore(ctx context.Context, id, database string) (string, error) {
	owner, err := s.Owner(ctx, database)
	if err != nil || owner == "" || owner == id {
		return owner, err
	}
	other, err := s.Load(ctx, owner)
	switch {
	case errors.Is(err, ErrNotFound):
		return owner, nil
	case err != nil:
		return "", err
	case other.Ended && other.Doubt == "":
		return owner, nil
	}
	return "", fmt.Errorf("release session %s: %w", id, &HeldError{Database: database, Owner: owner})
}
