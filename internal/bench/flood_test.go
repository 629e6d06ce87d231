package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/bot"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// BenchmarkFlood measures what others notice while one person types a command about
// another database three times a second, at two replicas and with the limits of
// production: how long upgrades take that have been approved, and how long a click
// on Approve waits for its acknowledgement. First calm, then under the flood, which
// lasts for as long as the upgrades do; the first half minute of it, in which the
// budget's burst is used up, is not in the measure.
func BenchmarkFlood(b *testing.B) {
	const upgrades = 3 // of each half
	w := newWorkspace(b)
	addr := startRedis(b, "everysec")
	dbs, cloudURL := floodCloud(b, 100)
	store := seedStore(dialRedis(b, addr), prefix, sealKey)
	sow(b, store, 1000, proposed(10))
	cfg := config(w, cloudURL, addr)
	cfg.ApprovalsRequired = 2
	cfg.RateWindow, cfg.PollInterval, cfg.StatusInterval, cfg.SettleGrace = time.Minute, 2*time.Second, 20*time.Second, 5*time.Second
	startReplicas(b, w, cfg, 2)
	eventually(b, "cards", time.Minute, func() bool { return len(w.cards()) == 10 })
	clicks := &clicker{w: w, cards: w.cards()}
	time.Sleep(15 * time.Second) // the burst is there again

	var calm, flooded, calmAcks, acks samples
	half := func(first int, took, acks *samples) {
		for i := range upgrades {
			stop := clicks.every(time.Second, acks)
			took.add(upgradeTime(b, store, first+i, dbs[first+i]))
			stop()
		}
	}
	half(0, &calm, &calmAcks)
	stop, typed, lost := flood(w, dbs)
	time.Sleep(30 * time.Second)
	half(upgrades, &flooded, &acks)
	stop()
	b.ReportMetric(calm.at(50).Seconds(), "calm-s")
	b.ReportMetric(flooded.at(50).Seconds(), "flooded-s")
	b.ReportMetric(ratio(flooded.at(50), calm.at(50)), "ratio")
	b.ReportMetric(ratio(flooded.at(99), calm.at(99)), "worst-ratio")
	b.ReportMetric(millis(calmAcks.at(99)), "calm-ack-p99-ms")
	b.ReportMetric(millis(acks.at(99)), "flooded-ack-p99-ms")
	b.ReportMetric(float64(typed.Load()), "commands")
	b.ReportMetric(float64(lost.Load()), "commands-unacknowledged")
	b.ReportMetric(float64(clicks.lost.Load()), "clicks-unacknowledged")
	b.ReportMetric(0, "ns/op")
}

// floodCloud is an account with so many databases that can be upgraded, ten in a
// subscription.
func floodCloud(b *testing.B, n int) (dbs []cloud.Database, url string) {
	var f cloudemu.Fleet
	for i := range n {
		if i%10 == 0 {
			f.Subscriptions = append(f.Subscriptions, cloudemu.FleetSubscription{Name: fmt.Sprintf("team-%d", i/10)})
		}
		sub, name := &f.Subscriptions[i/10], fmt.Sprintf("gen-%03d", i)
		sub.Databases = append(sub.Databases, cloudemu.FleetDatabase{Name: name, Version: "7.2", Port: 10000 + i, SizeGB: 1, BackupPath: "s3://acme-backups/" + name, Keys: 3})
	}
	srv := cloudemu.New(cloudemu.Config{Seed: 7, Now: time.Now, Key: cloudKey, Secret: cloudSecret, Fleet: f, Speed: func() float64 { return 60 }})
	url = serve(b, srv.API())
	client, err := cloud.New(cloud.Config{URL: url + "/cloud/v1", Key: cloudKey, Secret: cloudSecret})
	must(b, err)
	defer client.Close()
	subs, err := client.Subscriptions(context.Background())
	must(b, err)
	for _, s := range subs {
		more, err := client.Databases(context.Background(), cloud.Pro, s.ID)
		must(b, err)
		dbs = append(dbs, more...)
	}
	return dbs, url
}

// startReplicas is startBot for several.
func startReplicas(b *testing.B, w *workspace, cfg bot.Config, n int) {
	b.Helper()
	must(b, cfg.Validate())
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	b.Cleanup(func() { cancel(); running.Wait() })
	var all []*bot.Bot
	for range n {
		r, err := bot.New(cfg, bot.Parts{Log: silent})
		must(b, err)
		all = append(all, r)
		running.Go(func() { _ = r.Run(ctx) })
	}
	eventually(b, "ready bots", 2*time.Minute, func() bool {
		for _, r := range all {
			if !r.Ready() {
				return false
			}
		}
		return w.srv.Connected() == 2*n
	})
}

// upgradeTime is how long it takes until an approved upgrade is confirmed.
func upgradeTime(b *testing.B, store *session.Store, n int, db cloud.Database) time.Duration {
	b.Helper()
	began := time.Now()
	sow(b, store, n, []seed{{state: upgrade.Approved, database: db.Ref.String(), name: db.Name, from: "7.2", to: "7.4", change: agreedByTwo}})
	state := ""
	for time.Since(began) < 4*time.Minute {
		r, err := store.Load(context.Background(), sessionID(n))
		must(b, err)
		switch state = r.State; upgrade.State(state) {
		case upgrade.Soaking:
			return time.Since(began)
		case upgrade.Blocked, upgrade.Failed, upgrade.Proposed:
			b.Fatalf("%s: %s: %s", db.Name, state, r.Body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.Logf("%s is still %s", db.Name, state)
	return time.Since(began)
}

// agreedByTwo is a plan that carol said yes to as well.
func agreedByTwo(body *upgrade.Body) {
	agreed(body)
	carol := body.Decisions[0]
	carol.By, carol.Name = "U0CAROL", "carol"
	body.Decisions = append(body.Decisions, carol)
}

// clicker clicks on Approve in bob's name. Two have to approve, so nothing moves.
type clicker struct {
	w     *workspace
	cards []message
	used  int
	lost  atomic.Int64 // not acknowledged
}

func (c *clicker) every(d time.Duration, acks *samples) (stop func()) {
	return repeat(d, func() {
		n := c.used
		c.used++
		card := c.cards[n%len(c.cards)]
		id, _ := card.Metadata.EventPayload["session"].(string)
		var a acked
		c.w.do("action", map[string]any{"user": "bob", "channel": channel, "ts": card.TS, "action_id": "approve", "value": id + "#1"}, &a)
		if !a.Acked {
			c.lost.Add(1)
			return
		}
		acks.add(a.took())
	})
}

// flood types three commands a second in one person's name until stop.
func flood(w *workspace, dbs []cloud.Database) (stop func(), typed, lost *atomic.Int64) {
	typed, lost = new(atomic.Int64), new(atomic.Int64)
	var answers sync.WaitGroup
	stopTyping := repeat(time.Second/3, func() {
		name := dbs[10+int(typed.Add(1))%(len(dbs)-10)].Name
		answers.Go(func() {
			var a acked
			w.do("command", map[string]any{"user": "ann", "channel": channel, "text": name}, &a)
			if !a.Acked {
				lost.Add(1)
			}
		})
	})
	return func() { stopTyping(); answers.Wait() }, typed, lost
}

// repeat does something at a fixed pace until stop.
func repeat(d time.Duration, do func()) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				do()
			}
		}
	}()
	return func() { close(ended); <-done }
}
