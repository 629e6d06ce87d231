package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// File is one conversation.
type File struct {
	// Name is where it came from, for failures.
	Name string
	// Approvals is how many people must approve an upgrade in the sandbox that
	// this file needs; 0: the sandbox's default.
	Approvals int
	// Writers asks for a sandbox in which a program writes to cache-prod.
	Writers bool

	lines []line
}

// line is one sentence of a file.
type line struct {
	number int
	text   string
	do     sentence
	args   []string
}

// Read parses one file of a file system.
func Read(dir fs.FS, name string) (File, error) {
	text, err := fs.ReadFile(dir, name)
	if err != nil {
		return File{}, err
	}
	return Parse(name, string(text))
}

// Parse reads a conversation. The error names every line that is no sentence.
func Parse(name, text string) (File, error) {
	f := File{Name: name}
	var mistakes []error
	known := language()
	for i, raw := range strings.Split(text, "\n") {
		said := strings.TrimSpace(withoutComment(raw))
		if said == "" {
			continue
		}
		if said == "this sandbox has a program that writes to cache-prod" {
			f.Writers = true
			continue
		}
		if n, ok := strings.CutPrefix(said, "this sandbox asks for approvals: "); ok {
			count, err := strconv.Atoi(n)
			if err != nil || count < 1 {
				mistakes = append(mistakes, fmt.Errorf("%s:%d: %q is no number of approvals", name, i+1, n))
			}
			f.Approvals = count
			continue
		}
		do, args, ok := understand(known, said)
		if !ok {
			mistakes = append(mistakes, fmt.Errorf("%s:%d: nobody understands %q; the sentences are in README.md", name, i+1, said))
			continue
		}
		f.lines = append(f.lines, line{number: i + 1, text: said, do: do, args: args})
	}
	if len(mistakes) == 0 && len(f.lines) == 0 {
		mistakes = append(mistakes, fmt.Errorf("%s: nothing happens in it", name))
	}
	return f, errors.Join(mistakes...)
}

// withoutComment cuts at a # that begins a word outside of quotes.
func withoutComment(text string) string {
	quoted := false
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '#' && !quoted && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t'):
			return text[:i]
		}
	}
	return text
}
