package bench

import (
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/view"
)

// BenchmarkCommand measures `/redis-upgrade` to views.open: how many modals a
// second are opened when sixteen people ask at the same time, each again as
// soon as a modal is there. The bare handlers acknowledge and open the very
// same modal, one with slack-go's default transport (two idle connections per
// host), one with a transport like the bot's, which is the harder comparison.
//
// first-call-% is how often views.open was the first thing that left the bot
// after a command.
func BenchmarkCommand(b *testing.B) {
	ours, plain, tuned := newWorkspace(b), newWorkspace(b), newWorkspace(b)
	startBot(b, ours, config(ours, startCloud(b, fleet(2, 10)), startRedis(b, "everysec")))
	plain.opener(plain.api(nil))
	tuned.opener(tuned.api(&http.Transport{DialContext: (&net.Dialer{}).DialContext, MaxIdleConns: 64, MaxIdleConnsPerHost: 64}))
	first := ours.firstCalls(b, "views.open", 100)

	sides := []*workspace{ours, plain, tuned}
	took := make([]time.Duration, len(sides))
	rounds := 0
	for b.Loop() {
		for range 30 {
			for i, w := range sides {
				took[i] += w.storm(16, 100)
			}
			rounds++
		}
	}
	rate := func(i int) float64 { return float64(rounds*100) / took[i].Seconds() }
	b.ReportMetric(rate(0), "bot-modals/s")
	b.ReportMetric(rate(1), "bare-modals/s")
	b.ReportMetric(rate(2), "tuned-bare-modals/s")
	b.ReportMetric(rate(0)/rate(1), "of-bare")
	b.ReportMetric(rate(0)/rate(2), "of-tuned-bare")
	b.ReportMetric(first, "first-call-%")
	b.ReportMetric(0, "ns/op")
}

var people = []string{"ann", "bob", "carol", "dan", "eve"}

// opener is the bare handler of a slash command.
func (w *workspace) opener(api *slack.Client) {
	form := view.RequestModal(view.RequestForm{Metadata: `{"c":"` + channel + `"}`})
	w.bare(api, func(c *socketmode.Client, evt socketmode.Event) {
		c.Ack(*evt.Request)
		if cmd, ok := evt.Data.(slack.SlashCommand); ok {
			if _, err := api.OpenView(cmd.TriggerID, form); err != nil {
				w.b.Errorf("bare views.open: %v", err)
			}
		}
	})
}

// firstCalls types a command so many times and says, in percent, how often the
// first method that was then called is this one.
func (w *workspace) firstCalls(b *testing.B, method string, times int) float64 {
	good := 0
	for range times {
		log := &callLog{}
		before := w.opened.Load()
		w.log.Store(log)
		w.command("ann", "")
		eventually(b, "a modal", 10*time.Second, func() bool { return w.opened.Load() > before })
		time.Sleep(20 * time.Millisecond) // what the bot asks after the modal (who is this?) belongs to this command
		w.log.Store(nil)
		if log.calls[0] == method {
			good++
		}
	}
	w.closeModals(people)
	return 100 * float64(good) / float64(times)
}

// storm types n commands, at most so many of them waiting for their modal at a
// time, and returns how long it takes until the last modal is there.
func (w *workspace) storm(atOnce, n int) time.Duration {
	for len(w.open) > 0 {
		<-w.open
	}
	start := time.Now()
	for i := range n {
		if i >= atOnce {
			<-w.open
		}
		go w.command(people[i%len(people)], "")
	}
	for range atOnce {
		<-w.open
	}
	took := time.Since(start)
	w.closeModals(people)
	return took
}
