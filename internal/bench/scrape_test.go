package bench

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// BenchmarkScrape measures one answer of /metrics, the whole page over HTTP, while
// 5,000 sessions are open. The baseline is what says the same without counts that are
// kept: loading and reading all of them.
func BenchmarkScrape(b *testing.B) {
	const open = 5000
	w := newWorkspace(b)
	addr := startRedis(b, "everysec")
	rdb := dialRedis(b, addr)
	store := seedStore(rdb, prefix, sealKey)
	seeds := proposed(open)
	for i := range seeds {
		seeds[i].due, seeds[i].quiet = 24*time.Hour, true
	}
	sow(b, store, 0, seeds)
	cfg := config(w, startCloud(b, fleet(1, 1)), addr)
	cfg.HealthAddr = freeAddr(b)
	startBot(b, w, cfg)
	page := "http://" + cfg.HealthAddr + "/metrics"
	eventually(b, "all sessions in /metrics", time.Minute, func() bool {
		return strings.Contains(fetch(b, page), `redis_upgrade_sessions{kind="upgrade",state="proposed"} 5000`)
	})
	var ours, bare samples
	for b.Loop() {
		for range 50 {
			for range 4 {
				start := time.Now()
				fetch(b, page)
				ours.add(time.Since(start))
			}
			start := time.Now()
			all, err := store.List(context.Background(), true, 0)
			must(b, err)
			for _, r := range all {
				_, err := upgrade.Decode(r)
				must(b, err)
			}
			bare.add(time.Since(start))
		}
	}
	compare(b, &ours, &bare)
}
