package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

const nginx401 = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n<center><h1>401 Authorization Required</h1></center>\r\n</body></html>"

// verdict names what a caller makes of an error, by type only.
func verdict(err error) string {
	var (
		limited     *RateLimited
		denied      *Denied
		rejected    *Rejected
		unknown     *Unknown
		notSent     *NotSent
		unavailable *Unavailable
	)
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &unknown):
		return "unknown"
	case errors.As(err, &notSent):
		return "not sent"
	case errors.Is(err, ErrNotFound):
		return "not found"
	case errors.As(err, &limited):
		return "rate limited"
	case errors.As(err, &denied):
		return "denied"
	case errors.As(err, &rejected):
		return "rejected"
	case errors.As(err, &unavailable):
		return "unavailable"
	}
	return "other"
}

func TestAnswers(t *testing.T) {
	const upgrade = "/subscriptions/1206/databases/51055/upgrade"
	domain := func(code string) string {
		return fmt.Sprintf(`{"response":{"error":{"type":%q,"status":"403 FORBIDDEN","description":"why"}}}`, code)
	}
	for _, tt := range []struct {
		sentence     string
		answer       answer
		read, change string
	}{
		{"400", answer{status: 400, body: `Bad Request: JSON parameter contains unsupported fields / values.`}, "rejected", "rejected"},
		{"401 with a page", answer{status: 401, body: nginx401, header: map[string]string{"Content-Type": "text/html"}}, "denied", "denied"},
		{"403", answer{status: 403}, "denied", "denied"},
		{"403 because something is not active", answer{status: 403, body: domain("SUBSCRIPTION_NOT_ACTIVE")}, "rejected", "rejected"},
		{"404", answer{status: 404}, "not found", "not found"},
		{"400 with a code of absence", answer{status: 400, body: domain("DATABASE_NOT_FOUND")}, "not found", "not found"},
		{"408", answer{status: 408}, "rejected", "rejected"},
		{"409", answer{status: 409, body: `{"error":"Conflict"}`}, "rejected", "rejected"},
		{"412", answer{status: 412}, "denied", "denied"},
		{"422", answer{status: 422, body: `{"message":"ports differ"}`}, "rejected", "rejected"},
		{"429", answer{status: 429}, "rate limited", "rate limited"},
		{"500", answer{status: 500, body: `{"error":"Internal Server Error"}`}, "unavailable", "unknown"},
		{"501", answer{status: 501}, "unavailable", "unknown"},
		{"503", answer{status: 503}, "unavailable", "unknown"},
		{"a redirect", answer{status: 302, header: map[string]string{"Location": "/elsewhere"}}, "unavailable", "unknown"},
		{"a cut connection", answer{drop: true}, "unavailable", "unknown"},
		{"200 nobody can read", answer{body: "<html>"}, "other", "unknown"},
		{"200 cut short", answer{body: `{"taskId":"a-1","status":"rec`, header: map[string]string{"Content-Length": "99"}}, "unavailable", "unknown"},
		{"200 without a task", answer{body: `{}`}, "not found", "unknown"},
		{"200 with a task that failed at once", answer{body: `{"status":"processing-error"}`}, "not found", "ok"},
		{"202", answer{status: 202, body: received}, "not found", "ok"},
	} {
		c, f := serveAnswers(t, map[string][]answer{"GET " + upgrade: {tt.answer}, "POST " + upgrade: {tt.answer}})
		c.Client.retryBase = time.Microsecond
		_, err := c.UpgradeStatus(t.Context(), orders)
		if got := verdict(err); got != tt.read {
			t.Errorf("%s, read: %s (%v), want %s", tt.sentence, got, err, tt.read)
		}
		before := len(f.requests())
		_, err = c.StartUpgrade(sendable(t), orders, "7.4")
		if got := verdict(err); got != tt.change {
			t.Errorf("%s, change: %s (%v), want %s", tt.sentence, got, err, tt.change)
		}
		if n := len(f.requests()) - before; n != 1 {
			t.Errorf("%s: the change was sent %d times", tt.sentence, n)
		}
		if got, want := DidNotHappen(err), tt.change != "ok" && tt.change != "unknown"; got != want {
			t.Errorf("%s: DidNotHappen = %v", tt.sentence, got)
		}
	}
}

