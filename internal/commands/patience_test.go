package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// hands a payload over and does not wait for its answer.
func (d *desk) begin(kind socketmode.EventType, data any) {
	d.mu.Lock()
	d.envlps++
	id := fmt.Sprintf("begun-%d", d.envlps)
	d.mu.Unlock()
	d.h.Handle(d.ctx, socketmode.Event{Type: kind, Data: data, Request: &socketmode.Request{Type: string(kind), EnvelopeID: id}}, d)
}

func command(user, text string) slack.SlashCommand {
	return slack.SlashCommand{Command: "/redis-upgrade", Text: text, UserID: user, ChannelID: home, TriggerID: "T1"}
}

// eventually waits for what other goroutines bring about.
func (d *desk) eventually(what string, ok func() bool) {
	d.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	d.t.Fatalf("never: %s", what)
}

func (d *desk) acknowledged() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.acks)
}

// hang makes one method of Slack's wait until the test ends or release is called.
func (d *desk) hang(method string) (release func()) {
	gate := make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spoil = func(m string) error {
		if m == method {
			<-gate
		}
		return nil
	}
	return func() { close(gate) }
}

// Whatever hangs, for however many: recording and acknowledging go on, for
// everybody.
func TestHangingAnswersKeepNobodyFromDeciding(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	release := d.hang("views.open")
	defer release()
	for n := range 64 { // as many people
		user := fmt.Sprint("person", n)
		d.people[user] = d.people["ann"]
		for range 10 {
			d.begin(socketmode.EventTypeSlashCommand, command(user, ""))
		}
	}
	d.eventually("all are acknowledged", func() bool { return d.acknowledged() == 640 })
	d.begin(socketmode.EventTypeInteractive, click("bob", view.ActionApprove, view.Target{Session: s.ID, Ask: s.Ask}.Value()))
	d.eventually("bob's vote counts", func() bool { return d.load(s.ID).State == upgrade.Approved })
	d.begin(socketmode.EventTypeSlashCommand, command("ann", "help"))
	d.eventually("ann has help", func() bool { return d.acknowledged() == 642 })
}

// One person's flood stays theirs: the rest of it is told so, and others are
// answered.
func TestOnePersonsFloodIsBounded(t *testing.T) {
	for sentence, row := range map[string]struct {
		text   string
		method string
	}{
		"status": {"status", "chat.getPermalink"},
		"forms":  {"", "views.open"},
	} {
		t.Run(sentence, func(t *testing.T) {
			d := newDesk(t)
			d.threads[home+"/5.5"] = d.proposed("cache-prod").ID
			release := d.hang(row.method)
			for range 200 {
				d.begin(socketmode.EventTypeSlashCommand, command("eve", row.text))
			}
			d.eventually("196 are told", func() bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				n := 0
				for _, a := range d.acks {
					if strings.Contains(a, "One after the other") {
						n++
					}
				}
				return n == 196
			})
			d.begin(socketmode.EventTypeSlashCommand, command("ann", "list"))
			d.eventually("ann is answered", func() bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				return slices.ContainsFunc(d.acks, func(a string) bool { return strings.Contains(a, "search-prod") })
			})
			release()
			d.h.Wait()
			d.types("eve", "help")
			if len(d.h.inHand.count) != 0 {
				t.Errorf("when all is answered %v are in hand", d.h.inHand.count)
			}
		})
	}
}

// A person's decisions are bounded too. What is beyond is neither recorded nor
// acknowledged.
func TestTooManyDecisionsAreNotAcknowledged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.slow = time.Second // so that each takes its time
	for range 40 {
		d.begin(socketmode.EventTypeInteractive, click("eve", view.ActionApprove, view.Target{Session: s.ID, Ask: s.Ask}.Value()))
	}
	d.h.Wait()
	recorded := 0
	for _, what := range d.happened() {
		if what == "record" {
			recorded++
		}
	}
	if n := d.acknowledged(); n != mostInHand[deciding] || recorded != n {
		t.Errorf("%d of 40 decisions were recorded, %d acknowledged; want %d", recorded, n, mostInHand[deciding])
	}
}

