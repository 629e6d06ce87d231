package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// slackEmoji are the names that every workspace has.
func slackEmoji(t *testing.T) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile("testdata/slack-emoji.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "#") {
			for _, name := range strings.Fields(line) {
				names[name] = true
			}
		}
	}
	return names
}

// drawnEmoji are the names that the page draws.
func drawnEmoji(t *testing.T) map[string]bool {
	t.Helper()
	raw, err := assets.ReadFile("assets/emoji.js")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	set := regexp.MustCompile("(?s)new Set\\(`([^`]*)`").FindStringSubmatch(string(raw))
	if set == nil {
		t.Fatal("emoji.js has no list of drawn names")
	}
	for _, name := range strings.Fields(set[1]) {
		names[name] = true
	}
	for _, m := range regexp.MustCompile(`([a-z][a-z0-9_]*|'[^']+'): '[^']+',`).FindAllStringSubmatch(string(raw), -1) {
		names[strings.Trim(m[1], "'")] = true
	}
	if len(names) < 100 {
		t.Fatalf("only %d names were found in emoji.js", len(names))
	}
	return names
}

// A name that Slack does not have would be drawn here and stand as text there.
func TestThePageDrawsNoEmojiThatSlackLacks(t *testing.T) {
	slack := slackEmoji(t)
	for name := range drawnEmoji(t) {
		if !slack[name] && name != "class" && name != "role" { // attributes, not names
			t.Errorf("Slack has no :%s:", name)
		}
	}
}

// shortcode is a name between colons that stand free, unlike those of a key
// ("queue:due:") or a time.
var shortcode = regexp.MustCompile(`(?:^|[^\w:]):([a-z][a-z0-9_+-]*):(?:$|[^\w:])`)

// What the bot sends is in Slack's set, and in the page's.
func TestTheBotSendsEmojiThatSlackHas(t *testing.T) {
	slack, drawn, sent := slackEmoji(t), drawnEmoji(t), map[string]bool{}
	for _, pkg := range []string{"view", "commands", "thread", "upgrade", "bot"} {
		files, err := filepath.Glob("../../" + pkg + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pkg, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				text, _ := strconv.Unquote(lit.Value)
				for _, m := range shortcode.FindAllStringSubmatch(text, -1) {
					sent[m[1]] = true
					if !slack[m[1]] || !drawn[m[1]] {
						t.Errorf("%s: :%s: (Slack has it: %v, the page draws it: %v)", set.Position(lit.Pos()), m[1], slack[m[1]], drawn[m[1]])
					}
				}
				return true
			})
		}
	}
	if len(sent) < 15 {
		t.Errorf("only %d names were found; where are the others?", len(sent))
	}
}
