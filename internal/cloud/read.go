package cloud

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/go-resty/resty/v2"
)

// read performs a GET with its repetitions and returns the body. Errors:
// ErrNotFound, RateLimited, Denied, Rejected, Unavailable, or the context's
// or limiter's own.
func (c *Client) read(ctx context.Context, in call) ([]byte, error) {
	if in.path == "" {
		return nil, in.fail(ErrNotFound)
	}
	req, err := in.request(ctx, c.rc)
	if err != nil {
		return nil, in.fail(err)
	}
	resp, err := req.Execute(http.MethodGet, in.path)
	if err == nil {
		return resp.Body(), nil
	}
	if !typed(err) {
		err = &Unavailable{Cause: withoutURL(err)}
	}
	return nil, in.fail(err)
}

// readInto reads and decodes.
func readInto[T any](ctx context.Context, c *Client, in call) (T, error) {
	var v T
	body, err := c.read(ctx, in)
	if err != nil {
		return v, err
	}
	if err := decode(body, &v); err != nil {
		return v, in.fail(err)
	}
	return v, nil
}

// typed reports whether err already is one of this package's answers (or the
// limiter's refusal) rather than trouble with a connection.
func typed(err error) bool {
	var (
		limited     *RateLimited
		denied      *Denied
		rejected    *Rejected
		unavailable *Unavailable
	)
	return errors.As(err, &limited) || errors.As(err, &denied) || errors.As(err, &rejected) ||
		errors.As(err, &unavailable) || errors.Is(err, ErrNotFound) || errors.Is(err, errNotAllowed)
}

// repeat makes resty try reads again. It is set on the client for reads only:
// resty would repeat a POST just as willingly.
func (c *Client) repeat(rc *resty.Client) {
	rc.SetRetryCount(readTries - 1).
		SetRetryWaitTime(c.retryBase / 2). // the floor under the jitter below
		SetRetryMaxWaitTime(maxBackoff * c.retryBase).
		SetRetryAfter(c.pause).
		AddRetryCondition(func(resp *resty.Response, err error) bool { return resp != nil && transient(err) }).
		AddRetryHook(func(resp *resty.Response, err error) {
			in := callOf(resp.Request.Context())
			c.log.WarnContext(resp.Request.Context(), "redis cloud read failed", "path", in.path,
				"attempt", resp.Request.Attempt, "error", withoutURL(err))
		})
}

// transient reports whether a failed read is worth another try.
func transient(err error) bool {
	var (
		limited     *RateLimited
		unavailable *Unavailable
		rejected    *Rejected
		cert        *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		host        x509.HostnameError
	)
	switch {
	case err == nil:
		return false
	case errors.As(err, &limited):
		return true
	case errors.As(err, &rejected):
		return rejected.Status == http.StatusRequestTimeout
	case errors.As(err, &unavailable):
		switch unavailable.Status {
		case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	case errors.As(err, &cert), errors.As(err, &authority), errors.As(err, &host),
		errors.Is(err, resty.ErrResponseBodyTooLarge):
		return false
	}
	return !typed(err)
}

// errNoTime ends the tries when the context would end before the next one.
var errNoTime = errors.New("no time left for another try")

type retriesKey struct{}

// WithRetriesUntil returns a context in which no read is tried again after t: who
// has a better way to wait than to keep its place.
func WithRetriesUntil(ctx context.Context, t time.Time) context.Context {
	return context.WithValue(ctx, retriesKey{}, t)
}

// pause says how long to wait after a failed attempt: base·2^n, jittered
// between half and whole, no more than 60 times the base; longer when the
// server asked for it. It gives up at once where the context, or the time for
// retries, would end first.
func (c *Client) pause(_ *resty.Client, resp *resty.Response) (time.Duration, error) {
	n := min(max(resp.Request.Attempt-1, 0), 16)
	d := min(c.retryBase<<n, maxBackoff*c.retryBase)
	d = d/2 + c.jitter(d/2+1)
	if resp.StatusCode() == http.StatusTooManyRequests && resp.Header().Get("Retry-After") != "" {
		d = max(d, c.waitOf(resp.Header()))
	}
	ctx := resp.Request.Context()
	deadline, ok := ctx.Deadline()
	if until, bounded := ctx.Value(retriesKey{}).(time.Time); bounded && (!ok || until.Before(deadline)) {
		deadline, ok = until, true
	}
	if ok && time.Until(deadline) < d {
		return 0, errNoTime
	}
	return d, nil
}
