package releases

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The numbers change only when somebody adds or removes an entry on purpose.
func TestEachStepBringsItsChanges(t *testing.T) {
	got := map[string]int{}
	for _, c := range load().changes {
		if c.All {
			got["all"]++
			continue
		}
		got[c.Version.String()]++
	}
	want := map[string]int{
		"all": 4, "6.2": 9, "7.2": 49, "7.4": 10, "8.0": 20, "8.2": 7, "8.4": 7, "8.6": 10, "8.8": 4, "8.10": 5,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries per step (-want +got):\n%s", diff)
	}
}

func TestBetween(t *testing.T) {
	for _, row := range []struct {
		from, to, plan string
		want           int
		because        string
	}{
		{"7.2", "7.4", PlanPro, 4 + 10, "4 come with every upgrade, 10 with 7.4"},
		{"7.4", "8.0", PlanPro, 4 + 17, "of 20, two are for Active-Active and one for Essentials"},
		{"7.4", "8.0", PlanEssentials, 4 + 18, "of 20, two are for Active-Active"},
		{"7.4", "8.0", PlanActiveActive, 4 + 19, "Active-Active databases are Pro ones with more to watch"},
		{"7.4", "8.2", PlanPro, 4 + 16 + 7, "8.0's missing Flash matters only to who stays there"},
		{"7.2", "8.2", "", 4 + 10 + 18 + 7, "without a plan nothing is left out but what needs 8.0 as target"},
		{"7.2", "8.2", "PRO", 4 + 10 + 16 + 7, "plans are compared without case"},
		{"6.2", "7.2", PlanPro, 4 + 49, "from 6.2, 7.0's changes are news"},
		{"7.0", "7.2", PlanPro, 4 + 26, "7.0 had 23 of them already"},
		{"6.0", "6.2", PlanPro, 4 + 9, "6.2's own list"},
		{"8.6", "8.10", PlanPro, 4 + 4 + 5, "8.10 comes after 8.8"},
		{"7.4", "7.4", PlanPro, 0, "nothing changes"},
		{"8.2", "7.2", PlanPro, 0, "there is no upgrade backwards"},
		{"7.2", "7.4", "enterprise", 0, "nothing is known of that plan"},
	} {
		if got := Between(v(t, row.from), v(t, row.to), row.plan); len(got) != row.want {
			t.Errorf("Between(%s, %s, %q) has %d changes; want %d, because %s", row.from, row.to, row.plan, len(got), row.want, row.because)
		}
	}
}

// What people met in public after an upgrade, and when it has to be said.
func TestWhatOthersMetIsSaid(t *testing.T) {
	for _, row := range []struct{ id, from, to, not string }{ // not: a way on which it is no news, as "from to"
		{"6.2-lua-readonly-tables", "6.0", "6.2", "6.0 7.2"}, // there the entry of 7.2 says it
		{"7.2-lua-readonly-tables", "6.0", "7.2", "7.0 7.2"},
		{"7.2-lua-readonly-tables", "6.2", "7.4", "7.2 7.4"},
		{"7.2-resp3-stays-off", "7.0", "7.2", "7.2 7.4"},
		{"7.2-xinfo-longer-replies", "6.2", "7.2", "7.0 7.2"},
		{"7.2-search-aggregate-duplicate-property", "6.2", "8.2", "7.2 8.2"},
		{"8.0-search-mixed-shards", "7.4", "8.2", "8.0 8.2"},
		{"8.0-search-mixed-shards", "7.2", "8.0", "7.2 7.4"},
		{"8.4-search-rolling-upgrade-boundary", "8.2", "8.4", "8.4 8.6"},
		{"8.6-search-rolling-upgrade-boundary", "8.4", "8.6", "8.6 8.8"},
		{"8.6-acl-keys-checked-at-exec", "8.2", "8.6", "8.2 8.4"},
	} {
		has := func(from, to string) bool {
			return slices.ContainsFunc(Between(v(t, from), v(t, to), PlanPro), func(c Change) bool { return c.ID == row.id })
		}
		if !has(row.from, row.to) {
			t.Errorf("%s is missing from %s to %s", row.id, row.from, row.to)
		}
		if from, to, _ := strings.Cut(row.not, " "); has(from, to) {
			t.Errorf("%s is said from %s to %s, where it is no news", row.id, from, to)
		}
	}
}

