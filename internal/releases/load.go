package releases

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed data/*.yaml
var data embed.FS

const (
	versionsFile   = "versions.yaml"
	categoriesFile = "acl-8.0.yaml"
	allFile        = "all.yaml"
)

// table is everything in data/, read once and never changed afterwards.
type table struct {
	releases   []Release // oldest first
	changes    []Change  // what every upgrade brings, then by version
	categories map[string][]string
}

// load reads the embedded data at first use. A mistake in it is a mistake in
// the program, which the tests of this package find; so it panics.
var load = sync.OnceValue(func() table {
	t, err := read()
	if err != nil {
		panic(fmt.Sprintf("embedded release data: %v", err))
	}
	return t
})

// releaseRow and changeRow are the stored forms. Unknown keys are refused, so a
// misspelt field cannot vanish.
type releaseRow struct {
	Version    string   `yaml:"version"`
	DumpFormat int      `yaml:"dump_format"`
	Support    string   `yaml:"support"`
	Status     string   `yaml:"status"`
	EOL        string   `yaml:"eol"`
	Plans      []string `yaml:"plans"`
	Page       string   `yaml:"page"`
}

type changeRow struct {
	ID           string        `yaml:"id"`
	IntroducedIn string        `yaml:"introduced_in"`
	OnlyTarget   string        `yaml:"only_target"`
	Severity     string        `yaml:"severity"`
	Origin       string        `yaml:"origin"`
	Area         string        `yaml:"area"`
	Plans        []string      `yaml:"plans"`
	Title        string        `yaml:"title"`
	Summary      string        `yaml:"summary"`
	Remedy       string        `yaml:"remedy"`
	Commands     []string      `yaml:"commands"`
	Modules      []string      `yaml:"modules"`
	Evidence     []evidenceRow `yaml:"evidence"`
	URL          string        `yaml:"url"`
	Upstream     string        `yaml:"upstream"`
	Basis        string        `yaml:"basis"`
}

// evidenceRow has the fields of Evidence, so that one converts to the other.
type evidenceRow struct {
	Source     string `yaml:"source"`
	Match      string `yaml:"match"`
	Confidence string `yaml:"confidence"`
}

func read() (table, error) {
	var t table
	if err := decode(categoriesFile, &t.categories); err != nil {
		return t, err
	}
	var err error
	if t.releases, err = readReleases(); err != nil {
		return t, err
	}
	t.changes, err = readChanges()
	return t, err
}

func readReleases() ([]Release, error) {
	var rows []releaseRow
	if err := decode(versionsFile, &rows); err != nil {
		return nil, err
	}
	var releases []Release
	for _, row := range rows {
		v, err := Parse(row.Version)
		if err != nil {
			return nil, err
		}
		releases = append(releases, Release{
			Version: v, DumpFormat: row.DumpFormat, Support: row.Support, Status: row.Status,
			EOL: row.EOL, Plans: row.Plans, PageURL: row.Page,
		})
	}
	slices.SortFunc(releases, func(a, b Release) int { return a.Compare(b.Version) })
	return releases, nil
}

// readChanges reads every file that is not one of the two tables; the file's
// name is the version of its entries.
func readChanges() ([]Change, error) {
	files, err := data.ReadDir("data")
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, f := range files {
		if f.Name() == versionsFile || f.Name() == categoriesFile {
			continue
		}
		var rows []changeRow
		if err := decode(f.Name(), &rows); err != nil {
			return nil, err
		}
		for _, row := range rows {
			c, err := row.change(f.Name())
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", f.Name(), row.ID, err)
			}
			changes = append(changes, c)
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return a.Version.Compare(b.Version) })
	return changes, nil
}

func (row changeRow) change(file string) (Change, error) {
	c := Change{
		ID: row.ID, All: file == allFile,
		Origin: row.Origin, Area: row.Area, Title: row.Title, Summary: row.Summary, Severity: row.Severity,
		Remedy: row.Remedy, URL: row.URL, Upstream: row.Upstream, Basis: row.Basis,
		Commands: row.Commands, Modules: row.Modules, Plans: row.Plans,
	}
	for _, e := range row.Evidence {
		c.Evidence = append(c.Evidence, Evidence(e))
	}
	var err error
	if row.OnlyTarget != "" {
		if c.OnlyTarget, err = Parse(row.OnlyTarget); err != nil {
			return c, err
		}
	}
	if c.All {
		return c, nil
	}
	if c.Version, err = Parse(strings.TrimSuffix(file, ".yaml")); err != nil {
		return c, err
	}
	c.IntroducedIn, err = Parse(row.IntroducedIn)
	return c, err
}

func decode(file string, into any) error {
	text, err := data.ReadFile(path.Join("data", file))
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
