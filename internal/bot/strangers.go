package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A variable that is misspelt would count as not set: all subscriptions would be
// allowed, or a bot that shall observe would upgrade. So what looks like one of
// ours and is none is refused.

// ourPrefixes begin variables of ours and, beside the links that Kubernetes makes
// for a service of such a name, of nobody else.
var ourPrefixes = []string{"SLACK_", "REDIS_", "ALLOW_", "REQUESTER_", "APPROVER_", "APPROVALS_", "REVERT_", "ONCALL_", "SEAL_", "BACKUP_"}

// serviceLink is what Kubernetes sets in every container for a service.
var serviceLink = regexp.MustCompile(`^[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// strangers are the complaints about an environment's unknown variables.
func strangers(environ []string) []error {
	var problems []error
	for _, line := range slices.Sorted(slices.Values(environ)) {
		if name, value, _ := strings.Cut(line, "="); value != "" {
			if problem := stranger(name); problem != "" {
				problems = append(problems, fmt.Errorf("%s: %s", name, problem))
			}
		}
	}
	return problems
}

// stranger says what is wrong with the name of a variable; "" for one of ours, and
// for one of somebody else.
func stranger(name string) string {
	if name == "" {
		return ""
	}
	upper, nearest, distance := strings.ToUpper(name), "", 3
	for _, f := range variables() {
		ours := f.Tag.Get("envconfig")
		if ours == name {
			return ""
		}
		// NODE and CODE are somebody's: who misspells a short word seldom does at its first letter.
		if d := edits(upper, ours); d < distance && upper[:1] == ours[:1] {
			nearest, distance = ours, d
		}
	}
	ours := slices.ContainsFunc(ourPrefixes, func(p string) bool { return strings.HasPrefix(upper, p) })
	switch {
	case serviceLink.MatchString(name), !ours && distance > 1:
		return ""
	case nearest != "":
		return fmt.Sprintf("unknown; did you mean %s?", nearest)
	}
	return "unknown, although it looks like one of the bot's: docs/configuration.md lists them"
}

// edits is the number of letters to add, drop, change or swap with their
// neighbour to make b of a (optimal string alignment).
func edits(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := range b {
			rows[0][j+1] = j + 1
		}
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
