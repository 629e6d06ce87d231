package cloud

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// everyRecorded are the reads of testdata/recorded.json by their names there.
var everyRecorded = map[string]func(context.Context, *Client) (any, error){
	"task":                     func(ctx context.Context, c *Client) (any, error) { return c.Task(ctx, "a") },
	"backup":                   func(ctx context.Context, c *Client) (any, error) { t, err := c.Task(ctx, "a"); return BackupOf(t), err },
	"import":                   func(ctx context.Context, c *Client) (any, error) { t, err := c.Task(ctx, "a"); return ImportOf(t), err },
	"databases":                func(ctx context.Context, c *Client) (any, error) { return c.Databases(ctx, Pro, 23456) },
	"essentials databases":     func(ctx context.Context, c *Client) (any, error) { return c.Databases(ctx, Essentials, 111930) },
	"database":                 func(ctx context.Context, c *Client) (any, error) { return c.Database(ctx, orders) },
	"subscription":             func(ctx context.Context, c *Client) (any, error) { return c.Subscription(ctx, Pro, 1206) },
	"essentials subscriptions": func(ctx context.Context, c *Client) (any, error) { return c.EssentialsSubscriptions(ctx) },
	"upgrade":                  func(ctx context.Context, c *Client) (any, error) { return c.UpgradeStatus(ctx, orders) },
	"redirection":              func(ctx context.Context, c *Client) (any, error) { return c.Redirection(ctx, "r") },
	"maintenance":              func(ctx context.Context, c *Client) (any, error) { return c.MaintenanceWindows(ctx, 1206) },
}

// TestRecordedAnswersAreUnderstood reads answers in the forms that the service
// and Redis's own client have on record; want is a part of what each becomes.
// Together with the tables of methods_test.go and decode_test.go these are all
// forms that are known.
func TestRecordedAnswersAreUnderstood(t *testing.T) {
	raw, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Read string
		Body json.RawMessage
		Want any
	}
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	t.Cleanup(srv.Close)
	c := newClient(t, Config{URL: srv.URL})
	seen := map[string]bool{}
	for _, row := range rows {
		seen[row.Read], body = true, row.Body
		read := everyRecorded[row.Read]
		if read == nil {
			t.Fatalf("no read %q", row.Read)
		}
		v, err := read(t.Context(), c.Client)
		if err != nil {
			t.Errorf("%s of %s: %v", row.Read, row.Body, err)
			continue
		}
		made, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(made, &got); err != nil {
			t.Fatal(err)
		}
		if !within(row.Want, got) {
			t.Errorf("%s of %s\nwant %v\nin   %s", row.Read, row.Body, row.Want, made)
		}
	}
	if len(seen) != len(everyRecorded) {
		t.Errorf("only %v are read", seen)
	}
}

// within reports whether a JSON value has everything that part has.
func within(part, whole any) bool {
	switch part := part.(type) {
	case map[string]any:
		w, ok := whole.(map[string]any)
		for name, v := range part {
			held, has := w[name]
			ok = ok && has && within(v, held)
		}
		return ok
	case []any:
		w, ok := whole.([]any)
		if !ok || len(w) != len(part) {
			return false
		}
		for i := range part {
			ok = ok && within(part[i], w[i])
		}
		return ok
	}
	return part == whole
}