// A form asks Redis Cloud for nothing that the index knows.
func TestFormsAreAnsweredFromTheIndex(t *testing.T) {
	d := newDesk(t)
	e, err := d.index.Find("search-prod")
	if err != nil {
		t.Fatal(err)
	}
	d.types("ann", "search-prod")
	d.happened()
	before := d.asked.Load()
	for range 20 {
		d.types("ann", "search-prod")
		d.picks("ann", e.Ref.String(), place{Channel: home}.String())
	}
	if n := d.asked.Load() - before; n != 0 {
		t.Errorf("40 forms of a database that the index knows made %d calls", n)
	}
	var asked []string
	d.h.parts.Lookups = func(_ context.Context, user string) bool {
		asked = append(asked, user)
		return false
	}
	d.types("eve", "sessions-eu")
	if n := d.asked.Load() - before; n != 0 || !slices.Equal(asked, []string{"eve"}) {
		t.Errorf("a person who has looked up enough made %d calls; asked about were %v", n, asked)
	}
	raw, err := json.Marshal(d.views[len(d.views)-1])
	if err != nil || !strings.Contains(string(raw), "looked up many databases") {
		t.Errorf("the form says %s", raw)
	}
}

// Redis Cloud hangs while a request is carried out: its person hears so soon, and
// has an answer in any case, although the work's own time is over.
func TestARequestIsAnsweredWhileRedisCloudHangs(t *testing.T) {
	d := newDesk(t)
	d.h.limits = limits{work: 400 * time.Millisecond, still: 50 * time.Millisecond}
	gate := make(chan struct{})
	defer close(gate)
	d.gate.Store(&gate)
	e, err := d.index.Find("search-prod")
	if err != nil {
		t.Fatal(err)
	}
	d.submits("ann", view.CallbackRequest, place{Channel: home}, values{"database": chosen(view.ActionDatabase, e.Ref.String()),
		view.VersionBlock(e): chosen(view.ActionVersion, "8.2"), "reason": typed(view.ActionReason, "because")})
	told := d.answers()
	if len(told) != 2 || !strings.Contains(told[0].text, "Still asking Redis Cloud") || !strings.Contains(told[1].text, "Redis Cloud did not answer") {
		t.Errorf("ann was told %v", told)
	}
	if n := d.inbox.left(); n != 0 {
		t.Errorf("%d intents are left", n)
	}
}

// The same for every answer that looks something up: a form, a status, a mention,
// the Home tab.
func TestNoAnswerGoesUnderWithTheWorkItReportsOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.threads[home+"/5.5"] = s.ID
	d.h.limits = limits{work: loadTimeout + 100*time.Millisecond, still: time.Hour}
	d.slow = 10 * time.Second
	e, err := d.index.Find("search-prod")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence string
		act      func()
		last     string
	}{
		{"a pick", func() { d.picks("ann", e.Ref.String(), "") }, "views.update That is not possible"},
		{"a list", func() { d.types("ann", "list") }, "ack"},
		{"a status", func() { d.types("ann", "status") }, "ack"},
		{"a history", func() { d.types("ann", "history cache-prod") }, "ack"},
		{"a mention", func() { d.mentions("ann", "5.5", "Ev1", "<@UBOT>") }, "chat.postEphemeral"},
		{"a form", func() { d.types("ann", "") }, "views.update That is not possible"},
		{"breaking changes", func() { d.clicks("ann", view.ActionChanges, s) }, "views.update That is not possible"},
		{"an offered form", func() {
			d.send(socketmode.EventTypeInteractive, click("ann", view.ActionRequest, e.Ref.String()+"@8.2"))
		}, "views.update That is not possible"},
	} {
		row.act()
		if got := d.happened(); len(got) == 0 || got[len(got)-1] != row.last {
			t.Errorf("%s: %v happened; want %q at last", row.sentence, got, row.last)
		}
	}
	d.send(socketmode.EventTypeEventsAPI, homeOpened("ann"))
	if got := d.happened(); !slices.Contains(got, "views.publish") {
		t.Errorf("the Home tab: %v", got)
	}
}

