package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/releases"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/words"
)

// Message is what is posted: text for notifications and screen readers,
// blocks for eyes, metadata for machines.
type Message struct {
	Text     string
	Blocks   []slack.Block
	Metadata slack.SlackMetadata
}

// Policy is what a card has to know of who decides.
type Policy struct {
	Upgrades, Reverts approvals.Policy
	Approvers         string // in words with mentions, e.g. "<!subteam^S1>"
	OnCall            string
	Engine            Offers
}

// either names approvers and on-call, who decide a revert; a group that is both is
// named once.
func (p Policy) either(or string) string {
	if slices.Contains(strings.Fields(p.Approvers), p.OnCall) || p.OnCall == "" {
		return p.Approvers
	}
	return p.Approvers + or + p.OnCall
}

// Offers says what the engine would accept.
type Offers interface {
	Revertible(upgrade.Session) *upgrade.Refusal
	AbsentFrom(upgrade.Session) time.Time
}

// under is the policy by the rule with which a session was opened, whatever is
// configured now.
func (p Policy) under(s upgrade.Session) Policy {
	if s.Rule == nil {
		return p
	}
	p.Upgrades, p.Reverts = *s.Rule, *s.Rule
	if ids := s.Rule.Approvers; len(ids) > 0 {
		p.Approvers = mentions(ids)
	}
	if ids := s.Rule.OnCall; len(ids) > 0 {
		p.OnCall = mentions(ids)
	}
	return p
}

// mentions name groups and people by their ids.
func mentions(ids []string) string {
	var out []string
	for _, id := range ids {
		if strings.HasPrefix(id, "S") {
			out = append(out, "<!subteam^"+id+">")
		} else {
			out = append(out, "<@"+id+">")
		}
	}
	return strings.Join(out, " ")
}

func (p Policy) revertible(s upgrade.Session) bool {
	return !s.RevertNotBack() && p.Engine != nil && p.Engine.Revertible(s) == nil
}

// Card draws a session's one message.
func Card(s upgrade.Session, p Policy) Message {
	p = p.under(s)
	if s.Distrusted != "" {
		return Message{Text: cutMarkup(fallback(s, p), maxText), Blocks: distrustedBlocks(s, p), Metadata: metadata(s)}
	}
	blocks := faceOf(s).blocks(s, p)
	return Message{Text: cutMarkup(fallback(s, p), maxText), Blocks: blocks[:min(len(blocks), maxBlocks)], Metadata: metadata(s)}
}

// fallback is a card for those who do not see it: notifications, phones, screen
// readers. Its first line, which is all that many of them show, says what it is and
// where it stands; then who must act and until when, what went wrong, and what is
// lost.
func fallback(s upgrade.Session, p Policy) string {
	out := []string{cutMarkup(Escape(sessionTitle(s))+" — "+stateWords(s), maxFirstLine)}
	if next := next(s, p); next != "" {
		out = append(out, next)
	}
	if len(problem(s)) > 0 && s.Distrusted == "" {
		out = append(out, prose(Cut(s.Problem, 600)))
	}
	if s.Distrusted != "" {
		return strings.Join(out, "\n")
	}
	if costs := faceOf(s).costs(s); costs != "" {
		out = append(out, costs)
	}
	return strings.Join(out, "\n")
}

func metadata(s upgrade.Session) slack.SlackMetadata {
	return slack.SlackMetadata{EventType: "redis_upgrade", EventPayload: map[string]any{
		"session": s.ID, "kind": string(s.Kind), "database": s.Plan.Database, "state": string(s.State),
	}}
}

// sessionTitle names a session, unescaped.
func sessionTitle(s upgrade.Session) string {
	verb := faceOf(s).verb
	if s.Plan.Database == "" { // its record is lost
		return verb + " " + s.ID
	}
	return fmt.Sprintf("%s %s: %s → %s", verb, s.Plan.Name, s.Plan.From, s.Plan.To)
}

