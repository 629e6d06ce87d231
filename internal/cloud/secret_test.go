package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	password = `hunter2"\hunter2` // also awkward in JSON
	ftpPath  = "ftp://robot:s3kr1t@backup.example.com/orders"
	azure    = "abs://:k3y/with+slash==@acme/backups/"
)

// forbidden are the texts that must never appear anywhere.
var forbidden = []string{testKey, testSecret, password, `hunter2\"\\hunter2`, "hunter2", "s3kr1t", "k3y/with+slash"}

// dumps writes a value in every way that people print things.
func dumps(t *testing.T, v any) []string {
	t.Helper()
	var slogged bytes.Buffer
	slog.New(slog.NewTextHandler(&slogged, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&slogged, nil)).Info("x", "v", v)
	out := []string{slogged.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		out = append(out, fmt.Sprintf(verb, v))
	}
	if j, err := json.Marshal(v); err == nil {
		out = append(out, string(j))
	}
	return out
}

func leaks(t *testing.T, what string, v any) {
	t.Helper()
	for _, dump := range dumps(t, v) {
		for _, secret := range forbidden {
			if strings.Contains(dump, secret) {
				t.Errorf("%s leaks %q: %s", what, secret, dump)
			}
		}
	}
}

func TestValuesLeakNothing(t *testing.T) {
	cfg := Config{URL: "http://127.0.0.1:1", Key: testKey, Secret: testSecret}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := NewChanges(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d := decodeDatabase(t, Pro, 1206, proDatabase)
	d.Security.Password, d.Backup.Destination = password, ftpPath
	d.Replica = []SyncSource{{Endpoint: "redis://default:hunter2@h:1"}}
	create := CreateFrom(d, "7.2")
	pw := Secret(password)
	update := Update{Password: &pw, RemoteBackup: &RemoteBackup{Active: true, Path: azure}, Replica: &d.Replica}
	for what, v := range map[string]any{
		"Config": cfg, "*Config": &cfg, "Client": *c, "*Client": c, "Changes": *changes, "*Changes": changes,
		"Database": d, "*Database": &d, "[]Database": []Database{d},
		"Create": create, "*Create": &create, "Update": update, "Secret": pw, "*Secret": &pw, "URI": URI(azure), "pointers": []any{&d.Security, &d.Backup, &d.Replica[0], &d, &create, &update, update.RemoteBackup},
		"RemoteBackup": *update.RemoteBackup, "SyncSource": d.Replica[0],
	} {
		leaks(t, what, v)
	}
	if got := fmt.Sprintf("%d %x %10s", pw, pw, pw); strings.Contains(got, "hunter") || strings.Contains(got, fmt.Sprintf("%x", "hunter")) {
		t.Errorf("odd verbs: %s", got)
	}
	if pw.Reveal() != password || URI(azure).Raw() != azure {
		t.Error("Reveal or Raw changed the value")
	}
}

func TestSecretsDoNotComeBackAsStandIns(t *testing.T) {
	j, err := json.Marshal(Security{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	var back Security
	if err := json.Unmarshal(j, &back); err != nil || back.Password != "" {
		t.Errorf("%s came back as %q, %v", j, back.Password.Reveal(), err)
	}
	var s Secret
	if err := json.Unmarshal([]byte(`"real"`), &s); err != nil || s.Reveal() != "real" {
		t.Errorf("a real one: %q, %v", s.Reveal(), err)
	}
	if Secret("").String() != "" {
		t.Error("an empty secret must be seen to be empty")
	}
}

// TestErrorsLeakNothing lets the server repeat everything it was sent, in
// every kind of answer, and prints errors, tasks and the log.
func TestErrorsLeakNothing(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged) // where a careless library would write
	defer log.SetOutput(os.Stderr)
	for _, status := range []int{200, 302, 400, 401, 403, 404, 409, 412, 429, 500} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { echo(w, r, status) }))
		c := newClient(t, Config{URL: srv.URL, RetryBase: time.Microsecond,
			Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		for what, v := range everyCall(sendable(t), c) {
			leaks(t, fmt.Sprintf("%s with %d", what, status), v)
		}
		srv.Close()
		for what, v := range everyCall(sendable(t), c) { // and now nobody answers
			leaks(t, what+" without a server", v)
		}
	}
	leaks(t, "log", logged.String())
	if !strings.Contains(logged.String(), "redis cloud request") {
		t.Error("nothing was logged")
	}
}

// echo answers with the keys and the body of the request inside a task.
func echo(w http.ResponseWriter, r *http.Request, status int) {
	body, _ := io.ReadAll(r.Body)
	var parts map[string]any
	json.Unmarshal(body, &parts)
	said := fmt.Sprintf("you sent %s %s %s %s", r.Header.Get("X-Api-Key"), r.Header.Get("X-Api-Secret-Key"), body, flatten(parts))
	w.Header().Set("Location", "/v1/x")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"message": said, "taskId": "a-1", "description": said, "response": map[string]any{
		"resource": map[string]any{"echo": said, "sent": parts, "password": password},
		"error":    map[string]any{"type": "X_Y", "description": said}}})
}

