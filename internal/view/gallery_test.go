package view_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

// wordless are the moves that are not told in a thread: the card shows them.
var wordless = []upgrade.Event{upgrade.Begin, upgrade.Recheck, upgrade.Revert, upgrade.Undo, upgrade.KeepWatch, upgrade.KeepDone, upgrade.KeepFail}

func TestTheGalleryShowsEveryMilestone(t *testing.T) {
	shown := map[string]bool{}
	for _, s := range samples.All() {
		shown[s.Name] = true
	}
	moves := regexp.MustCompile(`(?m)--> \S+: (.+)$`)
	for _, kind := range []upgrade.Kind{upgrade.KindUpgrade, upgrade.KindRevert} {
		found := moves.FindAllStringSubmatch(upgrade.Diagrams()[string(kind)], -1)
		if len(found) < 20 {
			t.Fatalf("only %d moves of a %s were found", len(found), kind)
		}
		for _, m := range found {
			for _, event := range strings.Split(m[1], ", ") {
				told := shown["milestone-upgrade-"+event] || shown["milestone-revert-"+event]
				if !told && !slices.Contains(wordless, upgrade.Event(event)) && !(kind == upgrade.KindUpgrade && event == string(upgrade.Propose)) {
					t.Errorf("%q of a %s is in no sample: add one to milestoneSamples", event, kind)
				}
			}
		}
	}
}

// Whatever this package draws is in the gallery: a view that no sample calls is seen by
// nobody before it is sent.
func TestTheGalleryShowsEverythingThatIsDrawn(t *testing.T) {
	var drawn []string
	for _, f := range functions(t, "*.go") {
		if f.Recv == nil && f.Name.IsExported() && draws(f) {
			drawn = append(drawn, f.Name.Name)
		}
	}
	called := map[string]bool{}
	for _, f := range functions(t, "samples/*.go") {
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if of, ok := s.X.(*ast.Ident); ok && of.Name == "view" {
					called[s.Sel.Name] = true
				}
			}
			return true
		})
	}
	if len(drawn) < 25 {
		t.Fatalf("only %v were found", drawn)
	}
	for _, name := range drawn {
		if !called[name] {
			t.Errorf("%s is in no sample", name)
		}
	}
}

// functions are those that the production files of a pattern declare.
func functions(t *testing.T, pattern string) []*ast.FuncDecl {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var out []*ast.FuncDecl
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				out = append(out, f)
			}
		}
	}
	return out
}

// draws reports whether a function returns something that is sent to Slack.
func draws(f *ast.FuncDecl) bool {
	if f.Type.Results == nil {
		return false
	}
	switch r := f.Type.Results.List[0].Type.(type) {
	case *ast.Ident:
		return r.Name == "Message"
	case *ast.SelectorExpr:
		return r.Sel.Name == "ModalViewRequest" || r.Sel.Name == "HomeTabViewRequest"
	}
	return false
}
