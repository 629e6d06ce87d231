package upgrade

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// Session is one upgrade or revert as its record holds it. Values are never
// changed in place: the engine moves a session and returns the moved one.
type Session struct {
	ID       string
	Kind     Kind
	State    State
	Revision int64
	Ask      int64 // the number of the question put to people
	Ended    bool
	Created  time.Time
	Updated  time.Time
	Body
	Progress Progress

	// Distrusted says why record, journal and world do not belong together; "" when
	// they do. Nothing is done for such a session, and what stands in it is only shown.
	Distrusted string

	record session.Record
}

// Version names exactly what the record says, for those who release it.
func (s Session) Version() string { return s.record.Version() }

// Locks are the databases that it alone may act on, sorted.
func (s Session) Locks() []string { return s.record.Holds }

// Body is the stored form: JSON in the session's record. The rule for changing
// it: add fields that may be absent, never rename or reuse one; a change that
// older code would misread needs a new lifeVersion.
type Body struct {
	Plan      Plan                 `json:"plan"`
	Facts     Facts                `json:"facts"`
	Reason    string               `json:"reason"`
	By        string               `json:"by"`      // the requester's user id
	Home      string               `json:"home"`    // channel in which the requester is answered privately
	Authors   []string             `json:"authors"` // requester and everybody who edited the plan
	Asked     time.Time            `json:"asked"`   // when the present question was put
	Decisions []approvals.Decision `json:"decisions,omitempty"`
	Agreed    time.Time            `json:"agreed,omitzero"` // when the quorum was reached
	Call      *Call                `json:"call,omitempty"`
	CancelBy  string               `json:"cancel_by,omitempty"` // asked for while a call is out: cancel when settled
	Problem   string               `json:"problem,omitempty"`   // what blocks or failed, and what to do about it
	Link      string               `json:"link,omitempty"`      // the other session: an upgrade's revert, a revert's upgrade
	Worker    string               `json:"worker,omitempty"`    // the replica that made the last move
	Picked    time.Time            `json:"picked,omitzero"`     // when people were last told that it was picked up
	Prior     State                `json:"prior,omitempty"`     // of an upgrade: the state from which its revert took over
	Rule      *approvals.Policy    `json:"rule,omitempty"`      // who decides, as configured when it was opened; nil: opened by an older build

	Upgrade UpgradeWork `json:"upgrade,omitzero"`
	Revert  *RevertWork `json:"revert,omitempty"`
}

// Plan is what exactly was asked; people approve its hash.
type Plan struct {
	Database  string    `json:"database"` // cloud.Ref as text
	Name      string    `json:"name"`
	From      string    `json:"from"`
	To        string    `json:"to"`
	Backup    string    `json:"backup"` // where the backup goes (never with credentials)
	NotBefore time.Time `json:"not_before,omitzero"`
	Until     time.Time `json:"until,omitzero"` // start by; zero: 24 h after the decision
	Path      Path      `json:"path,omitempty"` // of a revert
	Files     []string  `json:"files,omitempty"`
}

// Path is a way back. Stored; never rename one.
type Path string

// Recreate deletes the database and builds it anew: same port, original
// version, the pre-upgrade backup imported.
const Recreate Path = "recreate"

