package releases

import (
	"slices"
	"testing"
)

func v(t testing.TB, s string) Version {
	t.Helper()
	version, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func TestParse(t *testing.T) {
	good := map[string]Version{
		"7.2":              {7, 2},
		"7.2.4":            {7, 2},
		"v8.10":            {8, 10},
		" 6.2\n":           {6, 2},
		"8.0.0-rc1":        {8, 0},
		"7.4.9-247.build3": {7, 4},
	}
	for text, want := range good {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "8", "8.", ".2", "seven.two", "+7.2", "7.-2", "7.2-rc1", "0.0", "7,2", "99999.1", "7 .2"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %v; want an error", text, got)
		}
	}
}

func TestOffered(t *testing.T) {
	got := Offered([]string{"8.10", "9.0-preview", "8.6", "8.12.0-RC1", "", "latest", "7.4.2"})
	if want := []string{"7.4.2", "8.6", "8.10"}; !slices.Equal(got, want) {
		t.Errorf("Offered = %v; want %v", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"7.2", "v8.10.1", "x", "..", "7.2.", "7.é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse(s)
		if err != nil {
			return
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("Parse(%q) = %v, which reads back as %v, %v", s, got, again, err)
		}
	})
}

func TestOrder(t *testing.T) {
	want := []string{"6.0", "6.2", "7.0", "7.2", "7.4", "8.0", "8.2", "8.4", "8.6", "8.8", "8.10"}
	var got []string
	for _, r := range All() {
		got = append(got, r.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("All() = %v; want oldest first, 8.10 after 8.6: %v", got, want)
	}
	if !v(t, "8.6").Less(v(t, "8.10")) || v(t, "8.10").Less(v(t, "8.6")) || v(t, "7.4").Less(v(t, "7.4")) {
		t.Error("8.10 must be newer than 8.6, and no version older than itself")
	}
}
