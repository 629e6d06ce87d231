package view_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

// ours are the only things in angle brackets that may stand in markup; entity
// is what the outside's & < > turn into.
var (
	ours   = regexp.MustCompile(`<([@#][A-Z0-9]+|!subteam\^[A-Z0-9]+|!date\^\d+\^[^|>]*\|[^>]*|https://[^|>\s]+\|[^<>]*)>`)
	entity = regexp.MustCompile(`&(amp|lt|gt);`)
)

// strange says what in a piece of markup did not come from us; "" is fine.
func strange(text string) string {
	rest := ours.ReplaceAllString(text, "")
	var unquoted []string // a > that begins a line is a quote of ours
	for line := range strings.Lines(rest) {
		unquoted = append(unquoted, strings.TrimPrefix(line, ">"))
	}
	rest = strings.Join(unquoted, "")
	if i := strings.IndexAny(rest, "<>"); i >= 0 {
		return fmt.Sprintf("a bare angle bracket in %q", rest[max(0, i-30):min(len(rest), i+30)])
	}
	if i := strings.IndexByte(entity.ReplaceAllString(rest, ""), '&'); i >= 0 {
		return fmt.Sprintf("half an entity in %q", rest)
	}
	return ""
}

// markup collects every mrkdwn text of a sample, and its notification text.
func markup(t rapid.TB, s samples.Sample) []string {
	t.Helper()
	var out []string
	var v any
	switch {
	case s.Message != nil:
		out, v = append(out, s.Message.Text), s.Message.Blocks
	case s.Modal != nil:
		v = s.Modal
	default:
		v = s.Home
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	return append(out, mrkdwnOf(tree)...)
}

func mrkdwnOf(v any) []string { return textsOf(v, "mrkdwn") }

// textsOf collects all text objects of a type.
func textsOf(v any, kind string) []string {
	var out []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			out = append(out, textsOf(e, kind)...)
		}
	case map[string]any:
		if v["type"] == kind {
			out = append(out, v["text"].(string))
		}
		for _, e := range v {
			out = append(out, textsOf(e, kind)...)
		}
	}
	return out
}

func TestNothingInASampleIsMarkupUnlessWeWroteIt(t *testing.T) {
	for _, s := range samples.All() {
		for _, text := range markup(t, s) {
			if problem := strange(text); problem != "" {
				t.Errorf("%s: %s", s.Name, problem)
			}
		}
	}
}

func TestStrange(t *testing.T) {
	for text, good := range map[string]bool{
		"<@U0ANN> asked <https://a.test/b|a &amp; b>": true, ">quoted\n>more": true, "&lt;!channel&gt;": true,
		"<!channel>": false, "a & b": false, "half &am": false, "<@U0AN": false, "a > b": false, "<https://a.test|x": false, "<!here>": false,
	} {
		if got := strange(text) == ""; got != good {
			t.Errorf("%q: got %v, want %v", text, got, good)
		}
	}
}

// outside is text as somebody else may write it: long, and full of what has a
// meaning in markup.
func outside(most int) *rapid.Generator[string] {
	piece := rapid.OneOf(rapid.SampledFrom([]string{"&", "<", ">", "`", "*", "|", "\n", "<!channel>", "<@U1>", "&amp;", ":tada:", "é", "🙂", "word ", "\r\n"}), rapid.String())
	return rapid.Custom(func(t *rapid.T) string {
		text := strings.Join(rapid.SliceOfN(piece, 0, 4).Draw(t, "pieces"), "")
		text = strings.Repeat(text, rapid.SampledFrom([]int{1, 3, 100, 1500}).Draw(t, "times"))
		return "x" + string([]rune(text)[:min(utf8.RuneCountInString(text), most)]) // never empty, as names are
	})
}

func instants() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "unset") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(1, 4e9).Draw(t, "seconds"), 0).UTC()
	})
}

var (
	upgradeStates = []upgrade.State{upgrade.Proposed, upgrade.Approved, upgrade.Checking, upgrade.Blocked, upgrade.BackingUp, upgrade.Upgrading, upgrade.Verifying,
		upgrade.Soaking, upgrade.Reverting, upgrade.Done, upgrade.Denied, upgrade.Expired, upgrade.Cancelled, upgrade.Failed, upgrade.Reverted, "unheard-of", ""}
	revertStates = []upgrade.State{upgrade.Proposed, upgrade.Approved, upgrade.Rehearsing, upgrade.Closing, upgrade.Saving, upgrade.Deleting, upgrade.Creating,
		upgrade.Importing, upgrade.Restoring, upgrade.Reopening, upgrade.Done, upgrade.Denied, upgrade.Expired, upgrade.Cancelled, upgrade.Failed, "unheard-of", ""}
)

