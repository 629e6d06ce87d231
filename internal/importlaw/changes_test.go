package importlaw

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What changes Redis Cloud stands on cloud.Changes, and only package calls may hold
// one: it tests what allows a call before it leaves.

// holders are the production packages that name cloud.Changes or make one, and the
// exported names of calls that would hand one out.
func holders(t *testing.T, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "testdata") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(file, dir+string(filepath.Separator))))
		if pkg != "internal/calls" && len(changesIn(parsed)) > 0 {
			found = append(found, pkg)
		}
		if pkg == "internal/calls" {
			found = append(found, handedOut(parsed)...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// changesIn are the places in a file, or a part of one, that name what changes.
func changesIn(n ast.Node) (places []ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && (s.Sel.Name == "Changes" || s.Sel.Name == "NewChanges") {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "cloud" {
				places = append(places, s)
			}
		}
		return true
	})
	return places
}

// handedOut are the exported declarations of calls through which a caller could get
// hold of one.
func handedOut(f *ast.File) (found []string) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Type.Results != nil && len(changesIn(d.Type.Results)) > 0 || d.Name.IsExported() && len(changesIn(d.Type.Params)) > 0 {
				found = append(found, "internal/calls "+d.Name.Name)
			}
		case *ast.GenDecl:
			ast.Inspect(d, func(n ast.Node) bool {
				field, ok := n.(*ast.Field)
				if ok && len(changesIn(field.Type)) > 0 && slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
					found = append(found, "internal/calls field "+field.Names[0].Name)
				}
				return true
			})
		}
	}
	return found
}

func TestOnlyCallsChangesRedisCloud(t *testing.T) {
	if found := holders(t, root); len(found) > 0 {
		t.Errorf("cloud.Changes may be held by internal/calls only, which sends nothing untested; it is named in %q", found)
	}
}

// The test above must see it.
func TestAHolderIsSeen(t *testing.T) {
	for i, row := range []struct {
		src  string
		seen bool
	}{
		{`package x; type T struct { c *cloud.Changes }`, true},
		{`package x; func f() { c, _ := cloud.NewChanges(cfg); _ = c }`, true},
		{`package x; func f() { c, _ := cloud.New(cfg); _ = c }`, false},
	} {
		f, err := parser.ParseFile(token.NewFileSet(), strconv.Itoa(i), row.src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(changesIn(f)) > 0; got != row.seen {
			t.Errorf("%s: seen %v", row.src, got)
		}
	}
	f, err := parser.ParseFile(token.NewFileSet(), "calls", `package calls; type Order struct { Send func(*cloud.Changes) }; func Give() *cloud.Changes { return nil }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := handedOut(f); len(got) != 2 {
		t.Errorf("handed out: %q", got)
	}
}

// Package cloud is imported under its own name everywhere, so that the name above is it.
func TestCloudKeepsItsName(t *testing.T) {
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			if spec.Name != nil && spec.Path.Value == strconv.Quote(module+"/internal/cloud") {
				t.Errorf("%s imports package cloud as %s", file, spec.Name.Name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
