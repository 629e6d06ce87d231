package upgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/words"
)

// Request is a submitted upgrade modal.
type Request struct {
	Origin    string // what opened it; a repeated one opens nothing twice
	By        approvals.Voter
	Ref       cloud.Ref
	To        string
	Reason    string
	NotBefore time.Time // zero: as soon as it is approved
	Home      string    // channel in which the requester is answered
}

// Propose reads the world, tests every rule and opens an upgrade session, or
// answers with a Refusal and records nothing.
func (e *Engine) Propose(ctx context.Context, r Request) (Session, error) {
	ctx = cloud.WithClass(ctx, cloud.ClassCheck)
	id := idOf(KindUpgrade, r.Origin)
	if old, err := e.Load(ctx, id); err == nil {
		return old, nil // the same submission again
	}
	if err := approvals.MayRequest(r.By); err != nil {
		return Session{}, entitlement(err)
	}
	if strings.TrimSpace(r.Reason) == "" {
		return Session{}, refuse(BadInput, "Say why: the people who decide will read it.")
	}
	if refusal := e.Busy(ctx, r.Ref); refusal != nil {
		return Session{}, refusal
	}
	entry, known := e.inventory.Get(r.Ref)
	if known {
		if refusal := e.Admissible(entry); refusal != nil {
			return Session{}, refusal
		}
	} else if !e.allowed(r.Ref) {
		return Session{}, refuse(NotAllowed, "Subscription %d is not in ALLOW_SUBSCRIPTIONS.", r.Ref.Subscription)
	}
	asking, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	f, db, err := e.read(asking, r.Ref, KindUpgrade)
	if err != nil {
		return Session{}, readRefusal(err, orID(entry.Name, r.Ref))
	}
	if refusal := judgeFacts(candidate{KindUpgrade, r.Ref, db.Name, r.To, e.mode, f}); refusal != nil {
		return Session{}, refusal
	}
	if cloud.Active(f.SubStatus) { // a pending one does not tell
		if b, ok := e.lastBackup(ctx, r.Ref, probeLimit); ok {
			f.Backup.Last, f.Backup.Status, f.Backup.Known, f.Backup.Untimed = b.At, b.Raw, true, b.Status == cloud.Ok && b.At.IsZero()
		}
	}
	return e.open(ctx, id, r, db.Name, f)
}

// askLimit is how long a requester waits for Redis Cloud. It is shorter than what
// carries the request out may take, so that there is always an answer.
const askLimit = 30 * time.Second

// probeLimit is how long a requester waits for the time of the last backup.
const probeLimit = 20 * time.Second

func orID(name string, ref cloud.Ref) string {
	if name == "" {
		return fmt.Sprintf("Database %d", ref.Database)
	}
	return name
}

func (e *Engine) open(ctx context.Context, id string, r Request, name string, f Facts) (Session, error) {
	now := e.now()
	s := Session{ID: id, Kind: KindUpgrade, record: session.Record{ID: id, Kind: string(KindUpgrade), Life: lifeVersion, Database: r.Ref.String()}}
	s.Body = Body{
		Plan:  Plan{Database: r.Ref.String(), Name: name, From: f.Version, To: r.To, Backup: f.Backup.Where, NotBefore: r.NotBefore.UTC().Truncate(time.Second)},
		Facts: f, Reason: strings.TrimSpace(r.Reason), By: r.By.ID, Home: r.Home, Authors: []string{r.By.ID}, Asked: now,
		Rule: &e.cfg.Upgrades,
	}
	if r.NotBefore.IsZero() {
		s.Plan.NotBefore = time.Time{}
	}
	hold := session.Hold{Database: r.Ref.String(), To: id}
	out, err := e.advance(ctx, s, move{event: Propose, by: r.By.ID, ask: true, holds: []session.Hold{hold}}, nil)
	if errors.Is(err, session.ErrExists) {
		return e.Load(ctx, id)
	}
	if err != nil {
		return s, e.openError(err)
	}
	return out, nil
}