// sessions draws a session that no engine would make, but that some record
// could hold.
func sessions() *rapid.Generator[upgrade.Session] {
	return rapid.Custom(func(t *rapid.T) upgrade.Session {
		text := func(what string) string { return outside(4000).Draw(t, what) }
		at := func(what string) time.Time { return instants().Draw(t, what) }
		s := samples.Upgrade(upgrade.Proposed)
		if rapid.Bool().Draw(t, "revert") {
			s = samples.Revert(upgrade.Proposed)
			s.State = rapid.SampledFrom(revertStates).Draw(t, "state")
			drawRevert(t, s.Revert)
		} else {
			s.State = rapid.SampledFrom(upgradeStates).Draw(t, "state")
		}
		s.Ended = upgrade.Ended(s.State)
		s.Plan.Name, s.Plan.Backup, s.Reason, s.Problem = text("name"), text("backup"), text("reason"), text("problem")
		s.Plan.Files = rapid.SliceOfN(outside(500), 0, 12).Draw(t, "files")
		s.Plan.From = rapid.SampledFrom([]string{"6.2", "7.2", "8.4", "<x>", "7.4"}).Draw(t, "from")
		s.Plan.To = rapid.SampledFrom([]string{"7.4", "8.10", "8.6", "&", "7.2"}).Draw(t, "to")
		s.Plan.NotBefore, s.Agreed, s.Asked = at("start"), at("agreed"), at("asked")
		s.Facts.Subscription, s.Facts.SubStatus, s.Facts.Endpoint, s.Facts.WayBack.Text = text("subscription"), text("status"), text("endpoint"), text("way back")
		s.Facts.Backup.Where, s.Facts.Backup.Last, s.Facts.Backup.Known = text("where"), at("last"), rapid.Bool().Draw(t, "known")
		s.Facts.ReplicaOf = rapid.SliceOfN(outside(100), 0, 20).Draw(t, "sources")
		s.Facts.Replicas = []upgrade.Replica{{Name: text("replica"), Version: text("replica version")}}
		s.Facts.Dynamic, s.Facts.ExternalSource, s.Facts.AutoMinor = true, true, true
		s.Upgrade.BackupAt, s.Upgrade.Sent, s.Upgrade.SoakUntil = at("backed up"), at("sent"), at("soak")
		s.Progress = upgrade.Progress{Percent: rapid.Float64Range(-1e6, 1e6).Draw(t, "percent"), Text: text("progress")}
		s.CancelBy = rapid.SampledFrom([]string{"", samples.Ann}).Draw(t, "cancelled by")
		s.Link = rapid.SampledFrom([]string{"", "r-9x2mv4kq7t"}).Draw(t, "link")
		for range rapid.IntRange(0, 20).Draw(t, "votes") {
			s.Decisions = append(s.Decisions, approvals.Decision{By: samples.Bob, Choice: rapid.SampledFrom([]approvals.Choice{approvals.Approve, approvals.Deny}).Draw(t, "choice"), At: at("voted"), JoinedAt: at("joined"), Reason: outside(400).Draw(t, "no")})
		}
		if rapid.Bool().Draw(t, "calling") {
			s.Call = &upgrade.Call{Key: rapid.SampledFrom([]string{"upgrade", "delete", "import", "role <7>"}).Draw(t, "call"), SendBy: at("send by"),
				Phase: rapid.SampledFrom([]upgrade.Phase{upgrade.Planned, upgrade.Sending, upgrade.Sent, upgrade.Unknown, upgrade.Settled}).Draw(t, "phase"), Settlers: []string{samples.Dan}}
		}
		return s
	})
}