func TestBetweenPutsBlockersFirst(t *testing.T) {
	changes := Between(v(t, "6.2"), v(t, "8.10"), "")
	ordered := slices.IsSortedFunc(changes, func(a, b Change) int {
		if a.rank() != b.rank() {
			return a.rank() - b.rank()
		}
		return a.Version.Compare(b.Version)
	})
	if !ordered {
		t.Error("changes are not sorted by severity and version")
	}
	if changes[0].Severity != Blocker || !changes[0].All {
		t.Errorf("first is %s (%s); want a blocker of every upgrade", changes[0].ID, changes[0].Severity)
	}
}

func TestOnlyTheTargetCounts(t *testing.T) {
	has := func(from, to string, id string) bool {
		return slices.ContainsFunc(Between(v(t, from), v(t, to), ""), func(c Change) bool { return c.ID == id })
	}
	for _, id := range []string{"8.0-flash-not-supported", "8.0-preview-only"} {
		if !has("7.4", "8.0", id) {
			t.Errorf("%s is missing from 7.4 to 8.0", id)
		}
		if has("7.4", "8.2", id) {
			t.Errorf("%s is about staying at 8.0, and 7.4 to 8.2 only crosses it", id)
		}
	}
	if !has("8.2", "8.4", "8.4-auto-minor-upgrades") || !has("8.2", "8.6", "8.4-auto-minor-upgrades") {
		t.Error("automatic minor upgrades begin at 8.4 and stay: every target from there on has to say so")
	}
	for _, c := range load().changes { // evidence that names one target and no field for it would be shown to everybody
		for _, e := range c.Evidence {
			if strings.Contains(e.Match, "target ==") && c.OnlyTarget.IsZero() {
				t.Errorf("%s asks for a target in %q and has no only_target", c.ID, e.Match)
			}
		}
	}
}

func TestChangesAreComplete(t *testing.T) {
	one := map[string][]string{
		"severity": {Blocker, Behaviour, Info},
		"origin":   {CloudDocs, SoftwareDocs, ReleaseNotes, Source, Reports},
		"plan":     {PlanPro, PlanEssentials, PlanActiveActive},
		"confid":   {"certain", "likely", "possible"},
		"source":   {"commandstats", "info", "api-field", "acl", "modules", "client-list", "scan-sample", "functions", "none"},
	}
	seen := map[string]bool{}
	for _, c := range load().changes {
		check := func(kind, value string) {
			if !slices.Contains(one[kind], value) {
				t.Errorf("%s: %s %q is not one of %v", c.ID, kind, value, one[kind])
			}
		}
		if seen[c.ID] {
			t.Errorf("%s appears twice", c.ID)
		}
		seen[c.ID] = true
		check("severity", c.Severity)
		check("origin", c.Origin)
		if c.Title == "" || c.Summary == "" || c.Remedy == "" || c.Area == "" || c.Basis == "" {
			t.Errorf("%s lacks a text: %+v", c.ID, c)
		}
		if !strings.HasPrefix(c.URL, "https://redis.io/docs/latest/") {
			t.Errorf("%s has the url %q", c.ID, c.URL)
		}
		if _, listed := Lookup(c.Version); !listed && !c.All {
			t.Errorf("%s belongs to %s, which the version table does not have", c.ID, c.Version)
		}
		if len(c.Plans) == 0 || len(c.Evidence) == 0 {
			t.Errorf("%s lacks plans or evidence", c.ID)
		}
		for _, plan := range c.Plans {
			check("plan", plan)
		}
		for _, e := range c.Evidence {
			check("source", e.Source)
			check("confid", e.Confidence)
		}
	}
}

func TestModuleCategories(t *testing.T) {
	got := map[string]int{}
	for category, commands := range ModuleCategories() {
		got[category] = len(commands)
	}
	want := map[string]int{"read": 48, "write": 51, "slow": 62, "fast": 19, "dangerous": 2, "admin": 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands per category (-want +got):\n%s", diff)
	}
}
