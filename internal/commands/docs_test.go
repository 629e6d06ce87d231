package commands

import (
	"os"
	"strings"
	"testing"

	"github.com/redis-upgrade/bot/internal/view"
)

func TestEveryCommandIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"docs/commands.md": string(page), "view.Help": view.Help().Text} {
		for verb := range verbs {
			if verb != "help" && !strings.Contains(text, "/redis-upgrade "+verb) && !strings.Contains(text, "`"+verb+"`") {
				t.Errorf("%s does not name the command %s", where, verb)
			}
		}
	}
}