func drawRevert(t *rapid.T, r *upgrade.RevertWork) {
	r.Trial.Result, r.Trial.Passed, r.DryRun = outside(4000).Draw(t, "trial"), rapid.Bool().Draw(t, "passed"), outside(4000).Draw(t, "dry run")
	r.Loose = rapid.SliceOfN(outside(4000), 0, 6).Draw(t, "loose")
	r.NewRef, r.Endpoint, r.Upgraded = outside(3000).Draw(t, "new"), outside(3000).Draw(t, "endpoint"), outside(3000).Draw(t, "upgraded")
	r.DoorShut, r.SafetyAt, r.DeletedAt = instants().Draw(t, "door"), instants().Draw(t, "safety"), instants().Draw(t, "deleted")
}

// Whatever a record holds and whatever people and Redis Cloud write, what
// leaves is within Slack's limits and says nothing that we did not say.
func TestNothingThatCanBeDrawnIsRefusedBySlack(t *testing.T) {
	api := emulator(t)
	p := samples.Policy()
	rapid.Check(t, func(t *rapid.T) {
		s := sessions().Draw(t, "session")
		entry := samples.Entry()
		entry.Name, entry.SubscriptionName, entry.Newest = outside(3000).Draw(t, "entry"), outside(3000).Draw(t, "in"), outside(100).Draw(t, "newest")
		entry.Ref = cloud.Ref{Plan: cloud.Pro, Subscription: 1, Database: rapid.IntRange(1, 1e9).Draw(t, "id")}
		words := outside(6000).Draw(t, "words")
		permalink := func(string) string { return "https://acme.slack.com/archives/C1/p1" }
		milestone, _ := view.Milestone(upgrade.Fail, samples.Ann, words)
		request := view.RequestForm{Entry: &entry, Metadata: "{}", Problem: rapid.SampledFrom([]string{"", words}).Draw(t, "problem"), Versions: []string{"7.4", "8.0"}, Version: "8.0"}
		home := view.Home([]upgrade.Session{s, s, s}, 7, permalink)
		drawn := []samples.Sample{
			samples.Card("card", "", s), samples.Modal("changes", "", view.ChangesModal(s)), samples.Modal("deny", "", view.DenyModal(s, "{}")),
			samples.Modal("revert", "", view.RevertModal(view.RevertForm{Upgrade: s, Metadata: "{}", Example: words})), samples.Modal("request", "", view.RequestModal(request)),
			samples.Modal("info", "", view.InfoModal("That is not possible", view.Escape(words))), {Name: "home", Home: &home},
			samples.Message("milestone", "", milestone), samples.Message("mention", "", view.MentionReply(s, p)), samples.Message("list", "", view.List([]inventory.Entry{entry, entry})),
			samples.Message("unknown", "", view.Unknown(words, []inventory.Entry{entry})), samples.Message("ambiguous", "", view.Ambiguous(words, []inventory.Entry{entry, entry})),
			samples.Message("refused", "", view.Refused(&upgrade.Refusal{Text: words, Hint: words}, "https://acme.slack.com/a")), samples.Message("sessions", "", view.Sessions(words, []upgrade.Session{s, s, s, s}, 0, permalink)),
		}
		d := samples.With(s, samples.Doubted(words))
		drawn = append(drawn, samples.Card("doubted card", "", d), samples.Message("doubted", "", view.Distrusted(d, p)), samples.Modal("release", "", view.ReleaseModal(d, []string{samples.Dan}, "{}")))
		if s.Revert != nil {
			drawn = append(drawn, samples.Modal("approve", "", view.ApproveModal(s, "{}")))
		}
		for _, x := range drawn {
			if problems := refusals(t, api, x); problems != "" {
				t.Fatalf("%s: %s", x.Name, problems)
			}
			for _, text := range markup(t, x) {
				if problem := strange(text); problem != "" {
					t.Fatalf("%s: %s", x.Name, problem)
				}
			}
		}
	})
}

func TestCutNeverEndsInsideAnEntityOrALink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := view.Escape(outside(200).Draw(t, "before")) + view.When(samples.Noon) + view.Escape("& <b>") + view.Link("https://a.test/b", "a & b") + view.Person(samples.Ann) + view.Escape(outside(200).Draw(t, "after"))
		n := rapid.IntRange(2, 300).Draw(t, "limit")
		got := view.CutMarkup(text, n)
		if utf8.RuneCountInString(got) > n {
			t.Fatalf("%d characters, %d allowed", utf8.RuneCountInString(got), n)
		}
		if problem := strange(got); problem != "" {
			t.Fatal(problem)
		}
	})
}