func upgradeBlocks(s upgrade.Session, p Policy) []slack.Block {
	blocks := top(s, p)
	blocks = append(blocks, fields(facts(s)...))
	if !calledOff(s) {
		blocks = append(blocks, warnings(s)...)
		blocks = append(blocks, changes(s)...)
	}
	blocks = append(blocks, section(progress(s)))
	return append(blocks, footer(s, p)...)
}

// calledOff reports an upgrade of which nothing is left to weigh.
func calledOff(s upgrade.Session) bool {
	return slices.Contains([]upgrade.State{upgrade.Denied, upgrade.Expired, upgrade.Cancelled, upgrade.Reverted}, s.State)
}

// top begins every card: what, where it stands, who must act, why.
func top(s upgrade.Session, p Policy) []slack.Block {
	blocks := []slack.Block{
		slack.NewHeaderBlock(plain(sessionTitle(s), maxHeader)),
		section(headline(s, p)),
	}
	blocks = append(blocks, problem(s)...)
	blocks = append(blocks, unknownCall(s, p)...)
	return append(blocks, section(fmt.Sprintf("*Why*, says %s:\n%s", person(s.By), Quote(s.Reason))))
}

// footer ends every card: decisions, buttons, and where it came from.
func footer(s upgrade.Session, p Policy) []slack.Block {
	var blocks []slack.Block
	if text := decisions(s); text != "" {
		blocks = append(blocks, note(text))
	}
	if b := buttons(s, p); len(b) > 0 {
		blocks = append(blocks, slack.NewActionBlock("actions", b...))
	}
	return append(blocks, note(fmt.Sprintf("`%s` · asked %s by %s", s.ID, when(s.Created), person(s.By))))
}

// subscriptionStatus is how it was when the facts were read: the work waits for
// one that is changing.
func subscriptionStatus(f upgrade.Facts) string {
	if cloud.Active(f.SubStatus) {
		return "active"
	}
	return Escape(f.SubStatus) + " when read: the work waits until it is active"
}

// facts are the two columns of what is known.
func facts(s upgrade.Session) []string {
	f := s.Facts
	out := []string{
		"*Database*\n" + Escape(s.Plan.Name) + "  " + code(s.Plan.Database),
		"*Subscription*\n" + Escape(f.Subscription) + " (" + subscriptionStatus(f) + ")",
		"*Version*\n" + Escape(s.Plan.From) + " → *" + Escape(s.Plan.To) + "*",
		"*Size*\n" + fmt.Sprintf("%s, %.0f MB used", plural(f.Shards, "shard"), f.UsedMB),
		"*Backup*\n" + backup(s),
		"*Revert*\n" + wayBack(f),
	}
	if !s.Plan.NotBefore.IsZero() {
		out = append(out, "*Start*\nnot before "+when(s.Plan.NotBefore))
	}
	if f.Endpoint != "" {
		out = append(out, "*Endpoint*\n"+code(f.Endpoint))
	}
	return out
}

func backup(s upgrade.Session) string {
	f := s.Facts.Backup
	fresh := "; a new one is taken first"
	if s.Ended || s.State == upgrade.Reverting {
		fresh = "" // it will not be, or it was
	}
	switch {
	case !s.Upgrade.BackupAt.IsZero() && s.Upgrade.Untimed:
		return ":white_check_mark: taken for this upgrade; Redis Cloud does not say when\n" + code(f.Where)
	case !s.Upgrade.BackupAt.IsZero():
		return ":white_check_mark: taken for this upgrade " + when(s.Upgrade.BackupAt) + "\n" + code(f.Where)
	case !f.Known && !cloud.Active(s.Facts.SubStatus):
		return ":grey_question: Redis Cloud does not say when the last one was while the subscription is " + Escape(s.Facts.SubStatus) + fresh + "\n" + code(f.Where)
	case !f.Known:
		return ":grey_question: Redis Cloud did not say when the last one was" + fresh + "\n" + code(f.Where)
	case f.Untimed:
		return "backed up; Redis Cloud does not say when" + fresh + "\n" + code(f.Where)
	case f.Last.IsZero():
		return ":warning: *never backed up*" + fresh + "\n" + code(f.Where)
	}
	age := words.Span(s.Facts.At.Sub(f.Last).Round(time.Minute))
	if s.Facts.At.Sub(f.Last) < time.Minute {
		age = "less than a minute"
	}
	return fmt.Sprintf("last %s (%s old at last check)%s\n%s", when(f.Last), age, fresh, code(f.Where))
}

