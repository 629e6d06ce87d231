package sandbox

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

const manual = "../../docs/sandbox.md"

// read returns a file of the documentation.
func read(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTheManualNamesEveryHookFlagAndFault(t *testing.T) {
	text := read(t)
	for _, l := range hookLines() {
		method, path, _ := strings.Cut(l.Hook, " ")
		example := regexp.MustCompile(`curl \$S` + regexp.QuoteMeta(path) + `(\?\S+)?( -d|\n)`)
		found := example.FindAllStringSubmatch(text, -1)
		ok := false
		for _, m := range found {
			ok = ok || (m[2] == " -d") == (method == http.MethodPost)
		}
		if !ok {
			t.Errorf("no example of %s", l.Hook)
		}
	}
	for _, flag := range []string{"-listen", "-redis", "-bot", "-fleet", "-databases", "-speed", "-seed", "-v"} {
		if !strings.Contains(text, "`"+flag) {
			t.Errorf("nothing about %s", flag)
		}
	}
	s := start(t, Config{NoBot: true})
	for _, path := range []string{"/hooks/slack/faults", "/hooks/cloud/faults"} {
		var all []struct{ Fault, Does string }
		fetch(t, s.URL()+path, &all)
		for _, f := range all {
			if !strings.Contains(text, "| `"+f.Fault+"` |") {
				t.Errorf("a line is missing: | `%s` | %s |", f.Fault, f.Does)
			}
		}
	}
}

// fetch decodes what a hook shows.
func fetch(t *testing.T, url string, into any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

// TestTheManualsExamplesWork tries every curl of the manual, from top to bottom.
func TestTheManualsExamplesWork(t *testing.T) {
	curl := regexp.MustCompile(`(?m)^    curl \$S(\S+)(?: -d '([^']*)')?( +# 400.*)?$`)
	examples := curl.FindAllStringSubmatch(read(t), -1)
	if len(examples) < len(hookLines()) {
		t.Fatalf("only %d examples were understood", len(examples))
	}
	s := start(t, Config{Speed: scenarioSpeed})
	for _, e := range examples {
		body := meant(t, s, e[2])
		method, want := http.MethodGet, 200
		if body != "" {
			method = http.MethodPost
		}
		if e[3] != "" {
			want = 400
		}
		code, answer := ask(t, method, s.URL()+e[1], body)
		for tries := 0; code == http.StatusConflict && tries < 500; tries++ { // a form is still being filled
			time.Sleep(10 * time.Millisecond)
			code, answer = ask(t, method, s.URL()+e[1], body)
		}
		if acked, ok := answer["acked"]; code != want || ok && acked != true && answer["sent"] != false {
			t.Errorf("%s\n  answers %d %v", strings.TrimSpace(e[0]), code, answer)
		}
	}
}

// meant puts real ids in place of the manual's words for them, waiting until
// there are some.
func meant(t *testing.T, s *Sandbox, body string) string {
	t.Helper()
	for word, find := range map[string]func(*testing.T, *Sandbox) string{`"VIEW"`: topModal, `"TS"`: newestCard, `"FILE"`: newestFile} {
		if !strings.Contains(body, word) {
			continue
		}
		id := ""
		for deadline := time.Now().Add(20 * time.Second); id == ""; time.Sleep(5 * time.Millisecond) {
			if id = find(t, s); time.Now().After(deadline) {
				t.Fatalf("there is no %s for %s", word, body)
			}
		}
		body = strings.ReplaceAll(body, word, `"`+id+`"`)
	}
	return body
}

type screen struct {
	Channels []struct {
		Messages []struct {
			TS       string
			ThreadTS string `json:"thread_ts"`
			Metadata map[string]any
		}
	}
	Modals []struct{ ID string }
}

func topModal(t *testing.T, s *Sandbox) string {
	t.Helper()
	var now screen
	fetch(t, s.URL()+"/hooks/slack/state?user=ann", &now)
	if len(now.Modals) == 0 {
		return ""
	}
	return now.Modals[len(now.Modals)-1].ID
}

func newestCard(t *testing.T, s *Sandbox) (ts string) {
	t.Helper()
	var now screen
	fetch(t, s.URL()+"/hooks/slack/state?user=ann", &now)
	for _, m := range now.Channels[0].Messages {
		if m.Metadata != nil {
			ts = m.TS
		}
	}
	return ts
}

func newestFile(t *testing.T, s *Sandbox) string {
	t.Helper()
	var all map[string][]struct{ URI string }
	fetch(t, s.URL()+"/hooks/cloud/backups", &all)
	files := all["cache-prod"]
	return files[len(files)-1].URI
}

// TestTheManualsFleetWorks starts a sandbox on the manual's example of a fleet.
func TestTheManualsFleetWorks(t *testing.T) {
	_, rest, ok := strings.Cut(read(t), "```json\n")
	example, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("there is no example")
	}
	if _, err := cloudemu.ParseFleet([]byte(example)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "fleet.json")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse([]string{"-fleet", file, "-bot=false", "-databases", "3"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, c)
	var all []struct{ Name string }
	fetch(t, s.URL()+"/hooks/cloud/databases", &all)
	var names []string
	for _, d := range all {
		names = append(names, d.Name)
	}
	if got := strings.Join(names, " "); got != "carts carts-copy trial gen-001 gen-002 gen-003" {
		t.Errorf("there are %s", got)
	}
}
