package bot

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

const (
	root         = "../.."
	architecture = root + "/docs/architecture.md"
)

var update = flag.Bool("update", false, "write the generated documents again")

// stale compares a document with what it should be, or writes it.
func stale(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), want); diff != "" {
		t.Errorf("%s is stale (-is +should be); write it again with: make docs\n%s", file, diff)
	}
}

func TestDocsArchitecture(t *testing.T) {
	raw, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{"packages": packageTable(t)}
	for name, diagram := range upgrade.Diagrams() {
		blocks[name] = "```mermaid\n" + diagram + "```\n"
	}
	text := string(raw)
	for name, block := range blocks {
		begin, end := "<!-- generated: "+name+" -->\n", "<!-- end -->"
		before, rest, ok := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("%s has no place for %q", architecture, name)
		}
		text = before + begin + block + end + after
	}
	stale(t, architecture, text)
}

// packageTable is the table of the import law, in the order of its rows.
func packageTable(t *testing.T) string {
	t.Helper()
	f := parse1(t, root+"/internal/importlaw/law_test.go")
	var b strings.Builder
	b.WriteString("| package | is for | may import |\n|---|---|---|\n")
	for _, e := range literal(t, f, "law").Elts {
		pair := e.(*ast.KeyValueExpr)
		row := map[string]string{}
		for _, field := range pair.Value.(*ast.CompositeLit).Elts {
			kv := field.(*ast.KeyValueExpr)
			row[kv.Key.(*ast.Ident).Name] = text(t, kv.Value)
		}
		name := text(t, pair.Key)
		if name == "importlaw" { // no part of the program
			continue
		}
		if !strings.HasPrefix(name, "cmd/") {
			name = "internal/" + name
		}
		var may []string
		for _, p := range strings.Fields(row["may"]) {
			may = append(may, "`"+p+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, row["is"], strings.Join(may, " "))
	}
	return b.String()
}

func parse1(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// literal is the value of a package-level variable.
func literal(t *testing.T, f *ast.File, name string) *ast.CompositeLit {
	t.Helper()
	for _, d := range f.Decls {
		g, _ := d.(*ast.GenDecl)
		if g == nil || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			if v := s.(*ast.ValueSpec); v.Names[0].Name == name {
				return v.Values[0].(*ast.CompositeLit)
			}
		}
	}
	t.Fatalf("no variable %s", name)
	return nil
}

func text(t *testing.T, e ast.Expr) string {
	t.Helper()
	s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every key that the store makes is in the document.
func TestDocsNameEveryKey(t *testing.T) {
	doc, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(parse1(t, root+"/internal/session/keys.go"), func(n ast.Node) bool {
		sum, ok := n.(*ast.BinaryExpr)
		if !ok {
			return true
		}
		lit, ok := sum.Y.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		name := text(t, lit)
		if name == "}:" || name == ":" {
			return true
		}
		found++
		if !strings.Contains(string(doc), "`"+name) && !strings.Contains(string(doc), name+"`") {
			t.Errorf("%s does not name the key %q of internal/session/keys.go", architecture, name)
		}
		return true
	})
	if found < 10 {
		t.Errorf("only %d keys were found in internal/session/keys.go; this test looks at the wrong thing", found)
	}
}

const configurationHead = `# Configuration

The environment, and nothing else: no file, no flag. The bot validates all of it before it opens anything, and reports every mistake at once.
` + "`bot doctor`" + ` then checks tokens, scopes, channel, groups, keys and Redis, and says how to mend each.

Lists are separated by commas; durations are written as in Go (` + "`30m`, `10s`" + `). A variable that is empty counts as not set; blanks and line
breaks around a value do not count (` + "`SEAL_KEY`" + ` must have none, ` + "`SEAL_KEY_OLD`" + ` is taken as it is). A variable that looks like one of these and is none is
refused, with the name that was probably meant: one that begins with ` + "`SLACK_`, `REDIS_`, `ALLOW_`, `APPROVER_`, `APPROVALS_`, `REQUESTER_`, `REVERT_`, `ONCALL_`, `SEAL_` or `BACKUP_`" + `
(but not the links that Kubernetes makes for a service called ` + "`redis`" + `), or that is one letter away. The first line of the log, and ` + "`bot doctor`" + `, say
version, mode, subscriptions, channel and approvers.
This page is generated from the comments in ` + "`internal/bot/config.go`" + ` (` + "`make docs`" + `).

| name | default | meaning |
|---|---|---|
`

func TestDocsConfiguration(t *testing.T) {
	var b strings.Builder
	b.WriteString(configurationHead)
	for _, v := range documented(t) {
		value := "–"
		switch {
		case v.required:
			value = "**required**"
		case v.standard != "":
			value = "`" + v.standard + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.name, value, v.meaning)
	}
	stale(t, root+"/docs/configuration.md", b.String())
}

// variable is one field of Config as its comment describes it.
type variable struct {
	name, standard, meaning string
	required                bool
}

func documented(t *testing.T) []variable {
	t.Helper()
	var out []variable
	ast.Inspect(parse1(t, "config.go"), func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Config" {
			return true
		}
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
			out = append(out, describe(t, tag, f.Doc.Text()))
		}
		return false
	})
	return out
}

func describe(t *testing.T, tag reflect.StructTag, comment string) variable {
	t.Helper()
	v := variable{name: tag.Get("envconfig"), standard: tag.Get("default")}
	words := strings.Join(strings.Fields(comment), " ")
	meaning, ok := strings.CutPrefix(words, v.name+" ")
	if !ok {
		t.Errorf("%s: its comment does not begin with its name: %q", v.name, words)
	}
	v.required = strings.Contains(words, "Required.")
	meaning = strings.TrimSpace(strings.Replace(meaning, "Required.", "", 1))
	meaning = strings.ReplaceAll(meaning, ".  ", ". ")
	for _, verb := range []string{"is ", "are ", "says "} {
		meaning = strings.TrimPrefix(meaning, verb)
	}
	v.meaning = strings.ToUpper(meaning[:1]) + strings.ReplaceAll(meaning[1:], "|", `\|`)
	return v
}

func TestEveryVariableIsDocumentedAndReadable(t *testing.T) {
	var named []string
	for _, v := range documented(t) {
		if v.name == "" || v.meaning == "" {
			t.Errorf("a field of Config has no variable or no comment: %+v", v)
		}
		if !regexp.MustCompile(`^[A-Z_]+$`).MatchString(v.name) || slices.Contains(named, v.name) {
			t.Errorf("%q is no good name, or stands twice", v.name)
		}
		named = append(named, v.name)
	}
	if got, want := len(named), reflect.TypeFor[Config]().NumField(); got != want {
		t.Errorf("%d of %d fields were found in config.go", got, want)
	}
}

// Whatever file is read for a document must still be where it was.
func TestDocsAreWhereTheyAreLookedFor(t *testing.T) {
	for _, f := range []string{architecture, root + "/docs/configuration.md"} {
		if _, err := os.Stat(filepath.Clean(f)); err != nil {
			t.Errorf("%v; write it with: make docs", err)
		}
	}
}