func TestDeniedSaysWhatIsMissing(t *testing.T) {
	for _, tt := range []struct {
		status       int
		read, change string
	}{
		{401, "valid API keys (account key and user key), with the API enabled for the account", "valid API keys (account key and user key), with the API enabled for the account"},
		{403, "permission to read (role of the key's owner, or the key's list of allowed addresses)", "permission to change (the key's owner must be Owner, and this address allowed for the key)"},
		{412, `the feature "upgrade status", which is not enabled for this account`, `the feature "version upgrade", which is not enabled for this account`},
	} {
		a := []answer{{status: tt.status}}
		c, _ := serveAnswers(t, map[string][]answer{"GET /subscriptions/1206/databases/51055/upgrade": a, "POST /subscriptions/1206/databases/51055/upgrade": a})
		_, read := c.UpgradeStatus(t.Context(), orders)
		_, change := c.StartUpgrade(sendable(t), orders, "7.4")
		for _, got := range []struct {
			err  error
			want string
		}{{read, tt.read}, {change, tt.change}} {
			var denied *Denied
			if !errors.As(got.err, &denied) || denied.Missing != got.want || denied.Status != tt.status {
				t.Errorf("%d: %v, want missing %q", tt.status, got.err, got.want)
			}
		}
	}
}

func TestRateLimitedWait(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := newClient(t, Config{URL: "http://127.0.0.1:1", RetryBase: time.Second, Now: func() time.Time { return now }})
	for value, want := range map[string]time.Duration{
		"": 10 * time.Second, "7": 7 * time.Second, "0": 10 * time.Second, "-1": 10 * time.Second, "soon": 10 * time.Second, "999999": time.Hour,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second, now.Add(-time.Minute).Format(http.TimeFormat): 10 * time.Second,
	} {
		if got := c.Client.waitOf(http.Header{"Retry-After": {value}}); got != want {
			t.Errorf("Retry-After %q: %v, want %v", value, got, want)
		}
	}
}

func TestRetryableCodes(t *testing.T) {
	for code, want := range map[string]bool{
		"SUBSCRIPTION_NOT_ACTIVE": true, "DATABASE_NOT_ACTIVE": true, "DATABASE_IS_NOT_ACTIVE": true, "CLUSTER_UNDER_MAINTENANCE": true,
		"SUBSCRIPTION_CONTAINS_NON_ACTIVE_DATABASE": true, "SOMETHING_NEW_IN_MAINTENANCE": true, "DATABASE_BACKUP_NOT_SUPPORTED": false,
		"DATABASE_CLUSTER_IS_IN_MAINTENANCE": true, "CLUSTER_COMMUNICATION_ERROR": true, "TOO_MANY_PENDING_SUBSCRIPTIONS": true,
		"DATABASE_UPGRADE_IS_ALREADY_RUNNING": false, "DATABASE_UPGRADE_INVALID_REDIS_VERSION": false, "GENERAL_ERROR": false, "": false,
	} {
		if (&TaskError{Code: code}).Retryable() != want || (&Rejected{Code: code}).Retryable() != want {
			t.Errorf("Retryable(%q) is not %v", code, want)
		}
	}
	if !(&Rejected{Status: 408}).Retryable() || (&Rejected{Status: 409}).Retryable() {
		t.Error("of the codeless ones only 408 may pass by itself")
	}
}

func TestTaskErrorIsNotFound(t *testing.T) {
	for code, want := range map[string]bool{"DATABASE_NOT_FOUND": true, "SUBSCRIPTION_NOT_FOUND": true,
		"DATABASE_IMPORT_SOURCE_NOT_FOUND": false, "SUBSCRIPTION_PI_NOT_FOUND": false, "": false} {
		if errors.Is(fmt.Errorf("x: %w", &TaskError{Code: code}), ErrNotFound) != want {
			t.Errorf("%q: want %v", code, want)
		}
	}
}

func TestDidNotHappen(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errors.New("x"), false}, {context.Canceled, false}, {&Unavailable{Status: 500}, false},
		{&Unknown{Cause: ErrNotFound}, false}, // an unclear end stays unclear, whatever caused it
		{&TaskError{Code: "GENERAL_ERROR"}, true}, {ErrNotFound, true}, {&NotSent{Cause: ErrTooLate}, true},
	} {
		if got := DidNotHappen(tt.err); got != tt.want {
			t.Errorf("DidNotHappen(%v) = %v", tt.err, got)
		}
	}
}
