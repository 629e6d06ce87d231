package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// revertBlocks draw a revert: the loss in numbers before anything else.
func revertBlocks(s upgrade.Session, p Policy) []slack.Block {
	blocks := []slack.Block{
		slack.NewHeaderBlock(plain(title(s), maxHeader)),
		section(headline(s, p)),
	}
	blocks = append(blocks, problem(s)...)
	blocks = append(blocks, unknownCall(s)...)
	blocks = append(blocks, section(fmt.Sprintf("*Why*, says %s:\n%s", person(s.By), quote(s.Reason))))
	blocks = append(blocks, section(loss(s)))
	blocks = append(blocks, fields(revertFacts(s)...))
	if loose := s.Revert.Loose; len(loose) > 0 {
		blocks = append(blocks, section("*Left for a person*\n• "+Escape(strings.Join(loose, "\n• "))))
	}
	blocks = append(blocks, section(progress(s)))
	return append(blocks, footer(s, p)...)
}

// loss says what is gone once the revert has run.
func loss(s upgrade.Session) string {
	r := s.Revert
	until, span := "the moment the door closes", "the writes until then"
	if !r.DoorShut.IsZero() {
		until = when(r.DoorShut)
		span = upgrade.Words(r.DoorShut.Sub(r.BackupAt).Round(time.Second))
	} else if !s.Asked.IsZero() {
		span = upgrade.Words(s.Asked.Sub(r.BackupAt).Round(time.Second)) + " and counting"
	}
	text := fmt.Sprintf(":wastebasket: *What is lost:* everything written between the start of the backup (%s) and %s: %s. "+
		"The safety backup keeps it, but only %s or later can load that.", when(r.BackupAt), until, span, Escape(r.Upgraded))
	if s.Facts.Dynamic {
		text += "\n:warning: The dynamic endpoint names change; clients that use them must be told."
	}
	return text
}

func revertFacts(s upgrade.Session) []string {
	r := s.Revert
	out := []string{
		"*Database*\n" + Escape(s.Plan.Name) + "  `" + Escape(s.Plan.Database) + "`",
		"*Path*\nrecreate: delete, create on " + Escape(s.Plan.To) + " at port " + fmt.Sprint(r.Snapshot.Port) + ", import",
		"*Rehearsal*\n" + rehearsal(r),
		"*Dry run of the create*\n" + orDash(r.DryRun),
		"*Backup files*\n" + files(s.Plan.Files),
		"*Safety backup*\n" + safety(r),
	}
	if r.NewRef != "" {
		out = append(out, "*New database*\n`"+Escape(r.NewRef)+"` (the id is new: Terraform state, dashboards and roles that name the old one must follow)")
	}
	if r.Endpoint != "" {
		out = append(out, "*Endpoint*\n`"+Escape(r.Endpoint)+"`")
	}
	return out
}

func rehearsal(r *upgrade.RevertWork) string {
	switch {
	case r.Trial.Result == "":
		return ":hourglass_flowing_sand: running"
	case r.Trial.Passed:
		return ":white_check_mark: " + Escape(Cut(r.Trial.Result, 600))
	}
	return ":x: " + Escape(Cut(r.Trial.Result, 600))
}

func safety(r *upgrade.RevertWork) string {
	if r.SafetyAt.IsZero() {
		return "taken behind the closed door, before the delete"
	}
	return ":white_check_mark: " + when(r.SafetyAt)
}

func files(uris []string) string {
	shown := uris[:min(len(uris), 3)]
	text := "`" + Escape(strings.Join(shown, "`\n`")) + "`"
	if more := len(uris) - len(shown); more > 0 {
		text += fmt.Sprintf("\n… and %d more", more)
	}
	return text
}

func orDash(s string) string {
	if s == "" {
		return "not yet"
	}
	return Escape(s)
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
	order := "First the backup is imported into a throw-away database as a rehearsal; nothing is changed until two people approve the deletion. " +
		"Then: close the door, safety backup, delete, create on the same port, import, verify, open the door."
	if s.Facts.Dynamic {
		order += "\n:warning: This database has dynamic endpoints; their names will change."
	}
	uris := slack.NewPlainTextInputBlockElement(plain(Cut(f.Example, 150), 150), ActionFiles)
	uris.Multiline, uris.MaxLength = true, 3000
	filesInput := slack.NewInputBlock("files", plain("Backup files, one URI per line", maxField),
		plain(Cut("One per shard, all of one backup, from "+s.Plan.Backup+". Redis Cloud does not tell their names; copy them from your bucket.", maxField), maxField), uris)
	name := slack.NewPlainTextInputBlockElement(plain(s.Plan.Name, 150), ActionName)
	name.MaxLength = 80
	nameInput := slack.NewInputBlock("name", plain("Type the database's name: "+s.Plan.Name, maxField), nil, name)
	return modal(CallbackRevert, "Revert this upgrade", "Start rehearsal", "Back",
		[]slack.Block{section(lost), section(order), filesInput, nameInput, reasonInput("Why?", "What goes wrong on the new version?")}, f.Metadata)
}

// ApproveModal asks for the text that decides a delete.
func ApproveModal(s upgrade.Session, metadata string) slack.ModalViewRequest {
	in := slack.NewPlainTextInputBlockElement(plain(s.ConfirmText(), 150), ActionName)
	in.MaxLength = 80
	blocks := []slack.Block{
		section(fmt.Sprintf(":wastebasket: You are about to approve that *%s is deleted* and built again on %s.", Escape(s.Plan.Name), Escape(s.Plan.To))),
		section(loss(s)),
		section("*Rehearsal:* " + rehearsal(s.Revert)),
		slack.NewInputBlock("name", plain("Type "+s.ConfirmText(), maxField), nil, in),
	}
	return modal(CallbackApprove, "Approve deletion", "Approve", "Back", blocks, metadata)
}
