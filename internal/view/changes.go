package view

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/releases"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// crossed returns what lies between the plan's versions.
func crossed(s upgrade.Session) ([]releases.Release, []releases.Change) {
	from, errFrom := releases.Parse(s.Plan.From)
	to, errTo := releases.Parse(s.Plan.To)
	if errFrom != nil || errTo != nil {
		return nil, nil
	}
	return releases.Crossed(from, to), releases.Between(from, to, string(s.Plan.Ref().Plan))
}

// changes lists the versions crossed with their pages, and the gravest
// changes by name; the rest is behind a button.
func changes(s upgrade.Session) []slack.Block {
	versions, all := crossed(s)
	if len(versions) == 0 {
		return nil
	}
	var lines []string
	for _, r := range versions {
		n := counts(all, func(c releases.Change) bool { return !c.All && c.Version == r.Version })
		lines = append(lines, fmt.Sprintf("• %s: %s", link(r.PageURL, "Redis "+r.Version.String()), n))
	}
	var worst []string
	for _, c := range all {
		if c.Severity == releases.Blocker && !c.All && len(worst) < 3 {
			worst = append(worst, fmt.Sprintf(":warning: %s — %s", Escape(c.Version.String()), link(c.URL, c.Title)))
		}
	}
	text := "*Breaking changes on the way*\n" + strings.Join(lines, "\n")
	if len(worst) > 0 {
		text += "\n" + strings.Join(worst, "\n")
	}
	return []slack.Block{section(text)}
}

// counts says how many changes there are, by severity.
func counts(all []releases.Change, in func(releases.Change) bool) string {
	n := map[string]int{}
	for _, c := range all {
		if in(c) {
			n[c.Severity]++
		}
	}
	var parts []string
	for _, severity := range []struct{ key, word string }{{releases.Blocker, "blocker"}, {releases.Behaviour, "behaviour change"}, {releases.Info, "note"}} {
		if k := n[severity.key]; k > 0 {
			parts = append(parts, plural(k, severity.word))
		}
	}
	if len(parts) == 0 {
		return "no breaking change listed"
	}
	return strings.Join(parts, ", ")
}

// maxChanges keeps the list under Slack's 100 blocks.
const maxChanges = 90

// ChangesModal lists every change between the plan's versions.
func ChangesModal(s upgrade.Session) slack.ModalViewRequest {
	_, all := crossed(s)
	blocks := []slack.Block{
		section(fmt.Sprintf("Everything known to change for *%s* between %s and %s. Gravest first; check what your applications use.", Escape(s.Plan.Name), Escape(s.Plan.From), Escape(s.Plan.To))),
	}
	for i, c := range all {
		if i == maxChanges {
			blocks = append(blocks, note(fmt.Sprintf("… and %d more; see the version pages.", len(all)-i)))
			break
		}
		blocks = append(blocks, section(change(c)))
	}
	return modal(CallbackInfo, "Breaking changes", "", "Close", blocks, "")
}

func change(c releases.Change) string {
	mark := map[string]string{releases.Blocker: ":no_entry:", releases.Behaviour: ":warning:", releases.Info: ":information_source:"}[c.Severity]
	version := "every upgrade"
	if !c.All {
		version = c.Version.String()
	}
	origin := ""
	if c.Origin != releases.CloudDocs {
		origin = " _(not on the Redis Cloud list; from " + strings.ReplaceAll(c.Origin, "-", " ") + ")_"
	}
	text := fmt.Sprintf("%s *%s* · %s%s\n%s", mark, Escape(version), link(c.URL, c.Title), origin, Escape(c.Summary))
	if c.Remedy != "" {
		text += "\n:point_right: " + Escape(c.Remedy)
	}
	return text
}
