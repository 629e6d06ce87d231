package view

import (
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// face is all that tells the cards of one kind of session from those of another.
type face struct {
	verb    string // the title's first word
	approve string // the button's label
	changes bool   // breaking changes can be looked up
	done    string // what is said behind "done"
	stages  []stage
	words   map[upgrade.State]string // states that are called otherwise here

	blocks func(upgrade.Session, Policy) []slack.Block
	next   func(upgrade.Session, Policy) string // who must act and what happens after that
	who    func(p Policy, or string) string     // who decides
	cancel func(upgrade.Session) string         // what becomes of it when it is cancelled
	costs  func(upgrade.Session) string         // what is lost, or how that is avoided, for who sees only text
	leads  func(upgrade.Session) string         // what a released record goes on to; "": where it stands
	passed func(upgrade.Session) []bool         // which stages are behind it, from what it did
}

// faceOf is how a session is shown; a kind that this replica does not know looks like an
// upgrade.
func faceOf(s upgrade.Session) face {
	if s.Kind == upgrade.KindRevert {
		return revertFace()
	}
	return upgradeFace()
}

func upgradeFace() face {
	return face{
		verb: "Upgrade", approve: "Approve", changes: true,
		done:  " · version confirmed; application health not checked",
		words: map[upgrade.State]string{upgrade.Soaking: "upgraded; monitoring"},
		stages: []stage{
			{"Approval", []upgrade.State{upgrade.Proposed, upgrade.Denied}},
			{"Preflight", []upgrade.State{upgrade.Approved, upgrade.Checking, upgrade.Blocked}},
			{"Backup", []upgrade.State{upgrade.BackingUp}},
			{"Upgrade", []upgrade.State{upgrade.Upgrading}},
			{"Verification", []upgrade.State{upgrade.Verifying}},
			{"Monitoring", []upgrade.State{upgrade.Soaking}},
		},
		blocks: upgradeBlocks,
		next:   nextOfUpgrade,
		who:    func(p Policy, _ string) string { return p.Approvers },
		cancel: func(upgrade.Session) string { return "Nothing has been upgraded yet, and nothing will be." },
		costs: func(s upgrade.Session) string {
			if s.State != upgrade.Proposed {
				return ""
			}
			return "Backup: " + strings.ReplaceAll(backup(s), "\n", " ") + ". Revert: " + Escape(s.Facts.WayBack.Text)
		},
		leads: func(s upgrade.Session) string {
			if slices.Contains([]upgrade.State{upgrade.Verifying, upgrade.Soaking, upgrade.Reverting}, s.State) {
				return "follows and verifies it. It sends no upgrade."
			}
			return "goes on to *upgrade the database* to " + Escape(Cut(s.Plan.To, 20)) + ": the decisions above count."
		},
		passed: func(s upgrade.Session) []bool {
			w := s.Upgrade
			return []bool{!s.Agreed.IsZero(), w.Snapshot != nil, !w.BackupAt.IsZero(), !w.Sent.IsZero(), !w.Finished.IsZero()}
		},
	}
}

func revertFace() face {
	return face{
		verb: "Revert", approve: "Approve deletion…",
		words: map[upgrade.State]string{
			upgrade.Proposed:   "waiting for approval of the deletion",
			upgrade.Rehearsing: "test restore running; nothing is changed yet",
			upgrade.Done:       "reverted",
		},
		stages: []stage{
			{"Test restore and dry run", []upgrade.State{upgrade.Rehearsing}},
			{"Approval of the deletion", []upgrade.State{upgrade.Proposed, upgrade.Denied}},
			{"Block client access", []upgrade.State{upgrade.Approved, upgrade.Closing}},
			{"Backup of the upgraded data", []upgrade.State{upgrade.Saving}},
			{"Delete", []upgrade.State{upgrade.Deleting}},
			{"Create on the original version, access blocked", []upgrade.State{upgrade.Creating}},
			{"Import the backup", []upgrade.State{upgrade.Importing}},
			{"Verify, restore users, tags and client access", []upgrade.State{upgrade.Restoring}},
		},
		blocks: revertBlocks,
		next:   nextOfRevert,
		who:    func(p Policy, or string) string { return p.either(or) },
		cancel: func(s upgrade.Session) string {
			if slices.Contains([]upgrade.State{upgrade.Closing, upgrade.Saving, upgrade.Deleting}, s.State) {
				return "The revert stops and client access is restored. Nothing is deleted."
			}
			return "The revert stops. Nothing is deleted."
		},
		costs: loss,
		leads: func(s upgrade.Session) string {
			if s.PastDelete() || s.State == upgrade.Reopening {
				return ""
			}
			return "goes on to *delete the database*: the decisions above count."
		},
		passed: func(s upgrade.Session) []bool {
			r := s.Revert
			return []bool{r.Trial.Passed, !s.Agreed.IsZero(), !r.DoorShut.IsZero(), !r.SafetyAt.IsZero(), !r.DeletedAt.IsZero(),
				r.Endpoint != "", !r.ImportedAt.IsZero()}
		},
	}
}
