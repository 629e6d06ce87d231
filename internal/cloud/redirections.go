package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// The words of Redirection.Status.
const (
	RedirectInitiated = "initiated"
	RedirectPending   = "pending"
	RedirectRunning   = "in-progress"
	RedirectCompleted = "completed"
	RedirectFailed    = "failed"
	RedirectReverted  = "reverted"
)

// RedirectRequest asks to move dynamic endpoint names of one kind from one
// database to another. Both have the same port, TLS, default user and source
// IPs; the target is Pro. The source's clients are cut off for at least five
// minutes, until ResumeTraffic.
type RedirectRequest struct {
	Source, Target int    // database ids
	Type           string // public, private
	DuplicateACLs  bool
}

// Redirection is the state of moving endpoint names.
type Redirection struct {
	ID             string // UUID; there is no list, so keep it
	Status         string // as it came
	Source, Target int    // database ids
	Revert         bool   // it is on its way back
	Started        time.Time
	Completed      time.Time // zero until then
	Reverted       time.Time // zero until then
	Error          string
	Endpoints      []RedirectedEndpoint
}

// RedirectedEndpoint is one name that moved.
type RedirectedEndpoint struct {
	Source, Target         string // names
	SourceType, TargetType string // public, private
	Error                  string
}

// Redirect moves the dynamic endpoint names of a database to another. It is
// not task based, and a preview: Denied with 412 where it is off.
//
// API: Endpoint Redirections, createEndpointsRedirection.
func (c *Changes) Redirect(ctx context.Context, r RedirectRequest) (Redirection, error) {
	in := call{what: "endpoint redirection", on: fmt.Sprintf("%d to %d", r.Source, r.Target),
		method: http.MethodPost, path: "/endpoint-redirections",
		body: fields{
			"sourceDatabaseId": r.Source, "targetDatabaseId": r.Target, "endpointTargetType": r.Type,
			"duplicateACLs":       r.DuplicateACLs,
			"migrationProtection": true, // nothing else is accepted
		}}
	if r.Source <= 0 || r.Target <= 0 || r.Type == "" {
		return Redirection{}, refuse(in, "needs two databases and a type")
	}
	return c.redirect(ctx, in)
}

// RevertRedirect moves the names back; possible for 24 hours.
//
// API: Endpoint Redirections, revertEndpointsRedirection.
func (c *Changes) RevertRedirect(ctx context.Context, id string) (Redirection, error) {
	in := call{what: "revert of endpoint redirection", on: id, method: http.MethodPost,
		path: item("/endpoint-redirections", id, "revert")}
	return c.redirect(ctx, in)
}

// redirect sends; an accepted redirection without an id cannot be followed.
func (c *Changes) redirect(ctx context.Context, in call) (Redirection, error) {
	w, err := sendInto[wireRedirection](ctx, c, in)
	if err != nil {
		return Redirection{}, err
	}
	if w.ID == "" {
		return Redirection{}, in.fail(&Unknown{Status: 200, Cause: errors.New("answer without a redirection id")})
	}
	return w.redirection(), nil
}

// Redirection returns the state of a redirection.
//
// API: Endpoint Redirections, getEndpointsRedirectionStatus.
func (c *Client) Redirection(ctx context.Context, id string) (Redirection, error) {
	in := get("endpoint redirection", id, item("/endpoint-redirections", id))
	w, err := readInto[wireRedirection](ctx, c, in)
	if err != nil {
		return Redirection{}, err
	}
	return w.redirection(), nil
}

type wireRedirection struct {
	ID        text   `json:"redirectionId"`
	Status    text   `json:"status"`
	Source    number `json:"sourceDatabaseId"`
	Target    number `json:"targetDatabaseId"`
	Revert    flag   `json:"isRevert"`
	Started   moment `json:"startedAt"`
	Completed moment `json:"completedAt"`
	Reverted  moment `json:"revertedAt"`
	Error     text   `json:"errorMessage"`
	Endpoints list[struct {
		Source     text `json:"sourceEndpointName"`
		Target     text `json:"targetEndpointName"`
		SourceType text `json:"sourceEndpointType"`
		TargetType text `json:"targetEndpointType"`
		Error      text `json:"errorMessage"`
	}] `json:"endpoints"`
}

func (w wireRedirection) redirection() Redirection {
	r := Redirection{
		ID: string(w.ID), Status: string(w.Status), Source: w.Source.int(), Target: w.Target.int(),
		Revert: bool(w.Revert), Started: w.Started.Time, Completed: w.Completed.Time, Reverted: w.Reverted.Time,
		Error: redactText(string(w.Error)),
	}
	for _, e := range w.Endpoints {
		r.Endpoints = append(r.Endpoints, RedirectedEndpoint{
			string(e.Source), string(e.Target), string(e.SourceType), string(e.TargetType), redactText(string(e.Error)),
		})
	}
	return r
}
