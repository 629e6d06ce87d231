package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

// workspace answers the two methods as Slack does. Its own types: what it writes
// is what Slack's documentation shows, not what the client would like to read.
type workspace struct {
	mu     sync.Mutex
	users  map[string]string   // user id → JSON of the user
	groups map[string][]string // group id → members
	calls  map[string]int      // method and argument → how often
	fault  func(w http.ResponseWriter, method string) bool
	delay  time.Duration
}

func acme() *workspace {
	user := func(id, more string) string {
		return fmt.Sprintf(`{"id":%q,"team_id":"T1","name":"handle","deleted":false,"is_bot":false,"is_restricted":false,`+
			`"is_ultra_restricted":false,"tz":"Europe/Berlin","tz_offset":3600,"profile":{}%s}`, id, more)
	}
	return &workspace{
		users: map[string]string{
			"U1":        `{"id":"U1","team_id":"T1","name":"ann","real_name":"Ann Arbor","tz":"Europe/Berlin","profile":{"display_name":"ann a."}}`,
			"U2":        user("U2", `,"real_name":"Bob"`),
			"UGUEST":    user("UGUEST", `,"is_restricted":true`),
			"UGUEST1":   user("UGUEST1", `,"is_ultra_restricted":true`),
			"UBOT":      user("UBOT", `,"is_bot":true`),
			"UGONE":     user("UGONE", `,"deleted":true`),
			"USTRANGER": user("USTRANGER", `,"is_stranger":true`),
			"UOTHER":    strings.Replace(user("UOTHER", ""), "T1", "T2", 1),
			"USLACKBOT": user("USLACKBOT", ""),
			"UWRONG":    user("USOMEBODYELSE", ""),
		},
		groups: map[string][]string{"SDBA": {"U2", "U1"}, "SONCALL": {"U3"}},
		calls:  map[string]int{},
	}
}

func (s *workspace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	s.mu.Lock()
	s.calls[method+" "+r.FormValue("user")+r.FormValue("usergroup")]++
	fault, delay := s.fault, s.delay
	user, isUser := s.users[r.FormValue("user")]
	members, isGroup := s.groups[r.FormValue("usergroup")]
	s.mu.Unlock()
	time.Sleep(delay)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case fault != nil && fault(w, method):
	case method == "users.info" && isUser:
		fmt.Fprintf(w, `{"ok":true,"user":%s}`, user)
	case method == "users.info":
		fmt.Fprint(w, `{"ok":false,"error":"user_not_found"}`)
	case method == "usergroups.users.list" && isGroup:
		list, _ := json.Marshal(members)
		fmt.Fprintf(w, `{"ok":true,"users":%s}`, list)
	case method == "usergroups.users.list":
		fmt.Fprint(w, `{"ok":false,"error":"no_such_subteam"}`)
	default:
		fmt.Fprint(w, `{"ok":false,"error":"unknown_method"}`)
	}
}

func (s *workspace) set(change func(*workspace)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *workspace) counted() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counted := map[string]int{}
	for call, n := range s.calls {
		method, _, _ := strings.Cut(call, " ")
		counted[method] += n
	}
	return counted
}

// RoundTrip serves requests without a socket, so that a bubble's clock moves.
func (s *workspace) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

func (s *workspace) directory(maxAge time.Duration) *Directory {
	api := slack.New("xoxb-test", slack.OptionAPIURL("http://slack.test/api/"), slack.OptionHTTPClient(&http.Client{Transport: s}))
	return New(api, []string{"SDBA", "SONCALL", "", "SDBA"}, "T1", time.Now, maxAge)
}

