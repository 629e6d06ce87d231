package upgrade

import (
	"context"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// KindUpgrade moves a database to a newer version.
const KindUpgrade Kind = "upgrade"

// upgradeLife is every move of an upgrade.
var upgradeLife = session.Table[State, Event]{
	"":        {Propose: Proposed},
	Proposed:  {Vote: Proposed, Revise: Proposed, Approve: Approved, Deny: Denied, Expire: Expired, Cancel: Cancelled},
	Approved:  {Begin: Checking, Deny: Denied, Expire: Expired, Cancel: Cancelled},
	Checking:  {PickUp: Checking, Fit: BackingUp, Block: Blocked, Revise: Proposed, Deny: Denied, Expire: Expired, Cancel: Cancelled, Fail: Failed},
	Blocked:   {Recheck: Checking, Deny: Denied, Expire: Expired, Cancel: Cancelled},
	BackingUp: {PickUp: BackingUp, Calling: BackingUp, Wish: BackingUp, BackUp: Upgrading, Block: Blocked, Revise: Proposed, Deny: Denied, Expire: Expired, Cancel: Cancelled, Fail: Failed},
	Upgrading: {PickUp: Upgrading, Calling: Upgrading, Wish: Upgrading, Upgrade: Verifying, Block: Blocked, Revise: Proposed, Deny: Denied, Expire: Expired, Cancel: Cancelled, Fail: Failed},
	Verifying: {PickUp: Verifying, Verify: Soaking, Fail: Failed},
	Soaking:   {Finish: Done, Fail: Failed, Revert: Reverting},
	Done:      {Revert: Reverting},
	Failed:    {Revert: Reverting, Note: Failed},
	Reverting: {Undo: Reverted, KeepWatch: Soaking, KeepDone: Done, KeepFail: Failed},
}

func init() {
	kindRows[KindUpgrade] = kindRow{
		prefix: "u-",
		life:   upgradeLife,
		steps: map[State]stepFunc{
			Proposed: (*Engine).stepProposed, Approved: (*Engine).stepApproved,
			Checking: (*Engine).stepChecking, Blocked: (*Engine).stepBlocked,
			BackingUp: (*Engine).stepBackingUp, Upgrading: (*Engine).stepUpgrading,
			Verifying: (*Engine).stepVerifying, Soaking: (*Engine).stepSoaking,
			Reverting: (*Engine).stepReverting,
		},
		rule:     func(upgrades, _ approvals.Policy) approvals.Policy { return upgrades },
		refusals: []func(candidate) *Refusal{unsupportedKind, nothingNewer, notAmongOffered, replicasBehind, noBackup, notActive, brokenSubscription},
		offered:  true,
		cancel:   []State{Proposed, Approved, Checking, Blocked, BackingUp, Upgrading},
		deny:     []State{Approved, Checking, Blocked, BackingUp, Upgrading},
		whole:    func(*Body) bool { return true },
		empty:    func(*Body) {},
		class:    func(Session) cloud.Class { return cloud.ClassWork },
		waits:    true,
		end: func(e *Engine, ctx context.Context, s Session, m move, change func(*Body)) (Session, error) {
			m.holds = []session.Hold{{Database: s.Plan.Database, From: s.ID}}
			return e.advance(ctx, s, m, change)
		},
	}
}
