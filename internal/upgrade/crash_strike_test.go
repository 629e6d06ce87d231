package upgrade

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// strike is something that somebody else does at a point of a life.
type strike struct {
	kind    kind
	do      func(w *world, s Session)
	ends    bool // the life ends as without it
	foreign bool // it changes databases, so the life may take other calls than a clean one
}

var strikes = []strike{
	{"Slack away", func(w *world, _ Session) {
		w.roles.silence(errInjected)
		w.room.Fault("channel_archived", -1) // what is tried again in half a minute, not each second
		time.AfterFunc(20*time.Minute, func() {
			w.roles.silence(nil)
			w.room.Fault("channel_archived", 0)
		})
	}, true, false},
	{"forged version", func(w *world, s Session) { w.forgeBody(s.ID, func(b *Body) { b.Plan.To = "8.6" }) }, false, false},
	{"forged vote", func(w *world, s Session) {
		w.forgeBody(s.ID, func(b *Body) { b.Decisions = append(b.Decisions, forgedVote(s, carol)) })
	}, false, false},
	{"forged state", func(w *world, s Session) { w.forge(s.ID, map[string]any{"state": string(Approved)}) }, false, false},
	{"forged entry", func(w *world, s Session) {
		name := tag + "journal:" + s.ID
		all := w.rdb.XRange(w.ctx, name, "-", "+").Val()
		w.nil(w.rdb.Del(w.ctx, name).Err())
		all[len(all)-1].Values["by"] = "U0EVE"
		w.putBack(s, w.rdb.HGetAll(w.ctx, tag+"session:"+s.ID).Val(), all)
	}, false, false},
	{"forged lock", func(w *world, s Session) {
		w.nil(w.rdb.Set(w.ctx, tag+"active:"+s.Plan.Database, "u-zzzzzzzzzz", 0).Err())
	}, false, false},
	{"renamed", consoleStrike(map[string]any{"name": "cache-old"}), false, true},
	{"opened", consoleStrike(map[string]any{"source_ips": []string{"0.0.0.0/0"}}), false, true},
	{"upgraded", consoleStrike(map[string]any{"redis_version": "8.0"}), false, true},
	{"deleted", consoleStrike(map[string]any{"delete": true}), false, true},
	{"a twin", func(w *world, _ Session) {
		if w.find("cache").ID == 0 {
			w.hook("POST", "create", map[string]any{"subscription": "shop", "database": map[string]any{"name": "cache", "port": 12077}}, nil)
		}
	}, false, true},
	{"Redis' clock back", redisClock(-time.Hour), true, false},
	{"Redis' clock ahead", redisClock(time.Hour), true, false},
	{"replica's clock back", replicaClock(-time.Hour), true, false},
	{"replica's clock ahead", replicaClock(time.Hour), true, false},
	{"Redis put back", putBack, false, false},
	{"Redis put back, process gone", func(w *world, _ Session) {
		if w.copied != nil {
			w.copied()
			w.alive.kill() // with all that it has seen
		}
	}, false, true},
	{"last write forgotten", forgetWrite, false, false},
	{"cancel and approve", opposites("cancel", "approve"), false, false},
	{"approve and cancel", opposites("approve", "cancel"), false, false},
	{"deny and approve", opposites("deny", "approve"), false, false},
	{"approve and deny", opposites("approve", "deny"), false, false},
	{"pause and resume", opposites("pause", "resume"), true, false},
	{"resume and pause", opposites("resume", "pause"), true, false},
	{"a replica of two approvals", differently(func(c *Config) { c.Upgrades, c.Reverts = approvals.Upgrade(2), approvals.Revert(3) }), true, false},
	{"a replica that observes", differently(func(c *Config) { c.Mode = ModeObserve }), false, false},
}

func consoleStrike(set map[string]any) func(*world, Session) {
	return func(w *world, _ Session) {
		if w.find("cache").ID != 0 {
			w.console("cache", set)
		}
	}
}

func redisClock(ahead time.Duration) func(*world, Session) {
	return func(w *world, _ Session) { w.clock(ahead) }
}

func replicaClock(ahead time.Duration) func(*world, Session) {
	return func(w *world, _ Session) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.skew = ahead
		w.alive.skew.Store(int64(ahead))
	}
}

// struck is what a life came to.
type struck struct {
	points []point
	end    string
	calls  map[string]int
}

