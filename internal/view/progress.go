package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// startBy is when the approval lapses.
func startBy(s upgrade.Session, p Policy) time.Time {
	from := s.Agreed
	if s.Plan.NotBefore.After(from) {
		from = s.Plan.NotBefore
	}
	return s.Policy(p.Upgrades, p.Reverts).StartBy(from, s.Plan.Until)
}

func problem(s upgrade.Session) []slack.Block {
	if s.Problem == "" || !slices.Contains([]upgrade.State{upgrade.Blocked, upgrade.Failed, upgrade.Reopening}, s.State) {
		return nil
	}
	return []slack.Block{section(":rotating_light: " + prose(s.Problem))}
}

// unknownCall shows the facts of a call that nobody can read back, and what
// each button will do.
func unknownCall(s upgrade.Session, p Policy) []slack.Block {
	if !isUnknown(s) {
		return nil
	}
	c := s.Call
	absent := "it is sent once more."
	if upgrade.Grave(c) {
		absent = "takes two people, one of on-call and a second of on-call or the approvers" + from(s, p) + ". It is then sent once more."
	}
	if upgrade.Once(c) {
		absent = strings.Replace(absent, "It is then sent once more.", "An import is never sent twice: the revert then ends, and the rest is done by hand.", 1)
	}
	text := fmt.Sprintf("The *%s* (attempt %d) left before %s and was never answered.%s Look at %s in the console, then decide:\n"+
		"• *It happened*: the bot goes on from there and verifies.\n• *It did not happen*: %s", callWords(c.Key), c.Intent, when(c.SendBy), readBack(c), Escape(s.Plan.Name), absent)
	if len(c.Settlers) > 0 {
		text += "\n" + people(c.Settlers) + " says that it did not happen; a second person, of on-call or the approvers, has to say so too."
	}
	return []slack.Block{section(text)}
}

// readBack is what Redis Cloud shows, which says neither yes nor no.
func readBack(c *upgrade.Call) string {
	if c.Seen == "" {
		return " What Redis Cloud shows does not say whether it happened."
	}
	return " What Redis Cloud shows does not say whether it happened: " + prose(Cut(c.Seen, 400)) + "."
}

// from says when people may declare that a call did not happen.
func from(s upgrade.Session, p Policy) string {
	if p.Engine == nil {
		return ", and not at once"
	}
	return ", from " + when(p.Engine.AbsentFrom(s)) + " on"
}

// stage is a line of the progress list.
type stage struct {
	label  string
	states []upgrade.State
}

// progress is the list of stages with the present one marked.
func progress(s upgrade.Session) string {
	stages := faceOf(s).stages
	at := slices.IndexFunc(stages, func(st stage) bool { return slices.Contains(st.states, s.State) })
	if at < 0 {
		at = reached(s, len(stages))
	}
	var out []string
	for i, st := range stages {
		switch {
		case i < at:
			out = append(out, ":white_check_mark: "+st.label)
		case i == at && !s.Ended:
			out = append(out, ":hourglass_flowing_sand: *"+st.label+"*"+detail(s))
		case i == at && s.State == upgrade.Failed:
			out = append(out, ":x: *"+st.label+"*")
		default:
			out = append(out, ":white_circle: "+st.label)
		}
	}
	return strings.Join(out, "\n")
}

// reached tells how far a session that is in no stage had come, from what it did.
func reached(s upgrade.Session, all int) int {
	if s.State == upgrade.Done || s.State == upgrade.Reverting || s.State == upgrade.Reverted || s.RevertNotBack() {
		return all
	}
	steps := faceOf(s).passed(s)
	if n := slices.Index(steps, false); n >= 0 {
		return n
	}
	return len(steps)
}

// detail is what is seen of the stage in hand.
func detail(s upgrade.Session) string {
	p := s.Progress
	var out string
	if s.State == upgrade.Upgrading && p.Percent > 0 {
		out += " " + bar(p.Percent)
	}
	if p.Text != "" {
		out += " · " + prose(Cut(p.Text, 500))
	}
	return out
}

// bar draws a percentage; whatever Redis Cloud says, it stays between 0 and 100.
func bar(percent float64) string {
	const width = 12
	percent = min(max(percent, 0), 100)
	n := int(percent / 100 * width)
	return "`" + strings.Repeat("█", n) + strings.Repeat("░", width-n) + fmt.Sprintf("` %.0f %%", percent)
}
