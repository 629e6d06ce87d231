package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/cloud"
)

func TestSearch(t *testing.T) {
	x := filled(t)
	for _, row := range []struct {
		sentence, query string
		max             int
		want            []string
	}{
		{"nothing typed lists what can be upgraded, furthest behind first, then the rest", "", 0,
			[]string{"orders-prod", "cache-prod", "catalog-prod", "catalog-replica", "Cache-Prod", "trial", "global-aa", "latest-prod", "legacy-mc"}},
		{"the exact name comes first", "catalog-prod", 1, []string{"catalog-prod"}},
		{"a prefix of the name, then of the subscription", "cat", 4, []string{"catalog-prod", "catalog-replica", "Cache-Prod", "latest-prod"}},
		{"case does not matter", "ORDERS", 1, []string{"orders-prod"}},
		{"a part of the name beats a part of anything else", "rial", 1, []string{"trial"}},
		{"an id", "52003", 0, []string{"latest-prod"}},
		{"the beginning of an id", "5105", 0, []string{"orders-prod", "cache-prod"}},
		{"a version", "6.2", 0, []string{"orders-prod"}},
		{"every word must match", "prod 7.4", 0, []string{"Cache-Prod"}},
		{"a pasted label", "cache-prod (7.2)", 1, []string{"cache-prod"}},
		{"a tag's value", "checkout", 0, []string{"orders-prod"}},
		{"a tag as key=value", "environment=production", 0, []string{"orders-prod"}},
		{"the plan", "essentials", 0, []string{"trial"}},
		{"swapped letters", "odrers", 0, []string{"orders-prod"}},
		{"a missing letter", "leacy-mc", 0, []string{"legacy-mc"}},
		{"a typing mistake in a name that is still being typed", "catlaog-pr", 0, []string{"catalog-prod"}},
		{"what fits comes before what resembles", "cache", 0, []string{"cache-prod", "Cache-Prod"}},
		{"nothing like it", "zzzz", 0, nil},
		{"two wrong letters of three are no typing mistake", "cxx", 0, nil},
		{"one word too many", "cache-prod mars", 0, nil},
		{"only punctuation is nothing typed", " ( ) ", 1, []string{"orders-prod"}},
	} {
		if diff := cmp.Diff(row.want, names(x.Search(row.query, row.max))); diff != "" {
			t.Errorf("%s: Search(%q) (-want +got):\n%s", row.sentence, row.query, diff)
		}
	}
}