// TestCrashMatrixOfOthers: at every write and every outside call of both lives
// somebody else does something, once each. Nothing leaves that people did not
// approve, and nothing is called done that is not.
func TestCrashMatrixOfOthers(t *testing.T) {
	for life, samples := range map[string]int{"upgrade": 2, "revert": 1} { // of each kind; a revert takes longer
		t.Run(life, func(t *testing.T) {
			clean := runStruck(t, life, point{}, strike{ends: true}, nil)
			var mu sync.Mutex
			ends, tried, chosen := map[string]int{}, 0, 0
			inPart(t)
			t.Run("points", func(t *testing.T) {
				for i, at := range clean.points {
					for n, s := range strikes {
						if !*fullMatrix && !among(i, n, len(clean.points), samples) {
							continue
						}
						if chosen++; chosen%part != 0 {
							continue
						}
						t.Run(fmt.Sprintf("%d %s %s", i, at.name, s.kind), func(t *testing.T) {
							t.Parallel()
							got := runStruck(t, life, at, s, clean.calls)
							mu.Lock()
							defer mu.Unlock()
							tried++
							ends[string(s.kind)+": "+got.end]++
						})
					}
				}
			})
			t.Logf("%d points × %d kinds, tried %d", len(clean.points), len(strikes), tried)
			for _, name := range slices.Sorted(maps.Keys(ends)) {
				t.Log(ends[name], name)
			}
		})
	}
}

// among reports whether a point is one of so many, evenly spread, that are sampled for
// the nth kind; each kind has others.
func among(point, n, points, samples int) bool {
	first := n * points / samples / len(strikes)
	for k := range samples {
		if point == first+k*points/samples {
			return true
		}
	}
	return false
}

func runStruck(t *testing.T, life string, at point, k strike, clean map[string]int) (end struck) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop(), coarse, furnished(20*time.Second), func(w *world) { w.seen = &sightings{} })
		if strings.HasPrefix(string(k.kind), "Redis' clock") {
			w.clock = w.setClock(t, 2*time.Second, func() []*session.Store { return []*session.Store{w.store} }) // no points
		}
		files, up := "", Session{}
		if life == "revert" {
			up = w.upgraded("cache", "7.4")
			files = w.filesOf("cache")
		}
		id, since := w.find("cache").ID, len(w.ledger())
		if k.do != nil {
			do := func() {
				w.seen.Lock()
				defer w.seen.Unlock()
				w.seen.struck, w.seen.before = time.Now(), len(w.seen.reads)
				recs, err := w.store.List(w.ctx, true, 0)
				w.nil(err)
				for _, r := range recs {
					if s, err := decode(r); err == nil && string(s.Kind) == life && (s.ID != up.ID) {
						k.do(w, s)
						return
					}
				}
				if k.ends || k.foreign { // before there is a session: nothing to forge
					k.do(w, Session{})
				}
			}
			w.crash.strike, w.pens.strike = do, do
			if strings.HasPrefix(string(k.kind), "Redis put back") {
				early := func() { w.copied, w.copies, w.sent = w.snapshot(), w.intended(), len(w.ledger()) }
				w.crash.early, w.pens.early = early, early
			}
		}
		w.start(at, k.kind)
		ask, votes := w.request("cache", "7.4"), []approvals.Voter{bob}
		if life == "revert" {
			ask, votes = w.revertOf(up, files), append(votes, dan)
		}
		s, refused := w.act(ask)
		if refused != nil {
			end.end = "refused"
		} else {
			s = w.outlive(s.ID, votes)
			end.end = string(s.State)
			if s.Distrusted != "" {
				end.end = "stands"
			}
		}
		w.saying.Wait()
		reads, _ := w.seen.now()
		time.Sleep(time.Minute) // whatever is still on its way arrives
		for back := true; back; time.Sleep(time.Minute) {
			_, struck := w.seen.now()
			back = time.Since(struck) < 25*time.Minute // so is Slack
		}
		end.points = w.stop()
		end.calls = w.judgeStruck(since, id, k, clean)
		if _, err := w.store.Load(w.ctx, s.ID); errors.Is(err, session.ErrNotFound) && w.copied != nil {
			end.end = "forgotten"
			return
		}
		if w.lost && end.end != "stands" && end.end != "refused" {
			t.Errorf("Redis was put back to before a call that was accepted, and it ended %s", end.end)
		}
		if end.end != "refused" && s.Distrusted == "" {
			w.judgeWords(s)
			w.judgeClaims(s, since)
		}
		if s.State == Done && s.Distrusted == "" {
			w.judgeDone(s, reads, k)
		}
		if k.ends {
			if s.State != Done {
				t.Errorf("it ended %s", end.end)
			}
			ids := []string{s.ID}
			if life == "revert" {
				ids = append(ids, up.ID)
			}
			for _, p := range w.checkCards(1, ids...) {
				t.Error(p)
			}
		}
		if !s.Ended && end.end != "refused" && end.end != "stands" {
			t.Error("it is stuck")
		}
		if t.Failed() {
			t.Logf("%s at %+v: %s\n%s", k.kind, at, describe(s), tail(w.log.String()))
		}
	})
	return end
}

// read is what Redis Cloud answered about one database.
type read struct {
	at     time.Time
	id     int
	Status string `json:"status"`
	// With major and minor only where nobody asked for more.
	Version string `json:"redisVersion"`
}