// Busy is the refusal for a database that already has a session; nil: it has
// none, or the store cannot say (then opening will).
func (e *Engine) Busy(ctx context.Context, ref cloud.Ref) *Refusal {
	owner, err := e.store.Owner(ctx, ref.String())
	if err != nil || owner == "" {
		return nil
	}
	return &Refusal{Code: Busy, Text: "An upgrade or revert of this database is already under way, and only one may act on it at a time.", Link: owner}
}

// entitlement turns an approvals refusal into ours.
func entitlement(err error) error {
	var r *approvals.Refusal
	if !errors.As(err, &r) {
		return err
	}
	out := &Refusal{Code: NotEntitled, Text: r.Text}
	switch r.Code {
	case approvals.CodeStale:
		out.Code = Stale
	case approvals.CodeDecided, approvals.CodeVoted, approvals.CodeLate:
		out.Code = TooLate
	}
	if r.Who != "" {
		out.Hint = "This is for " + r.Who + "."
	}
	return out
}

// Click is a decision as it came from a person.
type Click struct {
	Session string
	Ask     int64 // the ask that the button carried; 0: not from a button
	By      approvals.Voter
	Reason  string // of a denial
	Typed   string // of an approved revert: the database's name/id

	WritersStopped bool // of an approved revert: this person says that nothing writes to the database any more

	choice approvals.Choice
}

// Approve records a vote for the session's plan.
func (e *Engine) Approve(ctx context.Context, c Click) (Session, error) {
	c.choice = approvals.Approve
	return e.decide(ctx, c)
}

// Deny records a vote against it; one is enough.
func (e *Engine) Deny(ctx context.Context, c Click) (Session, error) {
	c.choice = approvals.Deny
	return e.decide(ctx, c)
}

// MayApprove is Approve's judgement without the text that a modal asks for,
// to be asked when the modal is opened. Nothing is recorded.
func (e *Engine) MayApprove(ctx context.Context, s Session, c Click) error {
	c.choice, c.Typed = approvals.Approve, s.ConfirmText()
	return e.mayDecide(ctx, s, c)
}

// MayDeny is the same for Deny.
func (e *Engine) MayDeny(ctx context.Context, s Session, c Click) error {
	c.choice, c.Reason = approvals.Deny, "-"
	return e.mayDecide(ctx, s, c)
}

func (e *Engine) mayDecide(ctx context.Context, s Session, c Click) error {
	by, err := e.underRule(ctx, s, c.By)
	if err != nil {
		return nil // judged when it is submitted
	}
	c.By = by
	return e.judgeClick(s, c)
}

// decide records a vote and draws its consequence in the same write. Votes of
// different people never make each other stale.
func (e *Engine) decide(ctx context.Context, c Click) (Session, error) {
	return e.retry(ctx, c.Session, func(s Session) (Session, error) {
		by, err := e.underRule(ctx, s, c.By)
		if err != nil {
			return s, err
		}
		c.By = by
		if r := e.judgeClick(s, c); r != nil {
			return s, r
		}
		p, q := e.policy(s), s.question()
		d := c.By.Vote(q, c.choice, strings.TrimSpace(c.Reason), e.now())
		d.WritersStopped = c.WritersStopped && s.Kind.Destroys() && c.choice == approvals.Approve
		so := append(slices.Clone(s.Decisions), d)
		m := move{event: Vote, by: c.By.ID}
		switch out := p.Outcome(q, so, e.now()).(type) {
		case approvals.Denied:
			m.event, m.note, m.confirm = Deny, "Denied: "+d.Reason, true
			if s.mustSettle() {
				m.event, m.note = Wish, m.note+"\nNothing more is sent; what has begun is put in order first."
				return e.advance(ctx, s, m, func(b *Body) { b.Decisions, b.CancelBy = so, cmp.Or(b.CancelBy, d.By) })
			}
			return e.close(ctx, s, m, func(b *Body) { b.Decisions = so })
		case approvals.Approved:
			m.event = Approve
		case approvals.Pending:
			m.note = fmt.Sprintf("Approved (%d of %d).", len(so), len(so)+out.Missing)
		}
		if m.event == Approve {
			m.note = fmt.Sprintf("Approved (%d of %d).", len(so), len(so))
		}
		return e.advance(ctx, s, m, func(b *Body) {
			b.Decisions = so
			if m.event == Approve {
				b.Agreed = d.At
			}
		})
	})
}