// Unknown means no, also for looking: whether Slack is slow, away, or does not know
// the person, nothing about databases is shown.
func TestWhoIsUnknownSeesNothing(t *testing.T) {
	for sentence, act := range map[string]func(*desk, upgrade.Session){
		"list":                 func(d *desk, _ upgrade.Session) { d.types("stranger", "list") },
		"status":               func(d *desk, _ upgrade.Session) { d.types("stranger", "status") },
		"status of a session":  func(d *desk, s upgrade.Session) { d.types("stranger", "status "+s.ID) },
		"status of a database": func(d *desk, _ upgrade.Session) { d.types("stranger", "status cache-prod") },
		"history":              func(d *desk, _ upgrade.Session) { d.types("stranger", "history cache-prod") },
		"a database":           func(d *desk, _ upgrade.Session) { d.types("stranger", "search-prod") },
		"a busy database":      func(d *desk, _ upgrade.Session) { d.types("stranger", "cache-prod") },
		"a near name":          func(d *desk, _ upgrade.Session) { d.types("stranger", "cache-prd") },
		"a search": func(d *desk, _ upgrade.Session) {
			d.send(socketmode.EventTypeInteractive, slack.InteractionCallback{Type: slack.InteractionTypeBlockSuggestion, ActionID: view.ActionDatabase, Value: "cache", User: slack.User{ID: "stranger"}})
		},
		"breaking changes": func(d *desk, s upgrade.Session) { d.clicks("stranger", view.ActionChanges, s) },
		"a denial":         func(d *desk, s upgrade.Session) { d.clicks("stranger", view.ActionDeny, s) },
		"a mention":        func(d *desk, _ upgrade.Session) { d.mentions("stranger", "5.5", "Ev1", "<@UBOT>") },
		"the Home tab":     func(d *desk, _ upgrade.Session) { d.send(socketmode.EventTypeEventsAPI, homeOpened("stranger")) },
	} {
		for _, slow := range []time.Duration{0, loadTimeout + 100*time.Millisecond} { // slower than a modal may wait
			t.Run(fmt.Sprint(sentence, " ", slow), func(t *testing.T) {
				t.Parallel()
				d := newDesk(t)
				s := d.proposed("cache-prod")
				d.threads[home+"/5.5"] = s.ID
				d.slow = slow
				act(d, s)
				raw, err := json.Marshal([]any{d.acks, d.told, d.views, d.homes})
				if err != nil || strings.Contains(string(raw), "-prod") || strings.Contains(string(raw), s.ID) {
					t.Errorf("shown: %s", raw)
				}
			})
		}
	}
}

// An answer that is too late for its acknowledgement is told privately.
func TestAnAnswerThatIsLateIsToldPrivately(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.slow = ackTimeout + 100*time.Millisecond
	d.types("ann", "list")
	if diff := cmp.Diff([]string{"ack", "chat.postEphemeral"}, d.happened()); diff != "" || d.lastAck() != "[]" {
		t.Errorf("%s\n%s", d.lastAck(), diff)
	}
	if told := d.answers(); len(told) != 1 || !strings.Contains(told[0].text, "search-prod") {
		t.Errorf("told %v", told)
	}
}

// What Slack has shown as failed is not carried out.
func TestWhatWasNotAcknowledgedIsNotCarriedOut(t *testing.T) {
	for sentence, spoil := range map[string]func(*desk){
		"the acknowledgement is not heard": func(d *desk) { d.mute = true },
		"recording takes too long":         func(d *desk) { d.inbox.delay = ackLatest + 50*time.Millisecond },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			s := d.proposed("cache-prod")
			spoil(d)
			d.clicks("bob", view.ActionApprove, s)
			if got := d.happened(); !slices.Equal(got, []string{"record"}) {
				t.Errorf("%v happened", got)
			}
			if got, n := d.load(s.ID).State, d.inbox.left(); got != upgrade.Proposed || n != 0 {
				t.Errorf("the session is %s, %d intents are left", got, n)
			}
		})
	}
}

