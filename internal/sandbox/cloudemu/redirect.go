package cloudemu

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	redirectStart = 5 * time.Second
	redirectTime  = time.Minute
	trafficCut    = 5 * time.Minute // until stopped traffic may be resumed
	resumeTime    = 10 * time.Second
	revertWindow  = 24 * time.Hour
)

// redirection moves the dynamic names of one kind from a source to a target
// database. It is not a task.
type redirection struct {
	id             string
	status         string
	source, target *database
	kind           string // public or private
	acls           bool
	isRevert       bool
	started        time.Time
	completed      time.Time
	reverted       time.Time
}

// trafficState exists once a database was cut by a redirect.
type trafficState struct {
	stopped    bool
	resuming   bool
	eligibleAt time.Time
}

func (s *Server) postRedirection(r *request) answer {
	source, target := s.anyDatabase(r.body.int("sourceDatabaseId")), s.anyDatabase(r.body.int("targetDatabaseId"))
	if source == nil || target == nil {
		return s.refusal(r, http.StatusNotFound, "Source or target database was not found")
	}
	kind := r.body.str("endpointTargetType")
	if !r.body.bool("migrationProtection", false) {
		return s.refusal(r, http.StatusUnprocessableEntity, "migrationProtection must be true")
	}
	if why := s.notRedirectable(source, target, kind); why != "" {
		return s.refusal(r, http.StatusUnprocessableEntity, why)
	}
	d := &redirection{
		id: uuid(s.chance), status: "initiated", source: source, target: target, kind: kind,
		acls: r.body.bool("duplicateACLs", false), started: s.clock,
	}
	s.redirections[d.id] = d
	s.record(r, "").Resource = source.id
	s.after(redirectStart, func() {
		d.status = "in-progress"
		s.cut(source)
	})
	s.after(redirectTime, func() {
		s.swapNames(d)
		d.status, d.completed = "completed", s.clock
		if d.acls {
			s.duplicateGrants(source, target)
		}
	})
	return ok(s.redirectionBody(d))
}

// notRedirectable names the first blocking difference. Other versions of
// Redis, RESP and the OSS cluster API only warn.
func (s *Server) notRedirectable(source, target *database, kind string) string {
	ips := func(d *database) []string { return slices.Sorted(slices.Values(d.sourceIPs)) }
	switch {
	case source == target:
		return "Source and target are the same database"
	case target.sub.fixed:
		return "Target database must be a Pro database"
	case source.activeActive() || target.activeActive():
		return "Active-Active databases are not supported"
	case source.status != statusActive || target.status != statusActive:
		return "Source and target database must be active"
	case source.dynamicName(kind) == "" || target.dynamicName(kind) == "":
		return "Source and target database must have dynamic endpoints"
	case source.port != target.port:
		return "Source and target database must have the same port"
	case source.tls != target.tls || source.certs != target.certs:
		return "Source and target database must have the same TLS settings"
	case source.noDefault != target.noDefault || source.password != target.password:
		return "Source and target database must have the same default user"
	case !slices.Equal(ips(source), ips(target)):
		return "Source and target database must have the same CIDR allow list"
	}
	for _, o := range s.redirections {
		busy := o.status == "initiated" || o.status == "in-progress"
		if busy && o.kind == kind && (o.source == source || o.target == source || o.source == target || o.target == target) {
			return "A redirection of one of the databases is in progress"
		}
	}
	return ""
}

func (d *database) dynamicName(kind string) string {
	if kind == "private" {
		return d.dynamic.private
	}
	return d.dynamic.public
}

// cut stops the traffic of a database.
func (s *Server) cut(d *database) {
	d.traffic = &trafficState{stopped: true, eligibleAt: s.clock.Add(s.scaled(trafficCut))}
}

func (s *Server) swapNames(d *redirection) {
	a, b := &d.source.dynamic, &d.target.dynamic
	if d.kind == "private" {
		a.private, b.private = b.private, a.private
	} else {
		a.public, b.public = b.public, a.public
	}
	s.addresses = nil
}

