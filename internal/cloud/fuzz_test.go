package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// readCase names one read of the API; what it gives is checked by good.
type readCase struct {
	name string
	do   func(context.Context, *Client) (any, error)
	good func(any) string // what is wrong with an accepted answer, "" for nothing
}

func fine(any) string { return "" }

// everyRead is every method whose answer is decoded.
func everyRead() []readCase {
	return []readCase{
		{"account", func(ctx context.Context, c *Client) (any, error) { return c.Account(ctx) }, fine},
		{"subscriptions", func(ctx context.Context, c *Client) (any, error) { return c.Subscriptions(ctx) }, goodSubscriptions},
		{"essentials", func(ctx context.Context, c *Client) (any, error) { return c.EssentialsSubscriptions(ctx) }, goodSubscriptions},
		{"subscription", func(ctx context.Context, c *Client) (any, error) { return c.Subscription(ctx, Pro, 1206) }, func(v any) string {
			if v.(Subscription).ID != 1206 {
				return "it is another one"
			}
			return ""
		}},
		{"databases", func(ctx context.Context, c *Client) (any, error) { return c.Databases(ctx, Pro, 1206) }, goodDatabases},
		{"essentials databases", func(ctx context.Context, c *Client) (any, error) { return c.Databases(ctx, Essentials, 111728) }, goodDatabases},
		{"database", func(ctx context.Context, c *Client) (any, error) { return c.Database(ctx, orders) }, func(v any) string {
			if v.(Database).Ref != orders {
				return "it is another one"
			}
			return ""
		}},
		{"task", func(ctx context.Context, c *Client) (any, error) { return c.Task(ctx, "50ec6172") }, fine},
		{"tasks", func(ctx context.Context, c *Client) (any, error) { return c.Tasks(ctx) }, fine},
		{"roles", func(ctx context.Context, c *Client) (any, error) { return c.Roles(ctx) }, fine},
		{"tags", func(ctx context.Context, c *Client) (any, error) { return c.Tags(ctx, orders) }, fine},
		{"logs", func(ctx context.Context, c *Client) (any, error) { return c.Logs(ctx, LogQuery{}) }, fine},
		{"maintenance", func(ctx context.Context, c *Client) (any, error) { return c.MaintenanceWindows(ctx, 1206) }, fine},
		{"modules", func(ctx context.Context, c *Client) (any, error) { return c.DatabaseModules(ctx) }, fine},
		{"targets", func(ctx context.Context, c *Client) (any, error) { return c.TargetVersions(ctx, orders) }, func(v any) string {
			for _, version := range v.([]string) {
				if version == "" {
					return "a version without a name"
				}
			}
			return ""
		}},
		{"creatable", func(ctx context.Context, c *Client) (any, error) { return c.CreatableVersions(ctx, Pro, 1206) }, fine},
		{"upgrade", func(ctx context.Context, c *Client) (any, error) { return c.UpgradeStatus(ctx, orders) }, func(v any) string {
			u := v.(Upgrade)
			if u.Progress < 0 || u.Progress > 100 || u.Target == "" && u.Status == "" {
				return "that is no upgrade"
			}
			return ""
		}},
		{"traffic", func(ctx context.Context, c *Client) (any, error) { return c.Traffic(ctx, orders) }, fine},
		{"redirection", func(ctx context.Context, c *Client) (any, error) { return c.Redirection(ctx, "a-1") }, fine},
		{"certificate", func(ctx context.Context, c *Client) (any, error) { return c.Certificate(ctx, orders) }, fine},
	}
}

func goodSubscriptions(v any) string {
	for _, s := range v.([]Subscription) {
		if s.ID <= 0 || s.Active() && s.Failed() {
			return fmt.Sprintf("%+v", s)
		}
	}
	return ""
}

func goodDatabases(v any) string {
	seen := map[Ref]bool{}
	for _, d := range v.([]Database) {
		if !d.Ref.Valid() || seen[d.Ref] {
			return d.Ref.String() + " twice, or no database"
		}
		seen[d.Ref] = true
	}
	return ""
}

// sayer answers every request with the same.
type sayer struct {
	status      int
	contentType string
	body        []byte
}

func (s *sayer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {s.contentType}},
		Body: io.NopCloser(bytes.NewReader(s.body)), ContentLength: int64(len(s.body)), Request: r}, nil
}

// Whatever Redis Cloud answers to a read: either it is understood, or the error
// is one of those that callers tell apart, short, and without a part of our keys.
func FuzzAnswers(f *testing.F) {
	reads := everyRead()
	f.Add(byte(6), 200, "application/json", []byte(proDatabase))
	f.Add(byte(4), 404, "text/plain", []byte{})
	said := &sayer{}
	c, err := New(Config{URL: "http://127.0.0.1:1", Key: testKey, Secret: testSecret, RetryBase: time.Nanosecond})
	if err != nil {
		f.Fatal(err)
	}
	c.rc.SetTransport(said).SetRetryCount(0)
	f.Fuzz(func(t *testing.T, which byte, status int, contentType string, body []byte) {
		read := reads[int(which)%len(reads)]
		*said = sayer{200 + (status%400+400)%400, contentType, body}
		v, err := read.do(t.Context(), c)
		if err == nil {
			if said.status > 299 && read.name != "databases" && read.name != "essentials databases" {
				t.Fatalf("%s: HTTP %d counts as an answer: %+v", read.name, said.status, v)
			}
			if wrong := read.good(v); wrong != "" {
				t.Fatalf("%s: took %q: %s", read.name, body, wrong)
			}
			return
		}
		checkError(t, err)
		if said.status > 299 && !typed(err) {
			t.Errorf("%s: HTTP %d became the error %v, which nobody can tell apart", read.name, said.status, err)
		}
	})
}

