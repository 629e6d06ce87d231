package cloudemu

import (
	"fmt"
	"strings"
)

// release is one Redis version as Redis Cloud manages it.
type release struct {
	version string
	eol     string // empty: not announced
	format  int    // of its dumps: a server refuses a newer one
	pro     bool   // new Pro databases can have it
	fixed   bool   // new Essentials databases can have it
	def     bool   // what a create without a version gets
}

// releases lists all versions a database can run, oldest first. 8.0 is a
// preview that new databases cannot have and no upgrade offers.
var releases = []release{
	{version: "6.2", eol: "2027-04-01", format: 9, pro: true},
	{version: "7.2", eol: "2029-12-01", format: 11, pro: true, fixed: true},
	{version: "7.4", eol: "2029-12-01", format: 12, pro: true, fixed: true},
	{version: "8.0", eol: "2026-12-01", format: 12},
	{version: "8.2", eol: "2030-09-01", format: 12, pro: true, fixed: true, def: true},
	{version: "8.4", eol: "2027-01-01", format: 12, pro: true, fixed: true},
	{version: "8.6", format: 13, pro: true, fixed: true},
}

// findRelease finds a version by its exact name.
func findRelease(version string) (release, bool) {
	for _, r := range releases {
		if r.version == version {
			return r, true
		}
	}
	return release{}, false
}

func rank(version string) int {
	for i, r := range releases {
		if r.version == version {
			return i
		}
	}
	return -1
}

// atLeast tells whether version a is b or newer. Unknown versions are older than all.
func atLeast(a, b string) bool { return rank(a) >= rank(b) }

func formatOf(version string) int {
	r, _ := findRelease(version)
	return r.format
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

// creatable lists what a new database of this plan can run.
func (s *Server) creatable(fixed bool, call string) []release {
	gone := s.fire("version_gone", call)
	var list []release
	for _, r := range releases {
		if r.pro && !fixed || r.fixed && fixed {
			if gone && !atLeast(r.version, "8.0") {
				continue
			}
			list = append(list, r)
		}
	}
	return list
}

// targets lists the versions to which a database can be upgraded now.
func (s *Server) targets(d *database) []string {
	list := []string{}
	if d.protocol == "memcached" || d.activeActive() {
		return list
	}
	for _, r := range releases {
		switch {
		case !r.pro || rank(r.version) <= rank(d.version):
		case !d.sub.fixed || d.sub.targets == "all":
			list = append(list, r.version)
		case d.sub.targets == "none" || !r.fixed || major(r.version) == major(d.version):
		default:
			list = append(list, r.version)
		}
	}
	return list
}

// nextMinor is the version to which Redis itself would move a database.
func nextMinor(version string) (string, bool) {
	for _, r := range releases[rank(version)+1:] {
		if r.pro && major(r.version) == major(version) {
			return r.version, true
		}
	}
	return "", false
}

// compliance is the full version that the API shows beside major.minor.
func compliance(version string) string { return fmt.Sprintf("%s.%d", version, 3+rank(version)) }
