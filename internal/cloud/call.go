package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-resty/resty/v2"
)

// call is one request as a method of the API describes it.
type call struct {
	what    string // the feature, for people: "version upgrade"
	on      string // the thing it is about, may be empty
	method  string
	path    string // below /v1; "" where the thing cannot exist
	query   url.Values
	body    any      // marshalled to JSON; nil: none
	secrets []string // inside body; scrubbed from every text that comes back
}

// fail names the call in front of an error.
func (in call) fail(err error) error {
	if in.on == "" {
		return fmt.Errorf("%s: %w", in.what, err)
	}
	return fmt.Errorf("%s of %s: %w", in.what, in.on, err)
}

type callKey struct{}

func (in call) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, callKey{}, in)
}

func callOf(ctx context.Context) call {
	in, _ := ctx.Value(callKey{}).(call)
	return in
}

// errNotAllowed marks what the limiter refused.
var errNotAllowed = errors.New("request budget")

// spend takes each request, retries included, out of the shared budget. A
// change does not wait for its turn beyond its send deadline.
func (c *core) spend(_ *resty.Client, req *resty.Request) error {
	if c.limiter == nil {
		return nil
	}
	ctx := req.Context()
	if f := fenceOf(ctx); f != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.now().until(f.until))
		defer cancel()
	}
	if err := c.limiter.Wait(ctx, 1); err != nil {
		return fmt.Errorf("%w: %w", errNotAllowed, err)
	}
	return nil
}

// check sees every response: it obeys the rate limit, logs, and turns a status
// into an error.
func (c *core) check(_ *resty.Client, resp *resty.Response) error {
	ctx := resp.Request.Context()
	in := callOf(ctx)
	err := c.answerOf(resp, in)
	var limited *RateLimited
	switch {
	case c.limiter == nil:
	case errors.As(err, &limited):
		c.limiter.Pause(ctx, limited.Wait)
	case strings.TrimSpace(resp.Header().Get("X-Rate-Limit-Remaining")) == "0":
		c.limiter.Pause(ctx, c.waitOf(resp.Header()))
	}
	c.seen(in.method, resp.StatusCode())
	c.log.DebugContext(ctx, "redis cloud request", "method", in.method, "path", in.path,
		"status", resp.StatusCode(), "attempt", resp.Request.Attempt, "took", resp.Time())
	return err
}

// unanswered sees every request that failed on its way.
func (c *core) unanswered(req *resty.Request, err error) {
	var answered *resty.ResponseError
	if !errors.As(err, &answered) && !errors.Is(err, errNotAllowed) {
		c.seen(callOf(req.Context()).method, 0)
	}
}

// errStandIn stops a value that was stored in its redacted form and read back
// from being sent as if it were the real one.
var errStandIn = errors.New("request contains " + redacted + " in place of a value")

// request prepares the resty request of a call.
func (in call) request(ctx context.Context, rc *resty.Client) (*resty.Request, error) {
	req := rc.R().SetContext(in.with(ctx))
	if len(in.query) > 0 {
		req.SetQueryParamsFromValues(in.query)
	}
	if in.body != nil {
		body, err := json.Marshal(in.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		if bytes.Contains(body, []byte(redacted)) {
			return nil, errStandIn
		}
		req.SetBody(body)
	}
	return req, nil
}

// withoutURL drops the address net/http puts around its errors.
func withoutURL(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// scrub removes from a foreign text what must not be repeated: the keys, the
// secrets of the request and the credentials of any address in it.
func (c *core) scrub(s string, secrets []string) string {
	for _, all := range [][]string{c.secrets, secrets} {
		for _, secret := range all {
			s = scrubOne(s, secret)
		}
	}
	return redactText(s)
}

// scrubber is scrub for one call.
func (c *core) scrubber(secrets []string) func(string) string {
	return func(s string) string { return c.scrub(s, secrets) }
}

func scrubOne(s, secret string) string {
	if secret == "" {
		return s
	}
	s = strings.ReplaceAll(s, secret, redacted)
	quoted, err := json.Marshal(secret)
	if err != nil || len(quoted) <= 2 {
		return s
	}
	s = strings.ReplaceAll(s, string(quoted[1:len(quoted)-1]), redacted)
	return strings.ReplaceAll(s, url.QueryEscape(secret), redacted)
}

// get builds a read.
func get(what, on, path string) call {
	return call{what: what, on: on, method: http.MethodGet, path: path}
}
