package cloud

import (
	"context"
	"net/http"
	"time"
)

// Traffic says whether a database that was the source of a redirection serves
// clients again.
type Traffic struct {
	Status     string // opaque
	StopReason string // opaque
	CanResume  bool
	Resuming   bool
	EligibleAt time.Time // from when on ResumeTraffic is allowed
}

// Traffic returns the state of a database's traffic; ErrNotFound if it never
// was the source of a redirection.
//
// API: Databases - Pro and - Essentials, getDatabaseTraffic.
func (c *Client) Traffic(ctx context.Context, ref Ref) (Traffic, error) {
	type wire struct {
		Status     text   `json:"trafficStatus"`
		StopReason text   `json:"stopReason"`
		CanResume  flag   `json:"canResume"`
		Resuming   flag   `json:"resumeInProgress"`
		EligibleAt moment `json:"resumeEligibleAt"`
	}
	w, err := readInto[wire](ctx, c, get("traffic state", ref.String(), ref.path("traffic")))
	if err != nil {
		return Traffic{}, err
	}
	return Traffic{string(w.Status), string(w.StopReason), bool(w.CanResume), bool(w.Resuming), w.EligibleAt.Time}, nil
}

// ResumeTraffic lets clients reach the source of a redirection again; allowed
// five minutes after it. There is no task.
//
// API: Databases - Pro and - Essentials, resumeBdbTraffic.
func (c *Changes) ResumeTraffic(ctx context.Context, ref Ref) error {
	in := call{what: "traffic resume", on: ref.String(), method: http.MethodPost, path: ref.path("traffic", "resume")}
	_, err := c.send(ctx, in)
	return err
}
