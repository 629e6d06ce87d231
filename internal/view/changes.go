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
	unknown := unexplained(s)
	if len(versions) == 0 && unknown == "" {
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
	if unknown != "" {
		lines = append(lines, unknown)
	}
	return []slack.Block{section(fmt.Sprintf("*Breaking changes from %s to %s*\n", Escape(s.Plan.From), Escape(s.Plan.To)) + strings.Join(append(lines, worst...), "\n"))}
}

// unexplained names the plan's versions that the version table does not have;
// empty when it has both. Without it a short list would read like a complete one.
func unexplained(s upgrade.Session) string {
	var unknown []string
	later := ""
	for _, text := range []string{s.Plan.From, s.Plan.To} {
		v, err := releases.Parse(text)
		if _, listed := releases.Lookup(v); err == nil && listed {
			continue
		}
		unknown = append(unknown, Escape(text))
		if releases.Newest().Less(v) {
			later = " and other versions after " + releases.Newest().String()
		}
	}
	if len(unknown) == 0 {
		return ""
	}
	return fmt.Sprintf(":warning: Nothing is known here about Redis %s%s. Read %s before you decide.",
		strings.Join(unknown, " and "), later, link(releases.VersionPages, "the version pages"))
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
	for _, severity := range []struct{ key, word string }{{releases.Blocker, "breaking change"}, {releases.Behaviour, "behaviour change"}, {releases.Info, "note"}} {
		if k := n[severity.key]; k > 0 {
			parts = append(parts, plural(k, severity.word))
		}
	}
	if len(parts) == 0 {
		return "no change listed"
	}
	return strings.Join(parts, ", ")
}

// maxChanges keeps the list under Slack's 100 blocks.
const maxChanges = 90

// ChangesModal lists every change between the plan's versions.
func ChangesModal(s upgrade.Session) slack.ModalViewRequest {
	_, all := crossed(s)
	blocks := []slack.Block{
		section(fmt.Sprintf("Changes known to this bot for *%s* between %s and %s, gravest first. Check what your applications use; the list may be incomplete.",
			Escape(s.Plan.Name), Escape(s.Plan.From), Escape(s.Plan.To))),
	}
	if unknown := unexplained(s); unknown != "" {
		blocks = append(blocks, section(unknown))
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
