package upgrade

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
)

// intent is one recorded intent to send, as the journals tell.
type intent struct {
	session   string
	key       string
	number    int
	revision  int64     // of the journal
	at        time.Time // by the clock of the store, which is the emulator's but for world.odd
	used      int       // accepted calls of the ledger that belong to it
	forgotten bool      // by a Redis that was put back to before it: it counts for no second one
}

// senders says which of a session's calls an accepted request can be.
func senders(c accepted) []string {
	path := shape(c.Path)
	switch {
	case strings.HasSuffix(path, "/tags"):
		return []string{callTags}
	case strings.HasSuffix(path, "/upgrade"):
		return []string{callUpgrade}
	case strings.HasSuffix(path, "/backup"):
		return []string{callBackup, callSafetyBackup}
	case strings.HasSuffix(path, "/import"):
		return []string{callImport, callRehearsalImport}
	case strings.HasSuffix(path, "/databases"):
		return []string{callCreate, callRehearsalCreate}
	case strings.Contains(path, "/acl/roles/"):
		return []string{"role " + c.Path[strings.LastIndex(c.Path, "/")+1:]}
	case c.Method == "DELETE":
		return []string{callDelete, callRehearsalDelete}
	}
	return []string{callCloseDoor, callReopenDoor, callOpenDoor, callPassword, callDefaultUser, callRules}
}

// journal is a session's whole journal.
func (w *world) journal(id string) []session.Entry {
	w.t.Helper()
	entries, err := w.store.Journal(w.ctx, id, 0, 0)
	w.nil(err)
	return entries
}

func (w *world) intents(ids ...string) []*intent {
	w.t.Helper()
	return w.intentsIn(w.store, ids...)
}

func (w *world) intentsIn(store *session.Store, ids ...string) []*intent {
	w.t.Helper()
	var out []*intent
	for _, id := range ids {
		entries, err := store.Journal(w.ctx, id, 0, 0)
		w.nil(err)
		for _, e := range entries {
			var d struct {
				Call   string
				Answer Answer
				Intent int
			}
			if e.Data != nil && json.Unmarshal(e.Data, &d) == nil && d.Answer == Send {
				out = append(out, &intent{session: id, key: d.Call, number: d.Intent, revision: e.Revision, at: w.heard.really(e.Stored)})
			}
		}
	}
	return out
}

// checkLedger: at most one accepted call per recorded intent, none without
// one, and one upgrade and one import per database.
func (w *world) checkLedger(since int, ids ...string) []string {
	w.t.Helper()
	return w.checkCalls(since, w.intents(ids...))
}

func (w *world) checkCalls(since int, intents []*intent) (problems []string) {
	w.t.Helper()
	once := map[string]int{}
	for _, c := range w.ledger()[since:] {
		keys := senders(c)
		if keys == nil {
			continue
		}
		var last *intent
		for _, in := range intents {
			if slices.Contains(keys, in.key) && !in.at.After(c.At.Add(w.odd)) && (last == nil || !last.at.After(in.at)) {
				last = in
			}
		}
		if last == nil {
			problems = append(problems, fmt.Sprintf("%s %s was accepted at %s without an intent", c.Method, c.Path, c.At))
			continue
		}
		if last.used++; last.used > 1 {
			problems = append(problems, fmt.Sprintf("%s %s: %d accepted calls for intent %d of %s", c.Method, c.Path, last.used, last.number, last.key))
		}
		if c.Outcome == "error" {
			continue // an answer: it did not happen
		}
		if last.key == callUpgrade || last.key == callImport || last.key == callRehearsalImport || last.key == callDelete {
			if last.forgotten {
				continue
			}
			if once[last.session+last.key]++; once[last.session+last.key] > 1 {
				problems = append(problems, fmt.Sprintf("%s %s happened %d times in one session", c.Method, c.Path, once[last.session+last.key]))
			}
		}
	}
	return problems
}

// checkRecords: journal and record agree, nobody is stuck, and who has ended
// has let go.
func (w *world) checkRecords(ids ...string) (problems []string) {
	w.t.Helper()
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, id := range ids {
		if err := w.store.Verify(w.ctx, id); err != nil {
			add("journal of %s: %v", id, err)
		}
		s, entries := w.load(id), w.journal(id)
		state, last := "", entries[len(entries)-1]
		for i, e := range entries {
			if e.From != state || e.Revision != int64(i+1) {
				add("journal of %s: entry %d is %d from %q, want from %q", id, i, e.Revision, e.From, state)
			}
			state = e.To
		}
		if last.To != string(s.State) || last.Revision != s.Revision {
			add("%s is %s at %d, its journal ends %s at %d", id, s.State, s.Revision, last.To, last.Revision)
		}
		_, err := w.rdb.ZScore(w.ctx, "{redis-upgrade}:queue:due", id).Result()
		if due := err == nil; due == s.Ended && s.State != Reverting && !(due && s.arrivalAwaited()) {
			add("%s is %s and has a next look: %v", id, s.State, due)
		}
		needed := s.Revert != nil && (s.Revert.Missing || !s.Revert.DeletedAt.IsZero()) && s.State != Done // to finish by hand what the delete began
		if s.Ended && !needed && (s.Revert != nil && s.Revert.Was != nil && s.Revert.Was.Password+s.Revert.Was.Destination != "") {
			add("%s has ended and keeps its secrets", id)
		}
		for _, ref := range s.record.Holds {
			if s.Ended {
				add("%s has ended and holds %s", id, ref)
			}
		}
	}
	return problems
}