// Hash is what an approval binds to.
func (p Plan) Hash() string {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and times only
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// ParseRef reads a database's address as it stands in plans and in the value
// of a select. It says nothing about whether there is such a database.
func ParseRef(text string) (cloud.Ref, error) { return cloud.ParseRef(text) }

// Ref addresses the plan's database. Plans are only made from valid ones.
func (p Plan) Ref() cloud.Ref {
	ref, err := cloud.ParseRef(p.Database)
	if err != nil {
		return cloud.Ref{}
	}
	return ref
}

// UpgradeWork is what an upgrade learned and did.
type UpgradeWork struct {
	Snapshot  *Snapshot `json:"snapshot,omitempty"` // taken in preflight
	BackupAt  time.Time `json:"backup_at,omitzero"` // Redis Cloud's time of our own backup
	BackupBy  time.Time `json:"backup_by,omitzero"` // when our backup call left: its file names are not older
	Untimed   bool      `json:"untimed,omitempty"`  // Redis Cloud did not say when our backup was: BackupAt is when it took the call
	Sent      time.Time `json:"sent,omitzero"`      // when the accepted upgrade call left, by Redis Cloud's clock where it told
	Unmoved   bool      `json:"unmoved,omitempty"`  // it was sent and failed, and the database still had its old version then
	Arrived   time.Time `json:"arrived,omitzero"`   // when it was seen to have arrived after it had failed
	NoWay     string    `json:"no_way,omitempty"`   // why it cannot be taken back, where that was seen
	Gone      bool      `json:"gone,omitempty"`     // a revert deleted the database and could not build it again
	Finished  time.Time `json:"finished,omitzero"`  // when the new version was confirmed
	SoakUntil time.Time `json:"soak_until,omitzero"`
}

// Snapshot is what the database was before the upgrade; a revert builds the
// same again. It holds no secret: those are read right before the delete.
type Snapshot struct {
	Version  string   `json:"version"`
	Modules  []string `json:"modules,omitempty"`
	Endpoint string   `json:"endpoint"`
	Port     int      `json:"port"`
	Shards   int      `json:"shards"`
}

// decode reads a record. A record of a life this build does not know is an
// error: another replica may be newer. So is one of which a part is missing.
func decode(r session.Record) (Session, error) {
	s := Session{ID: r.ID, Kind: Kind(r.Kind), State: State(r.State), Revision: r.Revision, Ask: r.Ask,
		Ended: r.Ended, Created: r.Created, Updated: r.Updated, Distrusted: r.Doubt, record: r}
	if r.Doubt != "" {
		return s.legible(), nil
	}
	if r.Life != lifeVersion {
		return s, fmt.Errorf("session %s: life version %d is not known to this build", r.ID, r.Life)
	}
	if err := json.Unmarshal(r.Body, &s.Body); err != nil {
		return s, fmt.Errorf("session %s: decode: %w", r.ID, err)
	}
	if k, known := kindRows[s.Kind]; !known || !k.whole(&s.Body) {
		return s, fmt.Errorf("session %s: decode: a %s without its work", r.ID, s.Kind)
	}
	if len(r.Progress) > 0 {
		var p Progress
		if json.Unmarshal(r.Progress, &p) == nil && p.Revision == r.Revision {
			s.Progress = p
		}
	}
	return s, nil
}

// legible is a doubted session with as much of its body as can be read, so that
// people can be shown what there is.
func (s Session) legible() Session {
	if _, known := kindRows[s.Kind]; !known {
		s.Kind = KindOf(s.ID)
	}
	if json.Unmarshal(s.record.Body, &s.Body) != nil {
		s.Body = Body{}
	}
	if k, known := kindRows[s.Kind]; known && !k.whole(&s.Body) {
		k.empty(&s.Body)
	}
	return s
}

// Decode reads a stored record, for those who draw sessions.
func Decode(r session.Record) (Session, error) { return decode(r) }

// clone is a deep copy of the body, to be changed and stored.
func (b Body) clone() Body {
	raw, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	var out Body
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out
}

// idOf derives a session's id from what opened it, so that a repeated
// submission opens nothing twice.
func idOf(kind Kind, origin string) string {
	sum := sha256.Sum256([]byte(string(kind) + "\x00" + origin))
	text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
	return kindRows[kind].prefix + text[:10]
}

// question is what approvals judges.
func (s Session) question() approvals.Question {
	return approvals.Question{Authors: s.Authors, PlanHash: s.Plan.Hash(), Ask: s.Ask, Asked: s.Asked}
}

// callOut reports whether an outside call may be under way.
func (s Session) callOut() bool {
	return s.Call.Out()
}

// KindOf is the kind of session that an id was given to; "" for none.
func KindOf(id string) Kind {
	for name, k := range kindRows {
		if strings.HasPrefix(id, k.prefix) {
			return name
		}
	}
	return ""
}

// IsID reports whether a word has the form of a session's id.
func IsID(word string) bool {
	prefix := kindRows[KindOf(word)].prefix
	return prefix != "" && len(word) == len(prefix)+10 && strings.Trim(word[len(prefix):], "abcdefghijklmnopqrstuvwxyz234567") == ""
}
