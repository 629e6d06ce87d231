package cloudtest

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

// faultNames are all faults that the emulator can switch on.
func faultNames(t *testing.T) []string {
	t.Helper()
	var all []struct {
		Fault string `json:"fault"`
	}
	hook(t, cloudemu.New(cloudemu.Config{Now: time.Now}), "GET", "faults", nil, &all)
	var names []string
	for _, f := range all {
		names = append(names, f.Fault)
	}
	return names
}

func TestEveryFaultHasAFate(t *testing.T) {
	names := faultNames(t)
	for _, l := range []life{upgrading, reverting} {
		for _, name := range names {
			if !slices.ContainsFunc(fates, func(f fate) bool { return f.life == l && f.name() == name }) {
				t.Errorf("no fate of %s in the %s", name, l)
			}
		}
	}
	seen := map[fate]bool{}
	for _, f := range fates {
		if !slices.Contains(names, f.name()) || f.why == "" || f.end == "" {
			t.Errorf("no such fault, or no end or reason: %+v", f)
		}
		key := fate{life: f.life, fault: f.fault, at: f.at, nth: f.nth, times: f.times}
		if seen[key] {
			t.Errorf("doubled: %+v", f)
		}
		seen[key] = true
	}
	t.Logf("%d faults, %d rows", len(names), len(fates))
}

// name is the fault without what it is narrowed down to.
func (f fate) name() string {
	name, _, _ := strings.Cut(f.fault, " ")
	return name
}

func (f fate) strike() strike {
	s := strike{fault: f.fault, call: f.at, nth: max(f.nth, 1), times: f.times, also: f.also}
	if f.times == outage {
		s.times, s.heals = -1, 3*time.Hour
	}
	if s.call == "" {
		s.call = readDatabase
	}
	if s.times == 0 {
		s.times = 1
	}
	return s
}

// part is 8 where one in eight fates is played: scripts/test does so under the race
// detector (TEST_PART=8), and plays them all without it.
var part = func() int {
	n, _ := strconv.Atoi(os.Getenv("TEST_PART"))
	return max(1, n)
}()

// TestFaultsEndAsDesigned plays every fate in virtual time and holds each to
// what must never break, whatever the fault (see playUpgrade and judgeRevert),
// and to its own end.
func TestFaultsEndAsDesigned(t *testing.T) {
	var (
		mu    sync.Mutex
		lines []string // guarded by mu
		sum   counted  // guarded by mu
	)
	if part > 1 {
		t.Logf("played in part: one in %d", part) // scripts/report wants it once more, in full
	}
	t.Run("fates", func(t *testing.T) {
		for i, f := range fates {
			if testing.Short() && i%5 != 0 || i%part != 0 {
				continue
			}
			s := f.strike()
			t.Run(fmt.Sprintf("%s %s at %s %d", f.life, f.fault, s.call, s.nth), func(t *testing.T) {
				t.Parallel()
				out := play(t, f.life, s)
				f.judge(t, s, out)
				mu.Lock()
				defer mu.Unlock()
				n := out.counted
				sum.intents, sum.accepted = sum.intents+n.intents, sum.accepted+n.accepted
				lines = append(lines, fmt.Sprintf("%03d\t%s\t%s\t%s %d×%d\t%s\t%d\t%d\t%d %d %d %d\t%d", i, f.life, f.fault, s.call, s.nth, s.times,
					out, n.intents, n.accepted, n.upgrades, n.imports, n.deletes, n.creates, out.minutes))
			})
		}
	})
	slices.Sort(lines)
	var table strings.Builder
	tab := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "life\tfault\tstruck at nth×times\tend\tintents\taccepted\tupg imp del cre\tminutes")
	for _, l := range lines {
		_, l, _ = strings.Cut(l, "\t")
		fmt.Fprintln(tab, l)
	}
	must(t, tab.Flush())
	t.Logf("%d lives; %d intents, %d accepted calls, none doubled\n%s", len(lines), sum.intents, sum.accepted, &table)
}

func (f fate) judge(t *testing.T, s strike, out ending) {
	t.Helper()
	for _, b := range out.broken {
		t.Error(b)
	}
	if out.struck == "" {
		t.Errorf("the fault never struck: there was no %s number %d", s.call, s.nth)
	}
	if out.String() != f.end {
		t.Errorf("ended %q (%s), want %q: %s", out, cmp.Or(out.problem, "no problem named"), f.end, f.why)
	}
	if out.end == "failed" && out.problem == "" {
		t.Error("failed without a name")
	}
}
