package cloudtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

// What Redis's own Go client expects of the service, as sequences of calls: the
// emulator must bear them out, and our client must live with the same.

// crowded is a Pro subscription of n databases and an Essentials one with one.
func crowded(n int) cloudemu.Fleet {
	var all []cloudemu.FleetDatabase
	for i := range n {
		all = append(all, cloudemu.FleetDatabase{Name: fmt.Sprintf("db-%03d", i), Port: 10000 + i})
	}
	return cloudemu.Fleet{Subscriptions: []cloudemu.FleetSubscription{
		{Name: "big", Databases: all},
		{Name: "empty"},
		{Name: "small", Plan: "essentials", Databases: []cloudemu.FleetDatabase{{Name: "one", Protocol: "stack"}}},
	}}
}

// get asks the emulator as any client would and gives status and body.
func (w *wire) get(path string) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.server.URL+"/cloud/v1"+path, nil)
	must(w.t, err)
	req.Header.Set("x-api-key", accountKey)
	req.Header.Set("x-api-secret-key", secretKey)
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	last := w.exchanges()
	return resp.StatusCode, string(last[len(last)-1].answer)
}

func TestPagesEndAsTheOfficialClientExpects(t *testing.T) {
	w := newWire(t, crowded(250))
	pro, fixed := w.ref("db-000").Subscription, w.ref("one").Subscription
	for _, tt := range []struct {
		sentence, path string
		status, found  int
	}{
		{"a page holds what was asked for", "/subscriptions/%d/databases?offset=0&limit=100", 200, 100},
		{"the next begins behind it", "/subscriptions/%d/databases?offset=100&limit=100", 200, 100},
		{"the last is shorter", "/subscriptions/%d/databases?offset=200&limit=100", 200, 50},
		{"past the end Pro answers 404", "/subscriptions/%d/databases?offset=300&limit=100", 404, 0},
		{"exactly at the end too", "/subscriptions/%d/databases?offset=250&limit=100", 404, 0},
		{"Essentials has its one database", "/fixed/subscriptions/%d/databases?offset=0&limit=100", 200, 1},
		{"past the end Essentials answers an empty page", "/fixed/subscriptions/%d/databases?offset=100&limit=100", 200, 0},
	} {
		id := pro
		if strings.HasPrefix(tt.path, "/fixed") {
			id = fixed
		}
		status, body := w.get(fmt.Sprintf(tt.path, id))
		if found := strings.Count(body, `"databaseId"`); status != tt.status || found != tt.found {
			t.Errorf("%s: %d with %d databases, want %d with %d", tt.sentence, status, found, tt.status, tt.found)
		}
	}
}

func TestOurClientReadsAllPages(t *testing.T) {
	for _, tt := range []struct {
		databases int
		pages     []string // offsets asked for, with what came
	}{
		{99, []string{"0 OK"}},
		{100, []string{"0 OK"}}, // numberOfDatabases says that this was all
		{101, []string{"0 OK", "100 OK"}},
		{250, []string{"0 OK", "100 OK", "200 OK"}},
	} {
		w := newWire(t, crowded(tt.databases))
		ref := w.ref("db-000")
		all, err := w.client.Databases(t.Context(), cloud.Pro, ref.Subscription)
		must(t, err)
		var pages []string
		for _, x := range w.exchanges() {
			q := x.request.URL.Query()
			if q.Get("limit") != "100" {
				t.Errorf("a page of %q was asked for; the default size is not documented", q.Get("limit"))
			}
			pages = append(pages, q.Get("offset")+" "+http.StatusText(x.status))
		}
		if len(all) != tt.databases || len(pages) < len(tt.pages) || len(pages) > len(tt.pages)+1 || !slices.Equal(pages[:len(tt.pages)], tt.pages) {
			t.Errorf("%d databases: got %d over %v, want pages %v", tt.databases, len(all), pages, tt.pages)
		}
	}
}

func TestAnErrorOnALaterPageIsNotTheEnd(t *testing.T) {
	w := newWire(t, crowded(150))
	id := w.ref("db-000").Subscription
	for _, fault := range []string{"forbidden_403", "precondition_412", "conflict_409", "html_401"} {
		var once sync.Once
		w.between(func(x *http.Request) {
			if x.URL.Query().Get("offset") == "100" {
				once.Do(func() { w.fault(fault, 1, "") })
			}
		})
		if all, err := w.client.Databases(t.Context(), cloud.Pro, id); err == nil || errors.Is(err, cloud.ErrNotFound) {
			t.Errorf("%s on the second page: %d databases, error %v", fault, len(all), err)
		}
	}
	w.between(nil)
	for _, fault := range []string{"error_500", "error_503", "rate_limit", "timeout_408"} {
		w.fault(fault, 3, "")
		if all, err := w.client.Databases(t.Context(), cloud.Pro, id); err != nil || len(all) != 150 {
			t.Errorf("%s three times: %d databases, error %v", fault, len(all), err)
		}
	}
}

func TestAnEmptySubscriptionIsNotAMissingOne(t *testing.T) {
	w := newWire(t, crowded(1))
	subscriptions, err := w.client.Subscriptions(t.Context())
	must(t, err)
	for _, s := range subscriptions {
		if s.Name != "empty" {
			continue
		}
		if all, err := w.client.Databases(t.Context(), cloud.Pro, s.ID); err != nil || len(all) != 0 {
			t.Errorf("empty subscription: %v, %v", all, err)
		}
	}
	if _, err := w.client.Databases(t.Context(), cloud.Pro, 1); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("missing subscription: %v", err)
	}
}