// underRule is somebody who decides, by the session's own rule: what is configured
// now may name other groups.
func (e *Engine) underRule(ctx context.Context, s Session, by approvals.Voter) (approvals.Voter, error) {
	now := s.Policy(e.cfg.Upgrades, e.cfg.Reverts)
	was := s.configured(e.cfg.Upgrades, e.cfg.Reverts)
	if slices.Equal(now.Approvers, was.Approvers) && slices.Equal(now.OnCall, was.OnCall) {
		return by, nil
	}
	v, err := e.voter(ctx, s, by.ID)
	if err != nil {
		return by, fmt.Errorf("%w whether %s may decide: %w", errNoWord, by.Name, err)
	}
	return v, nil
}

// judgeClick tests a decision against the session as it is now.
func (e *Engine) judgeClick(s Session, c Click) error {
	if s.State != Proposed && (c.choice != approvals.Deny || !s.Deniable()) {
		return refuse(TooLate, "This %s is %s; there is nothing to decide any more.", s.Kind, s.State.Words())
	}
	q := s.question()
	q.Seen, q.Now = c.Ask, e.now()
	if err := e.policy(s).May(c.By, q, s.Decisions, c.choice); err != nil {
		return entitlement(err)
	}
	if c.choice == approvals.Deny && strings.TrimSpace(c.Reason) == "" {
		return refuse(BadInput, "Say why: the requester will read it.")
	}
	if c.choice == approvals.Approve && s.Kind.Destroys() && strings.TrimSpace(c.Typed) != s.ConfirmText() {
		return refuse(BadInput, "Type %s exactly to approve the deletion.", s.ConfirmText())
	}
	return nil
}

// retry runs a person's move against the newest record until nobody else
// moved the session in between. What the person meant is bound by its ask,
// not by the revision.
func (e *Engine) retry(ctx context.Context, id string, try func(Session) (Session, error)) (Session, error) {
	for range 10 {
		s, err := e.Load(ctx, id)
		if err != nil {
			return s, err
		}
		if s.Distrusted != "" {
			e.lookSoon(ctx, id)
			return s, s.notBelieved()
		}
		out, err := try(s)
		if errors.Is(err, session.ErrUnconfirmed) {
			return out, e.confirmed(ctx)
		}
		if !errors.Is(err, session.ErrStale) {
			return out, err
		}
	}
	return Session{}, fmt.Errorf("session %s moves too fast: %w: %w", id, ErrTryAgain, session.ErrStale)
}

// Cancel calls a session off: at once where nothing is out, when settled
// where something is, and back over the door in a revert before its delete.
func (e *Engine) Cancel(ctx context.Context, id string, by approvals.Voter) (Session, error) {
	return e.retry(ctx, id, func(s Session) (Session, error) {
		if err := approvals.MayCancel(by, s.Authors); err != nil {
			return s, entitlement(err)
		}
		if !s.Cancellable() {
			return s, refuse(TooLate, "This %s is %s; it can no longer be cancelled.", s.Kind, s.State.Words())
		}
		if s.CancelBy != "" {
			return s, refuse(TooLate, "It is being cancelled already.")
		}
		if s.mustSettle() {
			m := move{event: Wish, by: by.ID, note: wishText(s), confirm: true}
			if s.Call != nil && s.Call.Phase == Sending {
				m.due = e.cfg.SendTimeout + e.cfg.Grace // by the store's clock: ours may be ahead of the sender's
			}
			return e.advance(ctx, s, m, func(b *Body) { b.CancelBy = by.ID })
		}
		return e.close(ctx, s, move{event: Cancel, by: by.ID, note: "Cancelled. Nothing was changed.", confirm: true}, func(b *Body) { b.CancelBy = by.ID })
	})
}

