package bench

import (
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/view"
)

// queries are what people type, one keystroke further each time: nothing,
// prefixes, several words, an id, a typing mistake, and what nobody has.
var queries = []string{"", "c", "ca", "cart", "cart-prod", "orders 7.2", "prod search", "team=billing 6.2", "sessions-dev-07", "5000",
	"catlog-prod", "cart-prdo-00480", "zzz"}

// BenchmarkSuggest measures the suggestions of the database menu among 10,000
// databases, through the whole wire: from the keystroke's payload to the
// acknowledgement that carries the options. The bare handler answers every
// keystroke with the same eighty options, about as many bytes as fit.
func BenchmarkSuggest(b *testing.B) {
	ours, bare := newWorkspace(b), newWorkspace(b)
	startBot(b, ours, config(ours, startCloud(b, fleet(200, 50)), startRedis(b, "everysec")))
	mine := menu(b, ours)
	var fixed struct {
		Options []*slack.OptionBlockObject `json:"options"`
	}
	for range 80 {
		text := slack.NewTextBlockObject("plain_text", "catalog-staging-00001 · 7.2", false, false)
		about := slack.NewTextBlockObject("plain_text", "#51000001 · 2 versions behind, up to 8.2 · catalog-001", false, false)
		fixed.Options = append(fixed.Options, slack.NewOptionBlockObject("pro/100001/51000001", text, about))
	}
	form := view.RequestModal(view.RequestForm{})
	api := bare.api(nil)
	bare.bare(api, func(c *socketmode.Client, evt socketmode.Event) {
		switch data := evt.Data.(type) {
		case slack.SlashCommand:
			c.Ack(*evt.Request)
			api.OpenView(data.TriggerID, form)
		case slack.InteractionCallback:
			c.Ack(*evt.Request, fixed)
		}
	})
	theirs := menu(b, bare)

	var took, base samples
	options := 0
	for b.Loop() {
		for i := range 1300 {
			query := queries[i%len(queries)]
			a := mine(query)
			took.add(a.took())
			options += len(a.Options)
			base.add(theirs(query).took())
		}
	}
	compare(b, &took, &base)
	b.ReportMetric(millis(took.at(99)), "bot-p99-ms")
	b.ReportMetric(float64(options)/float64(len(took.all)), "options/answer")
	if options == 0 {
		b.Error("no query found anything")
	}
}

// menu opens the request modal and returns what typing into its database menu does.
func menu(b *testing.B, w *workspace) func(query string) acked {
	before := w.opened.Load()
	w.command("ann", "")
	eventually(b, "a modal", 10*time.Second, func() bool { return w.opened.Load() > before })
	id := w.see("ann").Modals[0].ID
	return func(query string) acked {
		if b.Failed() {
			b.FailNow() // each further one would wait three seconds
		}
		return w.act("options", map[string]any{"user": "ann", "view_id": id, "action_id": view.ActionDatabase, "query": query})
	}
}
