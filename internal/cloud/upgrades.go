package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
)

// The words of Upgrade.Status.
const (
	UpgradeRunning    = "in-progress"
	UpgradeRecovering = "in-progress-recovery-pending" // still running
	UpgradeDone       = "done"
	UpgradeFailed     = "failed"
)

// Upgrade is the latest attempt to upgrade a database. It may be an attempt of
// long ago: compare Target, and with what was read before the request.
type Upgrade struct {
	Target   string
	Progress float64 // 0 to 100; a hint only
	Status   string  // as it came
}

// StartUpgrade begins the upgrade of a database to target, at once. It takes
// minutes and can be neither stopped nor undone.
//
// API: Databases - Pro, upgradeDatabaseRedisVersion; - Essentials,
// upgradeEssentialsDatabaseRedisVersion.
func (c *Changes) StartUpgrade(ctx context.Context, ref Ref, target string) (Task, error) {
	in := call{what: "version upgrade", on: ref.String(), method: http.MethodPost, path: ref.path("upgrade"),
		body: map[string]any{"targetRedisVersion": target}}
	if target == "" {
		return Task{}, refuse(in, "needs a version")
	}
	return c.sendTask(ctx, in)
}

// UpgradeStatus returns the latest upgrade of a database; ErrNotFound when
// there never was one.
//
// API: Databases - Pro, getDatabaseRedisVersionUpgradeStatus; - Essentials,
// getEssentialsDatabaseRedisVersionUpgradeStatus.
func (c *Client) UpgradeStatus(ctx context.Context, ref Ref) (Upgrade, error) {
	type wire struct {
		Target   text            `json:"targetRedisVersion"`
		Progress number          `json:"progress"`
		Status   text            `json:"upgradeStatus"`
		Error    json.RawMessage `json:"error"`
		Response struct {
			Error json.RawMessage `json:"error"`
		} `json:"response"`
	}
	in := get("upgrade status", ref.String(), ref.path("upgrade"))
	w, err := readInto[wire](ctx, c, in)
	if err != nil {
		return Upgrade{}, err
	}
	if w.Status == "" && w.Target == "" {
		// "None" was never seen; an error inside a 200 is one of its likely forms.
		for _, raw := range []json.RawMessage{w.Response.Error, w.Error} {
			if e := errorMember(raw); e != nil && !errors.Is(e, ErrNotFound) {
				return Upgrade{}, in.fail(&TaskError{Code: clip(c.scrub(e.Code, nil)), Status: e.Status, Text: clip(c.scrub(e.Text, nil))})
			}
		}
		return Upgrade{}, in.fail(ErrNotFound)
	}
	return Upgrade{
		Target: string(w.Target), Status: strings.ToLower(string(w.Status)),
		Progress: math.Max(0, math.Min(100, float64(w.Progress))),
	}, nil
}
