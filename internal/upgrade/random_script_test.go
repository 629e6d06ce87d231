package upgrade

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// deed is one line of a script: what somebody or something does, and when
// (virtual time since the beginning). The first word is a verb of random_test.go.
type deed struct {
	at    time.Duration
	words []string
}

func (d deed) String() string { return d.at.String() + " " + strings.Join(d.words, " ") }

// script is a whole life as text: what a failing run prints and what lies in
// testdata/scripts.
type script []deed

func (s script) String() string {
	var b strings.Builder
	for _, d := range s {
		fmt.Fprintln(&b, d)
	}
	return b.String()
}

// parseScript reads a script. Lines that begin with # are remarks.
func parseScript(text string) (script, error) {
	var out script
	for n, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		at, err := time.ParseDuration(fields[0])
		if err != nil || len(fields) < 2 {
			return nil, fmt.Errorf("line %d: want a time and a verb: %q (%v)", n+1, line, err)
		}
		if _, known := verbs[fields[1]]; !known {
			return nil, fmt.Errorf("line %d: no verb %q", n+1, fields[1])
		}
		out = append(out, deed{at, fields[1:]})
	}
	return out, nil
}

// dish is a kind of deed and how often it is drawn. Of each word in braces
// one alternative is drawn.
type dish struct {
	weight int
	text   string
}

const (
	anyDB   = " {cache|cache|orders|search}"
	anybody = " {ann|bob|carol|dan|dora|eve|guest}"
	clicked = " {once|once|once|twice|stale}"
	process = " {A|B}"
	soon    = " {0|1|2|3|5|8|13|21|40}"
)

// menu is everything that can happen in a random life.
var menu = []dish{
	{8, "propose" + anyDB + " {7.4|7.4|8.2|8.6} {ann|ann|bob|guest}" + clicked},
	{18, "approve" + anyDB + " {bob|carol|dan}" + clicked},
	{4, "approve" + anyDB + anybody + clicked},
	{2, "deny" + anyDB + anybody + clicked},
	{2, "cancel" + anyDB + anybody + clicked},
	{2, "recheck" + anyDB + anybody + clicked},
	{4, "settle" + anyDB + anybody + clicked},
	{8, "revert" + anyDB + " {ann|bob|guest}" + clicked},
	{1, "pause" + anybody},
	{2, "resume {dan|dora}"},
	{3, "kill" + process},
	{8, "trouble" + process + soon + " {failed|lost|gone|frozen}"},
	{2, "away" + process + " {10s|2m}"},
	{6, "cut" + soon + " {failed|lost|gone}"},
	{3, "mute" + soon + " {failed|lost|gone}"},
	{3, "room {method_error|rate_limited|http_500|drop_request|drop_answer|slow} {1|2|5}"},
	{1, "down {30m|3h|11h}"},
	{3, "clock" + process + " {0s|0s|5s|-5s|2m|-2m|20m|-20m|3h|-3h}"},
	{8, "fault {rate_limit|rate_limit_no_header|error_500|error_500_after_accept|error_503|timeout_408|conflict_409|slow|slow_accept|drop_after_accept|drop_before_accept} {1|2|5} {POST|PUT|DELETE|GET|*}"},
	{4, "fault {task_404|task_stuck|task_error|string_error|unknown_status|old_links|no_password|subscription_busy|maintenance|upgrade_status_404} {1|2|5} *"},
	{4, "fault {upgrade_failed|upgrade_recovery_pending|backup_no_permission|backup_wrong_file_path|backup_general_error|import_download_error|import_file_corrupted|create_failed|port_taken|version_gone|auto_minor} {1|2} *"},
	{1, "fault {html_401|forbidden_403|precondition_412} 1 {POST|GET|*}"},
	{3, "console" + anyDB + " {delete|version|backup-off|backup-moved|door|password|backup-now}"},
	{1, "spoil" + anyDB + " {delete|corrupt}"},
	{1, "dismiss {bob|carol|dan}"},
	{1, "hire {bob|carol|dan}"},
	{1, "slack {away|back}"},
	{1, "room {channel_archived|token_revoked} -1"},
	{2, "console" + anyDB + " {rename|rename|open|open|twin}"},
	{2, "console {cache-old|orders-old|search-old} rename-back"},
	{2, "opposite" + anyDB + " {cancel|deny|approve} {approve|approve|cancel|deny}"},
	{1, "config" + process + " {two|observe|same}"},
	{1, "forge" + anyDB + " {version|vote|state|entry|lock}"},
	{1, "trouble" + process + soon + " forgotten"},
	{1, "copy"},
	{1, "put-back"},
}

// gaps lie between two deeds; the long ones are hours in which nobody does
// anything.
var gaps = []time.Duration{0, 0, 5 * time.Second, 20 * time.Second, 20 * time.Second, time.Minute, time.Minute,
	3 * time.Minute, 3 * time.Minute, 10 * time.Minute, 10 * time.Minute, 30 * time.Minute, 3 * time.Hour}

// preludes let a random life begin where it gets interesting.
var preludes = []string{
	"",
	"0s propose cache 7.4 ann once\n20s approve cache bob once",
	"0s propose cache 7.4 ann once\n20s approve cache bob once\n20m0s revert cache ann once",
	"0s propose cache 7.4 ann once\n20s approve cache bob once\n20m0s revert cache ann once\n40m0s approve cache bob once\n40m5s approve cache dan once",
}

// drawScript draws a life.
func drawScript(t *rapid.T) script {
	out, err := parseScript(one(t, preludes))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Duration(0)
	if len(out) > 0 {
		at = out[len(out)-1].at
	}
	var texts []string
	for _, d := range menu {
		for range d.weight {
			texts = append(texts, d.text)
		}
	}
	for _, d := range rapid.SliceOfN(rapid.Custom(func(t *rapid.T) deed {
		return deed{one(t, gaps), drawWords(t, one(t, texts))}
	}), 6, 60).Draw(t, "deeds") {
		at += d.at
		out = append(out, deed{at, d.words})
	}
	return out
}

// one draws an element, all alike: rapid's own samples prefer the first.
func one[T any](t *rapid.T, of []T) T {
	n := 0
	for range 10 {
		n *= 2
		if rapid.Bool().Draw(t, "bit") {
			n++
		}
	}
	return of[n*len(of)>>10]
}

func drawWords(t *rapid.T, text string) []string {
	words := strings.Fields(text)
	for i, w := range words {
		if strings.HasPrefix(w, "{") {
			words[i] = one(t, strings.Split(strings.Trim(w, "{}"), "|"))
		}
	}
	return words
}

func TestAScriptIsReadAsItIsPrinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawScript(t).String()
		got, err := parseScript("# a remark\n\n" + want)
		if err != nil || got.String() != want {
			t.Fatalf("%v\n%s\n%s", err, got, want)
		}
	})
	for _, bad := range []string{"propose cache", "5s", "5s fly cache"} {
		if _, err := parseScript(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
