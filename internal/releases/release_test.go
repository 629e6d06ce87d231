package releases

import (
	"slices"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	r, ok := Lookup(v(t, "7.4.2"))
	if !ok || r.DumpFormat != 12 || r.Support != LongTerm || r.Status != Available || r.EOL != "2029-12-01" {
		t.Errorf("Lookup(7.4.2) = %+v, %v", r, ok)
	}
	if want := "https://redis.io/docs/latest/operate/rc/changelog/version-release-notes/7-4/"; r.PageURL != want {
		t.Errorf("PageURL = %s; want %s", r.PageURL, want)
	}
	if _, ok := Lookup(v(t, "9.0")); ok {
		t.Error("9.0 was found; the table has no such version")
	}
}

// What is not in the table is nobody's guess: its changes are not claimed to be known.
func TestNewest(t *testing.T) {
	if Newest() != v(t, "8.10") || Newest().Less(v(t, "8.6")) {
		t.Errorf("Newest = %s; want the last row of the table", Newest())
	}
}

func TestCrossed(t *testing.T) {
	for _, row := range []struct{ from, to, want string }{
		{"7.2", "7.4", "7.4"},
		{"7.2", "8.2", "7.4 8.0 8.2"},
		{"6.2", "7.2", "7.2"}, // 7.0 was never a step on Redis Cloud
		{"8.6", "8.10", "8.8 8.10"},
		{"7.2.4", "8.0.1", "7.4 8.0"},
		{"7.4", "7.4", ""},
		{"8.2", "7.2", ""}, // backwards is a revert, nothing is crossed
	} {
		var got []string
		for _, r := range Crossed(v(t, row.from), v(t, row.to)) {
			got = append(got, r.String())
			if !strings.HasPrefix(r.PageURL, "https://redis.io/docs/") {
				t.Errorf("%s is crossed and has no page: %q", r, r.PageURL)
			}
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("Crossed(%s, %s) = %v; want %s", row.from, row.to, got, row.want)
		}
	}
}

func TestLoads(t *testing.T) {
	for _, row := range []struct {
		file, into string
		want       Loadable
		because    string
	}{
		{"7.2", "7.2", Yes, "it is the same version"},
		{"7.2", "8.2", Yes, "newer versions read older formats"},
		{"7.4", "7.2", No, "format 12 is newer than 11"},
		{"7.2", "6.2", No, "format 11 is newer than 9"},
		{"8.6", "8.4", No, "8.6 raised the format to 13"},
		{"8.10", "8.8", No, "8.10 is newer than 8.8 and raised the format"},
		{"8.2", "7.4", Doubtful, "the format is the same, new types are not"},
		{"8.4", "8.2", Doubtful, "the format is the same, new types are not"},
		{"6.2", "6.0", Doubtful, "the format is the same, the loader is older"},
		{"9.0", "8.6", Unknown, "nobody knows what 9.0 writes"},
		{"7.2", "9.0", Unknown, "nobody knows what 9.0 reads"},
	} {
		if got := Loads(v(t, row.file), v(t, row.into)); got != row.want {
			t.Errorf("a dump of %s into %s: got %s; want %s, because %s", row.file, row.into, got, row.want, row.because)
		}
	}
}

func TestReleasesAreComplete(t *testing.T) {
	offered := []string{Available, Preview}
	for _, r := range All() {
		if r.DumpFormat < 9 {
			t.Errorf("%s has no dump format", r)
		}
		if !slices.Contains([]string{Available, Preview, NotOffered, NotListed}, r.Status) {
			t.Errorf("%s has the status %q", r, r.Status)
		}
		if slices.Contains(offered, r.Status) && (r.EOL == "" || r.Support == "" || len(r.Plans) == 0) {
			t.Errorf("%s is offered and lacks support, end of life or plans: %+v", r, r)
		}
	}
}

// A caller that sorts or filters its slice must not change the table.
func TestAllIsACopy(t *testing.T) {
	slices.Reverse(All())
	if got := All()[0].String(); got != "6.0" {
		t.Errorf("All()[0] = %s after a caller reversed its copy", got)
	}
}
