package approvals

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOutcome(t *testing.T) {
	minute := func(n int) time.Time { return asked.Add(time.Duration(n) * time.Minute) }
	own := question()
	own.Authors = []string{"U-ann", "U-bob"}
	for _, row := range []struct {
		policy  Policy
		q       Question
		so      string
		after   time.Duration // since the asking
		want    Outcome
		because string
	}{
		{Upgrade(1), question(), "", time.Hour, Pending{Missing: 1, ApproverOnly: true}, "nobody has said anything"},
		{Upgrade(1), question(), "bob approves", time.Hour, Approved{[]string{"U-bob"}, minute(1)}, "one is enough"},
		{Upgrade(0), question(), "", time.Hour, Pending{Missing: 1, ApproverOnly: true}, "nothing approves itself"},
		{Upgrade(2), question(), "bob approves", time.Hour, Pending{Missing: 1, ApproverOnly: true}, "the second is missing"},
		{Upgrade(2), question(), "bob approves, bob approves", time.Hour, Pending{Missing: 1, ApproverOnly: true}, "the same person counts once"},
		{Upgrade(2), question(), "bob approves, carol approves", time.Hour, Approved{[]string{"U-bob", "U-carol"}, minute(2)}, "different people never make each other stale"},
		{Upgrade(2), question(), "bob approved the old plan, carol approves", time.Hour, Pending{Missing: 1, ApproverOnly: true}, "a vote on another plan does not count"},
		{Upgrade(2), question(), "bob approved the old facts, carol approves", time.Hour, Pending{Missing: 1, ApproverOnly: true}, "decisive facts moved after bob's vote"},
		{Upgrade(1), question(), "carol denied the old plan, bob approves", time.Hour, Approved{[]string{"U-bob"}, minute(2)}, "what was denied is not what is asked now"},
		{Upgrade(1), own, "bob approves", time.Hour, Pending{Missing: 1, ApproverOnly: true}, "an author does not count"},
		{Upgrade(1), question(), "dan approves", time.Hour, Pending{Missing: 1, ApproverOnly: true}, "on-call has no vote on an upgrade"},
		{Upgrade(2), question(), "bob approves, carol denies too risky", time.Hour, Denied{"U-carol", "carol", "too risky", minute(2)}, "any denial wins"},
		{Upgrade(1), question(), "bob approves, carol denies too risky", time.Hour, Denied{"U-carol", "carol", "too risky", minute(2)}, "a denial wins even after the quorum"},
		{Upgrade(1), question(), "bob approves, bob denies wrong one", time.Hour, Denied{"U-bob", "bob", "wrong one", minute(2)}, "he changed his mind"},
		{Upgrade(1), question(), "", DecideWithin, Pending{Missing: 1, ApproverOnly: true}, "the last moment is in time"},
		{Upgrade(1), question(), "", DecideWithin + 1, Expired{}, "eight hours are over"},
		{Upgrade(2), question(), "bob approves", 9 * time.Hour, Expired{}, "half a quorum does not stop the clock"},
		{Upgrade(1), question(), "bob approves", 30 * time.Hour, Approved{[]string{"U-bob"}, minute(1)}, "it was decided in time; when it may start is another clock"},
		{Upgrade(1), question(), "bob approves at the last moment", 9 * time.Hour, Approved{[]string{"U-bob"}, asked.Add(DecideWithin)}, "the last moment is in time"},
		{Upgrade(1), question(), "bob approves too late", 9 * time.Hour, Expired{}, "his vote came after the deadline"},

		{Revert(2), question(), "bob approves", time.Hour, Pending{Missing: 1}, "a second person is missing, on-call will do"},
		{Revert(2), question(), "bob approves, carol approves", time.Hour, Approved{[]string{"U-bob", "U-carol"}, minute(2)}, "two approvers"},
		{Revert(2), question(), "dan approves, bob approves", time.Hour, Approved{[]string{"U-dan", "U-bob"}, minute(2)}, "on-call counts as one of the two"},
		{Revert(2), question(), "dan approves, dora approves", time.Hour, Pending{Missing: 1, ApproverOnly: true}, "on-call counts as one of the two, not as both"},
		{Revert(2), question(), "dan approves, dora approves, both approves", time.Hour, Approved{[]string{"U-dan", "U-both"}, minute(3)}, "who is both counts as the approver"},
		{Revert(2), own, "bob approves, dan approves", time.Hour, Approved{[]string{"U-bob", "U-dan"}, minute(2)}, "an own request is allowed for a revert"},
		{Revert(1), question(), "bob approves", time.Hour, Pending{Missing: 1}, "nothing makes a revert a matter of one person"},
		{Revert(3), question(), "dan approves, bob approves", time.Hour, Pending{Missing: 1, ApproverOnly: true}, "a rule may want three"},
		{Revert(2), question(), "bob approves, dan denies no backup", time.Hour, Denied{"U-dan", "dan", "no backup", minute(2)}, "on-call may say no"},
	} {
		got := row.policy.Outcome(row.q, decisions(t, row.so), asked.Add(row.after))
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("quorum %d after %q: want %T, because %s (-want +got):\n%s", row.policy.Quorum, row.so, row.want, row.because, diff)
		}
	}
}

