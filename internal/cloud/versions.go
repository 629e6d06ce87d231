package cloud

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Version is a Redis version that new databases can have.
type Version struct {
	Version string    // major.minor
	EOL     time.Time // end of support; zero where not announced
	Preview bool
	Default bool
}

// TargetVersions returns the versions a database can be upgraded to, as the
// API spells them. Empty: it has the newest, or nothing is allowed.
//
// API: Databases - Pro, getDatabaseAvailableVersions; - Essentials,
// getEssentialsDatabaseAvailableVersions.
func (c *Client) TargetVersions(ctx context.Context, ref Ref) ([]string, error) {
	type wire struct {
		Targets list[struct {
			Version text `json:"redisVersion"`
		}] `json:"targets"`
	}
	in := get("version list", ref.String(), ref.path("available-target-versions"))
	w, err := readInto[wire](ctx, c, in)
	if err != nil {
		return nil, err
	}
	versions := make([]string, 0, len(w.Targets))
	for _, t := range w.Targets {
		if t.Version != "" {
			versions = append(versions, string(t.Version))
		}
	}
	return versions, nil
}

// CreatableVersions returns the versions a new database of the subscription
// can have: what a revert needs to know before the upgrade.
//
// API: Subscriptions - Pro, getRedisVersions; - Essentials, getRedisVersions_1.
func (c *Client) CreatableVersions(ctx context.Context, plan Plan, subscription int) ([]Version, error) {
	type wire struct {
		Versions list[struct {
			Version text   `json:"version"`
			EOL     moment `json:"eolDate"`
			Preview flag   `json:"isPreview"`
			Default flag   `json:"isDefault"`
		}] `json:"redisVersions"`
	}
	path := "/subscriptions/redis-versions"
	if plan == Essentials {
		path = "/fixed/redis-versions"
	}
	in := get("creatable versions", fmt.Sprintf("%s/%d", plan, subscription), path)
	in.query = url.Values{"subscriptionId": {strconv.Itoa(subscription)}}
	w, err := readInto[wire](ctx, c, in)
	if err != nil {
		return nil, err
	}
	versions := make([]Version, 0, len(w.Versions))
	for _, v := range w.Versions {
		if v.Version != "" {
			versions = append(versions, Version{string(v.Version), v.EOL.Time, bool(v.Preview), bool(v.Default)})
		}
	}
	return versions, nil
}
