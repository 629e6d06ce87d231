package upgrade

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// kind is what goes wrong at a point.
type kind string

const (
	failed  kind = "failed"              // an error, and nothing happened
	happens kind = "failed but happened" // it happened, the answer is lost
	gone    kind = "process gone"        // it happened, and the process is no more
	nothing kind = ""
)

var kinds = []kind{failed, happens, gone}

// crash counts every write to Redis and every outside call, and lets one of
// them go wrong.
type crash struct {
	mu    sync.Mutex
	on    bool // count at all
	at    int  // the point that goes wrong, from 0; with kind "" none
	kind  kind
	names []string // the points so far
	hit   bool

	strike func() // what somebody else does there, instead of anything going wrong; nil: nothing
	early  func() // happens at an earlier point, by quarters; nil: nothing
	after  func() // set by strike: happens behind the write or call of this point, once
}

// pass counts a point and says what is to go wrong there.
func (c *crash) pass(name string) kind {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on {
		return nothing
	}
	c.names = append(c.names, name)
	if c.early != nil && c.kind != nothing && len(c.names)-1 == c.at*(c.at%4)/4 { // from the beginning, or one, two, three quarters of the way
		c.mu.Unlock()
		c.early()
		c.mu.Lock()
	}
	if c.kind == nothing || len(c.names)-1 != c.at || c.hit {
		return nothing
	}
	c.hit = true
	if c.strike != nil {
		c.mu.Unlock()
		c.strike()
		c.mu.Lock()
		return nothing
	}
	return c.kind
}

// unpass takes the last point back: it was only the client's way of asking
// whether the server knows a script.
func (c *crash) unpass(was kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.on {
		c.names = c.names[:len(c.names)-1]
		c.hit = c.hit && was == nothing
	}
}

// passed ends a point: its write or call has its answer.
func (c *crash) passed() {
	c.mu.Lock()
	after := c.after
	c.after = nil
	c.mu.Unlock()
	if after != nil {
		after()
	}
}

func (c *crash) start(at int, k kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on, c.at, c.kind, c.names, c.hit = true, at, k, nil, false
}

func (c *crash) stop() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = false
	return c.names
}

var errInjected = errors.New("injected: connection lost")

// redisHook stands between a replica and Redis.
type redisHook struct {
	crash *crash
	dead  *replica
}

func (h *redisHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *redisHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if h.dead.dead.Load() {
			return errDead
		}
		return next(ctx, cmds)
	}
}

func (h *redisHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if h.dead.dead.Load() {
			return errDead
		}
		if !isWrite(cmd) || h.idle(ctx, cmd) {
			return next(ctx, cmd)
		}
		k := h.crash.pass(redisPoint(cmd))
		if k == failed {
			return errInjected
		}
		err := next(ctx, cmd)
		if err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT") {
			h.crash.unpass(k)
			return err
		}
		h.crash.passed()
		switch k {
		case happens:
			return errInjected
		case gone:
			h.dead.kill()
			return errDead
		}
		return err
	}
}

// idle reports whether a command claims from a queue in which nothing is due.
func (h *redisHook) idle(ctx context.Context, cmd redis.Cmder) bool {
	args := cmd.Args()
	queue, _ := args[min(3, len(args)-1)].(string)
	if _, claims := args[len(args)-1].(int); !claims || len(args) != 7 || !strings.Contains(queue, "}:queue:") {
		return false
	}
	due, err := h.dead.w.rdb.ZCount(ctx, queue, "-inf", fmt.Sprint(time.Now().UnixMilli()*1000+999)).Result()
	return err == nil && due == 0
}

// redisPoint names a write by what it touches; "move" is a session's own.
func redisPoint(cmd redis.Cmder) string {
	args := cmd.Args()
	if len(args) < 4 {
		return "redis " + cmd.Name()
	}
	last := func(i int) string {
		if i >= len(args) {
			return ""
		}
		key, _ := args[i].(string)
		_, key, _ = strings.Cut(key, "}:")
		return key
	}
	if last(5) == "open" {
		return "redis move"
	}
	at := 3
	if name := strings.ToLower(cmd.Name()); name == "set" || name == "del" {
		at = 1
	}
	first, _, _ := strings.Cut(last(at), ":")
	if first == "queue" {
		first = last(at)
	}
	return "redis " + first
}

// cloudPoint names a call that changes something. Calls that only put a task
// into the queue count too.
func cloudPoint(req *http.Request) string {
	asks := strings.HasSuffix(req.URL.Path, "/backup") || strings.HasSuffix(req.URL.Path, "/import")
	if req.Method == http.MethodGet && !asks {
		return ""
	}
	return "cloud " + req.Method + " " + shape(req.URL.Path)
}

func slackPoint(req *http.Request) string { return "slack " + path.Base(req.URL.Path) }

// around stands between everybody and a service.
func (c *crash) around(w *world, name func(*http.Request) string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		point := name(req)
		if point == "" {
			next.ServeHTTP(rw, req)
			return
		}
		k := c.pass(point)
		if k == nothing {
			next.ServeHTTP(rw, req)
			c.passed()
			return
		}
		if k != failed {
			rec := httptest.NewRecorder()
			rec.Body = &bytes.Buffer{}
			next.ServeHTTP(rec, req)
		}
		if k == gone {
			w.mu.Lock()
			r := w.alive
			w.mu.Unlock()
			r.kill()
		}
		panic(http.ErrAbortHandler)
	})
}

// shape is a path without its numbers.
func shape(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if p != "" && strings.Trim(p, "0123456789") == "" {
			parts[i] = "#"
		}
	}
	return strings.Join(parts, "/")
}
