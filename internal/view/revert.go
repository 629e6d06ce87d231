package view

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/words"
)

// revertBlocks draw a revert: the loss in numbers before anything else.
func revertBlocks(s upgrade.Session, p Policy) []slack.Block {
	blocks := top(s, p)
	if steps := byHand(s); steps != "" {
		blocks = append(blocks, section(steps))
	}
	blocks = append(blocks, section(loss(s)))
	if left := loose(s); left != "" {
		blocks = append(blocks, section(left))
	}
	blocks = append(blocks, fields(revertFacts(s)...))
	blocks = append(blocks, section(progress(s)))
	return append(blocks, footer(s, p)...)
}

// loose is what a person must look after.
func loose(s upgrade.Session) string {
	out := []string{"*Manual follow-up*"}
	for _, l := range s.Revert.Loose {
		out = append(out, "• "+prose(Cut(l, 600)))
	}
	if len(out) == 1 {
		return ""
	}
	return lines(out, maxSection)
}

// loss says what is gone once the revert has run, or that nothing is.
func loss(s upgrade.Session) string {
	r := s.Revert
	gone := !r.DeletedAt.IsZero()
	if r.Missing {
		return ":warning: *The database is gone:* this revert recorded no delete of it."
	}
	if s.Ended && !gone {
		return ":white_circle: *Nothing is lost:* the database was not deleted."
	}
	verb, until, long := "What is lost", "the moment client access is blocked", "everything until then"
	switch {
	case !r.DoorShut.IsZero():
		until, long = when(r.DoorShut), span(r.BackupAt, r.DoorShut)
	case !s.Asked.IsZero():
		long = span(r.BackupAt, s.Asked) + " when asked, and growing"
	}
	if gone {
		verb = "What was lost"
	}
	if s.NotBack() && r.ImportedAt.IsZero() {
		verb = "The data is not back yet. Lost even when it is"
	}
	text := fmt.Sprintf(":wastebasket: *%s:* everything written between the start of the backup (%s) and %s: %s. ", verb, when(r.BackupAt), until, long)
	if r.SafetyAt.IsZero() {
		text += fmt.Sprintf("A backup of the upgraded data will keep it, but only %s or later is sure to load that.", Escape(r.Upgraded))
	} else {
		text += fmt.Sprintf("The backup of the upgraded data of %s keeps it, but only %s or later is sure to load that.", when(r.SafetyAt), Escape(r.Upgraded))
	}
	if s.Facts.Dynamic {
		text += "\n:warning: The dynamic endpoint names change; clients that use them must be told."
	}
	return text
}

// span is how long the loss reaches. The two instants are of two clocks, Redis
// Cloud's and ours, so it may come out as nothing or less: that is no number.
func span(from, to time.Time) string {
	if d := to.Sub(from).Round(time.Second); d > 0 {
		return words.Span(d)
	}
	return "less than the difference between two clocks; take it for some minutes"
}

func revertFacts(s upgrade.Session) []string {
	r := s.Revert
	out := []string{
		"*Database*\n" + Escape(s.Plan.Name) + "  " + code(s.Plan.Database),
		"*Path*\nrecreate: delete, create on " + Escape(s.Plan.To) + " at port " + fmt.Sprint(r.Snapshot.Port) + ", import",
		"*Test restore*\n" + testRestore(s),
		"*Dry run of the create*\n" + dryRun(s),
		"*Backup files*\n" + files(s.Plan.Files),
		"*Backup of the upgraded data*\n" + upgradedBackup(s),
	}
	if r.NewRef != "" {
		out = append(out, "*New database*\n"+code(r.NewRef)+" (the id is new: Terraform state, dashboards and roles that name the old one must follow)")
	}
	if r.Endpoint != "" {
		out = append(out, "*Endpoint*\n"+code(r.Endpoint))
	}
	return out
}

func testRestore(s upgrade.Session) string {
	t := s.Revert.Trial
	switch {
	case t.Passed:
		return ":white_check_mark: " + prose(Cut(t.Result, 600))
	case t.Result != "":
		return ":x: " + prose(Cut(t.Result, 600))
	case s.Ended:
		return "not finished"
	}
	return ":hourglass_flowing_sand: running"
}

