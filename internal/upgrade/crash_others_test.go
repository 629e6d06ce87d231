package upgrade

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Strikes that take more than one command: an older copy of Redis, people who want
// opposite things, replicas that are configured otherwise.

// snapshot reads all of Redis; restore puts exactly that back, in one step.
func (w *world) snapshot() (restore func()) {
	var words []any
	add := func(command ...any) { words = append(append(words, len(command)), command...) }
	add("flushall")
	for _, k := range w.rdb.Keys(w.ctx, "*").Val() {
		switch kind := w.rdb.Type(w.ctx, k).Val(); kind {
		case "string":
			add("set", k, w.rdb.Get(w.ctx, k).Val())
		case "hash":
			for field, v := range w.rdb.HGetAll(w.ctx, k).Val() {
				add("hset", k, field, v)
			}
		case "zset":
			for _, z := range w.rdb.ZRangeWithScores(w.ctx, k, 0, -1).Val() {
				add("zadd", k, strconv.FormatFloat(z.Score, 'f', -1, 64), z.Member)
			}
		case "stream":
			for _, m := range w.rdb.XRange(w.ctx, k, "-", "+").Val() {
				entry := []any{"xadd", k, m.ID}
				for field, v := range m.Values {
					entry = append(entry, field, v)
				}
				add(entry...)
			}
		case "none": // it has just lapsed
			continue
		default:
			w.t.Errorf("%s is a %s, which is not put back", k, kind)
		}
		if left := w.rdb.PTTL(w.ctx, k).Val(); left > 0 {
			add("pexpire", k, left.Milliseconds())
		}
	}
	return func() { w.nil(restoreScript.Eval(w.ctx, w.rdb, nil, words...).Err()) }
}

var restoreScript = redis.NewScript(`
local i = 1
while i <= #ARGV do
  local n, command = tonumber(ARGV[i]), {}
  for j = 1, n do command[j] = ARGV[i + j] end
  redis.call(unpack(command))
  i = i + n + 1
end
return 1
`)

// putBack restores the copy that was taken at an earlier point. A call whose intent is in
// the copy is found out about as after any crash; any later one is lost.
func putBack(w *world, _ Session) {
	if w.copied != nil {
		w.lost = w.intended() > w.copies && len(w.ledger()) > w.sent
		w.copied()
	}
}

// forgetWrite lets a failover forget the write of this point after its answer; at a
// call, what is written until the answer.
func forgetWrite(w *world, _ Session) {
	restore := w.snapshot()
	w.crash.after, w.pens.after = restore, restore
}

// intended is how many intents Redis holds.
func (w *world) intended() int {
	recs, err := w.store.List(w.ctx, true, 0)
	w.nil(err)
	var ids []string
	for _, r := range recs {
		ids = append(ids, r.ID)
	}
	return len(w.intents(ids...))
}

// word is what a person was told is done.
type word struct {
	at   time.Time
	verb string
}

type command func(w *world, e *Engine, s Session) error

var commands = map[string]command{
	"cancel": func(w *world, e *Engine, s Session) error { return errOf(e.Cancel(w.ctx, s.ID, ann)) },
	"approve": func(w *world, e *Engine, s Session) error {
		return errOf(e.Approve(w.ctx, Click{Session: s.ID, Ask: s.Ask, By: carol, Typed: s.ConfirmText()}))
	},
	"deny": func(w *world, e *Engine, s Session) error {
		return errOf(e.Deny(w.ctx, Click{Session: s.ID, Ask: s.Ask, By: carol, Reason: "no"}))
	},
	"pause":  func(w *world, e *Engine, _ Session) error { return e.Pause(w.ctx, dan, true) },
	"resume": func(w *world, e *Engine, _ Session) error { return e.Pause(w.ctx, dora, false) },
}