// mustSettle reports whether something has begun that is brought to its end before
// the session can be called off.
func (s Session) mustSettle() bool {
	return s.callOut() || slices.Contains(s.row().unwinds, s.State)
}

// Deniable reports whether a denial still wins over the approvals: until the call
// that cannot be taken back is about to leave.
func (s Session) Deniable() bool {
	gone := s.Call != nil && irreversible(s.Call) && s.Call.Phase != Planned && (s.Call.Phase != Settled || s.Call.Outcome != Rejected)
	return slices.Contains(s.row().deny, s.State) && !gone && !s.denied()
}

// denied reports whether a denial waits for what has begun to be brought to its end.
func (s Session) denied() bool {
	return slices.ContainsFunc(s.Decisions, func(d approvals.Decision) bool { return d.Choice == approvals.Deny && d.Ask == s.Ask })
}

// wishText says what becomes of a cancel that has to wait.
func wishText(s Session) string {
	if s.callOut() && irreversible(s.Call) {
		return "Asked to cancel. The request may have left: if Redis Cloud took it, it goes on; if not, it is not sent again."
	}
	return "Asked to cancel; that happens as soon as the call that is out is settled."
}

// stopping reports whether a wish to cancel can be met now: nothing is out, and
// the call that cannot be taken back did not happen.
func (s Session) stopping() bool {
	happened := s.Call != nil && irreversible(s.Call) && s.Call.Phase == Settled && s.Call.Outcome != Rejected
	return s.CancelBy != "" && !s.callOut() && !happened
}

// Cancellable reports whether Cancel has a meaning now.
func (s Session) Cancellable() bool {
	gone := s.Call != nil && irreversible(s.Call) && (s.Call.Phase == Sent || s.Call.Phase == Settled && s.Call.Outcome != Rejected)
	return slices.Contains(s.row().cancel, s.State) && !gone
}

// Recheck runs the preflight of a blocked upgrade again.
func (e *Engine) Recheck(ctx context.Context, id string, by approvals.Voter) (Session, error) {
	return e.retry(ctx, id, func(s Session) (Session, error) {
		if err := approvals.MayRequest(by); err != nil {
			return s, entitlement(err)
		}
		if s.State != Blocked {
			return s, refuse(TooLate, "This %s is %s, not blocked.", s.Kind, s.State.Words())
		}
		return e.advance(ctx, s, move{event: Recheck, by: by.ID}, func(b *Body) { b.Call = nil })
	})
}

// Settle records what on-call found out about a call that has no answer: it
// happened (the bot goes on from there), or it did not (it is planned again,
// or, where that is never done, the session ends). A delete or an import
// cannot be declared absent within Disbelief, and then only by two people: one
// of on-call, and a second of on-call or the approvers. The click's ask is the
// call's Question.
func (e *Engine) Settle(ctx context.Context, c Click, itHappened bool) (Session, error) {
	return e.retry(ctx, c.Session, func(s Session) (Session, error) {
		second := s.Call != nil && len(s.Call.Settlers) > 0 && !itHappened
		if err := maySettle(c.By, second); err != nil {
			return s, entitlement(err)
		}
		if s.Call == nil || s.Call.Phase != Unknown {
			return s, refuse(TooLate, "No call of this %s waits for a decision.", s.Kind)
		}
		if c.Ask != 0 && c.Ask != s.Call.Question {
			return s, refuse(Stale, "This button asked about another call, or an earlier try. Look at the card as it is now and decide again.")
		}
		if itHappened {
			return e.settle(ctx, s, c.By, calls.Adopt, "It happened, says on-call. Going on from there.", func(c *Call) { c.Adopted, c.Settlers = e.now(), nil })
		}
		return e.settleAbsent(ctx, s, c.By)
	})
}

