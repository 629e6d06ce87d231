package releases

import "slices"

// Support and status words of a Release, as the table has them.
const (
	LongTerm  = "LTS"
	ShortTerm = "STS"

	Available  = "GA"
	Preview    = "Preview"
	NotOffered = "not offered" // exists upstream, Redis Cloud does not offer it
	NotListed  = "not listed"  // older than Redis Cloud's list; still found on databases
)

// Release is one row of the version table
// (https://redis.io/docs/latest/operate/rc/databases/version-management/).
type Release struct {
	Version
	DumpFormat int      // number that a dump of this version carries; a loader refuses higher ones than its own
	Support    string   // LongTerm, ShortTerm, or empty
	Status     string   // Available, Preview, NotOffered or NotListed
	EOL        string   // end of life: "2029-12-01", "TBD" or empty; from then on Redis Cloud upgrades on its own
	Plans      []string // PlanPro, PlanEssentials

	// PageURL is the version page of the Redis Cloud documentation, e.g.
	// https://redis.io/docs/latest/operate/rc/changelog/version-release-notes/7-4/,
	// or the open source page of a version that has none there. Empty for NotListed.
	PageURL string
}

// VersionPages lists the version pages of the Redis Cloud documentation: what to
// read about a version that the table does not have.
const VersionPages = "https://redis.io/docs/latest/operate/rc/changelog/version-release-notes/"

// Newest is the newest version of the table. Nothing is known of later ones.
func Newest() Version {
	all := load().releases
	return all[len(all)-1].Version
}

// Lookup returns the row of a version, and false when the table has none.
func Lookup(v Version) (Release, bool) {
	i, ok := slices.BinarySearchFunc(load().releases, v, func(r Release, v Version) int { return r.Compare(v) })
	if !ok {
		return Release{}, false
	}
	return load().releases[i], true
}

// Crossed returns the releases whose pages have to be read before going from one
// version to another, oldest first, the target included: 7.2 to 8.2 gives 7.4,
// 8.0 and 8.2. Versions that were never a step on Redis Cloud (NotListed) are not
// among them. It is empty when to is not newer than from.
func Crossed(from, to Version) []Release {
	var crossed []Release
	for _, r := range load().releases {
		if from.Less(r.Version) && !to.Less(r.Version) && r.Status != NotListed {
			crossed = append(crossed, r)
		}
	}
	return crossed
}

// Loadable says whether a dump can be loaded. The zero value is Unknown, so that
// nobody takes a forgotten answer for a yes.
type Loadable int

// The answers of Loads.
const (
	Unknown  Loadable = iota // a version is not in the table
	Yes                      // the loader is as new as the file, or newer
	Doubtful                 // same format, but an older version: types and encodings it does not know may stop it half-way
	No                       // the loader refuses the file's format
)

// String is a word for logs and tests.
func (l Loadable) String() string {
	return [...]string{"unknown", "yes", "doubtful", "no"}[l]
}

// Loads says whether a dump written by version file loads in version into. It
// speaks of the file format alone: data of a module that the loading database
// lacks is refused whatever the versions. The rule is that of upstream's rdb.c;
// Redis Cloud's import page demands "compatible" versions and has no table.
func Loads(file, into Version) Loadable {
	written, ok := Lookup(file)
	if !ok {
		return Unknown
	}
	loader, ok := Lookup(into)
	switch {
	case !ok:
		return Unknown
	case written.DumpFormat > loader.DumpFormat:
		return No
	case into.Less(file):
		return Doubtful
	default:
		return Yes
	}
}
