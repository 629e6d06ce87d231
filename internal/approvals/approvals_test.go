package approvals

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var asked = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// The people of the tables. ann asks; bob, carol and cleo are approvers; dan and
// dora are on call; both is an approver who is on call; eve is in the channel.
func person(name string) Voter {
	v := Voter{ID: "U-" + name, Name: name, Member: true, Known: true}
	switch name {
	case "bob", "carol", "cleo":
		v.Approver = true
	case "dan", "dora":
		v.OnCall = true
	case "both":
		v.Approver, v.OnCall = true, true
	case "guest":
		v.Guest, v.Approver = true, true
	case "robot":
		v.Bot, v.Approver = true, true
	case "gone":
		v.Deactivated, v.Approver = true, true
	case "visitor":
		v.Foreign, v.Approver = true, true
	case "unknown":
		v.Known, v.Approver = false, true
	case "nobody":
		return Voter{}
	}
	return v
}

func question() Question {
	return Question{Authors: []string{"U-ann"}, PlanHash: "plan-1", Ask: 1, Asked: asked, Now: asked.Add(time.Hour)}
}

// decisions reads "bob approves, dan denies too risky, carol approved the old
// plan": each a minute after the one before, from the moment of asking.
func decisions(t *testing.T, text string) []Decision {
	t.Helper()
	var so []Decision
	for i, clause := range strings.Split(text, ", ") {
		name, verb, _ := strings.Cut(clause, " ")
		q, at := question(), asked.Add(time.Duration(i+1)*time.Minute)
		choice, reason := Approve, ""
		switch {
		case text == "":
			continue
		case verb == "approves":
		case strings.HasPrefix(verb, "denies"):
			choice, reason = Deny, strings.TrimPrefix(verb, "denies ")
		case verb == "approved the old plan":
			q.PlanHash = "plan-0"
		case verb == "denied the old plan":
			q.PlanHash, choice = "plan-0", Deny
		case verb == "approved the old facts":
			q.Ask = 0
		case verb == "approves at the last moment":
			at = asked.Add(DecideWithin)
		case verb == "approves too late":
			at = asked.Add(DecideWithin + time.Second)
		default:
			t.Fatalf("no such clause: %q", clause)
		}
		so = append(so, person(name).Vote(q, choice, reason, at))
	}
	return so
}

type may struct {
	who     string
	choice  Choice
	so      string // decisions so far
	want    string // code of the refusal; empty: allowed
	because string
}

func (row may) check(t *testing.T, p Policy, q Question) {
	t.Helper()
	err := p.May(person(row.who), q, decisions(t, row.so), row.choice)
	got := ""
	var refusal *Refusal
	if errors.As(err, &refusal) {
		got = refusal.Code
		if refusal.Text == "" || !strings.HasSuffix(refusal.Text, ".") {
			t.Errorf("%s: the refusal has no sentence for the person: %+v", row.who, refusal)
		}
	} else if err != nil {
		t.Errorf("%s: error %T is no refusal: %v", row.who, err, err)
	}
	if got != row.want {
		t.Errorf("may %s %s after %q: got %q, want %q, because %s", row.who, row.choice, row.so, got, row.want, row.because)
	}
}

func TestWhoMayDecideAnUpgrade(t *testing.T) {
	for _, row := range []may{
		{"bob", Approve, "", "", "he is an approver and not the author"},
		{"bob", Deny, "", "", "an approver may say no"},
		{"both", Approve, "", "", "being on call does not take the vote away"},
		{"carol", Approve, "bob approves", "", "somebody else's vote does not make hers stale"},
		{"eve", Approve, "", CodeNotEntitled, "being in the channel gives no vote"},
		{"ann", Approve, "", CodeNotEntitled, "engineers ask, approvers decide"},
		{"dan", Approve, "", CodeNotEntitled, "being on call gives no vote on an upgrade"},
		{"dan", Deny, "", CodeNotEntitled, "who may not approve may not deny"},
		{"guest", Approve, "", CodeExcluded, "guests do nothing, whatever group they are in"},
		{"robot", Approve, "", CodeExcluded, "bots do nothing"},
		{"gone", Deny, "", CodeExcluded, "deactivated accounts do nothing"},
		{"visitor", Approve, "", CodeExcluded, "people of other workspaces do nothing"},
		{"unknown", Approve, "", CodeUnknown, "when Slack cannot say, the answer is no"},
		{"nobody", Approve, "", CodeUnknown, "the zero voter is nobody"},
		{"bob", Approve, "bob approves", CodeVoted, "a second click is a friendly no-op"},
		{"bob", Deny, "bob approves", "", "he may change his mind: a denial is always heard"},
		{"bob", Approve, "bob approved the old plan", "", "his first vote was about another plan"},
		{"bob", Approve, "bob approved the old facts", "", "his first vote was about other facts"},
		{"bob", Approve, "carol denies too risky", CodeDecided, "any denial wins"},
		{"bob", Deny, "carol denies too risky", CodeDecided, "it is denied already"},
		{"cleo", Approve, "bob approves, carol approves", CodeDecided, "two were enough"},
		{"cleo", Deny, "bob approves, carol approves", "", "until it is used, any denial wins"},
	} {
		row.check(t, Upgrade(2), question())
	}
}

