package cloudtest

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// manualRow is a row of the table of calls in docs/redis-cloud.md.
var manualRow = regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z]+)` \\| ([A-Z]+) (/\\S*) \\| (E?) *\\|")

// place names a file in the table of assumptions.
var placeInCode = regexp.MustCompile("`([a-z]+/[a-z_]+\\.go)`(?: `([A-Za-z]+)`)?")

// TestTheManualNamesEveryCall compares the table with what the client asks.
func TestTheManualNamesEveryCall(t *testing.T) {
	manual, err := os.ReadFile("../../docs/redis-cloud.md")
	must(t, err)
	w := newWire(t, driven())
	w.fault("adhoc_backup", -1, "")
	asked := map[string][]string{} // calls by method of the client
	for _, s := range steps() {
		w.forget()
		w.pass(time.Minute)
		must(t, s.run(w, w.change()))
		for _, x := range w.exchanges() {
			asked[s.method] = append(asked[s.method], x.request.Method+" "+form(strings.TrimPrefix(x.request.URL.Path, "/v1")))
		}
	}
	told := map[string]bool{}
	for _, row := range manualRow.FindAllStringSubmatch(string(manual), -1) {
		method, verb, route, plans := row[1], row[2], parameter.ReplaceAllString(row[3], "#"), row[4]
		told[method] = true
		want := []string{verb + " " + route}
		if plans == "E" {
			want = append(want, verb+" /fixed"+route)
		}
		for _, call := range want {
			if !slices.Contains(asked[method], call) {
				t.Errorf("the manual says that %s asks %s; it asked %v", method, call, slices.Compact(slices.Sorted(slices.Values(asked[method]))))
			}
		}
	}
	for method := range asked {
		if !told[method] {
			t.Errorf("docs/redis-cloud.md has no row for %s", method)
		}
	}
	t.Logf("%d rows", len(told))
}

// TestTheManualPointsAtCode: what it says stands where it says.
func TestTheManualPointsAtCode(t *testing.T) {
	manual, err := os.ReadFile("../../docs/redis-cloud.md")
	must(t, err)
	places := placeInCode.FindAllStringSubmatch(string(manual), -1)
	for _, p := range places {
		code, err := os.ReadFile("../" + p[1])
		if err != nil {
			t.Errorf("the manual names %s: %v", p[1], err)
		} else if !strings.Contains(string(code), p[2]) {
			t.Errorf("the manual names %s in %s", p[2], p[1])
		}
	}
	if len(places) < 20 {
		t.Errorf("only %d places", len(places))
	}
}
