// Report reads the output of `go test -json` and tells what a person wants to
// know: a line per package, all that a failing test said, and at the end what was
// skipped and why.
//
//	go test -json ./... | go run ./scripts/report
//
// It exits with 1 when something failed or nothing ran. With CI=true nothing may be
// skipped, so a skipped test is a failure too; the exceptions are a test that says
// it needs something that is "not part of this repository", one that runs "only
// with -flag" because it is a tool, and seeds that a fuzz test does not want.
//
// The output may be that of several runs, one after the other, as scripts/test
// writes it. A test that says that it was "played in part" has to pass in full in a
// later one, or the whole has failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	r := run{out: os.Stdout, strict: os.Getenv("CI") == "true", said: map[string]string{}, broken: map[string]bool{}, passed: map[string]bool{}, owed: map[string]string{}}
	if !r.read(os.Stdin) {
		os.Exit(1)
	}
}

// excuses are how a test says that it was skipped for a reason that no installation
// can change.
var excuses = []string{"not part of this repository", "only with "}

// part is how a test says that this run of it was not all of it.
const part = "played in part"

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

func (e event) key() string { return e.Package + e.ImportPath + " " + e.Test }

// pkg is the package; a build event names it with the test binary: "p [p.test]".
func (e event) pkg() string {
	pkg, _, _ := strings.Cut(e.Package+e.ImportPath, " ")
	return pkg
}

// name is the package without the module, and the test.
func (e event) name() string {
	const module = "github.com/redis-upgrade/bot/"
	return strings.TrimSpace(strings.TrimPrefix(e.pkg(), module) + " " + e.Test)
}

// run is what is known so far.
type run struct {
	out    io.Writer
	strict bool

	said    map[string]string // by key: what tests and packages said that are not finished
	broken  map[string]bool   // packages with a failed test or build
	passed  map[string]bool   // packages
	owed    map[string]string // by key: names of tests that passed in part
	tests   int
	failed  int
	skipped []string
	refused int
}

// read takes the whole output and returns whether it counts as passed.
func (r *run) read(in io.Reader) bool {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		var e event
		if json.Unmarshal([]byte(line), &e) == nil {
			r.take(e)
		} else {
			fmt.Fprint(r.out, line) // the go command itself
		}
		if err != nil {
			break
		}
	}
	for _, line := range r.skipped {
		fmt.Fprintln(r.out, "skip ", line)
	}
	for _, key := range slices.Sorted(maps.Keys(r.owed)) {
		fmt.Fprintln(r.out, "part ", r.owed[key]+": played in part and never in full")
	}
	if r.refused > 0 {
		fmt.Fprintf(r.out, "CI=true: nothing may be skipped, yet %d were\n", r.refused)
	}
	fmt.Fprintf(r.out, "%d tests passed in %d packages, %d skipped, %d failed\n", r.tests, len(r.passed), len(r.skipped), r.failed)
	return r.failed == 0 && r.refused == 0 && len(r.owed) == 0 && len(r.passed) > 0
}

func (r *run) take(e event) {
	switch e.Action {
	case "output", "build-output":
		if !noise(e.Output) {
			r.said[e.key()] += e.Output
		}
		return
	case "pass":
		r.pass(e)
	case "skip":
		r.skip(e)
	case "fail", "build-fail":
		r.fail(e)
	default:
		return
	}
	delete(r.said, e.key())
}

func (r *run) pass(e event) {
	if e.Test != "" {
		r.tests++
		if strings.Contains(r.said[e.key()], part) {
			r.owed[e.key()] = e.name()
		} else {
			delete(r.owed, e.key())
		}
		return
	}
	r.passed[e.pkg()] = true
	fmt.Fprintf(r.out, "ok    %-28s %5.1fs\n", e.name(), e.Elapsed)
}

func (r *run) skip(e event) {
	if e.Test == "" || strings.HasPrefix(e.Test, "Fuzz") {
		return // a package without tests, or a seed
	}
	lines := strings.Split(strings.TrimSpace(r.said[e.key()]), "\n")
	line := e.name() + ": " + strings.TrimSpace(lines[len(lines)-1])
	r.skipped = append(r.skipped, line)
	excused := slices.ContainsFunc(excuses, func(e string) bool { return strings.Contains(line, e) })
	if r.strict && !excused {
		r.refused++
	}
}

// fail tells of a package only when none of its tests did, e.g. after a panic, or
// when it has something to say of its own.
func (r *run) fail(e event) {
	said := strings.TrimRight(r.said[e.key()], "\n")
	if e.Test == "" && r.broken[e.pkg()] && said == "" {
		return
	}
	if e.Test != "" || !r.broken[e.pkg()] {
		r.failed++
	}
	r.broken[e.pkg()] = true
	fmt.Fprintf(r.out, "FAIL  %s\n", e.name())
	if said != "" {
		fmt.Fprintln(r.out, "      "+strings.ReplaceAll(said, "\n", "\n      "))
	}
}

// noise is what the testing package says about every test.
func noise(line string) bool {
	line = strings.TrimSpace(line)
	for _, prefix := range []string{"=== ", "--- PASS", "--- FAIL", "--- SKIP", "PASS", "ok  \t", "FAIL\t"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return line == "FAIL"
}
