package bench

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// BenchmarkSteps measures durable steps per second: one Advance is compare,
// journal entry with its HMAC, record of the usual size, timers and card mark,
// in one script. The baseline is the cheapest durable write there is, one SET
// of the same body. "alone" waits for each before the next, "parallel" has 32
// sessions moving, as the engine's workers do.
func BenchmarkSteps(b *testing.B) {
	for _, fsync := range fsyncs {
		for _, mode := range []struct {
			name    string
			workers int
		}{{"alone", 1}, {"parallel", 32}} {
			b.Run("appendfsync="+fsync+"/"+mode.name, func(b *testing.B) { steps(b, fsync, mode.workers) })
		}
	}
}

func steps(b *testing.B, fsync string, workers int) {
	ctx := context.Background()
	rdb := dialRedis(b, startRedis(b, fsync))
	store := session.New(rdb, session.Config{Prefix: prefix, SealKey: []byte(sealKey), Retention: time.Hour, Lives: upgrade.Lives()})
	seeds := proposed(workers)
	body, err := json.Marshal(seeds[0].body(time.Now()))
	must(b, err)
	records := make([]session.Record, workers)
	for i, s := range seeds {
		records[i], err = store.Advance(ctx, session.Move{Record: session.Record{ID: sessionID(i), Kind: string(upgrade.KindUpgrade), Database: s.database},
			Event: string(upgrade.Propose), By: "U0ANN", Body: body, Ask: true, At: time.Now()})
		must(b, err)
	}
	move := func(i int) error {
		var err error
		records[i], err = store.Advance(ctx, session.Move{Record: records[i], Event: string(upgrade.Vote), By: "U0BOB", Note: "Approved (1 of 2).", Body: body, At: time.Now(), Due: time.Minute})
		return err
	}
	set := func(i int) error { return rdb.Set(ctx, sessionID(i), body, 0).Err() }

	var ours, bare samples
	var spent, spentBare time.Duration
	for b.Loop() {
		for range 10 { // short rounds, in turn
			spent += round(b, workers, 100*time.Millisecond, &ours, move)
			spentBare += round(b, workers, 100*time.Millisecond, &bare, set)
		}
	}
	rate, rateBare := float64(len(ours.all))/spent.Seconds(), float64(len(bare.all))/spentBare.Seconds()
	compare(b, &ours, &bare)
	b.ReportMetric(rate, "steps/s")
	b.ReportMetric(rateBare, "SETs/s")
	b.ReportMetric(float64(len(body)), "body-bytes")
}

// round lets so many workers repeat something for a while.
func round(b *testing.B, workers int, during time.Duration, into *samples, do func(worker int) error) time.Duration {
	var working sync.WaitGroup
	start := time.Now()
	for i := range workers {
		working.Go(func() {
			for time.Since(start) < during {
				began := time.Now()
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
				into.add(time.Since(began))
			}
		})
	}
	working.Wait()
	return time.Since(start)
}
