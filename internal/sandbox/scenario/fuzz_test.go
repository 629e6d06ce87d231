package scenario

import (
	"slices"
	"strings"
	"testing"
)

// A file is taken when every line is a sentence, and a line means the same
// wherever it stands; else the error names the file and the line.
func FuzzParseScenario(f *testing.F) {
	f.Add("ann: /redis-upgrade cache-prod 8.2   # a comment\nsee the card \"Upgrade cache-prod\"\n")
	f.Add("this sandbox asks for approvals: 2\nbob clicks \"Approve\"")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("f.txt", text)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "f.txt:") && strings.Count(err.Error(), "\n") < strings.Count(text, "\n") {
					t.Errorf("the error does not say where: %q", line)
				}
			}
			return
		}
		if len(file.lines) == 0 || file.Approvals < 0 {
			t.Fatalf("%q was taken as %+v", text, file)
		}
		var again []string
		for _, l := range file.lines {
			alone, err := Parse("f.txt", l.text)
			if err != nil || len(alone.lines) != 1 || alone.lines[0].do.says != l.do.says || !slices.Equal(alone.lines[0].args, l.args) {
				t.Errorf("%q means %q in the file, and alone %+v: %v", l.text, l.do.says, alone.lines, err)
			}
			if l.number < 1 || l.number > strings.Count(text, "\n")+1 {
				t.Errorf("%q stands in line %d", l.text, l.number)
			}
			again = append(again, l.text)
		}
		if whole, err := Parse("f.txt", strings.Join(again, "\n")); err != nil || len(whole.lines) != len(file.lines) {
			t.Errorf("%q read again has %d lines, want %d: %v", text, len(whole.lines), len(file.lines), err)
		}
	})
}