// A pause and a resume hold in the order of their receipt, whoever works them off.
func TestALateResumeDoesNotUndoANewerPause(t *testing.T) {
	d := newDesk(t)
	i := func(on bool) intent { return intent{Do: doPause, User: "dan", On: on, At: place{Channel: home}} }
	receipts := map[bool]int64{}
	for _, on := range []bool{false, true} { // a resume, then a pause
		it, _, err := d.store.Receive(t.Context(), fmt.Sprint(on), nil, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		receipts[on] = it.Receipt
	}
	if err := d.h.perform(t.Context(), i(true), receipts[true]); err != nil {
		t.Fatal(err)
	}
	err := d.h.perform(t.Context(), i(false), receipts[false])
	if r, ok := upgrade.AsRefusal(err); !ok || !strings.Contains(r.Text, "after you") {
		t.Errorf("the late resume is answered with %v", err)
	}
	if by := d.engine.PausedBy(t.Context()); by != "dan" {
		t.Errorf("paused by %q", by)
	}
	d.types("dan", "resume")
	if by := d.engine.PausedBy(t.Context()); by != "" {
		t.Errorf("a new resume leaves it paused by %q", by)
	}
}

// An intent that panics is tried three times; then its person is told.
func TestAnIntentThatPanicsIsGivenUp(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.threads[home+"/5.5"] = s.ID
	said := 0
	d.spoil = func(method string) error { // the refusal of eve's vote ends in a panic; what is said at last does not
		if said++; method == "chat.postEphemeral" && said < 4 {
			panic("a bug")
		}
		return nil
	}
	d.clicks("eve", view.ActionApprove, s)
	for n := 1; n < 3; n++ {
		if left := d.inbox.left(); left != 1 {
			t.Fatalf("after %d panics %d intents are left", n, left)
		}
		claims, _ := d.inbox.Abandoned(t.Context(), 1)
		d.h.workOff(t.Context(), claims[0], false)
	}
	if left := d.inbox.left(); left != 0 {
		t.Errorf("after three panics %d intents are left", left)
	}
	if told := d.answers(); len(told) != 1 || !strings.Contains(told[0].text, "tried three times") {
		t.Errorf("eve was told %v", told)
	}
}

// What a newer release recorded is left to it, for an hour.
func TestANewerReplicasIntentIsLeftToIt(t *testing.T) {
	d := newDesk(t)
	for sentence, payload := range map[string]string{
		"a deed":           `{"do":"teleport","user":"ann","at":{"c":"` + home + `"},"since":%q}`,
		"a form of a deed": `{"do":"cancel","v":99,"user":"ann","at":{"c":"` + home + `"},"since":%q}`,
	} {
		for since, left := range map[time.Duration]int{time.Minute: 1, 2 * time.Hour: 0} {
			c, _, err := d.inbox.Receive(t.Context(), sentence+since.String(), fmt.Appendf(nil, payload, time.Now().Add(-since).Format(time.RFC3339)))
			if err != nil {
				t.Fatal(err)
			}
			before := len(d.answers())
			d.h.workOff(t.Context(), c, false)
			if got, told := d.inbox.left(), d.answers()[before:]; got != left || len(told) != 1-left {
				t.Errorf("%s of %s ago: %d are left, told %v", sentence, since, got, told)
			}
			_ = c.Done(t.Context())
		}
	}
}

// Nothing is tried for ever without a word.
func TestAfterAnHourItsPersonIsTold(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.memory.SetError("LOADING Redis is loading the dataset in memory")
	c, _, err := d.inbox.Receive(t.Context(), "E1", fmt.Appendf(nil, `{"do":"approve","user":"bob","at":{"c":%q,"s":%q,"a":1},"since":%q}`, home, s.ID, time.Now().Add(-2*time.Hour).Format(time.RFC3339)))
	if err != nil {
		t.Fatal(err)
	}
	d.h.workOff(t.Context(), c, false)
	if told := d.answers(); d.inbox.left() != 0 || len(told) != 1 || !strings.Contains(told[0].text, "for an hour") {
		t.Errorf("%d are left, bob was told %v", d.inbox.left(), told)
	}
}

// Of two picks in one form the later one is shown, however late the answer to the
// earlier one comes.
func TestALatePickDoesNotOverwriteANewerOne(t *testing.T) {
	d := newDesk(t)
	a, errA := d.index.Find("search-prod")
	b, errB := d.index.Find("sessions-eu")
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if _, err := d.index.Targets(t.Context(), b.Ref); err != nil { // B is answered at once
		t.Fatal(err)
	}
	gate := make(chan struct{})
	d.gate.Store(&gate)
	pick := func(ref, ts, hash string) slack.InteractionCallback {
		cb := click("ann", view.ActionDatabase, "")
		cb.ActionCallback.BlockActions[0].SelectedOption.Value, cb.ActionCallback.BlockActions[0].ActionTs = ref, ts
		cb.View = slack.View{ID: "V1", Hash: hash, CallbackID: view.CallbackRequest}
		return cb
	}
	d.begin(socketmode.EventTypeInteractive, pick(a.Ref.String(), "1700000000.000001", "0"))
	d.eventually("A is being read", func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.hash == 1 })
	d.begin(socketmode.EventTypeInteractive, pick(b.Ref.String(), "1700000000.300001", "0")) // its client had not seen A's answer yet
	d.eventually("B is shown", func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.hash == 2 })
	close(gate)
	d.h.Wait()
	raw, err := json.Marshal(d.views[len(d.views)-1])
	if err != nil || !strings.Contains(string(raw), view.VersionBlock(b)) {
		t.Errorf("the form shows %s; want the versions of %s", raw, b.Name)
	}
	d.begin(socketmode.EventTypeInteractive, pick(a.Ref.String(), "1700000000.200001", "2")) // overtaken on its way
	d.h.Wait()
	if d.hash != 2 {
		t.Error("a pick that was overtaken on its way changed the form")
	}
}