// duplicateGrants gives the target all rights that roles have at the source.
func (s *Server) duplicateGrants(source, target *database) {
	for _, role := range s.roles {
		for i, g := range role.rules {
			if slices.Contains(g.databases, source.id) && !slices.Contains(g.databases, target.id) {
				role.rules[i].databases = append(g.databases, target.id)
			}
		}
	}
}

func (s *Server) getRedirection(r *request) answer {
	d := s.redirections[r.args["redirection"]]
	if d == nil {
		return s.refusal(r, http.StatusNotFound, "Redirection was not found")
	}
	return ok(s.redirectionBody(d))
}

// revertRedirection gives the names back, for 24 hours. This time the target is cut.
func (s *Server) revertRedirection(r *request) answer {
	d := s.redirections[r.args["redirection"]]
	switch {
	case d == nil:
		return s.refusal(r, http.StatusNotFound, "Redirection was not found")
	case d.status != "completed" || d.isRevert:
		return s.refusal(r, http.StatusConflict, "Redirection is not completed, or was reverted before")
	case s.clock.Sub(d.completed) > s.scaled(revertWindow):
		return s.refusal(r, http.StatusConflict, "Redirection can be reverted for 24 hours only")
	}
	d.status, d.isRevert = "initiated", true
	s.record(r, "").Resource = d.source.id
	s.after(redirectStart, func() {
		d.status = "in-progress"
		s.cut(d.target)
	})
	s.after(redirectTime, func() {
		s.swapNames(d)
		d.status, d.reverted = "reverted", s.clock
		if d.source.traffic != nil {
			d.source.traffic.stopped = false
		}
	})
	return ok(s.redirectionBody(d))
}

func (s *Server) redirectionBody(d *redirection) obj {
	moment := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return s.stamp(t)
	}
	name := func(o *database) string {
		host, _, _ := strings.Cut(o.dynamicName(d.kind), ".")
		return or(host, fmt.Sprintf("redis-%d", o.port))
	}
	return obj{
		"redirectionId": d.id, "status": d.status, "sourceDatabaseId": d.source.id, "targetDatabaseId": d.target.id,
		"isRevert": d.isRevert, "duplicateACLs": d.acls, "startedAt": moment(d.started), "completedAt": moment(d.completed),
		"revertedAt": moment(d.reverted), "errorMessage": nil,
		"endpoints": []obj{{
			"sourceEndpointName": name(d.source), "targetEndpointName": name(d.target),
			"sourceEndpointType": d.kind, "targetEndpointType": d.kind, "errorMessage": nil,
		}},
	}
}

func (s *Server) getTraffic(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	if d.traffic == nil {
		return s.refusal(r, http.StatusNotFound, "Database was not redirected")
	}
	body := obj{
		"bdbId": d.id, "trafficStatus": "active", "canResume": d.traffic.resumable(s.clock),
		"resumeInProgress": d.traffic.resuming, "resumeEligibleAt": s.stamp(d.traffic.eligibleAt),
	}
	if d.traffic.stopped {
		body["trafficStatus"], body["stopReason"] = "stopped", "endpoint-redirection"
	}
	return ok(body)
}

func (t *trafficState) resumable(now time.Time) bool {
	return t.stopped && !t.resuming && !now.Before(t.eligibleAt)
}

func (s *Server) resumeTraffic(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	if d.traffic == nil {
		return s.refusal(r, http.StatusNotFound, "Database was not redirected")
	}
	if !d.traffic.resumable(s.clock) {
		return s.refusal(r, http.StatusConflict, "Traffic cannot be resumed now")
	}
	t := d.traffic
	t.resuming = true
	s.record(r, "")
	s.after(resumeTime, func() { t.stopped, t.resuming = false, false })
	return empty(http.StatusNoContent)
}
