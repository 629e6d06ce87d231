package upgrade

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// Redis Cloud may call an upgrade failed and carry it out later all the same. An upgrade
// that was sent and failed is looked at for a while after its end, so that people hear of
// a version that changed without them, and that there is something to revert.

// arrivalWatch is for how long after its end.
const arrivalWatch = 24 * time.Hour

// arrivalEvery is how often: one read each.
func (e *Engine) arrivalEvery() time.Duration { return 5 * e.cfg.StatusEvery }

// arrivalAwaited reports whether a session has ended in such a failure.
func (s Session) arrivalAwaited() bool {
	return s.Kind == KindUpgrade && s.State == Failed && s.Upgrade.Unmoved && s.Distrusted == ""
}

// afterEnd looks at what an ended session left behind, or takes it off the queue.
func (e *Engine) afterEnd(ctx context.Context, l *lease) {
	var a answer = over{}
	var err error
	if l.s.arrivalAwaited() && e.now().Sub(l.s.Updated) < arrivalWatch {
		a, err = e.awaitArrival(cloud.WithClass(ctx, cloud.ClassCheck), l)
	}
	switch {
	case err != nil && !errors.Is(err, session.ErrStale):
		e.log.Info("cannot look whether a failed upgrade arrived; trying again", "session", l.s.ID, "error", err)
		l.reschedule(ctx, e.arrivalEvery())
	case err == nil:
		l.settle(ctx, a)
	}
}

// awaitArrival says that a failed upgrade arrived. It is over where nobody will be told
// any more: the database is gone, or somebody has asked for another change of it since.
func (e *Engine) awaitArrival(ctx context.Context, l *lease) (answer, error) {
	s := l.s
	newest, err := e.store.History(ctx, s.Plan.Database, 1)
	if err != nil {
		return nil, err
	}
	if len(newest) > 0 && newest[0] != s.ID {
		return over{}, nil
	}
	db, err := e.cloud.Database(ctx, s.Plan.Ref())
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return over{}, nil
	case err != nil:
		return nil, fmt.Errorf("read the database of a failed upgrade: %w", err)
	case !db.Active() || sameVersion(db.Version, s.Plan.From):
		return later(e.arrivalEvery()), nil
	}
	now := e.now()
	seen := fmt.Sprintf("%s is on %s now, although Redis Cloud reported the upgrade as failed.", s.Plan.Name, db.Version)
	after := s
	after.Upgrade.Unmoved = false
	way := " It can be reverted: its card has a Revert… button."
	if r := e.Revertible(after); r != nil {
		way = " " + r.Error()
	}
	return e.do(ctx, l, move{event: Note, note: seen + way, due: session.Never}, func(b *Body) {
		b.Upgrade.Unmoved, b.Upgrade.Arrived = false, now
		b.Facts.Version, b.Facts.Status = db.Version, db.Status
		b.Problem = strings.TrimSuffix(b.Problem, ".") + ". " + seen
	})
}