// What is pasted looks like a word to its person, and is one.
func TestWhatCannotBeSeenIsNotRead(t *testing.T) {
	for typed, want := range map[string][]string{
		"cache-prod\u200b":         {"cache-prod"},
		"\ufeffcache\u00ad-prod ":  {"cache-prod"},
		"“cache-prod” 8.2":         {"cache-prod", "8.2"},
		"„cache-prod“":             {"cache-prod"},
		"«cache-prod» ‘8.2’":       {"cache-prod", "8.2"},
		"'cache-prod' `8.2`":       {"cache-prod", "8.2"},
		"cache–prod":               {"cache-prod"},
		"cache\u2011prod\u00a08.2": {"cache-prod", "8.2"},
		"list\u200b":               {"list"},
		"\u2060":                   nil,
		"  ":                       nil,
	} {
		if got := wordsOf(typed); !slices.Equal(got, want) {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
	d := newDesk(t)
	for text, says := range map[string]string{"list\u200b": "search-prod", "“cache-prd”": "Did you mean `cache-prod`", "status \u200bcache-prod": "Latest of cache-prod"} {
		d.types("ann", text)
		if got := d.lastAck(); !strings.Contains(got, says) {
			t.Errorf("%q is answered with %s", text, got)
		}
	}
}

// A password in an address that is pasted goes nowhere.
func TestAPastedPasswordIsNotRecorded(t *testing.T) {
	d := newDesk(t)
	s := d.done()
	for _, pasted := range []string{"ftp://user:hunter2@host/bk20260101-000000-1-x-1_of_1-1-0-1.rdb", "s3://a/b\nabs://hunter2==@acme/b", "https://h/f?sig=hunter2"} {
		d.memory.SetError("LOADING") // even when the upgrade's record cannot be read to check against
		d.submits("dan", view.CallbackRevert, place{Channel: home, Session: s.ID}, values{"files": typed(view.ActionFiles, pasted), "name": typed(view.ActionName, "cache-prod"), "reason": typed(view.ActionReason, "x")})
		d.memory.SetError("")
		if got := d.happened(); !slices.Equal(got, []string{"ack"}) || !strings.Contains(d.wrongs()["files"], "password") || strings.Contains(d.lastAck(), "hunter2") {
			t.Errorf("%q: %v happened, acknowledged with %s", pasted, got, d.lastAck())
		}
	}
	d.inbox.mu.Lock()
	seen := len(d.inbox.seen)
	d.inbox.mu.Unlock()
	if seen != 0 {
		t.Errorf("%d intents were recorded", seen)
	}
	deny := d.proposed("search-prod")
	d.submits("bob", view.CallbackDeny, place{Session: deny.ID, Ask: deny.Ask}, values{"reason": typed(view.ActionReason, "see redis://default:hunter2@host:1 and mail bob@acme.test")})
	if got := d.load(deny.ID).Decisions[0].Reason; got != "see redis://[secret]@host:1 and mail bob@acme.test" {
		t.Errorf("the reason is kept as %q", got)
	}
}

// A status counts what it does not list.
func TestAStatusCountsAll(t *testing.T) {
	d := newDesk(t)
	for n := range 20 {
		id := fmt.Sprintf("u-%s", strings.Repeat(string(rune('a'+n)), 10))
		d.stored(id, upgrade.KindUpgrade, upgrade.Body{Plan: upgrade.Plan{Database: "pro/1/" + fmt.Sprint(n), Name: "x", From: "7.2", To: "7.4"}, By: "ann"}, upgrade.Propose)
	}
	d.types("ann", "status")
	if got := d.lastAck(); !strings.Contains(got, "and 5 more") {
		t.Errorf("a status of 20 sessions is %s", got)
	}
}

// rename is somebody renaming a database elsewhere.
func (d *desk) rename(name, to string) {
	d.t.Helper()
	e, err := d.index.Find(name)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.changes.Update(cloud.WithSendDeadline(d.t.Context(), time.Now().Add(time.Minute)), e.Ref, cloud.Update{Name: &to}); err != nil {
		d.t.Fatal(err)
	}
	d.eventually("it is renamed", func() bool {
		if err := d.index.Refresh(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
		_, err := d.index.Find(to)
		return err == nil
	})
}

// A database may be named like a session.
func TestADatabaseNamedLikeASession(t *testing.T) {
	d := newDesk(t)
	d.types("ann", "status u-abcdefghij")
	if got := d.lastAck(); !strings.Contains(got, "There is no upgrade or revert") {
		t.Errorf("nothing of that name: %s", got)
	}
	d.rename("search-prod", "u-abcdefghij")
	d.types("ann", "status u-abcdefghij")
	if got := d.lastAck(); !strings.Contains(got, "Latest of u-abcdefghij") {
		t.Errorf("a database of that name: %s", got)
	}
}

// Who loses by a moment is led to the winner's card, which is being posted.
func TestTheLoserOfTwoRequestsGetsTheLink(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	go func() {
		time.Sleep(300 * time.Millisecond)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.threads[home+"/5.5"] = s.ID
	}()
	d.h.complain(t.Context(), "eve", place{Channel: home}, &upgrade.Refusal{Code: upgrade.Busy, Text: "It has a session.", Link: s.ID})
	if told := d.answers(); len(told) != 1 || !strings.Contains(told[0].text, "https://acme.slack.com/") {
		t.Errorf("eve was told %v", told)
	}
}