// flatten lists the values of a body bare, as an error message would.
func flatten(v any) string {
	switch v := v.(type) {
	case map[string]any:
		s := ""
		for _, inner := range v {
			s += flatten(inner) + " "
		}
		return s
	case []any:
		s := ""
		for _, inner := range v {
			s += flatten(inner) + " "
		}
		return s
	}
	return fmt.Sprint(v)
}

// everyCall makes the calls that carry secrets and returns what came back.
func everyCall(ctx context.Context, c both) map[string]any {
	pw := Secret(password)
	create := Create{Name: "n", Password: pw, Backup: &RemoteBackup{Active: true, Interval: "every-1-hours", Path: ftpPath},
		Replica: []SyncSource{{Endpoint: "redis://default:hunter2@h:1"}}}
	all := map[string]any{}
	add := func(what string, v any, err error) { all[what], all[what+" error"] = v, err }
	task, err := c.Create(ctx, Pro, 1, create)
	add("create", task, err)
	task, err = c.DryRun(ctx, Pro, 1, create)
	add("dry run", task, err)
	task, err = c.Update(ctx, orders, Update{Password: &pw})
	add("password", task, err)
	task, err = c.Update(ctx, orders, Update{RemoteBackup: &RemoteBackup{Active: true, Path: azure}, Replica: &create.Replica})
	add("update", task, err)
	task, err = c.StartBackup(ctx, orders, azure)
	add("backup", task, err)
	task, err = c.StartImport(ctx, orders, "ftp", []string{ftpPath, azure})
	add("import", task, err)
	d, err := c.Database(ctx, orders)
	add("database", d, err)
	task, err = c.Task(ctx, "a-1")
	add("task", task, err)
	return all
}

func TestRedactURI(t *testing.T) {
	for in, want := range map[string]string{
		"s3://acme-backups/orders":    "s3://acme-backups/orders",
		"s3://acme/a@b":               "s3://acme/a@b",
		"s3://k:s@acme/a":             "s3://[secret]@acme/a",
		ftpPath:                       "ftp://[secret]@backup.example.com/orders",
		azure:                         "abs://[secret]@acme/backups/",
		"abs://k3y==@acme/backups":    "abs://[secret]@acme/backups",
		"redis://default:p@ss@host:1": "redis://[secret]@host:1",
		"https://h/f?sig=abc":         "https://h/f?[secret]",
		"https://u:p?w@h/f":           "https://[secret]@h/f",
		"https://h/f":                 "https://h/f",
		"robot:s3kr1t@h/f":            "[secret]@h/f",
		"":                            "",
		"gs://b/f?generation=1":       "gs://b/f?[secret]",
	} {
		if got := RedactURI(in); got != want {
			t.Errorf("RedactURI(%q) = %q, want %q", in, got, want)
		}
	}
	if got := redactText("cannot open '" + ftpPath + "', sorry"); got != "cannot open 'ftp://[secret]@backup.example.com/orders', sorry" {
		t.Errorf("in a text: %s", got)
	}
}

func TestNewRefuses(t *testing.T) {
	for sentence, cfg := range map[string]Config{
		"no key":                         {Secret: testSecret},
		"no secret":                      {Key: testKey},
		"a key with a line end":          {Key: testKey + "\n", Secret: testSecret},
		"plain http to the world":        {URL: "http://api.redislabs.com/v1", Key: testKey, Secret: testSecret},
		"plain http to a lookalike":      {URL: "http://127.0.0.1.example.com", Key: testKey, Secret: testSecret},
		"another scheme":                 {URL: "ftp://127.0.0.1", Key: testKey, Secret: testSecret},
		"credentials in the address":     {URL: "https://u:hunter2@api.redislabs.com", Key: testKey, Secret: testSecret},
		"a query":                        {URL: "https://api.redislabs.com/v1?x=1", Key: testKey, Secret: testSecret},
		"no address":                     {URL: "api.redislabs.com", Key: testKey, Secret: testSecret},
		"an address that does not parse": {URL: "https://u:hunter2@[", Key: testKey, Secret: testSecret},
	} {
		_, err := New(cfg)
		if err == nil {
			t.Errorf("%s: accepted", sentence)
		}
		leaks(t, sentence, err)
	}
	_, err := New(Config{URL: "http://example.com"})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("all mistakes at once: %v", err)
	}
}

func TestNewCompletesTheAddress(t *testing.T) {
	for in, want := range map[string]string{
		"":                              DefaultURL,
		"https://api.redislabs.com":     DefaultURL,
		"https://api.redislabs.com/v1/": DefaultURL,
		"http://127.0.0.1:8080/cloud":   "http://127.0.0.1:8080/cloud/v1",
		"http://localhost:1":            "http://localhost:1/v1",
		"http://[::1]:1/":               "http://[::1]:1/v1",
	} {
		c, err := New(Config{URL: in, Key: testKey, Secret: testSecret})
		if err != nil || c.base != want {
			t.Errorf("%q: %v, %v; want %s", in, c, err, want)
		}
	}
}

// TestConnectionErrorsAreShort: net/http puts address and method around its
// errors; ours already say what was tried.
func TestConnectionErrorsAreShort(t *testing.T) {
	c := newClient(t, Config{URL: "http://127.0.0.1:1", RetryBase: time.Microsecond,
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route") }})
	_, err := c.Account(t.Context())
	if want := "account: Redis Cloud unavailable: no route"; err == nil || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
