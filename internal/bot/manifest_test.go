package bot

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"go.yaml.in/yaml/v3"

	"github.com/redis-upgrade/bot/internal/view"
)

// app is what manifest.yml promises to Slack.
type app struct {
	Features struct {
		Commands []struct {
			Command string `yaml:"command"`
		} `yaml:"slash_commands"`
		Shortcuts []struct {
			Type     string `yaml:"type"`
			Callback string `yaml:"callback_id"`
		} `yaml:"shortcuts"`
	} `yaml:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `yaml:"bot"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		Events struct {
			Bot []string `yaml:"bot_events"`
		} `yaml:"event_subscriptions"`
	} `yaml:"settings"`
}

func manifest(t *testing.T) app {
	t.Helper()
	raw, err := os.ReadFile(root + "/manifest.yml")
	if err != nil {
		t.Fatal(err)
	}
	var a app
	if err := yaml.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTheManifestNamesTheCommandAndTheShortcut(t *testing.T) {
	f := manifest(t).Features
	if len(f.Commands) != 1 || f.Commands[0].Command != Command {
		t.Errorf("manifest.yml has the commands %+v, the code has %s", f.Commands, Command)
	}
	if len(f.Shortcuts) != 1 || f.Shortcuts[0].Callback != view.ShortcutRevert || f.Shortcuts[0].Type != "message" {
		t.Errorf("manifest.yml has the shortcuts %+v, the code has the message shortcut %s", f.Shortcuts, view.ShortcutRevert)
	}
}

// eventNames are the types of slackevents under which Slack's events arrive.
var eventNames = map[string]string{"AppMentionEvent": "app_mention", "AppHomeOpenedEvent": "app_home_opened"}

func TestTheManifestSubscribesToWhatIsHandled(t *testing.T) {
	var handled []string
	eachFile(t, root+"/internal/commands", func(f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CaseClause)
			if !ok {
				return true
			}
			for _, e := range c.List {
				if name := slackEvent(e); name != "" {
					handled = append(handled, eventNames[name])
				}
			}
			return true
		})
	})
	same(t, "events", manifest(t).Settings.Events.Bot, handled)
}

// slackEvent is the name in *slackevents.Name, or "".
func slackEvent(e ast.Expr) string {
	star, ok := e.(*ast.StarExpr)
	if !ok {
		return ""
	}
	sel, ok := star.X.(*ast.SelectorExpr)
	if !ok || !strings.HasSuffix(sel.Sel.Name, "Event") {
		return ""
	}
	if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "slackevents" {
		return ""
	}
	return sel.Sel.Name
}

// scopes are what the Web API wants for the methods of slack-go that the bot
// may call. https://docs.slack.dev/reference/methods
var scopes = map[string][]string{
	"AuthTestContext":            nil,
	"StartSocketModeContext":     nil, // apps.connections.open, with the app token
	"OpenViewContext":            nil,
	"UpdateViewContext":          nil,
	"PublishViewContext":         nil,
	"GetPermalinkContext":        nil,
	"PostMessageContext":         {"chat:write", "im:write"}, // im:write: private answers outside of the channel are posted to a user id
	"UpdateMessageContext":       {"chat:write"},
	"PostEphemeralContext":       {"chat:write"},
	"GetUserInfoContext":         {"users:read"},
	"GetUserGroupMembersContext": {"usergroups:read"},
	"GetConversationInfoContext": {"channels:read", "groups:read"},
}

// received are the scopes of what arrives without being called for.
var received = []string{"commands", "app_mentions:read"}

func TestTheManifestAsksForTheScopesThatAreUsed(t *testing.T) {
	want := slices.Clone(received)
	for _, method := range called(t) {
		needs, known := scopes[method]
		if !known {
			t.Errorf("slack-go's %s is called: add it to the table of scopes in this test, and its scopes to manifest.yml", method)
		}
		want = append(want, needs...)
	}
	same(t, "scopes", manifest(t).OAuth.Scopes.Bot, want)
	same(t, "scopes that doctor checks", Scopes, want)
}

// called are the methods of *slack.Client that production code calls, directly
// or through a small interface. They are told by their names, which end in
// Context, because no other type of ours has such methods.
func called(t *testing.T) []string {
	t.Helper()
	client := map[string]bool{}
	for m := range reflect.TypeFor[*slack.Client]().Methods() {
		if strings.HasSuffix(m.Name, "Context") {
			client[m.Name] = true
		}
	}
	var out []string
	eachFile(t, root+"/internal", func(f *ast.File) {
		if !slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"github.com/slack-go/slack"` }) {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok && client[sel.Sel.Name] {
					out = append(out, sel.Sel.Name)
				}
			}
			return true
		})
	})
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) < 5 {
		t.Fatalf("only %v were found; this test looks at the wrong thing", out)
	}
	return out
}

// eachFile parses every production file below a folder.
func eachFile(t *testing.T, dir string, do func(*ast.File)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err == nil {
			do(f)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// same compares two lists whatever their order, both ways.
func same(t *testing.T, what string, manifest, code []string) {
	t.Helper()
	sorted := func(in []string) []string {
		out := slices.Clone(in)
		slices.Sort(out)
		return slices.Compact(out)
	}
	if diff := cmp.Diff(sorted(manifest), sorted(code)); diff != "" {
		t.Errorf("%s (-named +used by the code):\n%s", what, diff)
	}
}