func dryRun(s upgrade.Session) string {
	switch {
	case s.Revert.DryRun != "":
		return ":white_check_mark: " + Escape(s.Revert.DryRun)
	case s.Ended:
		return "not made"
	}
	return "not yet"
}

func upgradedBackup(s upgrade.Session) string {
	switch {
	case !s.Revert.SafetyAt.IsZero():
		return ":white_check_mark: " + when(s.Revert.SafetyAt) + "\n" + code(s.Plan.Backup)
	case s.Ended:
		return "not taken"
	}
	return "taken while client access is blocked, before the delete"
}

// files shows where a backup lies and the names of its first files.
func files(uris []string) string {
	const shown = 3
	if len(uris) == 0 {
		return "none"
	}
	folder := strings.TrimSuffix(uris[0], path.Base(uris[0]))
	out := []string{"in " + code(Cut(folder, 300))}
	for _, u := range uris[:min(len(uris), shown)] {
		out = append(out, code(Cut(strings.TrimPrefix(u, folder), 300)))
	}
	if more := len(uris) - shown; more > 0 {
		out = append(out, fmt.Sprintf("… and %d more", more))
	}
	return strings.Join(out, "\n")
}

// RevertForm is what the revert modal shows.
type RevertForm struct {
	Upgrade  upgrade.Session
	Metadata string
	Example  string // how a file is named
}

// RevertModal states what is lost and asks for files, name and reason.
func RevertModal(f RevertForm) slack.ModalViewRequest {
	s := f.Upgrade
	lost := fmt.Sprintf(":wastebasket: *This deletes %s and builds it again on %s.* Everything written since the backup of %s will be gone from it.",
		Escape(s.Plan.Name), Escape(s.Plan.From), when(s.Upgrade.BackupAt))
	order := "*What happens now:* a test restore imports the backup into a temporary database. Nothing is changed until two people have approved the deletion.\n" +
		"*Then:* block client access (source IPs), back up the upgraded data, delete, create on the same port, import, verify, restore client access. Applications cannot connect from the first of these steps to the last."
	if s.Facts.Dynamic {
		order += "\n:warning: This database has dynamic endpoints; their names will change."
	}
	uris := slack.NewPlainTextInputBlockElement(plain(f.Example, maxPlaceholder), ActionFiles)
	uris.Multiline, uris.MaxLength = true, 3000
	filesInput := slack.NewInputBlock("files", plain("Backup files, one URI per line", maxLabel),
		plain("One per shard, all of one backup, from "+s.Plan.Backup+". Redis Cloud does not tell their names; copy them from your bucket.", maxHint), uris)
	name := slack.NewPlainTextInputBlockElement(plain(s.Plan.Name, maxPlaceholder), ActionName)
	name.MaxLength = 80
	nameInput := slack.NewInputBlock("name", plain("Type the database's name: "+s.Plan.Name, maxLabel), nil, name)
	return modal(CallbackRevert, "Revert this upgrade", "Start test restore", "Back",
		[]slack.Block{section(lost), section(order), filesInput, nameInput, reasonInput("Why?", "What goes wrong on the new version?")}, f.Metadata)
}

// ApproveModal asks for the text that decides a delete.
func ApproveModal(s upgrade.Session, metadata string) slack.ModalViewRequest {
	in := slack.NewPlainTextInputBlockElement(plain(s.ConfirmText(), maxPlaceholder), ActionName)
	in.MaxLength = 80
	stopped := slack.NewOptionBlockObject("stopped", plain("Writers have stopped", maxOption), plain("Blocked access keeps out new connections; open ones may go on writing.", maxOption))
	writers := slack.NewInputBlock("writers", plain("Established connections", maxLabel), nil, slack.NewCheckboxGroupsBlockElement(ActionWriters, stopped))
	writers.Optional = true
	blocks := []slack.Block{
		section(fmt.Sprintf(":wastebasket: You are about to approve that *%s is deleted* and built again on %s.", Escape(s.Plan.Name), Escape(s.Plan.To))),
		section(loss(s)),
		section("*Test restore:* " + testRestore(s)),
		slack.NewInputBlock("name", plain("Type "+s.ConfirmText(), maxLabel), nil, in),
		writers,
	}
	return modal(CallbackApprove, "Approve deletion", "Approve", "Back", blocks, metadata)
}
