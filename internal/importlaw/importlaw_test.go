package importlaw

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/redis-upgrade/bot"
	root   = "../.."
)

// imports reads what every package of the tree imports in its production files,
// whatever their build tags, by path relative to the module.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); file != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(dir)
		found[pkg] = append(found[pkg], pkg) // a package without imports is one too
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[pkg] = append(found[pkg], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func short(pkg string) string { return strings.TrimPrefix(pkg, "internal/") }

func TestEveryImportIsInTheLaw(t *testing.T) {
	tree := imports(t)
	for _, pkg := range slices.Sorted(maps.Keys(tree)) {
		if strings.HasPrefix(pkg, "scripts/") { // tools of the Makefile; they must stand on the standard library alone
			checkTool(t, pkg, tree[pkg])
			continue
		}
		row, known := law[short(pkg)]
		if !known {
			t.Errorf("%s: unknown package; add it to the table in internal/importlaw/law_test.go", pkg)
			continue
		}
		for _, imported := range tree[pkg] {
			if why := forbidden(short(pkg), row, imported); why != "" && imported != pkg {
				t.Errorf("%s imports %s: %s", pkg, imported, why)
			}
		}
	}
}

func checkTool(t *testing.T, pkg string, imported []string) {
	t.Helper()
	for _, i := range imported {
		if i != pkg && !standard(i) {
			t.Errorf("%s imports %s; a script may import the standard library alone", pkg, i)
		}
	}
}

// forbidden returns why pkg must not import this path, or "".
func forbidden(pkg string, row row, imported string) string {
	if standard(imported) {
		return ""
	}
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		if !slices.Contains(strings.Fields(row.may), short(ours)) {
			return "the table allows " + pkg + " only [" + row.may + "]"
		}
		return ""
	}
	for mod, where := range modules {
		if imported != mod && !strings.HasPrefix(imported, mod+"/") {
			continue
		}
		if where != "*" && !slices.Contains(strings.Fields(where), pkg) {
			return "this module belongs into [" + where + "] only"
		}
		return ""
	}
	return "this module is not in the table; if it earns its place, add it to internal/importlaw/law_test.go"
}

// standard reports whether a path is of the standard library: its first element
// has no dot.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		allowed       bool
	}{
		{"cloud", "net/http", true},
		{"cloud", "github.com/go-resty/resty/v2", true},
		{"cloud", module + "/internal/releases", false},
		{"upgrade", "github.com/slack-go/slack", false},
		{"upgrade", module + "/internal/cloud", true},
		{"upgrade", module + "/internal/view", false},
		{"people", "github.com/slack-go/slack/socketmode", true},
		{"people", "github.com/slack-go/slackother", false},
		{"sandbox/slackemu", "github.com/slack-go/slack", false},
		{"sandbox/web", module + "/internal/sandbox/slackemu", true},
		{"bot", module + "/internal/sandbox", false},
		{"sandbox", module + "/internal/memnet", false},
		{"session", "golang.org/x/sync/errgroup", true},
		{"session", "github.com/somebody/something", false},
	} {
		why := forbidden(c.pkg, law[c.pkg], c.imported)
		if (why == "") != c.allowed {
			t.Errorf("%s importing %s: got %q, want allowed: %v", c.pkg, c.imported, why, c.allowed)
		}
	}
}

// The table must not contradict itself: what it names exists in it, and no arrow
// leads back.
func TestTheLawHasNoCircles(t *testing.T) {
	var visit func(pkg string, way []string)
	visit = func(pkg string, way []string) {
		if slices.Contains(way, pkg) {
			t.Fatalf("the table goes in a circle: %s", strings.Join(append(way, pkg), " → "))
		}
		row, known := law[pkg]
		if !known {
			t.Fatalf("the table allows %v to import %s, which it does not have", way, pkg)
		}
		for _, next := range strings.Fields(row.may) {
			visit(next, append(slices.Clone(way), pkg))
		}
	}
	for pkg := range law {
		visit(pkg, nil)
	}
	for mod, where := range modules {
		for _, pkg := range strings.Fields(where) {
			if _, known := law[pkg]; !known && pkg != "*" {
				t.Errorf("module %s is allowed in %s, which the table does not have", mod, pkg)
			}
		}
	}
}

// The table is one check, the linker's view is another: the production binary
// holds no emulator, not even by a detour.
func TestProductionHoldsNoEmulator(t *testing.T) {
	if _, err := os.Stat(path.Join(root, "cmd/bot")); err != nil {
		t.Log("cmd/bot does not exist yet")
		return
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/bot")
	list.Dir = root
	var complaint strings.Builder
	list.Stderr = &complaint
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, complaint.String())
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		for _, banned := range notInProduction {
			if dep == banned || strings.HasPrefix(dep, banned+"/") {
				t.Errorf("cmd/bot depends on %s; the production binary must not", dep)
			}
		}
	}
}