// checkError is what holds for every error that a server's words went into.
func checkError(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	for _, key := range []string{testKey, testSecret} {
		if strings.Contains(text, key[:len(key)/2+1]) {
			t.Errorf("an error shows a part of a key: %s", text)
		}
	}
	if n := len([]rune(text)); n > 3*maxErrorText {
		t.Errorf("an error of %d characters: %s", n, text)
	}
	var limited *RateLimited
	if errors.As(err, &limited) && limited.Wait <= 0 {
		t.Errorf("a limit without a wait: %v", err)
	}
	if DidNotHappen(err) && errors.As(err, new(*Unknown)) {
		t.Errorf("unknown, and yet sure: %v", err)
	}
}

// Whatever a task looks like, one or in a list: it does not contradict itself, and
// what it says of its failure is fit for an error.
func FuzzTask(f *testing.F) {
	f.Add([]byte(received))
	f.Add([]byte(`{"tasks":[{"taskId":1,"status":"processing-error","response":{"error":"X_Y","resource":[{"password":"p"}]}}]}`))
	c, err := New(Config{URL: "http://127.0.0.1:1", Key: testKey, Secret: testSecret})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		tasks := []Task{}
		if one, err := decodeTask(body, c.scrubber(nil)); err == nil {
			tasks = append(tasks, one)
		}
		if list, err := decodeTasks(body); err == nil {
			for _, w := range list {
				tasks = append(tasks, w.task(c.scrubber(nil)))
			}
		}
		for _, task := range tasks {
			if task.Failed() != (task.Err != nil) || task.Failed() && (!task.Ended() || BackupOf(task).Status != "" || ImportOf(task).Status != "") {
				t.Errorf("contradiction: %+v", task)
			}
			if task.Err != nil {
				checkError(t, task.Err)
			}
			if task.Result != nil && !json.Valid(task.Result) {
				t.Errorf("a result that is not JSON: %q", task.Result)
			}
		}
	})
}

// A reference has one written form only: two texts never mean one database.
func FuzzParseRef(f *testing.F) {
	f.Add("pro/1206/51055")
	f.Add("essentials/111728/51055029")
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := ParseRef(text)
		if err != nil {
			if ref != (Ref{}) {
				t.Errorf("%q is refused, and yet %v", text, ref)
			}
			return
		}
		if ref.String() != text || !ref.Valid() || ref.path() == "" {
			t.Errorf("%q was read as %v", text, ref)
		}
	})
}

// Whatever stands around it: the password of an address is never shown, and
// what is redacted once stays as it is.
func FuzzRedactURI(f *testing.F) {
	const secret = "s3kr1tS3KR1T"
	f.Add("ftp", "robot:", "", "backup.example.com/orders")
	f.Add("abs", "", "/with+slash==", "acme/backups?x=1")
	f.Add("redis", "default:p@", "", "host:6379/0")
	f.Fuzz(func(t *testing.T, scheme, before, after, rest string) {
		for _, part := range []string{scheme, before, after, rest} {
			if strings.Contains(part, secret) {
				return
			}
		}
		bucket := isBucket(scheme + "://")
		if strings.Contains(scheme, "://") || bucket && strings.Contains(before+after, "/") {
			return // an @ in the path of a bucket is part of a name
		}
		uri := scheme + "://" + before + secret + after + "@" + rest
		got := RedactURI(uri)
		if strings.Contains(got, secret) {
			t.Errorf("%q became %q", uri, got)
		}
		if again := RedactURI(got); again != got && !strings.Contains(again, redacted) {
			t.Errorf("%q became %q and then %q", uri, got, again)
		}
		printed := fmt.Sprintf("%v %+v %q %s", URI(uri), struct{ U URI }{URI(uri)}, URI(uri), URI(uri))
		if strings.Contains(printed, secret) {
			t.Errorf("%q prints as %s", uri, printed)
		}
	})
}

// Times come in many forms; what is read is UTC and reads back as itself.
func FuzzParseTime(f *testing.F) {
	f.Add("2024-04-15T09:08:04.222268Z")
	f.Add("20-Nov-2022")
	f.Fuzz(func(t *testing.T, text string) {
		got := parseTime(text)
		if got.Location() != time.UTC {
			t.Errorf("%q is in %v", text, got.Location())
		}
		if y := got.Year(); y < 0 || y > 9999 {
			return // RFC 3339 has no such years
		}
		if again := parseTime(got.Format(time.RFC3339Nano)); !again.Equal(got) {
			t.Errorf("%q was read as %v, which reads back as %v", text, got, again)
		}
	})
}

func TestAnErrorCutShortShowsNoPartOfASecret(t *testing.T) {
	// What is cut in the middle of a secret is no longer recognised as one.
	for pad := maxErrorText - 40; pad < maxErrorText; pad++ {
		for _, form := range []string{`{"message":"%s"}`, `{"error":{"description":"%s"}}`, `{"response":{"error":{"type":"%s"}}}`, `%s`} {
			said := strings.Repeat("x", pad) + " " + testKey + " ftp://robot:s3kr1tS3KR1T@host/" + testSecret
			c, _ := serveAnswers(t, map[string][]answer{"GET " + orders.path("tags"): {{status: 400, body: fmt.Sprintf(form, said)}}})
			_, err := c.Tags(t.Context(), orders)
			checkError(t, err)
			if strings.Contains(err.Error(), "s3kr") {
				t.Fatalf("a part of a password is shown: %v", err)
			}
		}
	}
}
