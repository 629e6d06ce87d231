package cloud

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// answerTimeout ends the wait for an answer where the context would not.
const answerTimeout = 60 * time.Second

// errNoSuchThing is the cause of a NotSent for an impossible reference.
var errNoSuchThing = errors.New("nothing can have this reference")

// send performs a changing call, at most once, and returns the body of its 2xx
// answer. Errors: RateLimited, Denied, Rejected, ErrNotFound and NotSent (it
// did not happen), or Unknown (it may have).
func (c *Changes) send(ctx context.Context, in call) ([]byte, error) {
	body, err := c.sendOnce(ctx, in)
	if err != nil {
		return nil, in.fail(err)
	}
	return body, nil
}

func (c *Changes) sendOnce(ctx context.Context, in call) ([]byte, error) {
	if in.path == "" {
		return nil, &NotSent{Cause: errNoSuchThing}
	}
	until, ok := sendDeadline(ctx)
	if !ok {
		return nil, &NotSent{Cause: ErrNoDeadline}
	}
	if !readClocks().before(onClocks(until)) {
		return nil, &NotSent{Cause: ErrTooLate}
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, until.Add(answerTimeout))
		defer cancel()
	}
	return c.through(ctx, newFence(until), in)
}

// through sends a change through its fence and judges what comes back.
func (c *Changes) through(ctx context.Context, f *fence, in call) ([]byte, error) {
	req, err := in.request(f.guard(ctx), c.rc)
	if err != nil {
		return nil, &NotSent{Cause: err}
	}
	resp, err := req.Execute(in.method, in.path)
	left, late := f.close()
	if err == nil {
		return resp.Body(), nil
	}
	return nil, outcome(err, left, late)
}

// outcome sorts the error of a change into "answered", "never left" and
// "nobody knows".
func outcome(err error, left, late bool) error {
	var unavailable *Unavailable
	isServer := errors.As(err, &unavailable)
	switch {
	case !isServer && typed(err) && !errors.Is(err, errNotAllowed):
		return err
	case !left && late:
		return &NotSent{Cause: ErrTooLate}
	case !left:
		return &NotSent{Cause: withoutURL(err)}
	case isServer:
		return &Unknown{Status: unavailable.Status, Cause: err}
	}
	return &Unknown{Cause: withoutURL(err)}
}

// sendTask performs a changing call whose answer is a task.
func (c *Changes) sendTask(ctx context.Context, in call) (Task, error) {
	body, err := c.send(ctx, in)
	if err != nil {
		return Task{}, err
	}
	t, err := decodeTask(body, c.scrubber(in.secrets))
	switch {
	case err != nil:
		return Task{}, in.fail(&Unknown{Status: 200, Cause: err})
	case t.ID == "" && !t.Failed():
		return Task{}, in.fail(&Unknown{Status: 200, Cause: errors.New("answer without a task id")})
	}
	return t, nil
}

// sendInto performs a changing call that answers with the thing itself.
func sendInto[T any](ctx context.Context, c *Changes, in call) (T, error) {
	var v T
	body, err := c.send(ctx, in)
	if err != nil {
		return v, err
	}
	if err := decode(body, &v); err != nil {
		return v, in.fail(&Unknown{Status: 200, Cause: err})
	}
	return v, nil
}

// refuse is a change that this package does not send for a reason of its own.
func refuse(in call, format string, args ...any) error {
	return in.fail(&NotSent{Cause: fmt.Errorf(format, args...)})
}
