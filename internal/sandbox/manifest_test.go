package sandbox

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// The emulated workspace shows the app as manifest.yml describes it.
func TestTheAppIsThatOfTheManifest(t *testing.T) {
	raw, err := os.ReadFile("../../manifest.yml")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Features struct {
			Bot struct {
				Name string `yaml:"display_name"`
			} `yaml:"bot_user"`
			Commands []struct {
				Command, Description string
				Hint                 string `yaml:"usage_hint"`
				Escape               bool   `yaml:"should_escape"`
			} `yaml:"slash_commands"`
			Shortcuts []struct {
				Name, Type string
				ID         string `yaml:"callback_id"`
			}
		}
	}
	if err := yaml.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{NoBot: true})
	var got struct {
		Command     string
		CommandHint string `json:"command_hint"`
		CommandText string `json:"command_text"`
		Shortcuts   []string
		Names       map[string]string `json:"shortcut_names"`
		Bot         struct{ Name string }
	}
	fetch(t, s.URL()+"/hooks/slack/people", &got)
	if len(m.Features.Commands) != 1 || m.Features.Commands[0].Escape {
		t.Fatalf("commands: %+v; the page types one, and sends its text as it is", m.Features.Commands)
	}
	want := got
	c := m.Features.Commands[0]
	want.Command, want.CommandHint, want.CommandText, want.Bot.Name = c.Command, c.Hint, c.Description, m.Features.Bot.Name
	want.Shortcuts, want.Names = nil, map[string]string{}
	for _, shortcut := range m.Features.Shortcuts {
		want.Shortcuts = append(want.Shortcuts, shortcut.ID)
		want.Names[shortcut.ID] = shortcut.Name
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the workspace shows another app (-manifest +hook):\n%s", diff)
	}
}
