package upgrade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// RevertWork is what a revert learned and did.
type RevertWork struct {
	Upgraded   string    `json:"upgraded"`           // the version that is taken back
	BackupAt   time.Time `json:"backup_at,omitzero"` // the time in the files' names: data after it is lost
	UpgradedAt time.Time `json:"upgraded_at,omitzero"`
	Snapshot   Snapshot  `json:"snapshot"`

	Trial         Trial     `json:"trial,omitzero"`    // the rehearsal
	DryRun        string    `json:"dry_run,omitempty"` // what the dry-run create said
	Was           *Captured `json:"was,omitempty"`     // settings read right before the door was closed
	Recaptured    int       `json:"recaptured,omitempty"`
	Told          string    `json:"told,omitempty"`           // what on-call was last called for
	AskAgain      string    `json:"ask_again,omitempty"`      // why people are asked once more when clients have access again
	DoorShut      time.Time `json:"door_shut,omitzero"`       // the cut-over
	SafetyAt      time.Time `json:"safety_at,omitzero"`       // Redis Cloud's time of the safety backup
	SafetyUntimed bool      `json:"safety_untimed,omitempty"` // Redis Cloud did not say when: SafetyAt is when it took the call
	DeletedAt     time.Time `json:"deleted_at,omitzero"`
	Missing       bool      `json:"missing,omitempty"` // it failed because the database is gone, and no delete of it is recorded
	NewRef        string    `json:"new_ref,omitempty"` // the recreated database
	Endpoint      string    `json:"endpoint,omitempty"`
	ImportedAt    time.Time `json:"imported_at,omitzero"`
	RolesBound    int       `json:"roles_bound,omitempty"` // how many of Was.Roles are bound to the new id
	After         []string  `json:"after,omitempty"`       // which settings were put back after the import
	Loose         []string  `json:"loose,omitempty"`       // what a person must look after

	// Marks are the passwords, sealed, with which this session creates databases, by
	// the key of the call: a database that has one is ours. Erased when it ends.
	Marks map[string]string `json:"marks,omitempty"`
}

// mark notes the password, sealed, by which the database of the call of that key is known.
func (w *RevertWork) mark(key, sealed string) {
	if w.Marks == nil {
		w.Marks = map[string]string{}
	}
	w.Marks[key] = sealed
}