// opposites lets two people want opposite things at once. The first of them is at a
// slow replica. A pause is over after an hour.
func opposites(first, second string) func(*world, Session) {
	return func(w *world, s Session) {
		if s.ID == "" {
			return
		}
		slow, fast := w.slow(), w.alive
		w.saying.Go(func() { w.say(slow, first, s) })
		w.saying.Go(func() { w.say(fast, second, s) })
		if first == "pause" || second == "pause" {
			w.saying.Go(func() {
				time.Sleep(time.Hour)
				w.say(fast, "resume", s)
			})
		}
	}
}

// say repeats a word until there is an answer to it.
func (w *world) say(r *replica, verb string, s Session) {
	for range 40 {
		err := commands[verb](w, r.Engine, s)
		if err == nil {
			w.mu.Lock()
			w.words = append(w.words, word{time.Now(), verb})
			w.mu.Unlock()
			return
		}
		if refusal, ok := AsRefusal(err); ok && refusal.Code != Unreachable {
			return
		}
		time.Sleep(2 * time.Second)
	}
	w.t.Errorf("no answer to %s", verb)
}

// slow starts one more replica, whose moves and flags take three seconds to reach Redis.
func (w *world) slow() *replica {
	r := &replica{w: w, done: make(chan struct{})}
	w.launch(r, &slowHook{&redisHook{crash: w.crash, dead: r}}, &redisHook{crash: w.pens, dead: r})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, r)
	return r
}

type slowHook struct{ redis.Hook }

func (h *slowHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h *slowHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	next = h.Hook.ProcessHook(next)
	return func(ctx context.Context, cmd redis.Cmder) error {
		if isMove(cmd) || strings.HasPrefix(redisPoint(cmd), "redis flag") { // never under a mutex
			time.Sleep(3 * time.Second)
		}
		return next(ctx, cmd)
	}
}

// differently starts one more replica with another configuration.
func differently(change func(*Config)) func(*world, Session) {
	return func(w *world, _ Session) {
		cfg := w.cfg
		change(&cfg)
		r := &replica{w: w, done: make(chan struct{}), cfg: &cfg}
		w.launch(r, &redisHook{crash: w.crash, dead: r}, &redisHook{crash: w.pens, dead: r})
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all = append(w.all, r)
	}
}

// judgeWords: after somebody was told that it is cancelled, denied or paused, no
// intent of what people approved is written.
func (w *world) judgeWords(s Session) {
	w.t.Helper()
	w.mu.Lock()
	words := slices.Clone(w.words)
	w.mu.Unlock()
	for i, said := range words {
		until := time.Now()
		for _, later := range words[i:] {
			if said.verb == "pause" && later.verb == "resume" {
				until = later.at
				break
			}
		}
		began := false
		for _, in := range w.intents(s.ID) {
			if !traitsOf[in.key].covered {
				continue
			}
			began = began || !in.at.After(said.at)
			if slices.Contains([]string{"cancel", "deny", "pause"}, said.verb) && in.at.After(said.at) && in.at.Before(until) {
				w.t.Errorf("intent %d of %s was written at %s, after the answer to %s at %s", in.number, in.key, in.at, said.verb, said.at)
			}
		}
		if (said.verb == "cancel" || said.verb == "deny") && s.State == Done && !began {
			w.t.Errorf("done, and the answer to %s came at %s, before everything", said.verb, said.at)
		}
	}
}

// judgeClaims: what ended does not say that nothing was done when something was.
func (w *world) judgeClaims(s Session, since int) {
	w.t.Helper()
	if !s.Ended {
		return
	}
	notes := strings.Split(strings.TrimSpace(w.said(s.ID)), "\n")
	last := notes[len(notes)-1]
	method, end := "POST", "/upgrade"
	if s.Kind == KindRevert {
		method, end = "DELETE", fmt.Sprintf("/databases/%d", s.Plan.Ref().Database)
	}
	done := slices.ContainsFunc(w.ledger()[since:], func(c accepted) bool {
		return c.Method == method && strings.HasSuffix(c.Path, end) && c.Outcome != "error"
	})
	if claim := strings.ToLower(last); done && (strings.Contains(claim, "nothing was") || strings.Contains(claim, "nothing is changed")) {
		w.t.Errorf("ended %s with %q", s.State, last)
	}
}
