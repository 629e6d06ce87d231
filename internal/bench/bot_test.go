package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/bot"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

const (
	cloudKey    = "bench-account-key"
	cloudSecret = "bench-secret-key"
	sealKey     = "a-seal-key-that-protects-nothing-but-benchmarks"
	prefix      = "bench"
)

// config is production's, but for addresses and for the budgets: a window of
// ten milliseconds takes the limits of Slack and Redis Cloud away, where not
// they are measured.
func config(w *workspace, cloudURL, redisAddr string) bot.Config {
	return bot.Config{
		Mode: "full", SlackBotToken: botToken, SlackAppToken: appToken, SlackAPIURL: w.url + "/slack/api/", SlackChannel: channel,
		ApproverUsers: []string{"U0BOB", "U0CAROL", "U0DAN", "U0EVE"}, OnCallGroup: "S0ONCALL", ApprovalsRequired: 5, RevertApprovalsRequired: 2,
		RedisURL: "redis://" + redisAddr, RedisPrefix: prefix,
		RedisCloudAPIKey: cloudKey, RedisCloudSecretKey: cloudSecret, RedisCloudAPIURL: cloudURL + "/cloud/v1", SealKey: sealKey,
		Soak: 30 * time.Minute, Retention: 400 * 24 * time.Hour, Lease: 10 * time.Second, PollInterval: 10 * time.Second,
		StatusInterval: time.Minute, SendTimeout: 15 * time.Second, SettleGrace: 30 * time.Second, RateWindow: 10 * time.Millisecond,
		LogLevel: "error", LogFormat: "text",
	}
}

// startCloud emulates an account without limits.
func startCloud(b *testing.B, fleet cloudemu.Fleet) string {
	srv := cloudemu.New(cloudemu.Config{Seed: 7, Now: time.Now, Key: cloudKey, Secret: cloudSecret, Fleet: fleet, Speed: func() float64 { return 6000 }})
	return serve(b, srv.API())
}

// serve lets a handler answer on a free port of this machine.
func serve(b *testing.B, h http.Handler) string {
	web := httptest.NewServer(h)
	b.Cleanup(web.Close)
	return web.URL
}

// startBot runs the bot in this process until the benchmark ends, and returns
// when it has both sockets and its inventory.
func startBot(b *testing.B, w *workspace, cfg bot.Config) {
	b.Helper()
	must(b, cfg.Validate())
	r, err := bot.New(cfg, bot.Parts{Log: silent})
	must(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Errorf("the bot ended with: %v", err)
		}
	})
	eventually(b, "a ready bot", time.Minute, func() bool { return r.Ready() && w.srv.Connected() == 2 })
}

// fleet is so many subscriptions with so many databases each, under names that
// people would choose.
func fleet(subscriptions, each int) cloudemu.Fleet {
	var f cloudemu.Fleet
	teams := []string{"cart", "orders", "search", "sessions", "catalog", "billing", "mail", "fraud", "feeds", "ads"}
	stages := []string{"prod", "staging", "test", "dev"}
	versions := []string{"6.2", "7.2", "7.4", "8.2"}
	n := 0
	for s := range subscriptions {
		sub := cloudemu.FleetSubscription{Name: fmt.Sprintf("%s-%03d", teams[s%len(teams)], s)}
		for d := range each {
			n++
			sub.Databases = append(sub.Databases, cloudemu.FleetDatabase{
				Name: fmt.Sprintf("%s-%s-%05d", teams[n%len(teams)], stages[n%len(stages)], n), Version: versions[n%len(versions)],
				Port: 10000 + d, Tags: map[string]string{"team": teams[n%len(teams)]},
			})
		}
		f.Subscriptions = append(f.Subscriptions, sub)
	}
	return f
}
