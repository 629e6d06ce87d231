package cloudemu

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Status words of databases and subscriptions.
const (
	statusActive        = "active"
	statusPending       = "pending"
	statusDraft         = "draft"
	statusChanging      = "active-change-pending"
	statusUpgrading     = "active-upgrade-pending"
	statusNaming        = "dynamic-endpoints-creation-pending"
	statusImporting     = "import-pending"
	statusDeleting      = "delete-pending"
	statusCreationError = "creation-failed"
)

// account is who owns everything.
type account struct {
	id      int
	name    string
	created time.Time
}

// subscription is a cluster with databases.
type subscription struct {
	id        int
	name      string
	fixed     bool // Essentials
	multi     bool // Active-Active
	flash     bool // ram-and-flash
	provider  string
	region    string
	regions   []string // of an Active-Active subscription
	cluster   int
	holds     int    // works that keep it pending
	status    string // set by the console; empty: follows holds
	databases []*database
	windows   obj
	created   time.Time
	planName  string
	planID    int
	backups   bool   // Essentials: plan supports backups
	targets   string // Essentials: majors, all or none
	reserved  []int  // ports of the fleet
}

// state is the status word that the API shows.
func (u *subscription) state() string {
	switch {
	case u.status != "":
		return u.status
	case u.holds > 0:
		return statusPending
	}
	return statusActive
}

// database is one database and what is in it.
type database struct {
	id         int
	sub        *subscription
	name       string
	protocol   string
	version    string
	resp       string
	status     string
	port       int
	autoMinor  bool
	ramPercent int // of a ram-and-flash subscription
	datasetGB  float64
	memoryGB   float64 // set instead of datasetGB by some creates
	oss        bool
	ossExtern  bool
	persist    string
	replicated bool
	eviction   string
	by         string // throughput measure
	throughput int
	factor     string // query performance
	activated  time.Time
	modified   time.Time
	dynamic    dynamicNames
	sources    []syncSource
	shards     int
	firstShard int
	regex      []string
	hashing    string
	password   string
	hidden     bool // the API does not tell the password
	noDefault  bool // default user switched off
	tls        bool
	certs      int // client certificates
	sourceIPs  []string
	modules    []string
	alerts     []alert
	remote     remoteBackup
	tags       []tag

	keys dataset

	upgrade    *upgradeRun // latest attempt as GET shows it
	upgrading  bool        // from the end of the task to the end of the upgrade
	lastBackup backupState
	lastImport importState
	traffic    *trafficState
}

// dynamicNames are the names without port; empty: none given out.
type dynamicNames struct{ public, private string }

// syncSource is where an Active-Passive target gets its data.
type syncSource struct {
	endpoint   string
	encryption bool
}

type alert struct {
	name  string
	value int
}

// remoteBackup is the backup setting; path empty: off.
type remoteBackup struct{ path, interval, time string }

func (d *database) activeActive() bool { return d.sub.multi }

// published tells whether endpoints are shown: they are born with the first activation.
func (d *database) published() bool { return !d.activated.IsZero() }

// publicHost is made of port and cluster only: a database that is created
// again on the same port gets the same address.
func (d *database) publicHost() string {
	return fmt.Sprintf("redis-%d.c%d.%s-1.%s.cloud.rlrcp.com", d.port, d.sub.cluster, d.sub.region, cloudLabel(d.sub.provider))
}

func (d *database) privateHost() string {
	return fmt.Sprintf("redis-%d.internal.c%d.%s-1.%s.cloud.rlrcp.com", d.port, d.sub.cluster, d.sub.region, cloudLabel(d.sub.provider))
}

func (d *database) publicEndpoint() string  { return fmt.Sprintf("%s:%d", d.publicHost(), d.port) }
func (d *database) privateEndpoint() string { return fmt.Sprintf("%s:%d", d.privateHost(), d.port) }

// sourceEndpoint is the address of an Essentials database for use as a
// replication source. Its form is not documented; it differs from the others,
// so that nobody can confuse them.
func (d *database) sourceEndpoint(kind string) string {
	return fmt.Sprintf("source-%s-%d.c%d.%s-1.%s.cloud.rlrcp.com:%d", kind, d.port, d.sub.cluster, d.sub.region, cloudLabel(d.sub.provider), d.port)
}

