package main

import (
	"os"
	"strings"
	"testing"
)

func TestExitCodes(t *testing.T) {
	for _, line := range os.Environ() { // whatever the shell holds, the bot is not configured here
		name, _, _ := strings.Cut(line, "=")
		if strings.HasPrefix(name, "SLACK_") || strings.HasPrefix(name, "REDIS_") || name == "SEAL_KEY" {
			t.Setenv(name, "")
		}
	}
	for _, row := range []struct {
		says string
		args []string
		want int
	}{
		{"the version is always told", []string{"version"}, 0},
		{"an unknown sub-command is a mistake of the command line", []string{"upgrade"}, 2},
		{"sub-commands take no arguments", []string{"run", "now"}, 2},
		{"without configuration nothing runs", nil, 2},
		{"a journal is that of one session", []string{"verify"}, 2},
		{"nor is a journal read", []string{"verify", "u-1"}, 2},
		{"nor does the doctor", []string{"doctor"}, 2},
	} {
		if got := command(t.Context(), row.args); got != row.want {
			t.Errorf("%s: exit code %d, want %d", row.says, got, row.want)
		}
	}
}
