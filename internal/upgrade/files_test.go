package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const folder = "s3://acme/cache"

var (
	sentAt   = time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)
	backupAt = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
)

func shardFile(of, i int) string {
	return fmt.Sprintf("%s/bk20261122-020000-51055-cache-%d_of_%d-%d-0-16383.rdb.gz", folder, i, of, 40+i)
}

func TestParseFile(t *testing.T) {
	f, err := ParseFile("s3://acme/deep/er/bk20261122-020000-51055-cache-prod-2_of_3-44-5461-10922.rdb.gz")
	want := File{URI: "s3://acme/deep/er/bk20261122-020000-51055-cache-prod-2_of_3-44-5461-10922.rdb.gz", At: backupAt, Database: 51055, Shard: 2, Of: 3}
	if err != nil || f != want {
		t.Errorf("got %+v, %v", f, err)
	}
	for sentence, name := range map[string]string{
		"a dump that is not named like a backup":     "dump.rdb",
		"a folder":                                   "s3://acme/cache/",
		"nothing":                                    "",
		"a day that does not exist":                  "bk20261332-020000-51055-cache-1_of_1-40-0-16383.rdb.gz",
		"a number that no computer has":              "bk20261122-020000-99999999999999999999-cache-1_of_1-40-0-16383.rdb.gz",
		"something after the name":                   "bk20261122-020000-51055-cache-1_of_1-40-0-16383.rdb.gz.exe",
		"a backup of something else than a database": "bk20261122-020000-cache-1_of_1-40-0-16383.rdb",
	} {
		if f, err := ParseFile(name); err == nil {
			t.Errorf("%s was read as %+v", sentence, f)
		}
	}
}

func TestCheckFiles(t *testing.T) {
	one := shardFile(1, 1)
	two := shardFile(2, 1) + "\n" + shardFile(2, 2)
	for _, row := range []struct {
		sentence string
		pasted   string
		says     string // empty: taken
	}{
		{"one file of one shard is taken", one, ""},
		{"all shards are taken", two, ""},
		{"in any order", shardFile(2, 2) + ", " + shardFile(2, 1), ""},
		{"the same one twice is one", one + " " + one, ""},
		{"Slack's markup is taken off", "<" + one + ">", ""},
		{"with its label too", "<" + one + "|" + one + ">", ""},
		{"nothing pasted is refused", "  \n", "paste the URI"},
		{"a missing shard is named", shardFile(3, 1) + "\n" + shardFile(3, 3), "2_of_3 is missing"},
		{"the last missing shard too", shardFile(3, 1) + "\n" + shardFile(3, 2), "2 of 3 files"},
		{"shards of two backups are not mixed", shardFile(2, 1) + "\n" + strings.Replace(shardFile(2, 2), "-020000-", "-030000-", 1), "not of one backup"},
		{"shards of two layouts are not mixed", shardFile(1, 1) + "\n" + shardFile(2, 2), "not of one backup"},
		{"another database's backup is refused", strings.Replace(one, "51055", "51056", 1), "of database 51056, not of 51055"},
		{"a file elsewhere is refused", strings.Replace(one, folder, "s3://evil/cache", 1), "is not under"},
		{"a folder with a longer name is elsewhere", strings.Replace(one, folder, folder+"-old", 1), "is not under"},
		{"the way up leads out", strings.Replace(one, folder, folder+"/../other", 1), "is not a plain one"},
		{"so does the way up in code", strings.Replace(one, folder, folder+"/%2e%2e/other", 1), "is not a plain one"},
		{"a query could be a credential", one + "?sig=abc", "is not a plain one"},
		{"a backslash is not a slash", strings.Replace(one, folder, folder+`\..\other`, 1), "is not a plain one"},
		{"an @ could hide another host", strings.Replace(one, folder, folder+"/x@evil", 1), "is not under"},
		{"a backup of after the upgrade could not be loaded", strings.Replace(one, "-020000-", "-023001-", 1), "after the upgrade was sent"},
		{"a folder is not a file", folder + "/", "is not a plain one"},
		{"nor is a file with a slash behind it", one + "/", "is not a plain one"},
		{"a slash too many", strings.Replace(one, folder, folder+"/", 1), "is not a plain one"},
		{"two files in one address", one + ";" + one, "is not a plain one"},
		{"a space that is none", strings.Replace(one, "cache-1", "cache\u00a0-1", 1), "is not a plain one"},
		{"one shard under two names", one + " " + strings.TrimSuffix(one, ".gz"), "1_of_1 is there twice"},
		{"a shard that cannot be", strings.Replace(one, "1_of_1", "2_of_1", 1), "says that it is 2 of 1"},
		{"none of none", strings.Replace(one, "1_of_1", "0_of_0", 1), "says that it is 0 of 0"},
		{"what was pasted is shown as it is", "rm -rf", "the file rm is not under"},
		{"too many files are not looked at", strings.Join(many(513), "\n"), "513 files"},
	} {
		uris, at, err := checkFiles(row.pasted, 51055, []string{folder}, sentAt)
		switch {
		case row.says == "" && (err != nil || len(uris) == 0 || !at.Equal(backupAt)):
			t.Errorf("%s: %v at %s: %v", row.sentence, uris, at, err)
		case row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)):
			t.Errorf("%s: %v, %v", row.sentence, uris, err)
		}
	}
	uris, _, err := checkFiles(shardFile(2, 2)+"\n"+shardFile(2, 1), 51055, []string{"", folder + "/"}, sentAt)
	if diff := cmp.Diff([]string{shardFile(2, 1), shardFile(2, 2)}, uris); diff != "" || err != nil {
		t.Errorf("order of shards (-want +got):\n%s%v", diff, err)
	}
	if _, _, err := checkFiles(one, 51055, nil, sentAt); err == nil || !strings.Contains(err.Error(), "any known backup destination") {
		t.Errorf("without a destination: %v", err)
	}
	if _, _, err := checkFiles("ftp://me:hunter2@host/"+one, 51055, []string{"ftp://him:hidden@host/x"}, sentAt); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "hidden") {
		t.Errorf("an error shows credentials: %v", err)
	}
}

