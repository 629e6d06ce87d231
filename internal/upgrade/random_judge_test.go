package upgrade

import (
	"context"
	"fmt"
	"slices"
	"time"
)

type ctx = context.Context

// anyNumber of messages may be there twice where answers were lost at random.
const anyNumber = 1 << 20

// judge lets everything come to its end and says which promises are broken.
func (l *lives) judge(ends map[string]int) []string {
	l.calm()
	l.end()
	l.pass(l.w.cfg.Grace + l.w.cfg.Lease + 5*time.Minute) // and the last cards are drawn
	var ids, plain []string
	all := l.sessions()
	for _, s := range all {
		ends[string(s.Kind)+" "+string(s.State)]++
		ids = append(ids, s.ID)
		if !l.overtaken(s, all) {
			plain = append(plain, s.ID)
		}
		if !s.Ended {
			l.problems = append(l.problems, "stuck: "+describe(s))
		}
	}
	return slices.Concat(l.problems, l.w.checkLedger(0, ids...), l.w.checkMemory(ids...), l.w.checkCloud(plain...),
		l.checkPeople(all), l.checkReverts(all), l.w.checkCards(anyNumber, ids...), l.w.checkSecrets(otherPassword))
}

// overtaken reports whether what a session left is not there to be seen any
// more: somebody else, or a later session, changed the database since.
func (l *lives) overtaken(s Session, all []Session) bool {
	if s.Kind != KindUpgrade || s.State != Done {
		return false
	}
	return l.changedSince(s, all)
}

func (l *lives) changedSince(s Session, all []Session) bool {
	ended := s.Updated
	for _, e := range l.w.journal(s.ID) {
		if Event(e.Event) == Finish { // a revert that was called off leaves it done, later
			ended = e.Stored
		}
	}
	if at, ok := l.meddled[s.Plan.Name]; ok && !at.Before(ended) {
		return true
	}
	return slices.ContainsFunc(all, func(o Session) bool {
		return o.Plan.Name == s.Plan.Name && o.ID != s.ID && o.Created.After(s.Created) && o.Link != s.ID
	})
}

// checkPeople: what was confirmed is in the journal, once per question, and
// nobody who may not decide is in there.
func (l *lives) checkPeople(all []Session) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, s := range all {
		questions, votes, waiting := 1, map[said]int{}, map[said]bool{}
		for _, e := range l.w.journal(s.ID) {
			switch Event(e.Event) {
			case Revise:
				questions++
			case Vote, Approve:
				votes[said{s.ID, e.By, "approve"}]++
			case Wish: // a deny that waits for a call is recorded as that
				waiting[said{s.ID, e.By, "deny"}] = true
			case Deny:
				votes[said{s.ID, e.By, "deny"}]++
			}
			if e.By == guest.ID || e.By == eve.ID && Event(e.Event) != Recheck {
				add("%s of %s is by %s, who may not", e.Event, s.ID, e.By)
			}
		}
		for v, n := range votes {
			if n > questions {
				add("%s's %s of %s is recorded %d times for %d questions", v.by, v.verb, s.ID, n, questions)
			}
			if v.by == s.By && s.Kind == KindUpgrade {
				add("%s's %s of its own %s is recorded", v.by, v.verb, s.ID)
			}
		}
		for _, v := range l.said {
			if v.session == s.ID && votes[v] == 0 && !waiting[v] {
				add("%s's %s of %s was confirmed and is lost", v.by, v.verb, v.session)
			}
		}
	}
	return problems
}

// checkReverts: what is called taken back is, and no door stays shut in silence.
func (l *lives) checkReverts(all []Session) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, s := range all {
		if s.Kind != KindRevert {
			continue
		}
		up := l.w.load(s.Link)
		if s.State == Done && up.State != Reverted {
			add("%s is done and its upgrade is %s", s.ID, up.State)
		}
		if up.State == Reverting {
			add("%s is %s and its upgrade waits for it", s.ID, s.State)
		}
		db := l.w.find(s.Plan.Name)
		if db.ID == 0 || l.changedSince(s, all) {
			continue
		}
		shut := slices.Equal(db.SourceIPs, closedDoor)
		switch {
		case s.State == Done && !sameVersion(db.Version, s.Plan.To):
			add("%s is done and %s reads %s", s.ID, s.Plan.Name, db.Version)
		case s.State != Failed && shut:
			add("%s is %s and its door is shut", s.ID, s.State)
		case s.State == Failed && shut && s.Problem == "":
			add("%s failed without a word about its shut door", s.ID)
		}
	}
	return problems
}
