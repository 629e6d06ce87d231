package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// headline is the first thing read: where it stands and who has to act.
func headline(s upgrade.Session, p Policy) string {
	return stateMark(s) + " *" + upperFirst(stateWords(s)) + "*" + whose(s, p)
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func stateMark(s upgrade.Session) string {
	if s.Call != nil && s.Call.Phase == upgrade.Unknown {
		return ":rotating_light:"
	}
	switch s.State {
	case upgrade.Proposed, upgrade.Approved:
		return ":large_blue_circle:"
	case upgrade.Blocked:
		return ":no_entry_sign:"
	case upgrade.Done:
		return ":white_check_mark:"
	case upgrade.Failed:
		return ":x:"
	case upgrade.Denied, upgrade.Expired, upgrade.Cancelled:
		return ":white_circle:"
	case upgrade.Reverting, upgrade.Reverted, upgrade.Reopening:
		return ":rewind:"
	}
	return ":hourglass_flowing_sand:"
}

// stateWords say the state as people do.
func stateWords(s upgrade.Session) string {
	if s.Call != nil && s.Call.Phase == upgrade.Unknown {
		return "nobody can tell whether the " + s.Call.Key + " happened"
	}
	revert := map[upgrade.State]string{
		upgrade.Proposed:   "waiting for two people to approve the deletion",
		upgrade.Rehearsing: "rehearsing the import; nothing is changed yet",
		upgrade.Done:       "reverted",
	}
	if words, ok := revert[s.State]; ok && s.Kind == upgrade.KindRevert {
		return words
	}
	words := map[upgrade.State]string{
		upgrade.Proposed: "waiting for approval", upgrade.Approved: "approved", upgrade.Checking: "checking",
		upgrade.Blocked: "blocked", upgrade.BackingUp: "backing up", upgrade.Upgrading: "upgrading",
		upgrade.Verifying: "verifying", upgrade.Soaking: "upgraded; watching", upgrade.Done: "done",
		upgrade.Denied: "denied", upgrade.Expired: "expired", upgrade.Cancelled: "cancelled", upgrade.Failed: "failed",
		upgrade.Reverting: "being reverted", upgrade.Reverted: "reverted",
		upgrade.Closing: "closing the door", upgrade.Saving: "taking a safety backup", upgrade.Deleting: "deleting",
		upgrade.Creating: "creating it again", upgrade.Importing: "importing the backup", upgrade.Restoring: "putting settings back",
		upgrade.Reopening: "giving up; reopening the door",
	}
	return words[s.State]
}

// whose says who has to act, or what is known of the end.
func whose(s upgrade.Session, p Policy) string {
	switch {
	case s.Call != nil && s.Call.Phase == upgrade.Unknown:
		return " · " + p.OnCall + " decides"
	case s.State == upgrade.Proposed && s.Kind == upgrade.KindRevert:
		return missing(s, p.Reverts, p.Approvers+" or "+p.OnCall)
	case s.State == upgrade.Proposed:
		return missing(s, p.Upgrades, p.Approvers)
	case s.CancelBy != "" && !s.Ended:
		return " · cancelling, asked by " + person(s.CancelBy)
	case s.State == upgrade.Approved && !s.Plan.NotBefore.IsZero():
		return " · starts " + when(s.Plan.NotBefore)
	case s.State == upgrade.Soaking:
		return " · until " + when(s.Upgrade.SoakUntil)
	case s.State == upgrade.Done && s.Kind == upgrade.KindUpgrade:
		return " · version confirmed; application health not checked"
	}
	return ""
}

func missing(s upgrade.Session, policy approvals.Policy, who string) string {
	have := len(s.Decisions)
	text := fmt.Sprintf(" · %d of %d · %s", have, max(policy.Quorum, 1), who)
	if policy.FourEyes {
		text += ", not " + people(s.Authors)
	}
	return text + " · by " + when(policy.DecideBy(approvals.Question{Asked: s.Asked}))
}

func problem(s upgrade.Session) []slack.Block {
	if s.Problem == "" || !slices.Contains([]upgrade.State{upgrade.Blocked, upgrade.Failed, upgrade.Reopening}, s.State) {
		return nil
	}
	return []slack.Block{section(":rotating_light: " + Escape(s.Problem))}
}

// unknownCall shows the facts of a call that nobody can read back, and what
// each button will do.
func unknownCall(s upgrade.Session) []slack.Block {
	c := s.Call
	if c == nil || c.Phase != upgrade.Unknown {
		return nil
	}
	text := fmt.Sprintf("The *%s* (attempt %d) was sent by %s and never answered; what Redis Cloud shows does not say whether it happened. "+
		"Look at %s in the console, then decide.\n• *It happened*: the bot goes on from there and verifies.\n• *It did not happen*: it may be sent once more; a delete or an import needs two people and an hour's wait, and an import is never sent twice.",
		c.Key, c.Intent, when(c.SendBy), Escape(s.Plan.Name))
	return []slack.Block{section(text)}
}

// stage is a line of the progress list.
type stage struct {
	label  string
	states []upgrade.State
}

var upgradeStages = []stage{
	{"Approval", []upgrade.State{upgrade.Proposed, upgrade.Approved}},
	{"Preflight", []upgrade.State{upgrade.Checking, upgrade.Blocked}},
	{"Backup", []upgrade.State{upgrade.BackingUp}},
	{"Upgrade", []upgrade.State{upgrade.Upgrading}},
	{"Verification", []upgrade.State{upgrade.Verifying}},
	{"Watch", []upgrade.State{upgrade.Soaking}},
}

var revertStages = []stage{
	{"Rehearsal and dry run", []upgrade.State{upgrade.Rehearsing}},
	{"Approval by two", []upgrade.State{upgrade.Proposed, upgrade.Approved}},
	{"Close the door", []upgrade.State{upgrade.Closing}},
	{"Safety backup", []upgrade.State{upgrade.Saving}},
	{"Delete", []upgrade.State{upgrade.Deleting}},
	{"Create on the original version, closed", []upgrade.State{upgrade.Creating}},
	{"Import the backup", []upgrade.State{upgrade.Importing}},
	{"Verify, users, tags, open the door", []upgrade.State{upgrade.Restoring}},
}

// progress is the list of stages with the present one marked.
func progress(s upgrade.Session) string {
	stages := upgradeStages
	if s.Kind == upgrade.KindRevert {
		stages = revertStages
	}
	at := slices.IndexFunc(stages, func(st stage) bool { return slices.Contains(st.states, s.State) })
	finished := slices.Contains([]upgrade.State{upgrade.Done, upgrade.Reverting, upgrade.Reverted}, s.State)
	if finished || at < 0 {
		at = reachedStage(s, len(stages), finished)
	}
	var lines []string
	for i, st := range stages {
		switch {
		case i < at:
			lines = append(lines, ":white_check_mark: "+st.label)
		case i == at && !s.Ended:
			lines = append(lines, ":hourglass_flowing_sand: *"+st.label+"*"+detail(s))
		case i == at && s.State == upgrade.Failed:
			lines = append(lines, ":x: *"+st.label+"*")
		default:
			lines = append(lines, ":white_circle: "+st.label)
		}
	}
	return strings.Join(lines, "\n")
}

// reachedStage tells how far an ended session had come, from what it did.
func reachedStage(s upgrade.Session, all int, finished bool) int {
	if finished {
		return all
	}
	steps := []bool{!s.Agreed.IsZero(), s.Upgrade.Snapshot != nil, !s.Upgrade.BackupAt.IsZero(), !s.Upgrade.Sent.IsZero() && s.Problem == "", !s.Upgrade.Finished.IsZero()}
	if r := s.Revert; r != nil {
		steps = []bool{r.Trial.Passed, !s.Agreed.IsZero(), !r.DoorShut.IsZero(), !r.SafetyAt.IsZero(), !r.DeletedAt.IsZero(), r.NewRef != "", !r.ImportedAt.IsZero()}
	}
	n := slices.Index(steps, false)
	if n < 0 {
		return len(steps)
	}
	return n
}

// detail is what is seen of the stage in hand.
func detail(s upgrade.Session) string {
	p := s.Progress
	var out string
	if s.State == upgrade.Upgrading && p.Percent > 0 {
		out += " " + bar(p.Percent)
	}
	if p.Text != "" {
		out += " · " + Escape(Cut(p.Text, 200))
	}
	return out
}

func bar(percent float64) string {
	const width = 12
	n := int(percent / 100 * width)
	return "`" + strings.Repeat("█", n) + strings.Repeat("░", width-n) + fmt.Sprintf("` %.0f %%", percent)
}