func TestOutcomeWithoutClock(t *testing.T) {
	p := Policy{Quorum: 1}
	if got, ok := p.Outcome(question(), nil, asked.AddDate(1, 0, 0)).(Pending); !ok || got.Missing != 1 {
		t.Errorf("without a time to decide a question stays open for ever; got %#v", got)
	}
	if got := p.StartBy(asked, time.Time{}); !got.IsZero() {
		t.Errorf("StartBy = %v; want no limit", got)
	}
}

func TestStartBy(t *testing.T) {
	p := Upgrade(1)
	if got, want := p.StartBy(asked, time.Time{}), asked.Add(24*time.Hour); !got.Equal(want) {
		t.Errorf("without a window an approval is good until %v; want a day: %v", got, want)
	}
	window := asked.Add(72 * time.Hour)
	if got := p.StartBy(asked, window); !got.Equal(window) {
		t.Errorf("StartBy = %v; want the end of the chosen window %v", got, window)
	}
}

func TestRecheck(t *testing.T) {
	people := func(names ...string) map[string]Voter {
		now := map[string]Voter{}
		for _, name := range names {
			now["U-"+name] = person(name)
		}
		return now
	}
	demoted := person("bob") // was an approver, is only on call today
	demoted.Approver, demoted.OnCall = false, true
	onlyCall := people("dan")
	onlyCall["U-bob"] = demoted
	unsure := people("bob")
	unsure["U-carol"] = Voter{ID: "U-carol", Approver: true} // Slack could not say

	for _, row := range []struct {
		policy  Policy
		so      string
		now     map[string]Voter
		want    Outcome
		because string
	}{
		{Upgrade(1), "bob approves", people("bob"), Approved{[]string{"U-bob"}, asked.Add(time.Minute)}, "he is an approver still"},
		{Upgrade(1), "bob approves", people("eve"), Pending{Missing: 1, ApproverOnly: true}, "he could not be looked up"},
		{Upgrade(2), "bob approves, carol approves", unsure, Pending{Missing: 1, ApproverOnly: true}, "unknown means no"},
		{Revert(2), "dan approves, bob approves", onlyCall, Pending{Missing: 1, ApproverOnly: true}, "both are only on call today"},
		{Upgrade(1), "gone denies too risky", people(), Denied{"U-gone", "gone", "too risky", asked.Add(time.Minute)}, "a denial stays whoever made it"},
	} {
		still := row.policy.Recheck(decisions(t, row.so), row.now)
		got := row.policy.Outcome(question(), still, asked.Add(time.Hour))
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%q used with %v: want %T, because %s (-want +got):\n%s", row.so, row.now, row.want, row.because, diff)
		}
	}
}
