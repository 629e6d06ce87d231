package bench

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
)

// counter is a limiter that lets everything pass and counts it.
type counter struct{ calls atomic.Int64 }

func (c *counter) Wait(_ context.Context, cost int) error { c.calls.Add(int64(cost)); return nil }
func (c *counter) Pause(context.Context, time.Duration)   {}

// The budget that the bot shares among all replicas, below Redis Cloud's 400 a
// minute: so many calls at once, then so many a minute.
const budgetBurst, budgetPerMinute = 80, 300

// BenchmarkInventory reads an account of 10,000 databases in 200 subscriptions.
// calls is what the first index costs, and first-index-s how long that takes
// within the budget of calls (computed: the emulator answers much faster than
// the budget allows; work-ms is what reading took here). Search is measured
// without a wire; its baseline looks for the query in every name and does no more.
func BenchmarkInventory(b *testing.B) {
	limit := &counter{}
	client, err := cloud.New(cloud.Config{URL: startCloud(b, fleet(200, 50)) + "/cloud/v1", Key: cloudKey, Secret: cloudSecret, Limiter: limit})
	must(b, err)
	b.Cleanup(client.Close)
	rdb := dialRedis(b, startRedis(b, "everysec"))

	before := heap()
	index := inventory.New(inventory.Config{Cloud: client, Redis: rdb, Prefix: prefix, Log: silent})
	start := time.Now()
	must(b, index.Refresh(context.Background()))
	work := time.Since(start)
	first := limit.calls.Load()
	grown := heap() - before
	must(b, index.Refresh(context.Background()))
	again := limit.calls.Load() - first

	all := index.All()
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.Name
	}
	var ours, bare samples
	for b.Loop() {
		for i := range 20 * len(queries) {
			query := queries[i%len(queries)]
			t := time.Now()
			index.Search(query, 100)
			ours.add(time.Since(t))
			t = time.Now()
			scan(names, query)
			bare.add(time.Since(t))
		}
	}
	compare(b, &ours, &bare)
	b.ReportMetric(float64(len(all)), "databases")
	b.ReportMetric(float64(first), "calls")
	b.ReportMetric(60*float64(max(0, first-budgetBurst))/budgetPerMinute, "first-index-s")
	b.ReportMetric(float64(again), "calls-again")
	b.ReportMetric(millis(work), "work-ms")
	b.ReportMetric(float64(grown)/(1<<20), "index-MiB")
}

func scan(names []string, query string) (found []string) {
	for _, n := range names {
		if len(found) < 100 && strings.Contains(n, query) {
			found = append(found, n)
		}
	}
	return found
}

// heap is what is in use after a collection, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
