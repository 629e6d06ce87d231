package inventory

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Whatever stands in the shared snapshot: it is read, or refused with an error,
// and the next reading of the account replaces it.
func FuzzSharedSnapshot(f *testing.F) {
	_, client := newServer(f)
	x := newIndex(f, smallFleet(), client)
	whole, err := pack(&account{At: time.Unix(1, 0).UTC(), Subscriptions: []subscription{{Plan: cloud.Pro, ID: 1206, Name: "prod", Databases: []database{{ID: 51055, Name: "cache-prod"}}}}}, chunkSize)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("1", "1", []byte(whole[0]))
	f.Add("7", "2", []byte{})
	f.Add("3", "-1", []byte{})
	f.Fuzz(func(t *testing.T, generation, chunks string, first []byte) {
		ctx := t.Context()
		if err := client.HSet(ctx, x.shared.snapshotKey(), "generation", generation, "chunks", chunks, "0", first).Err(); err != nil {
			t.Fatal(err)
		}
		a, got, err := x.shared.load(ctx)
		switch {
		case err == nil && (a == nil) != (got == 0):
			t.Errorf("generation %q of %q chunks: %v, %d", generation, chunks, a, got)
		case err != nil && a != nil:
			t.Errorf("refused with %v, and yet %+v", err, a)
		}
		if _, err := x.follow(ctx); err != nil {
			t.Errorf("an unreadable snapshot stops the following: %v", err)
		}
	})
}

// What is stored comes back as it was, and whatever was stored can be asked.
func FuzzAccount(f *testing.F) {
	f.Add([]byte(`{"at":"2026-11-22T02:00:00Z","subs":[{"plan":"pro","id":1206,"name":"prod","status":"active","dbs":[{"id":51055,"name":"cache-prod","status":"active","proto":"redis","ver":"7.2"}]}]}`), "cache-prod")
	f.Fuzz(func(t *testing.T, raw []byte, query string) {
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		w.Write(raw)
		w.Close()
		a, err := unpack([]string{zipped.String()})
		if err != nil {
			if json.Unmarshal(raw, new(account)) == nil {
				t.Errorf("%q is an account, and refused: %v", raw, err)
			}
			return
		}
		chunks, err := pack(a, 64)
		if err != nil {
			return // a time that JSON has no form for
		}
		again, err := unpack(chunks)
		if diff := cmp.Diff(a, again); err != nil || diff != "" {
			t.Fatalf("%q comes back as something else: %v\n%s", raw, err, diff)
		}
		if _, err := unpack(chunks[:len(chunks)-1]); err == nil {
			t.Errorf("%q is read without its last part", raw)
		}
		x := New(Config{})
		x.view.Store(newView(&x.config, a, 1))
		checkAsked(t, x, query)
	})
}

// Whatever is typed into the search, it finds databases, each once and no more
// than were wanted, and those that it finds are findable by name.
func FuzzSearch(f *testing.F) {
	x := fleetOf(300)
	for _, query := range []string{"", "cache", "cahce-prod-8", "50003", "team-1/orders-prod-101", "pro/1000/50003", "prod 7.2 environment=production"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) { checkAsked(t, x, query) })
}

func checkAsked(t *testing.T, x *Index, query string) {
	t.Helper()
	const most = 7
	found := x.Search(query, most)
	near := x.Near(query, most)
	for what, list := range map[string][]Entry{"search": found, "near": near} {
		seen := map[cloud.Ref]int{}
		if len(list) > most {
			t.Errorf("%s %q gave %d", what, query, len(list))
		}
		for _, e := range list {
			seen[e.Ref]++
		}
		for ref, n := range seen {
			if _, known := x.Get(ref); !known || n > len(x.view.Load().byID[ref.Database]) {
				t.Errorf("%s %q gave %s %d times", what, query, ref, n)
			}
		}
	}
	e, err := x.Find(query)
	var several *AmbiguousError
	switch {
	case err == nil:
		if _, known := x.Get(e.Ref); !known {
			t.Errorf("%q found %s, which nobody knows", query, e.Ref)
		}
		text := strings.ToLower(strings.TrimSpace(query))
		id, noID := strconv.Atoi(text)
		if strings.ToLower(e.Name) != text && (noID != nil || id != e.Ref.Database) && !strings.HasSuffix(text, "/"+strings.ToLower(e.Name)) && e.Ref.String() != text {
			t.Errorf("%q was taken for %s (%s)", query, e.Name, e.Ref)
		}
	case errors.As(err, &several):
		if len(several.Matches) < 2 {
			t.Errorf("%q is ambiguous between %d", query, len(several.Matches))
		}
	case !errors.Is(err, ErrNone):
		t.Errorf("%q: %v", query, err)
	}
}

// distance is written for speed; this is the same by the book.
func FuzzDistance(f *testing.F) {
	f.Add("cache", "cahce", 2)
	f.Add("orders-prod", "oders-prd", 3)
	f.Fuzz(func(t *testing.T, a, b string, limit int) {
		if limit < 0 || limit > 20 || len(a) > maxCompared || len(b) > maxCompared {
			t.Skip()
		}
		got, want := distance(a, b, limit), min(slowDistance(a, b), limit+1)
		if got != want || distance(b, a, limit) != got {
			t.Errorf("distance(%q, %q, %d) = %d, the other way round %d, want %d", a, b, limit, got, distance(b, a, limit), want)
		}
	})
}

func slowDistance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range len(b) + 1 {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

// A list of target versions that another replica shared is believed or refused.
func FuzzSharedTargets(f *testing.F) {
	_, client := newServer(f)
	x := newIndex(f, smallFleet(), client)
	f.Add([]byte(`{"versions":["7.4","8.2"],"from":"7.2","at":"2026-11-22T02:00:00Z"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ctx := t.Context()
		if err := client.Set(ctx, x.shared.targetsKey(cacheProd), raw, 0).Err(); err != nil {
			t.Fatal(err)
		}
		l, err := x.shared.targets(ctx, cacheProd)
		if (err == nil) != (l != nil) {
			t.Fatalf("%q: %v, %v", raw, l, err)
		}
		if err != nil {
			return
		}
		if err := x.shared.putTargets(ctx, cacheProd, *l, time.Minute); err != nil {
			return // a time that JSON has no form for
		}
		if again, err := x.shared.targets(ctx, cacheProd); err != nil || cmp.Diff(l, again) != "" {
			t.Errorf("%q comes back as %+v, %v", raw, again, err)
		}
	})
}
