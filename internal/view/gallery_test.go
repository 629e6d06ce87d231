package view

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
)

// wordless are the moves that are not told in a thread: the card shows them.
var wordless = []upgrade.Event{upgrade.Begin, upgrade.Recheck, upgrade.Revert, upgrade.Undo, upgrade.KeepWatch, upgrade.KeepDone, upgrade.KeepFail}

func TestTheGalleryShowsEveryMilestone(t *testing.T) {
	shown := map[string]bool{}
	for _, s := range Samples() {
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
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var drawn []string
	called := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok || f.Recv != nil:
			case f.Name.IsExported() && draws(f):
				drawn = append(drawn, f.Name.Name)
			case strings.HasSuffix(f.Name.Name, "Samples") || slices.Contains([]string{"card", "cardUnder"}, f.Name.Name):
				ast.Inspect(f, func(n ast.Node) bool {
					if id, ok := n.(*ast.Ident); ok {
						called[id.Name] = true
					}
					return true
				})
			}
		}
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
