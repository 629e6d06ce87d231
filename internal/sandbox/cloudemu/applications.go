package cloudemu

import (
	"fmt"
	"time"
)

// application is a customer's program that writes to a database in the
// background. It knows an address and a password, nothing else: what it
// reaches is decided anew at every write, by what answers there.
type application struct {
	name     string
	address  string
	password string
	tls      bool
	prefix   string
	base     int
	interval time.Duration // emulated, between two writes
	next     time.Time
	writes   int    // number of the latest write attempt
	accepted int    // writes that reached a database
	refused  string // why the latest attempt failed; empty: it did not
}

// freshKeys is how many keys of its own an application creates before it
// begins to overwrite them: emulated years must not fill the memory.
const freshKeys = 1000

// runApplications lets everyone write up to t. Between two events nothing
// changes, so a run of writes either all arrives or all fails.
func (s *Server) runApplications(t time.Time) {
	for _, a := range s.applications {
		every := s.scaled(a.interval)
		if every <= 0 || a.next.After(t) {
			continue
		}
		n := int(t.Sub(a.next)/every) + 1
		a.next = a.next.Add(time.Duration(n) * every)
		s.write(a, n)
	}
}

// write does the next n writes of a.
func (s *Server) write(a *application, n int) {
	d, refused := s.connect(a)
	a.refused = refused
	if refused == "" {
		a.apply(&d.keys, n)
		a.accepted += n
		for _, target := range s.replicasOf(d) {
			a.apply(&target.keys, n)
		}
	}
	a.writes += n
}

// apply does the writes a.writes+1 … a.writes+n on k. Each key is written over
// and over, so only the last round of a long run is done for real.
func (a *application) apply(k *dataset, n int) {
	round := 2 * max(freshKeys, a.base)
	for i := a.writes + 1 + max(0, n-round); i <= a.writes+n; i++ {
		key := keyName(a.prefix, a.base+i/2%freshKeys)
		if i%2 == 0 && a.base > 0 {
			key = keyName(a.prefix, i/2%a.base)
		}
		k.set(key, fmt.Sprintf("w-%d", i))
	}
}

// connect gives the database that takes the writes of a, or why none does.
func (s *Server) connect(a *application) (*database, string) {
	d := s.resolve(a.address)
	switch {
	case d == nil:
		return nil, "nothing answers at this address"
	case d.status != statusActive:
		return nil, "database is " + d.status
	case !d.admits():
		return nil, "source IP is not allowed"
	case d.traffic != nil && d.traffic.stopped:
		return nil, "traffic is stopped"
	case d.tls != a.tls:
		return nil, "TLS setting differs"
	case d.noDefault:
		return nil, "default user is disabled"
	case d.password != a.password:
		return nil, "wrong password"
	}
	return d, ""
}
