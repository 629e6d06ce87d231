package bench

import (
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"
)

var silent = slog.New(slog.DiscardHandler)

// samples are durations of one thing. Safe for concurrent use.
type samples struct {
	mu  sync.Mutex
	all []time.Duration
}

func (s *samples) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, d)
}

// at is the p-th percentile, by the nearest rank.
func (s *samples) at(p float64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return 0
	}
	sorted := slices.Clone(s.all)
	slices.Sort(sorted)
	return sorted[min(int(p/100*float64(len(sorted))), len(sorted)-1)]
}

// report prints p50 and p99 in microseconds under a name.
func (s *samples) report(b *testing.B, name string) {
	b.ReportMetric(micros(s.at(50)), name+"-p50-µs")
	b.ReportMetric(micros(s.at(99)), name+"-p99-µs")
}

// compare reports both and how many times as long ours takes.
func compare(b *testing.B, ours, bare *samples) {
	b.Helper()
	ours.report(b, "bot")
	bare.report(b, "bare")
	b.ReportMetric(ratio(ours.at(50), bare.at(50)), "p50-ratio")
	b.ReportMetric(ratio(ours.at(99), bare.at(99)), "p99-ratio")
	b.ReportMetric(0, "ns/op") // the time of a whole round says nothing
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

func ratio(a, b time.Duration) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// eventually waits for something that other goroutines or processes bring about.
func eventually(b *testing.B, what string, within time.Duration, ok func() bool) {
	b.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	b.Fatalf("never saw %s within %s", what, within)
}

// must is for what cannot go wrong unless the benchmark is broken.
func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
