package scenario

import (
	"os"
	"strings"
	"testing"
)

func TestEveryMistakeIsNamedWithItsLine(t *testing.T) {
	_, err := Parse("f.txt", "ann: /redis-upgrade\n\nzoe clicks \"Approve\"\nann clicks Approve   # no quotes\nthis sandbox asks for approvals: many\n")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`f.txt:3: nobody understands "zoe clicks \"Approve\""`, `f.txt:4: nobody understands "ann clicks Approve"`, "f.txt:5:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q in it", err, want)
		}
	}
	if _, err := Parse("e.txt", "# only a comment\n"); err == nil {
		t.Error("an empty file is no conversation")
	}
}

func TestCommentsEndOutsideOfQuotes(t *testing.T) {
	for line, want := range map[string]string{
		`ann: hello   # aside`:           "ann: hello",
		`ann is told "number #1"  # x`:   `ann is told "number #1"`,
		`# all`:                          "",
		`ann: see issue#4`:               "ann: see issue#4",
		`the card says "# 5" # and "so"`: `the card says "# 5"`,
	} {
		if got := strings.TrimSpace(withoutComment(line)); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

// TestTheLanguageIsDescribed keeps README.md and the table in step.
func TestTheLanguageIsDescribed(t *testing.T) {
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range language() {
		if !strings.Contains(string(raw), "`"+s.says+"`") {
			t.Errorf("README.md lacks: | `%s` | %s |", s.says, s.means)
		}
	}
}

func TestASentenceIsNotTakenForAnother(t *testing.T) {
	for said, want := range map[string]string{
		`bob clicks the old "Approve"`:                  `PERSON clicks the old QUOTE`,
		`ann submits, but at reason reads "x"`:          `PERSON submits, but at FIELD reads QUOTE`,
		`ann: /redis-upgrade cache-prod 8.2`:            `PERSON: TEXT`,
		`the cloud did for a-b: backup, upgrade`:        `the cloud did for DATABASE: LIST`,
		`the card has the buttons Approve, Deny…`:       `the card has the buttons LIST`,
		`bob writes name as the modal asks`:             `PERSON writes name as the modal asks`,
		`9h pass`:                                       `TIME pass`,
		`ann asks for cache-prod on 8.2, because "x y"`: `PERSON asks for DATABASE on VERSION, because QUOTE`,
	} {
		s, _, ok := understand(language(), said)
		if !ok || s.says != want {
			t.Errorf("%s: taken for %q, want %q", said, s.says, want)
		}
	}
}
