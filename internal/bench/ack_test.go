package bench

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack/socketmode"
)

// BenchmarkAck measures how long Slack waits for the acknowledgement of a
// click on Approve: from the moment at which the payload goes out to that at
// which the acknowledgement is in. The bot has written the vote to Redis by
// then; the bare handler has written nothing. Every click is a real vote on a
// card of its own session, and both sides get the same cards. One at a time, as
// people do, the next click comes when the bot has redrawn the card and told the
// thread; eight at once, the bot works votes off and redraws cards meanwhile.
//
// With appendfsync=always there is a second baseline: the bare handler again,
// which first writes the envelope's id to a file of its own and syncs it. That
// is the least a durable acknowledgement can cost on this disk.
func BenchmarkAck(b *testing.B) {
	for _, fsync := range fsyncs {
		b.Run("appendfsync="+fsync, func(b *testing.B) {
			v := newVote(b, fsync)
			var ours, bare, synced samples
			b.Run("one-at-a-time", func(b *testing.B) {
				for b.Loop() {
					v.inTurn(&ours, &bare, &synced, 250)
				}
				compare(b, &ours, &bare)
				if fsync == "always" {
					synced.report(b, "bare-fsync")
					b.ReportMetric(ratio(ours.at(99), synced.at(99)), "p99-ratio-to-fsync")
				}
			})
			b.Run("eight-at-once", func(b *testing.B) {
				var ours, bare samples
				for b.Loop() {
					v.atOnce(&ours, &bare, 500)
				}
				compare(b, &ours, &bare)
			})
		})
	}
}

// voters may approve; more votes are asked for than there are voters, so that
// no session moves on.
var voters = []string{"bob", "carol", "dan", "eve"}

// vote is both sides, with the same cards.
type vote struct {
	b          *testing.B
	ours, bare *workspace
	sync       atomic.Bool // the bare handler syncs first
	cards      []ballot    // in both
	used       int
}

type ballot struct{ ts, bareTS, value string }

const sessionsToVoteOn = 500

func newVote(b *testing.B, fsync string) *vote {
	v := &vote{b: b, ours: newWorkspace(b), bare: newWorkspace(b)}
	addr := startRedis(b, fsync)
	sow(b, seedStore(dialRedis(b, addr), prefix, sealKey), 0, proposed(sessionsToVoteOn))
	startBot(b, v.ours, config(v.ours, startCloud(b, fleet(2, 10)), addr))
	v.bareHandler()
	for end := time.Now().Add(time.Minute); len(v.ours.cards()) < sessionsToVoteOn; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatal("the cards were not drawn within a minute")
		}
	}
	for _, m := range v.ours.cards() {
		id, _ := m.Metadata.EventPayload["session"].(string)
		v.cards = append(v.cards, ballot{ts: m.TS, bareTS: v.bare.post(m), value: id + "#1"})
	}
	return v
}

// bareHandler acknowledges whatever comes.
func (v *vote) bareHandler() {
	file, err := os.Create(filepath.Join(v.b.TempDir(), "envelopes"))
	must(v.b, err)
	v.b.Cleanup(func() { file.Close() })
	v.bare.bare(v.bare.api(nil), func(c *socketmode.Client, evt socketmode.Event) {
		if v.sync.Load() {
			file.WriteString(evt.Request.EnvelopeID + "\n")
			if err := file.Sync(); err != nil {
				v.b.Error(err)
			}
		}
		c.Ack(*evt.Request)
	})
}

// next is a vote that nobody has cast: click by whom on which card.
func (v *vote) next() (who string, card ballot) {
	n := v.used
	v.used++
	return voters[(n/len(v.cards))%len(voters)], v.cards[n%len(v.cards)]
}

func (v *vote) click(w *workspace, who, ts, value string) time.Duration {
	return w.act("action", map[string]any{"user": who, "channel": channel, "ts": ts, "action_id": "approve", "value": value}).took()
}

// settle is between two samples.
const settle = 6 * time.Millisecond

// inTurn clicks one after the other on every side.
func (v *vote) inTurn(ours, bare, synced *samples, n int) {
	for i := range n {
		who, card := v.next()
		sides := []func(){
			func() { ours.add(v.click(v.ours, who, card.ts, card.value)); v.ours.rest() },
			func() { bare.add(v.click(v.bare, who, card.bareTS, card.value)) },
			func() {
				v.sync.Store(true)
				defer v.sync.Store(false)
				synced.add(v.click(v.bare, who, card.bareTS, card.value))
			},
		}
		for k := range sides {
			sides[(i+k)%len(sides)]()
			time.Sleep(settle)
		}
	}
}

// atOnce clicks eight at a time, in short rounds on either side.
func (v *vote) atOnce(ours, bare *samples, n int) {
	const people = 8
	for range n / people {
		var round [people]func(w *workspace, into *samples)
		for i := range round {
			who, card := v.next()
			round[i] = func(w *workspace, into *samples) {
				ts := card.ts
				if w == v.bare {
					ts = card.bareTS
				}
				into.add(v.click(w, who, ts, card.value))
			}
		}
		for _, side := range []struct {
			w    *workspace
			into *samples
		}{{v.ours, ours}, {v.bare, bare}} {
			var clicks sync.WaitGroup
			for _, do := range round {
				clicks.Go(func() { do(side.w, side.into) })
			}
			clicks.Wait()
			time.Sleep(people * settle)
		}
	}
}