func many(n int) []string {
	var out []string
	for i := range n {
		out = append(out, shardFile(n, i+1))
	}
	return out
}

func FuzzParseFile(f *testing.F) {
	f.Add(shardFile(2, 1))
	f.Add("bk20261122-020000-51055--1_of_1-1-1-1.rdb")
	f.Add("bk20261122-020000-51055-a-1_of_1-9-1_of_2-1-1-1.rdb")
	f.Fuzz(func(t *testing.T, uri string) {
		got, err := ParseFile(uri)
		if err == nil && (got.URI != uri || got.At.IsZero() || got.Database < 0 || got.Shard < 0 || got.Of < 0) {
			t.Errorf("%q was read as %+v", uri, got)
		}
	})
}

// Whatever is pasted: what is taken lies in the folder and is one whole set of
// this database from before the upgrade.
func FuzzCheckFiles(f *testing.F) {
	f.Add(shardFile(2, 1) + "\n" + shardFile(2, 2))
	f.Add("<" + shardFile(1, 1) + "|x>")
	f.Add(folder + "/../" + strings.TrimPrefix(shardFile(1, 1), folder))
	f.Add(folder + "/a@b/" + strings.TrimPrefix(shardFile(1, 1), folder))
	f.Fuzz(func(t *testing.T, pasted string) {
		uris, at, err := checkFiles(pasted, 51055, []string{folder}, sentAt)
		if err != nil {
			return
		}
		if len(uris) == 0 || at.After(sentAt) {
			t.Fatalf("%q gave %d files of %s", pasted, len(uris), at)
		}
		for i, uri := range uris {
			file, err := ParseFile(uri)
			rest, inside := strings.CutPrefix(uri, folder+"/")
			if err != nil || !inside || slices.Contains(strings.Split(rest, "/"), "..") || strings.ContainsAny(rest, "@?#%\\ \n") {
				t.Fatalf("%q let %q through: %v", pasted, uri, err)
			}
			if file.Database != 51055 || file.Shard != i+1 || file.Of != len(uris) || !file.At.Equal(at) {
				t.Fatalf("%q gave %+v as %d of %d", pasted, file, i+1, len(uris))
			}
		}
	})
}

func TestExampleFileFitsTheShards(t *testing.T) {
	s := Session{Body: Body{Plan: Plan{Database: "pro/7/51055", Name: "cache", Backup: folder + "/"},
		Upgrade: UpgradeWork{BackupAt: backupAt, Snapshot: &Snapshot{Shards: 3}}}}
	if got := ExampleFile(s); !strings.HasPrefix(got, folder+"/bk20261122-") || !strings.Contains(got, "-51055-cache-1_of_3-") {
		t.Error(got)
	}
}
