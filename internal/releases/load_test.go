package releases

import (
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// Everything that is written in the data files reaches a Change: read once more
// as plain maps, key by key, and compared.
func TestNoFieldIsLost(t *testing.T) {
	byID := map[string]Change{}
	for _, c := range load().changes {
		byID[c.ID] = c
	}
	files, err := data.ReadDir("data")
	if err != nil {
		t.Fatal(err)
	}
	entries := 0
	for _, f := range files {
		if f.Name() == versionsFile || f.Name() == categoriesFile {
			continue
		}
		text, err := data.ReadFile(path.Join("data", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var rows []map[string]any
		if err := yaml.Unmarshal(text, &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			entries++
			got := asRow(byID[row["id"].(string)])
			if diff := cmp.Diff(row, got); diff != "" {
				t.Errorf("%s: %v (-written +read):\n%s", f.Name(), row["id"], diff)
			}
		}
		if step := strings.TrimSuffix(f.Name(), ".yaml"); step != "all" {
			if _, ok := Lookup(v(t, step)); !ok {
				t.Errorf("%s: the version table has no %s", f.Name(), step)
			}
		}
	}
	if entries != 125 {
		t.Errorf("%d entries were written; want 125", entries)
	}
}

// asRow writes a Change the way the data files do, empty fields left out.
func asRow(c Change) map[string]any {
	row := map[string]any{}
	put := func(key, value string) {
		if value != "" && value != "0.0" {
			row[key] = value
		}
	}
	list := func(key string, values []string) {
		if len(values) > 0 {
			row[key] = anys(values)
		}
	}
	put("id", c.ID)
	put("introduced_in", c.IntroducedIn.String())
	put("only_target", c.OnlyTarget.String())
	put("severity", c.Severity)
	put("origin", c.Origin)
	put("area", c.Area)
	put("title", c.Title)
	put("summary", c.Summary)
	put("remedy", c.Remedy)
	put("url", c.URL)
	put("upstream", c.Upstream)
	put("basis", c.Basis)
	list("plans", c.Plans)
	list("commands", c.Commands)
	list("modules", c.Modules)
	var evidence []any
	for _, e := range c.Evidence {
		evidence = append(evidence, map[string]any{"source": e.Source, "match": e.Match, "confidence": e.Confidence})
	}
	row["evidence"] = evidence
	return row
}

func anys(values []string) []any {
	var list []any
	for _, s := range values {
		list = append(list, s)
	}
	return list
}

// Loading happens once per process, at the first question.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := read(); err != nil {
			b.Fatal(err)
		}
	}
}
