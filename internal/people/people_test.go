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

	missing string // what is said of a group that is not there
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
		word := s.missing
		if word == "" {
			word = "no_such_subteam"
		}
		fmt.Fprintf(w, `{"ok":false,"error":%q}`, word)
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

func (s *workspace) api() *slack.Client {
	return slack.New("xoxb-test", slack.OptionAPIURL("http://slack.test/api/"), slack.OptionHTTPClient(&http.Client{Transport: s}))
}

func (s *workspace) directory(maxAge time.Duration) *Directory {
	return New(s.api(), Config{Team: "T1", Groups: []string{"SDBA", "SONCALL", "", "SDBA"}, Now: time.Now, MaxAge: maxAge})
}

func (s *workspace) directoryOf(team string, missing ...func(string, error)) *Directory {
	cfg := Config{Team: team, Groups: []string{"SDBA", "SONCALL"}, Now: time.Now}
	for _, hear := range missing {
		cfg.Missing = hear
	}
	return New(s.api(), cfg)
}

func TestLookupOverHTTP(t *testing.T) {
	server := httptest.NewServer(acme())
	defer server.Close()
	api := slack.New("xoxb-test", slack.OptionAPIURL(server.URL+"/api/"), slack.OptionHTTPClient(server.Client()))
	d := New(api, Config{Team: "T1", Groups: []string{"SDBA", "SONCALL"}, Now: time.Now})

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
	if members, err := d.Members(t.Context(), "SNONE"); err != nil || len(members) != 0 {
		t.Errorf("Members of a group that does not exist: %v, %v; want none", members, err)
	}
}

// Of an organisation with several workspaces, who is a member of ours is ours,
// wherever they are at home and however users.info says so.
func TestWhoBelongsToUs(t *testing.T) {
	for _, row := range []struct {
		sentence, user string
		ours           bool // where the app is installed in the workspace T1
		org            bool // where it is installed for the organisation E1
	}{
		{"at home here", `{"id":"U1","team_id":"T1"}`, true, false},
		{"at home here, in an organisation", `{"id":"U1","team_id":"T1","enterprise_user":{"id":"U1","enterprise_id":"E1","teams":["T1"]}}`, true, true},
		{"at home in a sister workspace, and here", `{"id":"U1","team_id":"T2","enterprise_user":{"id":"U1","enterprise_id":"E1","teams":["T1","T2"]}}`, true, true},
		{"without a home", `{"id":"U1","enterprise_user":{"id":"U1","enterprise_id":"E1","teams":["T1","T2"]}}`, true, true},
		{"at home in the organisation", `{"id":"U1","team_id":"E1","enterprise_user":{"id":"U1","enterprise_id":"E1","teams":["T1"]}}`, true, true},
		{"in a sister workspace only", `{"id":"U1","team_id":"T2","enterprise_user":{"id":"U1","enterprise_id":"E1","teams":["T2"]}}`, false, true},
		{"a stranger", `{"id":"U1","team_id":"T9","is_stranger":true}`, false, false},
		{"a stranger who says that they are here", `{"id":"U1","team_id":"T1","is_stranger":true,"enterprise_user":{"id":"U1","enterprise_id":"E1","teams":["T1"]}}`, false, false},
		{"of another organisation", `{"id":"U1","team_id":"T8","enterprise_user":{"id":"U1","enterprise_id":"E8","teams":["T8"]}}`, false, false},
		{"of another company", `{"id":"U1","team_id":"T8"}`, false, false},
		{"of nowhere", `{"id":"U1"}`, false, false},
	} {
		for team, ours := range map[string]bool{"T1": row.ours, "E1": row.org} {
			w := acme()
			w.users["U1"] = row.user
			p, err := w.directoryOf(team).Lookup(t.Context(), "U1")
			if err != nil || p.Foreign == ours {
				t.Errorf("%s, installed in %s: foreign %v, %v; want ours %v", row.sentence, team, p.Foreign, err, ours)
			}
		}
	}
}

// An id of the workspace and one of the organisation are one person, in groups,
// as approver, and as voter.
func TestTwoIdsAreOnePerson(t *testing.T) {
	w := acme()
	user := `{"id":"U1","team_id":"T1","enterprise_user":{"id":"W1","enterprise_id":"E1","teams":["T1"]}}`
	w.users["U1"], w.users["W1"] = user, user
	for _, listed := range []string{"U1", "W1"} {
		w.groups["SDBA"] = []string{listed}
		for _, asked := range []string{"U1", "W1"} {
			p, err := w.directory(0).Lookup(t.Context(), asked)
			if err != nil || p.ID != "W1" || !p.In("SDBA") || p.In("SONCALL") || !p.Is("U1") || !p.Is("W1") || p.Is("U2") || p.Is("") {
				t.Errorf("asked for %s, listed as %s: %+v, %v", asked, listed, p, err)
			}
		}
	}
}

// A group that is gone has no members; the others count, and somebody hears of it.
func TestAMissingGroupHasNoMembers(t *testing.T) {
	for _, word := range []string{"no_such_subteam", "plan_upgrade_required"} {
		w := acme()
		delete(w.groups, "SONCALL")
		w.missing = word
		var heard []string
		d := w.directoryOf("T1", func(group string, err error) { heard = append(heard, group+" "+err.Error()) })
		p, err := d.Lookup(t.Context(), "U1")
		if err != nil || !p.Known || !p.In("SDBA") || p.In("SONCALL") {
			t.Errorf("%s: got %+v, %v", word, p, err)
		}
		if want := []string{"SONCALL " + word}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	}
	w := acme() // any other word is no word
	delete(w.groups, "SONCALL")
	w.missing = "fatal_error"
	if p, err := w.directory(0).Lookup(t.Context(), "U1"); !errors.Is(err, ErrUnknown) || p.Known {
		t.Errorf("got %+v, %v; want unknown", p, err)
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
				synctest.Wait() // questions that are out still get the failing answer
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