// Trial is the rehearsal: the backup imported into a temporary database on
// the original version.
type Trial struct {
	Name    string `json:"name,omitempty"`
	Ref     string `json:"ref,omitempty"`
	Result  string `json:"result,omitempty"` // in words, for the card
	Passed  bool   `json:"passed,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
}

// Captured are the database's settings, to be built again. The password and
// anything else that opens a door is sealed; the rest is plain.
type Captured struct {
	Database    json.RawMessage `json:"database"`              // cloud.Database without secrets
	Password    string          `json:"password"`              // sealed; erased when the session ends
	Destination string          `json:"destination,omitempty"` // sealed: it may hold credentials
	SourceIPs   []string        `json:"source_ips"`
	Tags        []cloud.Tag     `json:"tags,omitempty"`
	Roles       []BoundRole     `json:"roles,omitempty"` // ACL roles that name the database
}

// BoundRole is an ACL role with the rules under which it names the database.
type BoundRole struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Rules []string `json:"rules"`
}

// RevertRequest is a submitted revert modal.
type RevertRequest struct {
	Origin  string // what opened it; a repeated one opens nothing twice
	Upgrade string // the upgrade's session id
	By      approvals.Voter
	Files   string // pasted
	Name    string // the database's name, typed
	Reason  string
	Home    string
}

// Field is a modal field that an input error belongs to.
type Field string

// The fields of the modals.
const (
	FieldDatabase Field = "database"
	FieldVersion  Field = "version"
	FieldReason   Field = "reason"
	FieldStart    Field = "start"
	FieldFiles    Field = "files"
	FieldName     Field = "name"
)

// CheckRevert validates a revert modal from the record alone, for immediate
// answers; nil: it is fine.
func (e *Engine) CheckRevert(up Session, r RevertRequest) map[Field]string {
	problems := map[Field]string{}
	if name := strings.TrimSpace(r.Name); name != up.Plan.Name && name != confirmText(up.Plan) {
		problems[FieldName] = "Type " + up.Plan.Name + " exactly."
	}
	if strings.TrimSpace(r.Reason) == "" {
		problems[FieldReason] = "Say why: the people who decide will read it."
	}
	if _, _, err := e.revertFiles(up, r.Files, nil); err != nil {
		problems[FieldFiles] = sentence(err)
	}
	return problems
}

// sentence makes an error one. Errors about files begin with our own words, so
// that nothing pasted is changed.
func sentence(err error) string { return upperFirst(err.Error()) + "." }

func upperFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// revertFiles checks pasted files against what the upgrade knows; raw are
// further folders (the database's own destination with its credentials).
func (e *Engine) revertFiles(up Session, pasted string, raw []string) ([]string, time.Time, error) {
	allowed := slices.Concat(raw, []string{up.Plan.Backup}, e.cfg.Destinations)
	return checkFiles(pasted, up.Plan.Ref().Database, allowed, latest(up.Upgrade.Sent, up.Upgrade.BackupAt))
}

// latest is the later of two times. A backup's time is Redis Cloud's, whose clock
// may be ahead of ours.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// confirmText is what is typed to decide a delete.
func confirmText(p Plan) string { return fmt.Sprintf("%s/%d", p.Name, p.Ref().Database) }

// ConfirmText is the text that must be typed to decide on a revert.
func (s Session) ConfirmText() string { return confirmText(s.Plan) }

// Revertible says whether this upgrade can be taken back now; nil: yes.
func (e *Engine) Revertible(s Session) *Refusal {
	switch {
	case s.Distrusted != "":
		return s.notBelieved()
	case s.Kind != KindUpgrade:
		return refuse(TooLate, "This is a revert already.")
	case s.State == Reverting:
		return (&Refusal{Code: Busy, Text: "A revert of this upgrade is under way.", Link: s.Link})
	case !slices.Contains([]State{Soaking, Done, Failed}, s.State):
		return refuse(TooLate, "This upgrade is %s; there is nothing to revert.", s.State.Words())
	case s.Upgrade.Gone:
		return &Refusal{Code: NoWayBack, Text: "A revert of this upgrade deleted the database and could not build it again.",
			Hint: "Its card says where the backup files are and what to do; docs/revert.md has the steps by hand.", Link: s.Link}
	case s.Upgrade.NoWay != "":
		return refuse(NoWayBack, "%s", s.Upgrade.NoWay)
	case s.Upgrade.Unmoved && !e.arrived(s):
		return refuse(NoWayBack, "This upgrade failed, and %s still reads %s, so there is nothing to revert.", s.Plan.Name, s.Plan.From)
	case s.Upgrade.Sent.IsZero():
		return refuse(NoWayBack, "This upgrade was never sent, so there is nothing to revert.")
	case s.Upgrade.BackupAt.IsZero():
		return refuse(NoWayBack, "No backup was taken before this upgrade.")
	case e.mode != ModeFull:
		return refuse(NotAllowed, "This bot runs with MODE=%s and deletes nothing.", e.mode).
			hint("Set MODE=full, or follow the manual steps in docs/revert.md.")
	case s.Plan.Ref().Plan != cloud.Pro:
		return refuse(NoWayBack, "Essentials databases cannot be created anew on the same port.")
	}
	return nil
}

// arrived reports whether the index shows the version of an upgrade that was
// reported as failed.
func (e *Engine) arrived(s Session) bool {
	entry, ok := e.inventory.Get(s.Plan.Ref())
	return ok && !sameVersion(entry.Version, s.Plan.From)
}

// ProposeRevert opens a revert session: the rehearsal begins, and people are
// asked when its result is known.
func (e *Engine) ProposeRevert(ctx context.Context, r RevertRequest) (Session, error) {
	ctx = cloud.WithClass(ctx, cloud.ClassCheck)
	if err := approvals.MayRequest(r.By); err != nil {
		return Session{}, entitlement(err)
	}
	// The upgrade may move while Redis Cloud is asked: its watch ends by itself.
	return e.retry(ctx, r.Upgrade, func(up Session) (Session, error) { return e.proposeRevert(ctx, up, r) })
}

func (e *Engine) proposeRevert(ctx context.Context, up Session, r RevertRequest) (Session, error) {
	if old, err := e.Load(ctx, idOf(KindRevert, r.Origin)); err == nil {
		return old, nil // the same submission again
	}
	if refusal := e.Revertible(up); refusal != nil {
		return Session{}, refusal
	}
	asking, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	f, db, refusal := e.revertFacts(asking, up)
	if refusal != nil {
		return Session{}, refusal
	}
	uris, at, err := e.revertFiles(up, r.Files, []string{db.Backup.Destination.Raw()})
	if err != nil {
		return Session{}, refuse(BadInput, "%s", sentence(err))
	}
	return e.openRevert(ctx, up, r, f, uris, at)
}

// RevertNow reads Redis Cloud for somebody who is filling in a revert: what
// stands in its way; nil: nothing.
func (e *Engine) RevertNow(ctx context.Context, up Session) *Refusal {
	_, _, refusal := e.revertFacts(ctx, up)
	return refusal
}

func (e *Engine) revertFacts(ctx context.Context, up Session) (Facts, cloud.Database, *Refusal) {
	ref := up.Plan.Ref()
	f, db, err := e.read(ctx, ref, KindRevert)
	if err != nil {
		return f, db, readRefusal(err, up.Plan.Name)
	}
	r := judgeFacts(candidate{KindRevert, ref, db.Name, up.Upgrade.Snapshot.Version, e.mode, f})
	if r != nil && r.passes {
		r.hint("Restore the backup into another database by hand (side by side), or wait.")
	}
	return f, db, r
}

// openRevert writes the new session and hands the database over, in one script.
func (e *Engine) openRevert(ctx context.Context, up Session, r RevertRequest, f Facts, uris []string, at time.Time) (Session, error) {
	now := e.now()
	id := idOf(KindRevert, r.Origin)
	s := Session{ID: id, Kind: KindRevert, record: session.Record{ID: id, Kind: string(KindRevert), Life: lifeVersion, Database: up.Plan.Database}}
	s.Body = Body{
		Plan: Plan{Database: up.Plan.Database, Name: up.Plan.Name, From: f.Version, To: up.Upgrade.Snapshot.Version,
			Backup: up.Plan.Backup, Path: Recreate, Files: redactEach(uris)},
		Facts: f, Reason: strings.TrimSpace(r.Reason), By: r.By.ID, Home: r.Home, Authors: []string{r.By.ID}, Asked: now, Link: up.ID,
		Rule: &e.cfg.Reverts,
		Revert: &RevertWork{Upgraded: f.Version, BackupAt: at, UpgradedAt: up.Upgrade.Sent, Snapshot: *up.Upgrade.Snapshot,
			Trial: Trial{Name: trialName(up.Plan.Name, id)}},
	}
	open, err := e.prepare(s, move{event: Propose, by: r.By.ID, note: "Revert requested. A test restore comes first; nothing is changed yet."}, nil)
	if err != nil {
		return s, err
	}
	hand, err := e.prepare(up, move{event: Revert, by: r.By.ID, note: ""}, func(b *Body) { b.Link, b.Prior = id, up.State })
	if err != nil {
		return s, err
	}
	hand.Due = session.Never
	hold := session.Hold{Database: up.Plan.Database, To: id}
	if !up.Ended {
		hold.From = up.ID
	}
	recs, err := e.store.AdvanceAll(ctx, []session.Move{open, hand}, hold)
	if err != nil {
		return s, e.openError(err)
	}
	e.poke()
	return decode(recs[0])
}

func redactEach(uris []string) []string {
	var out []string
	for _, u := range uris {
		out = append(out, cloud.RedactURI(u))
	}
	return out
}

// trialName is a valid name for the temporary database: at most 40
// characters, and the same for every process that works on this session.
func trialName(name, id string) string {
	suffix := "-rehearsal-" + strings.TrimPrefix(id, "r-")[:6]
	return strings.TrimRight(name[:min(len(name), 40-len(suffix))], "-") + suffix
}

// openError turns the store's refusals to open a session into words.
func (e *Engine) openError(err error) error {
	var held *session.HeldError
	if errors.As(err, &held) {
		return &Refusal{Code: Busy, Text: "Another upgrade or revert of this database is under way.", Link: held.Owner}
	}
	return fmt.Errorf("open session: %w", err)
}

// readRefusal turns a failed read of Redis Cloud into words for the person
// who waits for them.
func readRefusal(err error, name string) *Refusal {
	if d := denied(err); d != nil {
		return d
	}
	if errors.Is(err, cloud.ErrNotFound) {
		return refuse(NotFound, "%s no longer exists in Redis Cloud.", name).hint("Type /redis-upgrade to see what does.")
	}
	return refuse(Unreachable, "Redis Cloud did not answer, so nothing was started (%s).", err).hint("Try again in a minute.")
}