// sightings are the answers about single databases, in order, and where the strike
// came between them. It does not come during one.
type sightings struct {
	sync.Mutex
	reads  []read
	struck time.Time // zero: not yet
	before int       // so many reads came before the strike
}

func (s *sightings) now() (reads []read, struck time.Time) {
	s.Lock()
	defer s.Unlock()
	return slices.Clone(s.reads), s.struck
}

// around keeps what next answers about single databases.
func (s *sightings) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		m := databaseID.FindStringSubmatch(req.URL.Path)
		if req.Method != http.MethodGet || m == nil || !strings.HasSuffix(req.URL.Path, m[0]) {
			next.ServeHTTP(rw, req)
			return
		}
		s.Lock()
		defer s.Unlock()
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, req)
		r := read{at: time.Now()}
		r.id, _ = strconv.Atoi(m[1])
		_ = json.Unmarshal(rec.Body.Bytes(), &r) // nothing is read from a refusal
		s.reads = append(s.reads, r)
		maps.Copy(rw.Header(), rec.Header())
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(rec.Body.Bytes())
	})
}

// judgeDone: what is called done was read back in the same look, from the database
// that the session is about, and if the strike came before that, it still is so.
func (w *world) judgeDone(s Session, reads []read, k strike) {
	w.t.Helper()
	ref := s.Plan.Ref()
	if s.Kind == KindRevert {
		ref, _ = cloud.ParseRef(s.Revert.NewRef)
	}
	last := len(reads) - 1
	for last >= 0 && reads[last].id != ref.Database {
		last--
	}
	if last < 0 {
		w.t.Errorf("done, and %s was never read", ref)
		return
	}
	r := reads[last]
	if r.Status != "active" || !sameVersion(r.Version, s.Plan.To) {
		w.t.Errorf("done at %s, and read before as %+v", s.Updated, r)
	}
	if k.foreign && !r.at.Equal(s.Updated) {
		w.t.Errorf("done at %s, and read last at %s", s.Updated, r.at)
	}
	i := slices.IndexFunc(w.databases(), func(d fleetDB) bool { return d.ID == ref.Database })
	if w.seen.before <= last && (i < 0 || !sameVersion(w.databases()[i].Version, s.Plan.To)) {
		w.t.Errorf("done, and %s is not on %s: %+v", ref, s.Plan.To, w.databases())
	}
}

// outlive lets people answer whatever is asked until a session has ended, or
// is not believed any more.
func (w *world) outlive(id string, votes []approvals.Voter) (s Session) {
	w.t.Helper()
	for begin := time.Now(); time.Since(begin) < 2*limit; time.Sleep(w.tick) {
		e := w.engine()
		now, err := e.Load(w.ctx, id)
		if errors.Is(err, session.ErrNotFound) && w.copied != nil {
			time.Sleep(time.Hour)
			return s
		}
		if err != nil {
			continue
		}
		s = now
		switch {
		case s.Ended:
			return s
		case s.Distrusted != "":
			time.Sleep(time.Hour)
			return s
		case s.State == Proposed:
			for _, by := range votes {
				_, _ = w.vote(s, by)(e)
			}
		case s.Call != nil && s.Call.Phase == Unknown:
			for _, by := range []approvals.Voter{dan, dora} {
				_, _ = e.Settle(w.ctx, Click{Session: id, By: by}, w.happened(s))
			}
		}
	}
	return s
}

var databaseID = regexp.MustCompile(`/databases/([0-9]+)`)

// judgeStruck counts accepted calls by their shape: none is for a database that
// is neither the approved one nor the session's own, none is one that a clean
// life does not make.
func (w *world) judgeStruck(since, id int, k strike, clean map[string]int) map[string]int {
	ours, counts := map[int]bool{id: true}, map[string]int{}
	for _, c := range w.ledger()[since:] {
		name := c.Method + " " + shape(c.Path)
		counts[name]++
		if strings.HasSuffix(name, "/databases") {
			ours[c.Resource] = true
		}
		if m := databaseID.FindStringSubmatch(c.Path); m != nil {
			if n, _ := strconv.Atoi(m[1]); !ours[n] {
				w.t.Errorf("%s %s is for somebody else's database", c.Method, c.Path)
			}
		}
		if strings.HasSuffix(name, "/upgrade") && !strings.Contains(string(c.Body), "7.4") {
			w.t.Errorf("nobody approved %s", c.Body)
		}
		once := strings.HasSuffix(name, "/upgrade") || strings.HasPrefix(name, "DELETE") && w.copied == nil // of a copy the test restore may not know
		if clean != nil && counts[name] > clean[name] && (!k.foreign || once) {
			w.t.Errorf("%s was accepted %d times, in a clean life %d", name, counts[name], clean[name])
		}
	}
	return counts
}
