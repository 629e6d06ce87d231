package cloudemu

import (
	"net/http"
	"time"
)

const (
	deleteTask = 2500 * time.Millisecond
	deleteTime = 30 * time.Second
)

// deleteDatabase begins a delete. The port is free from the moment the
// database answers 404; the subscription is active a little later. Stored
// backup files stay, and so does the subscription, even when it is empty.
func (s *Server) deleteDatabase(r *request) answer {
	command := "databaseDeleteRequest"
	if r.fixed {
		command = "fixedDatabaseDeleteRequest"
	}
	return s.submit(r, http.StatusOK, &task{command: command, work: deleteTask, run: func(t *task) *domainError {
		d, refused := s.locate(r)
		if refused != nil {
			return refused
		}
		if d.status != statusActive && d.status != statusCreationError {
			return refuse("DATABASE_NOT_ACTIVE")
		}
		t.found(d)
		d.status = statusDeleting
		d.sub.hold()
		s.after(deleteTime, func() {
			s.remove(d)
			s.log("Database", d.id, d.name+" was deleted")
		})
		s.after(deleteTime+settleTime, d.sub.release)
		return nil
	}})
}
