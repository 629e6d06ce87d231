package bot

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// What somebody chose is decoded wherever it is read.
func TestWhatIsReadOfAChoiceIsDecoded(t *testing.T) {
	chosen := func(dir string) (names []string) {
		eachFile(t, dir, func(f *ast.File) {
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "Selected") {
					names = append(names, s.Sel.Name)
				}
				return true
			})
		})
		slices.Sort(names)
		return slices.Compact(names)
	}
	read, decoded := chosen(root+"/internal/commands"), chosen(root+"/internal/slacksocket")
	if len(read) < 3 {
		t.Fatalf("only %v are read; the test proves little", read)
	}
	for _, name := range read {
		if !slices.Contains(decoded, name) {
			t.Errorf("%s of an input is read, and never decoded", name)
		}
	}
}
