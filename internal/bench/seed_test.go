package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// seed is one session to be put into the store as if it had come that far.
type seed struct {
	state    upgrade.State
	database string // as plans name it
	name     string
	from, to string
	due      time.Duration // until its next look
	quiet    bool          // its card need not be drawn
	change   func(*upgrade.Body)
}

// sessionID is an id of the form that sessions have.
func sessionID(n int) string {
	digits := "abcdefghijklmnopqrstuvwxyz234567"
	text := make([]byte, 10)
	for i := range text {
		text[i] = digits[n&31]
		n >>= 5
	}
	return "u-" + string(text)
}

// seedStore is a store in which an upgrade can be opened in any state: the
// record is what the bot's own store would have written, with a shorter journal.
func seedStore(rdb redis.UniversalClient, prefix, key string) *session.Store {
	row := map[upgrade.Event]upgrade.State{}
	for _, s := range []upgrade.State{upgrade.Proposed, upgrade.Approved, upgrade.Soaking} {
		row[upgrade.Event(s)] = s
	}
	life := session.LifeOf(string(upgrade.KindUpgrade), 1, session.Table[upgrade.State, upgrade.Event]{"": row}, upgrade.Ended)
	return session.New(rdb, session.Config{Prefix: prefix, SealKey: []byte(key), Retention: 400 * 24 * time.Hour, Lives: []session.Life{life}})
}

// sow stores the seeds, numbered from first on.
func sow(b *testing.B, store *session.Store, first int, seeds []seed) {
	b.Helper()
	var g errgroup.Group
	g.SetLimit(16)
	for i, s := range seeds {
		g.Go(func() error {
			raw, err := json.Marshal(s.body(time.Now().UTC()))
			if err != nil {
				return err
			}
			_, err = store.Advance(context.Background(), session.Move{
				Record: session.Record{ID: sessionID(first + i), Kind: string(upgrade.KindUpgrade), Database: s.database},
				Event:  string(s.state), By: "U0ANN", Body: raw, Ask: true, Due: s.due, Quiet: s.quiet, At: time.Now(),
			})
			return err
		})
	}
	must(b, g.Wait())
}

// body is a stored form of usual size.
func (s seed) body(now time.Time) upgrade.Body {
	endpoint := s.name + ".c1.us-east-1-2.ec2.cloud.example.com:12001"
	body := upgrade.Body{
		Plan: upgrade.Plan{Database: s.database, Name: s.name, From: s.from, To: s.to, Backup: "s3://acme-backups/" + s.name},
		Facts: upgrade.Facts{At: now, Version: s.from, Status: "active", Subscription: "shop", SubStatus: "active", Protocol: "redis",
			Endpoint: endpoint, Port: 12001, Shards: 1, UsedMB: 512, Replication: true, Persistence: "aof-every-1-second",
			Targets: []string{s.to}, Backup: upgrade.BackupFacts{Possible: true, Where: "s3://acme-backups/" + s.name, Known: true, Last: now.Add(-2 * time.Hour), Status: "success"},
			WayBack: upgrade.WayBack{Possible: true, Text: "Recreate from the backup."}},
		Reason: strings.Repeat("The new client library needs it. ", 6), By: "U0ANN", Home: channel, Authors: []string{"U0ANN"}, Asked: now,
		Upgrade: upgrade.UpgradeWork{Snapshot: &upgrade.Snapshot{Version: s.from, Endpoint: endpoint, Port: 12001, Shards: 1}},
	}
	if s.change != nil {
		s.change(&body)
	}
	return body
}

// proposed are sessions that wait for people, with cards.
func proposed(n int) []seed {
	var out []seed
	for i := range n {
		out = append(out, seed{state: upgrade.Proposed, database: fmt.Sprintf("pro/9%03d/9%05d", i%50, i), name: fmt.Sprintf("cart-prod-%04d", i),
			from: "7.2", to: "8.2", due: time.Minute})
	}
	return out
}
