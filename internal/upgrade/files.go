package upgrade

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/words"
)

// The API never names the files of a backup, so the operator does. Names were
// observed, not documented: bk<YYYYMMDD>-<HHMMSS>-<database id>-<name>-<i>_of_<n>-<shard>-<first slot>-<last slot>.rdb[.gz]
var fileName = regexp.MustCompile(`^bk(\d{8})-(\d{6})-(\d+)-(.+)-(\d+)_of_(\d+)-(\d+)-(\d+)-(\d+)\.rdb(\.gz)?$`)

// File is one backup file as its name describes it.
type File struct {
	URI       string
	At        time.Time // UTC
	Database  int
	Shard, Of int
}

// ParseFile reads a backup file's name. The error is for people.
func ParseFile(uri string) (File, error) {
	m := fileName.FindStringSubmatch(path.Base(uri))
	if m == nil {
		return File{}, fmt.Errorf("the file %q is not named like a Redis Cloud backup (bk20261122-020000-51055-cache-prod-1_of_1-….rdb.gz)", path.Base(uri))
	}
	at, err := time.Parse("20060102150405", m[1]+m[2])
	if err != nil {
		return File{}, fmt.Errorf("the file %q has no valid time in its name", path.Base(uri))
	}
	f := File{URI: uri, At: at}
	for _, n := range []struct {
		text string
		into *int
	}{{m[3], &f.Database}, {m[5], &f.Shard}, {m[6], &f.Of}} {
		if *n.into, err = strconv.Atoi(n.text); err != nil {
			return File{}, fmt.Errorf("the file %q has a number out of range in its name", path.Base(uri))
		}
	}
	return f, nil
}

// filesOf splits what was pasted: one URI per line, spaces and commas allowed,
// Slack's <…> around links removed.
func filesOf(pasted string) []string {
	fields := strings.FieldsFunc(pasted, func(r rune) bool { return r == '\n' || r == '\r' || r == ' ' || r == '\t' || r == ',' })
	var out []string
	for _, f := range fields {
		f = strings.TrimSuffix(strings.TrimPrefix(f, "<"), ">")
		f, _, _ = strings.Cut(f, "|")
		if f != "" && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// HoldsSecret reports whether something that can be a credential stands in a pasted
// list of addresses: such a list is not to be stored.
func HoldsSecret(pasted string) bool {
	return slices.ContainsFunc(filesOf(pasted), func(uri string) bool { return cloud.RedactURI(uri) != uri })
}

// maxFiles bounds a paste: no database has more shards.
const maxFiles = 512

// checkFiles takes a pasted list only if it is one complete set of shard files
// of this database, under an allowed destination, from before the upgrade. It
// returns the set in shard order and the time in the names.
func checkFiles(pasted string, database int, allowed []string, before time.Time) ([]string, time.Time, error) {
	uris := filesOf(pasted)
	if len(uris) == 0 {
		return nil, time.Time{}, fmt.Errorf("paste the URI of every backup file, one per shard")
	}
	if len(uris) > maxFiles {
		return nil, time.Time{}, fmt.Errorf("that is %d files; one per shard is expected", len(uris))
	}
	var files []File
	for _, uri := range uris {
		if strange(uri) {
			return nil, time.Time{}, fmt.Errorf("the address %s is not a plain one: a file's address has no empty or dotted parts, spaces, %%, ?, #, ; or \\ in it, and ends in the file's name", cloud.RedactURI(uri))
		}
		if !under(uri, allowed) {
			return nil, time.Time{}, fmt.Errorf("the file %s is not under %s", cloud.RedactURI(uri), redactAll(allowed))
		}
		f, err := ParseFile(uri)
		if err != nil {
			return nil, time.Time{}, err
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b File) int { return a.Shard - b.Shard })
	return oneSet(files, database, before)
}

// oneSet tests that files are one complete backup of one database.
func oneSet(files []File, database int, before time.Time) ([]string, time.Time, error) {
	first := files[0]
	var uris []string
	for i, f := range files {
		switch {
		case f.Database != database:
			return nil, time.Time{}, fmt.Errorf("the file %q is a backup of database %d, not of %d", path.Base(f.URI), f.Database, database)
		case !f.At.Equal(first.At) || f.Of != first.Of:
			return nil, time.Time{}, fmt.Errorf("the files %q and %q are not of one backup", path.Base(first.URI), path.Base(f.URI))
		case f.Shard < 1 || f.Shard > f.Of:
			return nil, time.Time{}, fmt.Errorf("the file %q says that it is %d of %d", path.Base(f.URI), f.Shard, f.Of)
		case f.Shard == i:
			return nil, time.Time{}, fmt.Errorf("the file %d_of_%d is there twice: %q and %q", f.Shard, f.Of, path.Base(files[i-1].URI), path.Base(f.URI))
		case f.Shard != i+1:
			return nil, time.Time{}, fmt.Errorf("the file %d_of_%d is missing", i+1, first.Of)
		}
		uris = append(uris, f.URI)
	}
	if len(files) != first.Of {
		return nil, time.Time{}, fmt.Errorf("%d of %d files: paste every shard's file", len(files), first.Of)
	}
	if !before.IsZero() && first.At.After(before) {
		return nil, time.Time{}, fmt.Errorf("that backup is of %s, after the upgrade was sent (%s): the original version could not load it", words.Instant(first.At), words.Instant(before))
	}
	return uris, first.At, nil
}

// strange reports whether an address could be read by somebody else as another
// place than it looks like.
func strange(uri string) bool {
	_, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return false // no address at all, and so under no folder
	}
	parts := strings.Split(rest, "/")
	return slices.ContainsFunc(parts, func(p string) bool { return p == "" || p == "." || p == ".." }) ||
		strings.ContainsAny(rest, "?#\\%;") || strings.ContainsFunc(rest, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}

// under reports whether uri lies in one of the folders.
func under(uri string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		rest, inside := strings.CutPrefix(uri, strings.TrimSuffix(f, "/")+"/")
		return f != "" && inside && !strings.Contains(rest, "@") // what stands before an @ can count as credentials
	})
}

func redactAll(folders []string) string {
	var out []string
	for _, f := range folders {
		out = append(out, cloud.RedactURI(f))
	}
	if len(out) == 0 {
		return "any known backup destination"
	}
	return strings.Join(out, " or ")
}

// ExampleFile shows how the first file of an upgrade's own backup is named, as
// far as that can be known.
func ExampleFile(s Session) string {
	shards := 1
	if s.Upgrade.Snapshot != nil {
		shards = max(s.Upgrade.Snapshot.Shards, 1)
	}
	return fmt.Sprintf("%s/bk%s-…-%d-%s-1_of_%d-….rdb.gz", strings.TrimSuffix(s.Plan.Backup, "/"),
		s.Upgrade.BackupAt.UTC().Format("20060102"), s.Plan.Ref().Database, s.Plan.Name, shards)
}
