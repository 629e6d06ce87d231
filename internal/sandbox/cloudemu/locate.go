package cloudemu

import (
	"fmt"
	"net/http"
)

// path is where the API has a database.
func (d *database) path() string {
	return fmt.Sprintf("%s/databases/%d", d.sub.path(), d.id)
}

func (u *subscription) path() string {
	if u.fixed {
		return fmt.Sprintf("/v1/fixed/subscriptions/%d", u.id)
	}
	return fmt.Sprintf("/v1/subscriptions/%d", u.id)
}

// activeSubscription is the first check of every task.
func (s *Server) activeSubscription(r *request) (*subscription, *domainError) {
	u := s.subscription(r.fixed, r.id("s"))
	switch {
	case u == nil:
		return nil, refuse("SUBSCRIPTION_NOT_FOUND")
	case u.state() != statusActive:
		return nil, refuse("SUBSCRIPTION_NOT_ACTIVE")
	}
	return u, nil
}

// locate checks in the order of the real service: subscription exists,
// subscription active, database exists.
func (s *Server) locate(r *request) (*database, *domainError) {
	u, refused := s.activeSubscription(r)
	if refused != nil {
		return nil, refused
	}
	if d := u.database(r.id("d")); d != nil {
		return d, nil
	}
	return nil, refuse("DATABASE_NOT_FOUND")
}

// locateActive also wants the database to be active.
func (s *Server) locateActive(r *request) (*database, *domainError) {
	d, refused := s.locate(r)
	if refused == nil && d.status != statusActive {
		return nil, refuse("DATABASE_NOT_ACTIVE")
	}
	return d, refused
}

// read finds the database of a GET; the answer of an unknown one has no body.
func (s *Server) read(r *request) (*database, answer) {
	u := s.subscription(r.fixed, r.id("s"))
	if u == nil {
		return nil, empty(http.StatusNotFound)
	}
	d := u.database(r.id("d"))
	if d == nil {
		return nil, empty(http.StatusNotFound)
	}
	return d, answer{}
}

// maxPending is how many subscriptions of an account may be non-active at once.
const maxPending = 3

// tooManyPending refuses work that would make one more subscription pending.
func (s *Server) tooManyPending() *domainError {
	n := 0
	for _, u := range s.subscriptions {
		if u.state() != statusActive {
			n++
		}
	}
	if n >= maxPending {
		return refuse("TOO_MANY_PENDING_SUBSCRIPTIONS")
	}
	return nil
}