func TestLookupOverHTTP(t *testing.T) {
	server := httptest.NewServer(acme())
	defer server.Close()
	api := slack.New("xoxb-test", slack.OptionAPIURL(server.URL+"/api/"), slack.OptionHTTPClient(server.Client()))
	d := New(api, []string{"SDBA", "SONCALL"}, "T1", time.Now, 0)

	groups := map[string]bool{"SDBA": false, "SONCALL": false}
	for _, row := range []struct {
		id      string
		want    Person
		because string
	}{
		{"U1", Person{Name: "ann a.", Groups: map[string]bool{"SDBA": true, "SONCALL": false}}, "the display name is what colleagues see"},
		{"U2", Person{Name: "Bob", Groups: map[string]bool{"SDBA": true, "SONCALL": false}}, "without a display name it is the real one"},
		{"UGUEST", Person{Name: "handle", Guest: true, Groups: groups}, "restricted accounts are guests"},
		{"UGUEST1", Person{Name: "handle", Guest: true, Groups: groups}, "single-channel guests are guests"},
		{"UBOT", Person{Name: "handle", Bot: true, Groups: groups}, "Slack says that it is a bot"},
		{"USLACKBOT", Person{Name: "handle", Bot: true, Groups: groups}, "Slackbot does not say so"},
		{"UGONE", Person{Name: "handle", Deactivated: true, Groups: groups}, "deleted means deactivated"},
		{"USTRANGER", Person{Name: "handle", Foreign: true, Groups: groups}, "strangers come through a shared channel"},
		{"UOTHER", Person{Name: "handle", Foreign: true, Groups: groups}, "the team is another one"},
	} {
		row.want.ID, row.want.TZ, row.want.Known = row.id, "Europe/Berlin", true
		got, err := d.Lookup(t.Context(), row.id)
		if err != nil {
			t.Errorf("%s: %v", row.id, err)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", row.id, row.because, diff)
		}
	}
	for _, id := range []string{"UNOBODY", "UWRONG", ""} {
		got, err := d.Lookup(t.Context(), id)
		if !errors.Is(err, ErrUnknown) || got.Known || got.In("SDBA") {
			t.Errorf("%q: got %+v, %v; want an unknown person", id, got, err)
		}
	}
	members, err := d.Members(t.Context(), "SDBA")
	if err != nil || !slices.Equal(members, []string{"U1", "U2"}) {
		t.Errorf("Members(SDBA) = %v, %v", members, err)
	}
	if _, err := d.Members(t.Context(), "SNONE"); !errors.Is(err, ErrUnknown) {
		t.Errorf("Members of a group that does not exist: %v; want ErrUnknown", err)
	}
}

func TestOnlyKnownPeopleAreInGroups(t *testing.T) {
	p := Person{ID: "U1", Groups: map[string]bool{"SDBA": true}}
	if p.In("SDBA") {
		t.Error("an unknown person is in no group")
	}
	p.Known = true
	if !p.In("SONCALL", "SDBA") || p.In("SONCALL") || p.In() {
		t.Error("In must mean: known and in one of these groups")
	}
}

func TestNothingOldIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slackSide := acme()
		d := slackSide.directory(0)
		in := func() bool {
			t.Helper()
			p, err := d.Lookup(t.Context(), "U1")
			if err != nil {
				t.Fatal(err)
			}
			return p.In("SDBA")
		}
		if !in() {
			t.Fatal("U1 is not in SDBA")
		}
		slackSide.set(func(s *workspace) { s.groups["SDBA"] = []string{"U2"} })
		time.Sleep(30 * time.Second)
		if !in() {
			t.Error("the answer was asked for again after half a minute; want it recalled")
		}
		if diff := cmp.Diff(map[string]int{"users.info": 1, "usergroups.users.list": 2}, slackSide.counted()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		time.Sleep(30*time.Second + 1)
		if in() {
			t.Error("a membership older than a minute was believed")
		}
	})
}

// An answer's age counts from when the question left, not from when it came.
func TestASlowAnswerIsOldWhenItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slackSide := acme()
		slackSide.delay = 4 * time.Second
		d := slackSide.directory(10 * time.Second)
		for range 2 { // at 0 s, answered at 4 s; again at 11 s: it is 11 s old, not 7 s
			if _, err := d.Lookup(t.Context(), "U1"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(7 * time.Second)
		}
		if got := slackSide.counted()["users.info"]; got != 2 {
			t.Errorf("%d calls; want a second one, because the first answer was 11 s old", got)
		}
	})
}

func TestManyClicksAreOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slackSide := acme()
		slackSide.delay = time.Second
		d := slackSide.directory(0)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if p, err := d.Lookup(t.Context(), "U1"); err != nil || !p.In("SDBA") {
					t.Errorf("Lookup = %+v, %v", p, err)
				}
			})
		}
		began := time.Now()
		wg.Wait()
		if diff := cmp.Diff(map[string]int{"users.info": 1, "usergroups.users.list": 2}, slackSide.counted()); diff != "" {
			t.Errorf("calls for 50 clicks (-want +got):\n%s", diff)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %v; want 1 s, because the three questions leave at once", took)
		}
	})
}

func TestRateLimitIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slackSide := acme()
		d := slackSide.directory(0)
		slackSide.set(func(s *workspace) {
			s.fault = func(w http.ResponseWriter, method string) bool {
				if method != "usergroups.users.list" {
					return false
				}
				w.Header().Set("Retry-After", "20")
				w.WriteHeader(http.StatusTooManyRequests)
				fmt.Fprint(w, `{"ok":false,"error":"ratelimited"}`)
				return true
			}
		})
		_, err := d.Members(t.Context(), "SDBA")
		var limited *slack.RateLimitedError
		if !errors.Is(err, ErrUnknown) || !errors.As(err, &limited) || limited.RetryAfter != 20*time.Second {
			t.Fatalf("got %v; want the rate limit", err)
		}
		slackSide.set(func(s *workspace) { s.fault = nil })
		time.Sleep(19 * time.Second)
		p, err := d.Lookup(t.Context(), "U1")
		if !errors.As(err, &limited) || limited.RetryAfter != time.Second || p.Known {
			t.Errorf("got %+v, %v; want unknown for one more second", p, err)
		}
		if got := slackSide.counted()["usergroups.users.list"]; got != 1 {
			t.Errorf("%d calls left although Slack had asked for silence; want 1", got)
		}
		time.Sleep(time.Second)
		if p, err := d.Lookup(t.Context(), "U1"); err != nil || !p.In("SDBA") {
			t.Errorf("after the pause: %+v, %v", p, err)
		}
	})
}

func TestUnnamedRateLimitPausesToo(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"429 without a time":       func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
		"200 that says rate limit": func(w http.ResponseWriter) { fmt.Fprint(w, `{"ok":false,"error":"ratelimited"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				slackSide := acme()
				slackSide.fault = func(w http.ResponseWriter, _ string) bool { answer(w); return true }
				d := slackSide.directory(0)
				for range 3 {
					if _, err := d.Members(t.Context(), "SDBA"); !errors.Is(err, ErrUnknown) {
						t.Fatalf("got %v; want ErrUnknown", err)
					}
				}
				if got := slackSide.counted()["usergroups.users.list"]; got != 1 {
					t.Errorf("%d calls; want 1 and then silence", got)
				}
				slackSide.set(func(s *workspace) { s.fault = nil })
				time.Sleep(unnamedPause)
				if _, err := d.Members(t.Context(), "SDBA"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Never a stale yes: what was known a minute ago does not outlive a failing call.
func TestAFailingCallIsUnknown(t *testing.T) {
	for name, fault := range map[string]func(http.ResponseWriter, string) bool{
		"groups fail": func(w http.ResponseWriter, method string) bool {
			if method == "usergroups.users.list" {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return method == "usergroups.users.list"
		},
		"the plan has no groups": func(w http.ResponseWriter, method string) bool {
			if method == "usergroups.users.list" {
				fmt.Fprint(w, `{"ok":false,"error":"plan_upgrade_required"}`)
			}
			return method == "usergroups.users.list"
		},
		"people fail": func(w http.ResponseWriter, method string) bool {
			if method == "users.info" {
				fmt.Fprint(w, `{"ok":false,"error":"internal_error"}`)
			}
			return method == "users.info"
		},
		"nonsense": func(w http.ResponseWriter, _ string) bool { fmt.Fprint(w, `<html>`); return true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				slackSide := acme()
				d := slackSide.directory(0)
				if p, err := d.Lookup(t.Context(), "U1"); err != nil || !p.In("SDBA") {
					t.Fatalf("Lookup = %+v, %v", p, err)
				}
				time.Sleep(MaxAge)
				slackSide.set(func(s *workspace) { s.fault = fault })
				p, err := d.Lookup(t.Context(), "U1")
				if !errors.Is(err, ErrUnknown) {
					t.Errorf("err = %v; want ErrUnknown", err)
				}
				if diff := cmp.Diff(Person{ID: "U1"}, p); diff != "" {
					t.Errorf("want a person of whom nothing is known (-want +got):\n%s", diff)
				}
				slackSide.set(func(s *workspace) { s.fault = nil })
				if p, err := d.Lookup(t.Context(), "U1"); err != nil || !p.In("SDBA") {
					t.Errorf("a failure must not be remembered: %+v, %v", p, err)
				}
			})
		})
	}
}

// The first to ask may leave; the answer still comes for the others.
func TestWhoeverLeavesLeavesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slackSide := acme()
		slackSide.delay = 2 * time.Second
		d := slackSide.directory(0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if p, err := d.Lookup(ctx, "U1"); !errors.Is(err, context.DeadlineExceeded) || p.Known {
				t.Errorf("who left got %+v, %v", p, err)
			}
		})
		synctest.Wait()
		if p, err := d.Lookup(t.Context(), "U1"); err != nil || !p.In("SDBA") {
			t.Errorf("who stayed got %+v, %v", p, err)
		}
		wg.Wait()
		if got := slackSide.counted()["users.info"]; got != 1 {
			t.Errorf("%d calls; want one for both", got)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slackSide := acme()
		d := slackSide.directory(0)
		for id := range slackSide.users {
			_, _ = d.Lookup(t.Context(), id)
		}
		time.Sleep(MaxAge)
		if _, err := d.Lookup(t.Context(), "U1"); err != nil {
			t.Fatal(err)
		}
		if got := len(d.people.answers); got != 1 {
			t.Errorf("%d people are remembered; want only the one of the last minute", got)
		}
	})
}