func TestAuthorsDoNotDecideUpgrades(t *testing.T) {
	q := question()
	q.Authors = []string{"U-ann", "U-bob"}
	for _, row := range []may{
		{"bob", Approve, "", CodeOwnRequest, "who edited the plan is its author"},
		{"bob", Deny, "", CodeOwnRequest, "an author cancels instead"},
		{"carol", Approve, "", "", "she had no part in it"},
	} {
		row.check(t, Upgrade(1), q)
	}
	lone := Upgrade(1)
	lone.FourEyes = false
	may{"bob", Approve, "", "", "this policy wants no four eyes"}.check(t, lone, q)
}

func TestWhoMayDecideARevert(t *testing.T) {
	q := question()
	q.Authors = []string{"U-dan", "U-bob"}
	for _, row := range []may{
		{"bob", Approve, "", "", "his own request is allowed: the second person is the check"},
		{"dan", Approve, "", "", "on-call counts as one of the two"},
		{"dan", Approve, "bob approves", "", "an approver and on-call are two people"},
		{"carol", Approve, "dan approves", "", "an approver has to be among the two"},
		{"dora", Approve, "dan approves", CodeOnCallVoted, "on-call has one vote, not one each"},
		{"dora", Deny, "dan approves", "", "on-call may always deny"},
		{"both", Approve, "dan approves", "", "who is both votes as an approver"},
		{"dan", Approve, "both approves", "", "the other one voted as an approver"},
		{"dan", Approve, "dan approves", CodeVoted, "the same person counts once"},
		{"dora", Approve, "bob approves, dan approves", CodeDecided, "it has its two"},
		{"eve", Approve, "", CodeNotEntitled, "being in the channel gives no vote"},
		{"guest", Approve, "", CodeExcluded, "guests do nothing"},
	} {
		row.check(t, Revert(2), q)
	}
}

func TestOldAndLateClicks(t *testing.T) {
	old := question()
	old.Seen, old.Ask = 1, 2
	may{"bob", Approve, "", CodeStale, "the button belongs to what was asked before"}.check(t, Upgrade(1), old)

	fresh := question()
	fresh.Seen = 1
	may{"bob", Approve, "", "", "the button belongs to what is asked"}.check(t, Upgrade(1), fresh)

	last := question()
	last.Now = asked.Add(DecideWithin)
	may{"bob", Approve, "", "", "the last moment is in time"}.check(t, Upgrade(1), last)

	late := question()
	late.Now = asked.Add(DecideWithin + time.Nanosecond)
	may{"bob", Approve, "", CodeLate, "eight hours are over"}.check(t, Upgrade(1), late)
	may{"bob", Deny, "", CodeLate, "there is nothing left to deny"}.check(t, Upgrade(1), late)
	may{"carol", Deny, "bob approves", "", "it was approved in time and is not used yet"}.check(t, Upgrade(1), late)
}

func TestRoles(t *testing.T) {
	authors := []string{"U-ann"}
	request := func(v Voter) error { return MayRequest(v) }
	cancel := func(v Voter) error { return MayCancel(v, authors) }
	stranger := person("eve")
	stranger.Member = false
	formerly := person("ann")
	formerly.Member = false
	for _, row := range []struct {
		what    string
		may     func(Voter) error
		who     Voter
		want    string
		because string
	}{
		{"request", request, person("ann"), "", "she is in the channel"},
		{"request", request, stranger, CodeNotEntitled, "she is neither in the channel nor in a requester group"},
		{"request", request, person("dan"), "", "on-call may ask"},
		{"request", request, person("guest"), CodeExcluded, "guests do nothing"},
		{"request", request, person("unknown"), CodeUnknown, "when Slack cannot say, the answer is no"},
		{"cancel", cancel, person("ann"), "", "it is her own"},
		{"cancel", cancel, formerly, CodeNotEntitled, "she may not ask for anything any more"},
		{"cancel", cancel, person("bob"), CodeNotEntitled, "approvers deny, they do not cancel others'"},
		{"cancel", cancel, person("dan"), "", "on-call may cancel others'"},
		{"operate", MayOperate, person("dan"), "", "on-call settles and pauses"},
		{"operate", MayOperate, person("bob"), CodeNotEntitled, "approvers do not"},
		{"operate", MayOperate, person("robot"), CodeExcluded, "bots do nothing"},
	} {
		err, got := row.may(row.who), ""
		var refusal *Refusal
		if errors.As(err, &refusal) {
			got = refusal.Code
		}
		if got != row.want {
			t.Errorf("may %s %s: got %q, want %q, because %s", row.who.Name, row.what, got, row.want, row.because)
		}
	}
}