func TestFind(t *testing.T) {
	x := filled(t)
	for _, row := range []struct {
		sentence, query string
		want            cloud.Ref
		none            bool
		ambiguous       int
	}{
		{"by name", "orders-prod", ordersProd, false, 0},
		{"by name, any case, spaces around", "  Orders-PROD ", ordersProd, false, 0},
		{"by id", "52001", catalogProd, false, 0},
		{"by the text of its Ref", "pro/1300/52005", cacheEU, false, 0},
		{"a name in two subscriptions", "cache-prod", cloud.Ref{}, false, 2},
		{"told apart by the subscription's name", "catalog/cache-prod", cacheEU, false, 0},
		{"told apart by the subscription's id", "1206/cache-prod", cacheProd, false, 0},
		{"a prefix is not a name", "orders", cloud.Ref{}, true, 0},
		{"nothing", "", cloud.Ref{}, true, 0},
		{"an unknown id", "1", cloud.Ref{}, true, 0},
	} {
		e, err := x.Find(row.query)
		var ambiguous *AmbiguousError
		switch {
		case row.none:
			if !errors.Is(err, ErrNone) {
				t.Errorf("%s: Find(%q) = %v, %v, want ErrNone", row.sentence, row.query, e.Ref, err)
			}
		case row.ambiguous > 0:
			if !errors.As(err, &ambiguous) || len(ambiguous.Matches) != row.ambiguous {
				t.Errorf("%s: Find(%q) = %v, %v, want %d candidates", row.sentence, row.query, e.Ref, err, row.ambiguous)
			}
		case err != nil || e.Ref != row.want:
			t.Errorf("%s: Find(%q) = %v, %v, want %v", row.sentence, row.query, e.Ref, err, row.want)
		}
	}
	_, err := x.Find("cache-prod")
	const want = `"cache-prod" fits 2 databases: prod/cache-prod (51055), catalog/Cache-Prod (52005)`
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestNear(t *testing.T) {
	x := filled(t)
	for _, row := range []struct {
		sentence, query string
		max             int
		want            []string
	}{
		{"a typing mistake", "ordres-prod", 1, []string{"orders-prod"}},
		{"the beginning of a name", "orders", 3, []string{"orders-prod"}},
		{"too much of a name", "trial-two-and-more", 3, []string{"trial"}},
		{"a part of a name", "replica", 3, []string{"catalog-replica"}},
		{"the wrong ending of a right beginning", "catalog-prd", 1, []string{"catalog-prod"}},
		{"nothing like it", "qqqqqqqq", 3, nil},
		{"nothing", "", 3, nil},
	} {
		if diff := cmp.Diff(row.want, names(x.Near(row.query, row.max))); diff != "" {
			t.Errorf("%s: Near(%q) (-want +got):\n%s", row.sentence, row.query, diff)
		}
	}
}

func TestReplicaGraph(t *testing.T) {
	x := filled(t)
	if diff := cmp.Diff([]string{"catalog-replica", "trial"}, names(x.ReplicasOf(catalogProd))); diff != "" {
		t.Errorf("targets of catalog-prod, of both plans and by both its addresses (-want +got):\n%s", diff)
	}
	if got := x.ReplicasOf(catalogCopy); len(got) != 0 {
		t.Errorf("targets of a target: %v, want none", names(got))
	}
	known, external := x.SourcesOf(catalogCopy)
	if diff := cmp.Diff([]string{"catalog-prod"}, names(known)); diff != "" {
		t.Errorf("known sources (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"elsewhere.example.com:6379"}, external); diff != "" {
		t.Errorf("external sources (-want +got):\n%s", diff)
	}
	if known, external := x.SourcesOf(cloud.Ref{}); known != nil || external != nil {
		t.Errorf("sources of an unknown database: %v, %v", known, external)
	}
}

func TestAddress(t *testing.T) {
	for raw, want := range map[string]string{
		"redis-17571.c1.example.com:17571":              "redis-17571.c1.example.com:17571",
		"redis://default:pa/ss?w@rd@Host.Example.:6379": "host.example:6379",
		"rediss://host:1/0?x=y":                         "host:1",
		" HOST:6379 ":                                   "host:6379",
		"[::1]:6379":                                    "[::1]:6379",
		"host.":                                         "host",
		"":                                              "",
	} {
		if got := address(raw); got != want {
			t.Errorf("address(%q) = %q, want %q", raw, got, want)
		}
	}
}

func FuzzAddressDropsCredentials(f *testing.F) {
	f.Add("s3cret", "host:1")
	f.Add("a/b?c#d@e://f", "HOST.:1")
	f.Fuzz(func(t *testing.T, password, host string) {
		if strings.ContainsAny(host, "@") || strings.Contains(host, "://") {
			t.Skip()
		}
		if got, want := address("redis://user:"+password+"@"+host), address("redis://user@"+host); got != want {
			t.Errorf("address depends on the password: %q, want %q", got, want)
		}
	})
}

func TestDistance(t *testing.T) {
	for _, row := range []struct {
		a, b  string
		limit int
		want  int
	}{
		{"cache", "cache", 2, 0}, {"cache", "cahce", 2, 1}, {"cache", "cach", 2, 1}, {"cache", "ccache", 2, 1},
		{"cache", "cocoa", 3, 3}, {"cache", "orders", 2, 3}, {"", "ab", 2, 2}, {"a", strings.Repeat("a", 70), 2, 3},
	} {
		if got := distance(row.a, row.b, row.limit); got != row.want {
			t.Errorf("distance(%q, %q, %d) = %d, want %d", row.a, row.b, row.limit, got, row.want)
		}
	}
}

// fleetOf is an index over n databases, without any Redis.
func fleetOf(n int) *Index {
	a := &account{At: time.Now()}
	offered := []string{"6.2", "7.2", "7.4", "8.2", "8.4"}
	kinds := []string{"cache", "orders", "sessions", "catalog", "search", "billing", "queue", "feature-flags"}
	for i := range n {
		if i%100 == 0 {
			a.Subscriptions = append(a.Subscriptions, subscription{
				Plan: cloud.Pro, ID: 1000 + i, Name: fmt.Sprintf("team-%d", i/100), Offered: offered, OfferedAt: a.At,
			})
		}
		s := &a.Subscriptions[len(a.Subscriptions)-1]
		s.Databases = append(s.Databases, database{
			ID: 50000 + i, Name: fmt.Sprintf("%s-prod-%d", kinds[i%len(kinds)], i), Protocol: "redis", Status: "active",
			Version: offered[i%len(offered)], Endpoints: []string{fmt.Sprintf("redis-%d.c1.example.test:%d", i, 10000+i)},
			Tags: map[string]string{"environment": "production", "team": kinds[i%7]},
		})
	}
	x := New(Config{})
	x.view.Store(newView(&x.config, a, 1))
	return x
}

func BenchmarkSearch(b *testing.B) {
	x := fleetOf(10_000)
	for _, query := range []string{"", "cache", "prod 7.2", "sesions-prdo-77", "team-9 8.4 billing", "nothing-like-it"} {
		b.Run("query="+query, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				x.Search(query, 100)
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

func BenchmarkNear(b *testing.B) {
	x := fleetOf(10_000)
	for b.Loop() {
		x.Near("sesions-prdo-77", 3)
	}
}

// BenchmarkFleet is a snapshot of 10,000 databases made, and prepared for questions.
func BenchmarkFleet(b *testing.B) {
	for b.Loop() {
		fleetOf(10_000)
	}
}
