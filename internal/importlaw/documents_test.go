package importlaw

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The documents belong to no package either. What they name must be there: files, tests,
// and the places that their links lead to.

var (
	linkIn    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pathIn    = regexp.MustCompile("`((?:internal|cmd|docs|scripts)/[\\w./-]*[\\w/])`")
	testIn    = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)(…?)`")
	headingIn = regexp.MustCompile(`(?m)^#+ (.+)$`)
	testOf    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	noAnchor  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors are the places in a document that a link may lead to, as GitHub names them.
func anchors(text string) string {
	var b strings.Builder
	for _, h := range headingIn.FindAllStringSubmatch(text, -1) {
		b.WriteString("#" + strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-") + "\n")
	}
	return b.String()
}

// dangling are the links, paths and names of tests in a document that lead nowhere.
func dangling(file, text, tests string) (found []string) {
	for _, m := range linkIn.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		path, anchor, _ := strings.Cut(m[1], "#")
		target, there := file, text
		if path != "" {
			target = filepath.Join(filepath.Dir(file), path)
			if _, err := os.Stat(target); err != nil {
				found = append(found, m[1])
				continue
			}
			raw, _ := os.ReadFile(target) // a folder has no anchors
			there = string(raw)
		}
		if anchor != "" && !strings.Contains(anchors(there), "#"+anchor+"\n") {
			found = append(found, m[1])
		}
	}
	for _, m := range pathIn.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			found = append(found, m[1])
		}
	}
	for _, m := range testIn.FindAllStringSubmatch(text, -1) {
		if name := "\n" + m[1]; m[2] == "" && !strings.Contains(tests, name+"\n") || !strings.Contains(tests, name) {
			found = append(found, m[1]+m[2])
		}
	}
	return found
}

func TestDocumentsNameWhatIsThere(t *testing.T) {
	var documents []string
	tests := "\n"
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.IsDir() && file != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
				return filepath.SkipDir
			}
			return err
		}
		switch {
		case strings.HasSuffix(file, ".md"):
			documents = append(documents, file)
		case strings.HasSuffix(file, "_test.go"):
			raw, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			for _, m := range testOf.FindAllStringSubmatch(string(raw), -1) {
				tests += m[1] + "\n"
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range documents {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range dangling(file, string(raw), tests) {
			t.Errorf("%s names %s, which does not exist; correct the document", strings.TrimPrefix(file, root+"/"), what)
		}
	}
	if len(documents) < 10 {
		t.Errorf("only %d documents were found", len(documents))
	}
}

// The test above must see it.
func TestADanglingNameIsSeen(t *testing.T) {
	const text = "# A heading: two\n[a](#a-heading-two) [b](docs/none.md) [c](README.md#none) [d](https://a.test/none) " +
		"`internal/importlaw/doc.go` `internal/none.go` `TestForbidden` `TestNone` `TestFor…` `TestNone…`"
	want := "docs/none.md README.md#none internal/none.go TestNone TestNone…"
	if got := strings.Join(dangling(root+"/here.md", text, "\nTestForbidden\n"), " "); got != want {
		t.Errorf("seen: %s, want: %s", got, want)
	}
}