// MayLook says whether somebody may see databases and sessions; nil: yes.
func MayLook(v approvals.Voter) error {
	if err := approvals.MayLook(v); err != nil {
		return entitlement(err)
	}
	return nil
}

// MayRequest says whether somebody may ask for an upgrade or a revert; nil: yes.
func MayRequest(v approvals.Voter) error {
	if err := approvals.MayRequest(v); err != nil {
		return entitlement(err)
	}
	return nil
}

func maySettle(by approvals.Voter, second bool) error {
	if second {
		return approvals.MayConfirm(by)
	}
	return approvals.MayOperate(by)
}

func (e *Engine) settleAbsent(ctx context.Context, s Session, by approvals.Voter) (Session, error) {
	c := s.Call
	grave := Grave(c)
	if wait := c.SendBy.Add(e.cfg.Disbelief).Sub(e.now()); grave && wait > 0 {
		return s, refuse(TooLate, "This %s cannot be declared \"did not happen\" so soon; in %s two people can.", c.Key, words.Span(wait))
	}
	if slices.Contains(c.Settlers, by.ID) {
		return s, refuse(TooLate, "You said so already; a second person, of on-call or the approvers, has to say it too.")
	}
	if grave && len(c.Settlers) == 0 {
		return e.note(ctx, s, by, "It did not happen, says one person; a second one, of on-call or the approvers, has to say so too.", func(c *Call) { c.Settlers = append(c.Settlers, by.ID) })
	}
	if Once(c) {
		return e.settle(ctx, s, by, calls.Break, "It did not happen, say two people. An import is never sent twice.", func(c *Call) {
			c.Outcome, c.Error = Broke, "no answer came, and people say that it did not happen"
		})
	}
	note := "It did not happen, says on-call. Planned once more."
	if s.CancelBy != "" {
		note = "It did not happen, says on-call."
	}
	return e.settle(ctx, s, by, calls.Absent, note, func(c *Call) { c.Barrier, c.Settlers = "", nil })
}

func (e *Engine) settle(ctx context.Context, s Session, by approvals.Voter, a Answer, note string, change func(*Call)) (Session, error) {
	phase, err := calls.Transitions.Next(s.Call.Phase, a)
	if err != nil {
		return s, err
	}
	return e.note(ctx, s, by, note, func(c *Call) { c.Phase = phase; change(c) })
}

// note moves only the call.
func (e *Engine) note(ctx context.Context, s Session, by approvals.Voter, text string, change func(*Call)) (Session, error) {
	return e.advance(ctx, s, move{event: Calling, by: by.ID, note: text}, func(b *Body) { change(b.Call) })
}

// close ends a session as its kind does.
func (e *Engine) close(ctx context.Context, s Session, m move, change func(*Body)) (Session, error) {
	return s.row().end(e, ctx, s, m, change)
}

// confirmTries is how often a decision that holds something back is confirmed before
// its person is told that it may be forgotten.
const confirmTries = 3

// confirmed waits until a failover cannot forget what a person just decided to hold
// back: only then it is called done.
func (e *Engine) confirmed(ctx context.Context) error {
	var err error
	for range confirmTries {
		if err = e.store.Confirm(ctx); err == nil {
			return nil
		}
	}
	e.log.Warn("a decision is on fewer replicas of Redis than it should be", "error", err)
	return refuse(Unconfirmed, "It is recorded, but no replica of Redis has confirmed it: if Redis fails over now, it may be forgotten.").
		hint("Look at the card again in a minute, and decide again if it does not show it.")
}
