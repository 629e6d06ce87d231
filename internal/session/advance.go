package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Never, as Move.Due, means: no next look; only another move sets one.
const Never time.Duration = -1

// Move is one step of one session, as asked of [Store.Advance].
type Move struct {
	// Record as loaded. With Revision 0 it opens a new session: ID, Kind and
	// Database are the caller's, State is "", and Event is one that opens.
	Record Record
	Event  string // looked up in the life
	By     string // who: a Slack user id, or the bot's own word for itself
	Note   string // words for people; never a secret
	Data   []byte // details as JSON, or nil; never a secret
	At     time.Time
	Body   []byte // the kind's stored form after the move; nil keeps it
	Ask    bool   // what is asked of people changed: Record.Ask + 1

	// Due is the time until the next look at the session, by Redis time; 0 is at
	// once, [Never] is none. An ended session gets none, whatever is asked, unless
	// Linger is set.
	Due    time.Duration
	Linger bool
	// Urgency is a head start in the dirty queue: the card of a session that needs
	// a person may overtake one that only made progress.
	Urgency time.Duration
	// Quiet: the card need not be drawn again.
	Quiet bool
	// Confirm: the move must not be forgotten. Wait for Config.WaitReplicas replicas
	// (see ErrUnconfirmed), and refuse an older record from now on; see Record.Floor.
	Confirm bool

	// Unless names a flag: the move is refused with [ErrFlagged] while it is set, or
	// while the store has forgotten what this process knows of it; see [Store.Flag].
	Unless string
	// NotAfter: the move is refused with [ErrLate] when it is past by Redis time;
	// zero: never.
	NotAfter time.Time
	// Owner: the move is refused with [ErrHeld] unless the session holds its database.
	Owner bool
}

// Hold changes who may act on a database: From ("" when free) becomes To ("" to
// release). Sessions named must be among those that move in the same call.
type Hold struct{ Database, From, To string }

// Advance moves one session and changes holds, in one script: all or nothing. It
// returns the new record. An opening takes its Record.Database, and a move into an
// ended state releases what the session still holds, unless holds says otherwise.
//
// Errors: [ErrNotAllowed], [ErrStale], [ErrHeld], [ErrExists], [ErrFlagged], [ErrLate] and
// [ErrTampered] wrote nothing;
// [ErrUnavailable] wrote all or nothing; [ErrUnconfirmed] and [ErrExists] come with
// the stored record.
func (s *Store) Advance(ctx context.Context, m Move, holds ...Hold) (Record, error) {
	out, err := s.AdvanceAll(ctx, []Move{m}, holds...)
	if len(out) == 0 {
		return Record{}, err
	}
	return out[0], err
}

// AdvanceAll is [Store.Advance] for several sessions in one write, such as an
// upgrade that hands its database to its revert. Records come in the order of the
// moves. With [ErrExists], openings that were stored before have their record and
// the others are zero.
func (s *Store) AdvanceAll(ctx context.Context, moves []Move, holds ...Hold) ([]Record, error) {
	steps := make([]*step, len(moves))
	for i, m := range moves {
		st, err := s.plan(m)
		if err != nil {
			return nil, err
		}
		steps[i] = st
	}
	grips, err := grip(steps, holds)
	if err != nil {
		return nil, err
	}
	nonce, err := s.nonce()
	if err != nil {
		return nil, err
	}
	for _, st := range steps {
		st.sign(s.seal, nonce)
	}
	err = s.commit(ctx, steps, grips, nonce)
	if errors.Is(err, ErrExists) {
		return s.existing(ctx, steps, err)
	}
	if err != nil && !errors.Is(err, ErrUnconfirmed) {
		return nil, err
	}
	out := make([]Record, len(steps))
	for i, st := range steps {
		out[i] = st.after
		s.marks.see(st.after)
		s.logMove(ctx, st)
	}
	return out, err
}

// step is a move with its outcome worked out.
type step struct {
	move   Move
	before Record
	after  Record // Created and Updated come from the script
	entry  entry
}

