package cloudtest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

// silent are the methods of cloud.Client and cloud.Changes that make no request.
var silent = map[string]string{
	"Close":       "closes idle connections",
	"Format":      "prints without the keys",
	"LogValue":    "prints without the keys",
	"MarshalJSON": "prints without the keys",
	"String":      "prints without the keys",
}

// TestEveryRequestAndAnswerIsPublished drives the whole client against the
// emulator and holds both to the published description.
func TestEveryRequestAndAnswerIsPublished(t *testing.T) {
	s := loadSpec(t)
	w := drivenWire(t)
	needed := map[string]int{}
	driven := map[string]int{}
	for _, x := range w.exchanges() {
		op, found := s.check(t, x)
		driven[op]++
		for _, f := range found {
			key, explained := explain(f)
			if !explained {
				t.Errorf("%s\n\tin %s → %d %.300s", f, x.call(), x.status, x.answer)
			}
			needed[key]++
		}
	}
	for _, d := range differences {
		for _, at := range strings.Fields(d.at) {
			if needed[d.key(at)] == 0 {
				t.Errorf("no longer needed: %s %s %s %s", d.op, d.part, at, d.what)
			}
		}
	}
	total := 0
	for _, n := range needed {
		total += n
	}
	t.Logf("%d exchanges of %d operations; %d times they differ as known, in %d places for %d reasons",
		len(w.exchanges()), len(driven), total, len(needed), len(differences))
	everyRouteIsDriven(t, s, driven)
}

// drivenWire is a wire over which every step has been driven.
func drivenWire(t *testing.T) *wire {
	t.Helper()
	w := newWire(t, driven())
	w.fault("adhoc_backup", -1, "")
	for _, s := range steps() {
		w.pass(time.Minute) // the account's rate limit is not what is tested here
		before := len(w.exchanges())
		if err := s.run(w, w.change()); err != nil {
			t.Errorf("%s %s: %v", s.method, s.form, err)
		}
		if len(w.exchanges()) == before {
			t.Errorf("%s %s made no request", s.method, s.form)
		}
	}
	return w
}

// TestNoMethodIsLeftOut finds the client's methods by reflection.
func TestNoMethodIsLeftOut(t *testing.T) {
	want := map[string]bool{}
	for _, of := range []reflect.Type{reflect.TypeFor[*cloud.Client](), reflect.TypeFor[*cloud.Changes]()} {
		for m := range of.Methods() {
			if silent[m.Name] == "" {
				want[m.Name] = true
			}
		}
	}
	got := map[string]bool{}
	for _, s := range steps() {
		got[s.method] = true
	}
	for name := range want {
		if !got[name] {
			t.Errorf("no step drives %s of internal/cloud", name)
		}
	}
	for name := range got {
		if !want[name] {
			t.Errorf("steps name %s, which internal/cloud does not have", name)
		}
	}
	t.Logf("%d methods, %d steps", len(want), len(steps()))
}

// notAsked are operations that the emulator answers and the client never asks
// for, with the reason why the emulator has them.
var notAsked = map[string]string{
	"GET /v1/data-persistence":                       "fixed list; the emulator has it because other clients of the API ask on start",
	"GET /v1/regions":                                "fixed list; likewise",
	"GET /v1/subscriptions/{subscriptionId}/pricing": "asked by Terraform; the bot tells no prices",
	"GET /v1/session-logs":                           "log-ins of people; the emulator has it beside /logs",
	"GET /v1/subscriptions/{subscriptionId}/databases/{databaseId}/slow-log":               "may show data, so the bot never asks",
	"GET /v1/fixed/subscriptions/{subscriptionId}/databases/{databaseId}/slow-log":         "may show data, so the bot never asks",
	"PUT /v1/subscriptions/{subscriptionId}/maintenance-windows":                           "the bot reads windows as a hint and sets none",
	"POST /v1/subscriptions/{subscriptionId}/databases/{databaseId}/tags":                  "the bot replaces the whole list, which may be repeated",
	"PUT /v1/subscriptions/{subscriptionId}/databases/{databaseId}/tags/{tagKey}":          "likewise",
	"DELETE /v1/subscriptions/{subscriptionId}/databases/{databaseId}/tags/{tagKey}":       "likewise",
	"POST /v1/fixed/subscriptions/{subscriptionId}/databases/{databaseId}/tags":            "likewise",
	"PUT /v1/fixed/subscriptions/{subscriptionId}/databases/{databaseId}/tags/{tagKey}":    "likewise",
	"DELETE /v1/fixed/subscriptions/{subscriptionId}/databases/{databaseId}/tags/{tagKey}": "likewise",
}

// everyRouteIsDriven asks the emulator for every published operation and wants
// each that it answers to be driven or listed.
func everyRouteIsDriven(t *testing.T, s *spec, driven map[string]int) {
	t.Helper()
	emu := cloudemu.New(cloudemu.Config{Now: time.Now, Seed: 1})
	answered := map[string]bool{}
	for _, op := range s.operations() {
		if method, path, _ := strings.Cut(op, " "); isRoute(emu, method, path) {
			answered[op] = true
		}
	}
	for _, op := range slices.Sorted(maps.Keys(answered)) {
		if driven[op] == 0 && notAsked[op] == "" {
			t.Errorf("the emulator answers %s, which is neither driven nor listed", op)
		}
	}
	for op := range notAsked {
		if !answered[op] || driven[op] > 0 {
			t.Errorf("no longer true of %s: %s", op, notAsked[op])
		}
	}
	for op := range driven {
		if op != "" && !answered[op] {
			t.Errorf("%s was driven and is no route", op)
		}
	}
	t.Logf("%d routes of the emulator: %d driven, %d listed", len(answered), len(driven), len(notAsked))
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// isRoute tells whether the emulator has a published operation: it answers 501
// to all others.
func isRoute(emu *cloudemu.Server, method, path string) bool {
	req := httptest.NewRequest(method, parameter.ReplaceAllString(path, "1"), nil)
	req.Header.Set("x-api-key", accountKey)
	req.Header.Set("x-api-secret-key", secretKey)
	hook := httptest.NewRecorder()
	emu.API().ServeHTTP(hook, req)
	return hook.Code != http.StatusNotImplemented && hook.Code != http.StatusTooManyRequests
}