// checkCounts: what is counted without loading sessions is what a scan of them says.
func (w *world) checkCounts() (problems []string) {
	w.t.Helper()
	open, err := w.store.List(w.ctx, true, 0)
	w.nil(err)
	want := map[session.Count]int{}
	for _, r := range open {
		want[session.Count{Kind: r.Kind, State: r.State, Also: countedAlso(r.Body)}]++
	}
	counts, err := w.store.Counts(w.ctx)
	w.nil(err)
	for _, c := range counts {
		n := c.Sessions
		c.Sessions = 0
		if n != want[c] {
			problems = append(problems, fmt.Sprintf("%d sessions are counted at %+v, there are %d", n, c, want[c]))
		}
		delete(want, c)
	}
	for c, n := range want {
		problems = append(problems, fmt.Sprintf("%d sessions at %+v are not counted", n, c))
	}
	return problems
}

// checkMemory also wants turns to be free and no database held by the ended.
func (w *world) checkMemory(ids ...string) (problems []string) {
	w.t.Helper()
	problems = append(w.checkRecords(ids...), w.checkCounts()...)
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	keys, err := w.rdb.Keys(w.ctx, "{redis-upgrade}:turn:*").Result()
	w.nil(err)
	for _, k := range keys {
		name := strings.TrimPrefix(k, "{redis-upgrade}:turn:")
		if strings.Contains(name, ":waiting") || strings.Contains(name, ":asked") {
			continue
		}
		if holder, err := w.store.TurnHolder(w.ctx, name); err != nil || holder != "" && !slices.Contains(w.stands, holder) {
			add("turn %s is held by %q (%v)", name, holder, err)
		}
	}
	keys, err = w.rdb.Keys(w.ctx, "{redis-upgrade}:active:*").Result()
	w.nil(err)
	for _, k := range keys {
		owner := w.rdb.Get(w.ctx, k).Val()
		if s := w.load(owner); s.Ended {
			add("%s is held by the ended %s", k, owner)
		}
	}
	return problems
}

// checkSecrets: nothing that opens a door is in Redis or in the log.
func (w *world) checkSecrets(secrets ...string) (problems []string) {
	w.t.Helper()
	dump := w.mini.Dump() + w.streams() + w.log.String()
	for _, s := range append(secrets, password, testKey, testSecret, testSeal) {
		if i := strings.Index(dump, s); i >= 0 {
			problems = append(problems, fmt.Sprintf("a secret is in Redis or in the log: …%q…", dump[max(0, i-80):min(len(dump), i+80)]))
		}
	}
	return problems
}

// streams is what Dump leaves out.
func (w *world) streams() string {
	var b strings.Builder
	keys, err := w.rdb.Keys(w.ctx, "*:journal:*").Result()
	w.nil(err)
	for _, k := range keys {
		fmt.Fprintln(&b, w.rdb.XRange(w.ctx, k, "-", "+").Val())
	}
	return b.String()
}

const leftOver = "temporary database %s is left, and nobody is told"

// checkCloud: what ended as done is done, and no temporary database is left.
func (w *world) checkCloud(ids ...string) (problems []string) {
	w.t.Helper()
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	all := w.databases()
	byID := func(id int) fleetDB {
		i := slices.IndexFunc(all, func(d fleetDB) bool { return d.ID == id })
		if i < 0 {
			return fleetDB{}
		}
		return all[i]
	}
	loose := ""
	for _, id := range ids {
		s := w.load(id)
		db := byID(s.Plan.Ref().Database)
		if s.Revert != nil {
			loose += strings.Join(s.Revert.Loose, "\n")
		}
		switch {
		case s.Kind == KindUpgrade && s.State == Done && db.Version != s.Plan.To:
			add("%s is done and %s reads %q", id, s.Plan.Name, db.Version)
		case s.State == Failed && s.Problem == "":
			add("%s failed without a name for it", id)
		}
	}
	for _, d := range all {
		if strings.Contains(d.Name, "-rehearsal-") && !strings.Contains(loose, d.Name) {
			add(leftOver, d.Name)
		}
	}
	return problems
}
