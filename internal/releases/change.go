package releases

import (
	"cmp"
	"slices"
	"strings"
)

// Severities of a Change, worst first.
const (
	Blocker   = "blocker"   // solve it before the upgrade if it hits
	Behaviour = "behaviour" // an application can see it
	Info      = "info"
)

// Origins of a Change. Show them: only CloudDocs entries are on the official
// Redis Cloud list.
const (
	CloudDocs    = "cloud-docs"
	SoftwareDocs = "software-docs"
	ReleaseNotes = "oss-release-notes"
	Source       = "oss-source"
	Reports      = "public-reports" // issues in which others met it
)

// Plans that a Change can apply to.
const (
	PlanPro          = "pro"
	PlanEssentials   = "essentials"
	PlanActiveActive = "active-active" // marks text that names Active-Active; such a database is a Pro one as well
)

// Change is one thing that is different after an upgrade.
type Change struct {
	ID           string  // stable, e.g. "7.4-rdb-v12"
	Version      Version // the Redis Cloud step that brings it; zero when All
	IntroducedIn Version // the upstream version that brought it, e.g. 7.0 for half of 7.2's; zero when All
	All          bool    // every upgrade brings it
	OnlyTarget   Version // when set, it matters only if the upgrade ends there, not if it is crossed

	Origin   string // CloudDocs, SoftwareDocs, ReleaseNotes, Source or Reports
	Area     string // acl, client-protocol, cluster, commands, config, memory, modules, persistence, replication, scripting
	Title    string
	Summary  string
	Severity string // Blocker, Behaviour or Info
	Remedy   string // what to do about it
	URL      string // the page to show
	Upstream string // pull request or notes upstream, or empty
	Basis    string // where the statement was read

	Commands []string // as in INFO commandstats: upper case, subcommand after a pipe in lower case
	Modules  []string // as in MODULE LIST
	Plans    []string // PlanPro, PlanEssentials, PlanActiveActive
	Evidence []Evidence
}

// Evidence is one way to see in a running database that a Change will hit it.
// The best confidence among the matches that are true wins; the language of
// Match is described in data/README.md.
type Evidence struct {
	Source     string // commandstats, info, api-field, acl, modules, client-list, scan-sample, functions; none: Match says why nothing can be seen
	Match      string
	Confidence string // certain, likely or possible
}

// Between returns what changes for a database of this plan (PlanPro,
// PlanEssentials, PlanActiveActive; empty for any) on the way from one version
// to another: blockers first, then behaviour, then info; within one severity what
// every upgrade brings, then by version. It is empty when to is not newer than
// from. The caller owns the slice and must not change what the entries point to.
func Between(from, to Version, plan string) []Change {
	if !from.Less(to) {
		return nil
	}
	var found []Change
	for _, c := range load().changes {
		if c.onTheWay(from, to) && c.appliesTo(plan) {
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(a, b Change) int { return cmp.Compare(a.rank(), b.rank()) })
	return found
}

// onTheWay is rules 2 to 4 of data/README.md.
func (c Change) onTheWay(from, to Version) bool {
	switch {
	case c.All:
		return true
	case !from.Less(c.Version) || to.Less(c.Version):
		return false
	case !from.Less(c.IntroducedIn): // known there already, e.g. 7.0's changes on the way from 7.0 to 7.2
		return false
	default:
		return c.OnlyTarget.IsZero() || c.OnlyTarget == to
	}
}

// appliesTo takes an Active-Active database for a Pro one with more to watch.
func (c Change) appliesTo(plan string) bool {
	switch plan = strings.ToLower(plan); plan {
	case "":
		return true
	case PlanActiveActive:
		return slices.Contains(c.Plans, PlanActiveActive) || slices.Contains(c.Plans, PlanPro)
	default:
		return slices.Contains(c.Plans, plan)
	}
}

func (c Change) rank() int { return slices.Index([]string{Blocker, Behaviour, Info}, c.Severity) }

// ModuleCategories returns the module commands that joined each general ACL
// category (read, write, slow, fast, dangerous, admin) in 8.0: a rule such as
// -@write takes them away from there on. The caller must not change it.
func ModuleCategories() map[string][]string { return load().categories }
