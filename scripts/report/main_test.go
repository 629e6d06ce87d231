package main

import (
	"strings"
	"testing"
)

// events are lines as `go test -json` writes them, times left out.
func events(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

const (
	passed  = `{"Action":"pass","Package":"github.com/redis-upgrade/bot/a","Test":"TestOne","Elapsed":0.1}`
	pkgOK   = `{"Action":"pass","Package":"github.com/redis-upgrade/bot/a","Elapsed":0.5}`
	pkgNone = `{"Action":"skip","Package":"github.com/redis-upgrade/bot/b","Elapsed":0}`
	said    = `{"Action":"output","Package":"github.com/redis-upgrade/bot/a","Test":"TestTwo","Output":"    a_test.go:5: got 1, want 2\n"}`
	frame   = `{"Action":"output","Package":"github.com/redis-upgrade/bot/a","Test":"TestTwo","Output":"--- FAIL: TestTwo (0.00s)\n"}`
	failed  = `{"Action":"fail","Package":"github.com/redis-upgrade/bot/a","Test":"TestTwo","Elapsed":0.1}`
	pkgFail = `{"Action":"fail","Package":"github.com/redis-upgrade/bot/a","Elapsed":0.5}`
	why     = `{"Action":"output","Package":"github.com/redis-upgrade/bot/a","Test":"TestRedis","Output":"    a_test.go:9: redis-server is not here\n"}`
	skipped = `{"Action":"skip","Package":"github.com/redis-upgrade/bot/a","Test":"TestRedis","Elapsed":0}`
	foreign = `{"Action":"output","Package":"github.com/redis-upgrade/bot/a","Test":"TestRedis","Output":"    a_test.go:9: the schema is not part of this repository\n"}`
	seed    = `{"Action":"skip","Package":"github.com/redis-upgrade/bot/a","Test":"FuzzX/seed#1","Elapsed":0}`
	tool    = `{"Action":"output","Package":"github.com/redis-upgrade/bot/a","Test":"TestRedis","Output":"    a_test.go:9: only with -shots\n"}`
	partly  = `{"Action":"output","Package":"github.com/redis-upgrade/bot/a","Test":"TestOne","Output":"    a_test.go:9: played in part: one in 5\n"}`
	broken  = `{"ImportPath":"github.com/redis-upgrade/bot/c [github.com/redis-upgrade/bot/c.test]","Action":"build-output","Output":"c.go:1:1: expected 'package'\n"}`
	noTests = `{"Action":"fail","Package":"github.com/redis-upgrade/bot/c","Elapsed":0}`
	unbuilt = `{"ImportPath":"github.com/redis-upgrade/bot/c [github.com/redis-upgrade/bot/c.test]","Action":"build-fail"}`
)

func TestReport(t *testing.T) {
	for _, row := range []struct {
		name   string
		in     string
		strict bool
		want   bool
		says   string
	}{
		{"all is well", events(passed, pkgOK, pkgNone), true, true, "1 tests passed in 1 packages, 0 skipped, 0 failed"},
		{"a failed test tells what it said", events(said, frame, failed, pkgFail), false, false, "FAIL  a TestTwo\n      " + "    a_test.go:5: got 1, want 2\n"},
		{"a failed test is one failure", events(said, failed, pkgFail), false, false, " 1 failed"},
		{"a package may fail without a test", events(passed, pkgFail), false, false, " 1 failed"},
		{"a skipped test is named with its reason", events(passed, why, skipped, pkgOK), false, true, "skip  a TestRedis: a_test.go:9: redis-server is not here"},
		{"in CI nothing may be skipped", events(passed, why, skipped, pkgOK), true, false, "nothing may be skipped, yet 1 were"},
		{"what is not in the repository may be skipped even there", events(passed, foreign, skipped, pkgOK), true, true, "1 skipped"},
		{"a tool is no skipped test", events(passed, tool, skipped, pkgOK), true, true, "1 skipped"},
		{"a seed that is not wanted is no skipped test", events(passed, seed, pkgOK), true, true, "0 skipped"},
		{"a package that does not build says why", events(broken, unbuilt, noTests), false, false, "FAIL  c\n      c.go:1:1: expected 'package'\n"},
		{"a package that does not build is one failure", events(broken, unbuilt, noTests), false, false, " 1 failed"},
		{"a test that passed in part has not passed", events(partly, passed, pkgOK), false, false, "part  a TestOne: played in part and never in full"},
		{"in full it counts, and its package once", events(partly, passed, pkgOK, passed, pkgOK), false, true, "2 tests passed in 1 packages, 0 skipped, 0 failed"},
		{"another test in full does not count for it", events(partly, passed, pkgOK, strings.ReplaceAll(passed, "TestOne", "TestTwo"), pkgOK), false, false, "never in full"},
		{"a failure of the first run is not mended by a second", events(said, failed, pkgFail, passed, pkgOK), false, false, " 1 failed"},
		{"nor one of the second by the first", events(partly, passed, pkgOK, said, failed, pkgFail), false, false, " 1 failed"},
		{"nothing that ran is no success", "no packages to test\n", false, false, "no packages to test"},
	} {
		var out strings.Builder
		r := run{out: &out, strict: row.strict, said: map[string]string{}, broken: map[string]bool{}, passed: map[string]bool{}, owed: map[string]string{}}
		if got := r.read(strings.NewReader(row.in)); got != row.want {
			t.Errorf("%s: passed = %v; want %v\n%s", row.name, got, row.want, &out)
		}
		if !strings.Contains(out.String(), row.says) {
			t.Errorf("%s: want %q in\n%s", row.name, row.says, &out)
		}
	}
}