func wayBack(f upgrade.Facts) string {
	mark := ":warning: "
	if f.WayBack.Possible {
		mark = ":leftwards_arrow_with_hook: "
	}
	return mark + Escape(f.WayBack.Text)
}

// warnings are facts that an approver should not overlook.
func warnings(s upgrade.Session) []slack.Block {
	var out []string
	f := s.Facts
	if !f.Replication && f.Persistence == "none" {
		out = append(out, "No replication and no persistence: if the upgrade goes wrong, only the backup is left.")
	}
	if f.Dynamic {
		out = append(out, "It has dynamic endpoints. A revert by recreating keeps the static endpoint only; clients that use the dynamic names must be told.")
	}
	if len(f.Replicas) > 0 {
		out = append(out, "It feeds "+replicas(f.Replicas)+" (Active-Passive). A revert would cut that link, so it has to be detached first.")
	}
	if len(f.ReplicaOf) > 0 {
		out = append(out, "It replicates from "+Escape(strings.Join(f.ReplicaOf, ", "))+" (Active-Passive): upgrade that one afterwards. A revert would cut the link.")
	}
	if f.ExternalSource {
		out = append(out, "It replicates from a source outside this account, whose version cannot be seen from here. It must not become newer than this database.")
	}
	switch {
	case !f.AutoMinor:
	case s.Plan.Ref().Plan == cloud.Essentials:
		out = append(out, "Redis Cloud moves Essentials databases to newer minor versions by itself.")
	case movesByItself(s.Plan.To):
		out = append(out, fmt.Sprintf("Auto minor upgrades are on: from %s on, Redis Cloud moves this database to newer minor versions by itself.", Escape(s.Plan.To)))
	}
	for i := range out {
		out[i] = ":warning: " + out[i]
	}
	if len(out) == 0 {
		return nil
	}
	return []slack.Block{section(lines(out, maxSection))}
}

func replicas(all []upgrade.Replica) string {
	var out []string
	for _, r := range all {
		out = append(out, fmt.Sprintf("%s (%s)", Escape(r.Name), Escape(r.Version)))
	}
	return strings.Join(out, ", ")
}

// movesByItself reports whether auto minor upgrades act on this version of a
// Pro database: from 8.4 on.
// https://redis.io/docs/latest/operate/rc/databases/version-management/
func movesByItself(version string) bool {
	v, err := releases.Parse(version)
	return err == nil && !v.Less(releases.Version{Major: 8, Minor: 4})
}

// decisions name who said what.
func decisions(s upgrade.Session) string {
	var out []string
	for _, d := range s.Decisions {
		word := ":white_check_mark: " + person(d.By) + " approved " + when(d.At)
		if d.Choice == approvals.Deny {
			word = ":no_entry: " + person(d.By) + " denied " + when(d.At) + ": “" + Escape(Cut(d.Reason, 300)) + "”"
		}
		if d.OnCall {
			word += " (as on-call)"
		}
		if d.WritersStopped {
			word += ", and says that writers have stopped"
		}
		if !d.JoinedAt.IsZero() && d.At.Sub(d.JoinedAt) < 24*time.Hour {
			word += " (joined the group within the last day)"
		}
		out = append(out, word)
	}
	return lines(out, maxSection)
}