// TestYoungTasksAreWaitedFor plays the official client's patience: the task
// service may say 404 up to five times before it knows a task.
func TestYoungTasksAreWaitedFor(t *testing.T) {
	for _, early := range []int{0, 1, 2, 5} {
		w := newWire(t, driven())
		w.fault("task_404", early, "GET /v1/tasks/")
		task, err := w.client.AskBackup(t.Context(), w.ref("full"))
		must(t, err)
		misses, polls := 0, 0
		for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
			w.pass(wait)
			polls++
			got, err := w.client.Task(t.Context(), task.ID)
			if errors.Is(err, cloud.ErrNotFound) {
				misses++
				continue
			}
			must(t, err)
			if got.Ended() {
				break
			}
		}
		if misses < early || misses > early+2 || polls > 12 {
			t.Errorf("%d early 404s: %d misses, %d polls", early, misses, polls)
		}
	}
}

func TestTasksGoThroughTheirStates(t *testing.T) {
	w := newWire(t, driven())
	first, err := w.client.AskBackup(t.Context(), w.ref("full"))
	must(t, err)
	second, err := w.client.AskImport(t.Context(), w.ref("trial"))
	must(t, err)
	if first.Status != cloud.TaskReceived || second.Status != cloud.TaskReceived {
		t.Errorf("new tasks are %s and %s", first.Status, second.Status)
	}
	seen := map[string][]string{}
	for range 40 {
		w.pass(200 * time.Millisecond)
		for name, id := range map[string]string{"first": first.ID, "second": second.ID} {
			got, err := w.client.Task(t.Context(), id)
			if err == nil && !slices.Contains(seen[name], got.Status) {
				seen[name] = append(seen[name], got.Status)
			}
			if name == "second" && err == nil && got.Status != cloud.TaskReceived && !slices.Contains(seen["first"], cloud.TaskCompleted) {
				if one, err := w.client.Task(t.Context(), first.ID); err == nil && !one.Ended() {
					t.Errorf("the second task is %s while the first is %s", got.Status, one.Status)
				}
			}
		}
	}
	for name, states := range seen {
		if states[len(states)-1] != cloud.TaskCompleted {
			t.Errorf("the %s task went through %v", name, states)
		}
	}
	all, err := w.client.Tasks(t.Context())
	must(t, err)
	if len(all) != 2 || all[0].At.Before(all[1].At) {
		t.Errorf("list of tasks, newest change first: %+v", all)
	}
}

// limits records what a client asks of the shared budget.
type limits struct {
	mu     sync.Mutex
	waits  int             // guarded by mu
	pauses []time.Duration // guarded by mu
}

func (l *limits) Wait(context.Context, int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits++
	return nil
}

func (l *limits) Pause(_ context.Context, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pauses = append(l.pauses, d)
}

func TestTheRateLimitIsObeyed(t *testing.T) {
	l := &limits{}
	w := newWire(t, driven(), func(c *cloud.Config) { c.Limiter = l })
	must(t, drop(w.client.Account(t.Context())))
	if left := w.exchanges()[0].header.Get("X-Rate-Limit-Remaining"); left != "399" {
		t.Errorf("after one of 400 calls X-Rate-Limit-Remaining is %q", left)
	}
	w.fault("rate_limit", 2, "")
	w.fault("rate_limit_no_header", 2, "")
	must(t, drop(w.client.Account(t.Context())))
	if l.waits != 6 || len(l.pauses) < 4 {
		t.Errorf("a read repeated four times asked the budget %d times and paused everybody %v", l.waits, l.pauses)
	}
	for _, p := range l.pauses {
		if p <= 0 {
			t.Errorf("pauses %v", l.pauses)
		}
	}
	// A change is not repeated, whatever the header says.
	w.forget()
	w.fault("rate_limit", 1, "")
	var limited *cloud.RateLimited
	_, err := w.client.StartUpgrade(w.change(), w.ref("full"), "7.4")
	if !errors.As(err, &limited) || limited.Wait <= 0 || !cloud.DidNotHappen(err) || len(w.exchanges()) != 1 {
		t.Errorf("a change met by 429: %v, after %d requests", err, len(w.exchanges()))
	}
}

func TestTheRealLimitIs400AMinute(t *testing.T) {
	w := newWire(t, driven(), func(c *cloud.Config) { c.RetryBase = time.Nanosecond })
	refused := 0
	for range 410 {
		if status, _ := w.get("/tasks"); status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 || refused > 15 {
		t.Errorf("%d of 410 calls were refused", refused)
	}
	w.pass(time.Minute)
	if status, _ := w.get("/tasks"); status != http.StatusOK {
		t.Errorf("a minute later: %d", status)
	}
}

func TestBothFormsOfATaskErrorReadTheSame(t *testing.T) {
	for _, form := range []string{"", "string_error"} {
		w := newWire(t, driven())
		if form != "" {
			w.fault(form, -1, "")
		}
		got := w.ended(w.client.AskBackup(t.Context(), w.ref("plain")))
		if got.Err == nil || got.Err.Code != "DATABASE_BACKUP_DISABLED" {
			t.Errorf("form %q: %v", form, got.Err)
		}
	}
}

func TestLinksOfBothFormsAreIgnored(t *testing.T) {
	w := newWire(t, driven())
	now, err := w.client.Database(t.Context(), w.ref("full"))
	must(t, err)
	w.fault("old_links", -1, "")
	old, err := w.client.Database(t.Context(), w.ref("full"))
	must(t, err)
	if fmt.Sprint(now) != fmt.Sprint(old) {
		t.Errorf("with links %v\nwith _links %v", now, old)
	}
	task, err := w.client.AskBackup(t.Context(), w.ref("full"))
	must(t, err)
	if task = w.ended(task, nil); task.Err != nil {
		t.Error(task.Err)
	}
}
