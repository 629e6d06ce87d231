package cloudemu

import (
	"net/http"
	"slices"
	"time"
)

// How long the parts of an upgrade take, at speed 1.
const (
	upgradeTask  = 8 * time.Second
	upgradeGrace = 10 * time.Second // the task has ended, the database still reads active
	upgradeTime  = 4 * time.Minute
	recoveryTime = 3 * time.Minute
	settleTime   = 8 * time.Second // the subscription becomes active after its database
)

// upgradeRun is the latest attempt as GET …/upgrade tells it.
type upgradeRun struct {
	target   string
	status   string
	progress float64
}

const (
	upgradeInProgress = "in-progress"
	upgradeRecovering = "in-progress-recovery-pending"
	upgradeDone       = "done"
	upgradeFailed     = "failed"
)

func (s *Server) getTargets(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	list := []obj{}
	for _, v := range s.targets(d) {
		list = append(list, obj{"redisVersion": v})
	}
	return ok(obj{"targets": list})
}

func (s *Server) postUpgrade(r *request) answer {
	command := "databaseUpgradeRedisVersionRequest"
	if r.fixed {
		command = "fixedDatabaseUpgradeRedisVersionRequest"
	}
	return s.submit(r, http.StatusOK, &task{command: command, work: upgradeTask, run: func(t *task) *domainError {
		target := r.body.str("targetRedisVersion")
		d, refused := s.upgradable(r, target)
		if refused != nil {
			return refused
		}
		t.found(d)
		d.upgrading = true
		s.after(upgradeGrace, func() { s.beginUpgrade(d, target, r.call()) })
		return nil
	}})
}

// upgradable checks an upgrade in the order of the real service.
func (s *Server) upgradable(r *request, target string) (*database, *domainError) {
	d, refused := s.locate(r)
	switch {
	case refused != nil:
		return nil, refused
	case d.protocol == "memcached":
		return nil, refuse("DATABASE_UPGRADE_OF_MEMCACHED_IS_NOT_SUPPORTED")
	case d.activeActive():
		return nil, refuse("ACTIVE_ACTIVE_DATABASE_UPGRADE_IS_NOT_SUPPORTED")
	case d.upgrading:
		return nil, refuse("DATABASE_UPGRADE_IS_ALREADY_RUNNING")
	case d.status != statusActive:
		return nil, refuse("DATABASE_IS_NOT_ACTIVE")
	case !slices.Contains(s.targets(d), target):
		return nil, refuse("DATABASE_UPGRADE_INVALID_REDIS_VERSION").
			because("Database cannot be upgraded from %s to %q", d.version, target)
	}
	for _, replica := range s.replicasOf(d) {
		if !atLeast(replica.version, target) {
			return nil, refuse("DATABASE_REPLICA_OF_INCOMPATIBLE_VERSION").
				because("Replica %s (%d) has version %s: upgrade it first", replica.name, replica.id, replica.version)
		}
	}
	return d, s.tooManyPending()
}

// upgradeSteps is how often the progress moves.
const upgradeSteps = 16

func (s *Server) beginUpgrade(d *database, target, call string) {
	run := &upgradeRun{target: target, status: upgradeInProgress}
	d.upgrade, d.status = run, statusUpgrading
	d.sub.hold()
	s.touch(d)
	fails := s.fire("upgrade_failed", call)
	recovers := !fails && s.fire("upgrade_recovery_pending", call)
	misread := !fails && !recovers && s.fire("upgrade_failed_late", call)
	s.log("Database", d.id, "Version upgrade of "+d.name+" to "+target+" started")
	wait, step := time.Duration(0), upgradeTime/upgradeSteps
	for i := 1; i < upgradeSteps; i++ {
		wait += step
		progress := 100 * float64(i) / upgradeSteps
		s.after(wait, func() { run.progress = progress })
		if i != upgradeSteps/2 {
			continue
		}
		if fails {
			s.after(wait, func() { s.endUpgrade(d, run, upgradeFailed) })
			return
		}
		if misread {
			s.after(wait, func() { run.status = upgradeFailed })
		}
		if recovers {
			s.after(wait, func() { run.status = upgradeRecovering })
			wait += recoveryTime
			s.after(wait, func() { run.status = upgradeInProgress })
		}
	}
	s.after(wait+step, func() { s.endUpgrade(d, run, upgradeDone) })
}

func (s *Server) endUpgrade(d *database, run *upgradeRun, status string) {
	if run.status != upgradeFailed {
		run.status = status
	}
	if status == upgradeDone {
		run.progress = 100
		d.setVersion(run.target)
	}
	d.status, d.upgrading = statusActive, false
	s.touch(d)
	s.after(settleTime, d.sub.release)
	s.log("Database", d.id, "Version upgrade of "+d.name+" to "+run.target+": "+status)
}

// setVersion also brings the modules that are bundled from 8.0 on.
func (d *database) setVersion(version string) {
	d.version = version
	if atLeast(version, "8.0") {
		d.modules = moduleNames()
	}
}

func (s *Server) getUpgrade(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	if d.upgrade == nil || s.fire("upgrade_status_404", r.call()) {
		return s.refusal(r, http.StatusNotFound, "DATABASE_UPGRADE_WORKFLOW_NOT_FOUND")
	}
	return ok(obj{
		"databaseId": d.id, "targetRedisVersion": d.upgrade.target,
		"progress": d.upgrade.progress, "upgradeStatus": d.upgrade.status,
	})
}
