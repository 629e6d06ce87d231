package cloudtest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// accepted is one accepted changing call, as the emulator's ledger has it.
type accepted struct {
	At      time.Time `json:"at"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`
	Outcome string    `json:"outcome"`
}

func (w *world) ledger() []accepted {
	w.t.Helper()
	var all []accepted
	hook(w.t, w.emu, "GET", "ledger", nil, &all)
	return all
}

// what names an accepted call as the journal's intents do, before the first
// blank: "rehearsal import" and "import" are told apart by time alone.
func (c accepted) what() string {
	path := form(strings.TrimPrefix(c.Path, "/v1"))
	switch {
	case strings.HasSuffix(path, "/tags"):
		return "tags"
	case strings.HasSuffix(path, "/databases"):
		return "create"
	case strings.HasPrefix(path, "/acl/roles"):
		return "role"
	case c.Method == "DELETE":
		return "delete"
	case c.Method == "PUT":
		return "update"
	}
	return path[strings.LastIndex(path, "/")+1:] // upgrade, backup, import
}

// intent is a recorded intent to send, as a journal tells.
type intent struct {
	session, key string
	at           time.Time
	used         int // accepted calls that belong to it
}

// what is the accepted call that an intent can become.
func (i intent) what() string {
	last := i.key[strings.LastIndex(i.key, " ")+1:]
	switch {
	case strings.HasPrefix(i.key, "role "):
		return "role"
	case slices.Contains([]string{"door", "user", "rules", "password"}, last):
		return "update"
	}
	return last
}

func (w *world) intents(ids ...string) []*intent {
	w.t.Helper()
	var out []*intent
	for _, id := range ids {
		entries, err := w.store.Journal(context.Background(), id, 0, 0)
		must(w.t, err)
		for _, e := range entries {
			var d struct {
				Call   string
				Answer upgrade.Answer
			}
			if e.Data != nil && json.Unmarshal(e.Data, &d) == nil && d.Answer == upgrade.Send {
				out = append(out, &intent{session: id, key: d.Call, at: e.At})
			}
		}
	}
	return out
}

// counted is what a life came to in numbers.
type counted struct {
	intents, accepted, upgrades, imports, deletes, creates int
}

// promises checks every accepted call against the recorded intents: at most one
// each, none without one, and what destroys or replaces data once per session.
func (w *world) promises(since int, ids ...string) (n counted, broken []string) {
	w.t.Helper()
	intents := w.intents(ids...)
	once := map[string]int{}
	for _, c := range w.ledger()[since:] {
		what := c.what()
		if what == "" {
			continue
		}
		var mine *intent
		for _, in := range intents {
			if in.what() == what && !in.at.After(c.At) && (mine == nil || !mine.at.After(in.at)) {
				mine = in
			}
		}
		n.accepted++
		if mine == nil {
			broken = append(broken, fmt.Sprintf("%s %s was accepted without an intent", c.Method, c.Path))
			continue
		}
		if mine.used++; mine.used > 1 {
			broken = append(broken, fmt.Sprintf("%s %s: %d accepted calls for one intent of %s", c.Method, c.Path, mine.used, mine.key))
		}
		if c.Outcome != "error" { // an error is an answer: it did not happen
			n.count(what)
			once[mine.session+mine.key]++
			if slices.Contains([]string{"upgrade", "import", "delete"}, what) && once[mine.session+mine.key] > 1 {
				broken = append(broken, fmt.Sprintf("%s happened %d times in one session", mine.key, once[mine.session+mine.key]))
			}
		}
	}
	n.intents = len(intents)
	for _, id := range ids {
		if err := w.store.Verify(context.Background(), id); err != nil {
			broken = append(broken, fmt.Sprintf("journal of %s: %v", id, err))
		}
	}
	return n, broken
}

func (n *counted) count(what string) {
	switch what {
	case "upgrade":
		n.upgrades++
	case "import":
		n.imports++
	case "delete":
		n.deletes++
	case "create":
		n.creates++
	}
}