// plan looks the move up in the session's life and works out the record after it.
func (s *Store) plan(m Move) (*step, error) {
	r := m.Record
	if r.Doubt != "" {
		return nil, fmt.Errorf("%w: session %s: %s", ErrTampered, r.ID, r.Doubt)
	}
	if r.ID == "" || r.Kind == "" {
		return nil, errors.New("move without session id or kind")
	}
	if m.Data != nil && !json.Valid(m.Data) {
		return nil, fmt.Errorf("move %s of session %s: data is not JSON", m.Event, r.ID)
	}
	if r.Revision == 0 && r.State != "" {
		return nil, fmt.Errorf("%w: session %s has a state but no revision", ErrNotAllowed, r.ID)
	}
	version := r.Life
	if r.Revision == 0 {
		version = 0 // new sessions open under the newest life
	}
	life, err := s.life(r.Kind, version)
	if err != nil {
		return nil, err
	}
	to, err := life.Next(r.State, m.Event)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", r.ID, err)
	}
	after := r
	after.State, after.Life = to, life.Version
	after.Ended = life.Ended != nil && life.Ended(to)
	after.Revision++
	if m.Confirm {
		after.Floor = after.Revision
	}
	if m.Ask {
		after.Ask++
	}
	if m.Body != nil {
		after.Body = m.Body
	}
	after.Holds = slices.Clone(r.Holds)
	return &step{move: m, before: r, after: after, entry: entryOf(m, after)}, nil
}

// gripped is a hold as the script takes it. A lenient one releases only what is
// there to release, so that a key lost by hand cannot keep a session from ending.
type gripped struct {
	Hold
	lenient bool
}

// grip checks the holds asked for, adds those that opening and ending imply, and
// writes the outcome into the records.
func grip(steps []*step, holds []Hold) ([]gripped, error) {
	byID := map[string]*step{"": nil}
	for _, st := range steps {
		if byID[st.after.ID] != nil {
			return nil, fmt.Errorf("session %s moves twice in one write", st.after.ID)
		}
		byID[st.after.ID] = st
	}
	asked := map[string]bool{}
	var out []gripped
	for _, h := range holds {
		from, knowsFrom := byID[h.From]
		to, knowsTo := byID[h.To]
		if h.Database == "" || h.From == h.To || asked[h.Database] || !knowsFrom || !knowsTo {
			return nil, fmt.Errorf("hold of database %q from %q to %q: not between the sessions that move", h.Database, h.From, h.To)
		}
		if to != nil && to.after.Ended {
			return nil, fmt.Errorf("hold of database %q: session %s is ended by this move", h.Database, h.To)
		}
		asked[h.Database] = true
		from.drop(h.Database)
		to.take(h.Database)
		out = append(out, gripped{Hold: h})
	}
	for _, st := range steps {
		out = append(out, st.implied(asked)...)
	}
	return out, nil
}

// implied: an opening takes its database, an ending releases every one.
func (st *step) implied(asked map[string]bool) []gripped {
	var out []gripped
	db := st.after.Database
	if st.before.Revision == 0 && db != "" && !asked[db] && !st.after.Ended {
		out = append(out, gripped{Hold: Hold{Database: db, To: st.after.ID}})
		asked[db] = true
		st.take(db)
	}
	if st.after.Ended {
		for _, held := range st.after.Holds {
			out = append(out, gripped{Hold: Hold{Database: held, From: st.after.ID}, lenient: true})
		}
		st.after.Holds = nil
	}
	return out
}

func (st *step) take(database string) {
	if st == nil {
		return
	}
	st.after.Holds = append(st.after.Holds, database)
	slices.Sort(st.after.Holds)
	st.after.Holds = slices.Compact(st.after.Holds)
}

func (st *step) drop(database string) {
	if st == nil {
		return
	}
	st.after.Holds = slices.DeleteFunc(st.after.Holds, func(d string) bool { return d == database })
	if len(st.after.Holds) == 0 {
		st.after.Holds = nil
	}
}

// existing answers a repeated opening with what it opened the first time.
func (s *Store) existing(ctx context.Context, steps []*step, cause error) ([]Record, error) {
	out := make([]Record, len(steps))
	for i, st := range steps {
		if st.before.Revision != 0 {
			continue
		}
		r, err := s.Load(ctx, st.before.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		out[i] = r
	}
	return out, cause
}

// logMove writes the move to the log. The head lets an auditor notice a record
// that was put back together with its older journal.
func (s *Store) logMove(ctx context.Context, st *step) {
	if s.cfg.Moved != nil {
		s.cfg.Moved(st.before, st.after)
	}
	s.log.InfoContext(ctx, "session moved",
		"session", st.after.ID, "kind", st.after.Kind, "revision", st.after.Revision,
		"event", st.move.Event, "from", st.before.State, "to", st.after.State,
		"by", st.move.By, "database", st.after.Database, "head", st.after.Head)
}