// asSource is the address at which another database replicates from this one.
func (d *database) asSource() string {
	if d.sub.fixed {
		return d.sourceEndpoint("public")
	}
	return d.publicEndpoint()
}

// memoryStorage is where a subscription keeps data.
func (u *subscription) memoryStorage() string {
	if u.flash {
		return "ram-and-flash"
	}
	return "ram"
}

func cloudLabel(provider string) string {
	switch provider {
	case "GCP":
		return "gce"
	case "Azure":
		return "azure"
	}
	return "ec2"
}

// admits tells whether applications may connect: they come from a private and
// a public address of the customer.
func (d *database) admits() bool {
	for _, rule := range d.sourceIPs {
		p, err := parseRule(rule)
		if err == nil && (p.Contains(applicationPrivate) || p.Contains(applicationPublic)) {
			return true
		}
	}
	return len(d.sourceIPs) == 0
}

var (
	applicationPrivate = netip.AddrFrom4([4]byte{10, 20, 0, 7})
	applicationPublic  = netip.AddrFrom4([4]byte{203, 0, 113, 7})
)

// parseRule reads an entry of the allow list: an address or a network.
func parseRule(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// touch moves lastModified.
func (s *Server) touch(d *database) { d.modified = s.clock }

// hold keeps a subscription pending until release.
func (u *subscription) hold()    { u.holds++ }
func (u *subscription) release() { u.holds = max(0, u.holds-1) }

func (s *Server) subscription(fixed bool, id int) *subscription {
	for _, u := range s.subscriptions {
		if u.id == id && u.fixed == fixed {
			return u
		}
	}
	return nil
}

func (u *subscription) database(id int) *database {
	for _, d := range u.databases {
		if d.id == id {
			return d
		}
	}
	return nil
}

// anyDatabase finds a database of the account by id.
func (s *Server) anyDatabase(id int) *database {
	for _, u := range s.subscriptions {
		if d := u.database(id); d != nil {
			return d
		}
	}
	return nil
}

// remove takes a database out of the account and frees its port and addresses.
func (s *Server) remove(d *database) {
	d.sub.databases = slices.DeleteFunc(d.sub.databases, func(o *database) bool { return o == d })
	s.forgetInRoles(d)
	s.addresses = nil
}

// resolve finds the database behind an address as a client would connect to it.
func (s *Server) resolve(address string) *database {
	s.index()
	return s.addresses[hostPort(address)]
}

// replicasOf lists the Active-Passive targets that are fed by d.
func (s *Server) replicasOf(d *database) []*database {
	s.index()
	return s.links[d]
}

// index fills addresses and links after a change of either.
func (s *Server) index() {
	if s.addresses != nil {
		return
	}
	s.addresses, s.links = map[string]*database{}, map[*database][]*database{}
	for _, u := range s.subscriptions {
		for _, d := range u.databases {
			for _, a := range d.allAddresses() {
				s.addresses[a] = d
			}
		}
	}
	for _, u := range s.subscriptions {
		for _, d := range u.databases {
			for _, src := range d.sources {
				if from := s.addresses[hostPort(src.endpoint)]; from != nil {
					s.links[from] = append(s.links[from], d)
				}
			}
		}
	}
}

func (d *database) allAddresses() []string {
	if !d.published() {
		return nil
	}
	list := []string{d.publicEndpoint(), d.privateEndpoint()}
	if d.sub.fixed {
		list = append(list, d.sourceEndpoint("public"), d.sourceEndpoint("private"))
	}
	for _, name := range []string{d.dynamic.public, d.dynamic.private} {
		if name != "" {
			list = append(list, fmt.Sprintf("%s:%d", name, d.port))
		}
	}
	return list
}

// hostPort cuts scheme, user and path off an address.
func hostPort(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	if i := strings.LastIndex(address, "@"); i >= 0 {
		address = address[i+1:]
	}
	address, _, _ = strings.Cut(address, "/")
	return strings.ToLower(address)
}

// resync gives all targets of d the data of d.
func (s *Server) resync(d *database) {
	for _, target := range s.replicasOf(d) {
		if atLeast(target.version, d.version) {
			target.keys.replace(d.keys.all)
		}
	}
}
