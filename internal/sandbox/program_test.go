package sandbox

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCommandLine(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "fleet.json")
	if err := os.WriteFile(bad, []byte(`{"subscriptions":[{"name":"x","colour":"red"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		says string
		args []string
		code int
		want string
	}{
		{"help is no failure", []string{"-h"}, 0, "open http://127.0.0.1:8080"},
		{"an unknown flag is named", []string{"-sped", "3"}, 2, "-sped"},
		{"there are no arguments", []string{"now"}, 2, `what is "now"?`},
		{"all addresses are too many", []string{"-listen", "0.0.0.0:8080"}, 2, "on this machine only"},
		{"no host is all addresses", []string{"-listen", ":8080"}, 2, "on this machine only"},
		{"an address needs a port", []string{"-listen", "localhost"}, 2, "not host:port"},
		{"time cannot stand still", []string{"-speed", "0"}, 2, "must be more than 0"},
		{"a fleet of a billion is refused", []string{"-databases", "1000000000"}, 2, "between 0 and 100000"},
		{"a missing fleet is named", []string{"-fleet", "/nowhere/f.json"}, 2, "/nowhere/f.json"},
		{"a wrong fleet says what is wrong", []string{"-fleet", bad}, 2, "colour"},
	} {
		t.Run(row.says, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := Program(t.Context(), row.args, &out, &errs); code != row.code {
				t.Errorf("exit code %d, want %d", code, row.code)
			}
			if !strings.Contains(errs.String(), row.want) {
				t.Errorf("it says\n%s\nwant %q in it", &errs, row.want)
			}
			if row.code == 2 && (strings.Count(errs.String(), "\n") != 2 || !strings.HasSuffix(errs.String(), "(-h shows all flags)\n")) {
				t.Errorf("it says\n%s\nwant one line on what is wrong and one on -h", &errs)
			}
			if out.Len() > 0 {
				t.Errorf("on stdout: %s", &out)
			}
		})
	}
}

func TestFlagsReachTheConfiguration(t *testing.T) {
	c, err := Parse([]string{"-listen", "localhost:0", "-redis", "redis://h:1", "-bot=false", "-databases", "7", "-speed", "2.5", "-seed", "9", "-v"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "localhost:0" || c.Redis != "redis://h:1" || !c.NoBot || c.Databases != 7 || c.Speed != 2.5 || c.Seed != 9 || !c.Verbose {
		t.Errorf("got %+v", c)
	}
	if c, err = Parse(nil, os.Stderr); err != nil || c.Listen != DefaultListen || c.NoBot || c.Speed != DefaultSpeed {
		t.Errorf("without flags: %+v, %v", c, err)
	}
}

func TestAPortInUseIsExplained(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var out, errs bytes.Buffer
	if code := Program(t.Context(), []string{"-bot=false", "-listen", taken.Addr().String()}, &out, &errs); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{"in use", "-listen 127.0.0.1:<port>"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("it says %q, want %q in it", &errs, want)
		}
	}
}

func TestWithoutABotOnlyTheEnvironmentIsPrinted(t *testing.T) {
	t.Setenv("SLACK_BOT_TOKEN", "xoxb-real-and-secret")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // ends as soon as it has begun
	var out, errs bytes.Buffer
	if code := Program(ctx, []string{"-bot=false", "-listen", "127.0.0.1:0"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	got := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		name, value, ok := strings.Cut(line, "=")
		if !ok || name != strings.ToUpper(name) || strings.ContainsAny(value, `"'`) {
			t.Errorf("not NAME=value, unquoted: %q", line)
		}
		got[name] = value
	}
	for name, want := range map[string]string{
		"MODE": "full", "SLACK_BOT_TOKEN": "xoxb-sandbox", "SLACK_APP_TOKEN": "xapp-sandbox", "SLACK_CHANNEL": "C0REDISOPS",
		"APPROVER_GROUPS": "S0DBA", "ONCALL_GROUP": "S0ONCALL", "REDIS_CLOUD_API_KEY": "sandbox-account-key",
		"REDIS_CLOUD_SECRET_KEY": "sandbox-secret-key", "SEND_TIMEOUT": "5s", "LEASE": "10s", "STATUS_INTERVAL": "2s", "SOAK": "1m0s",
	} {
		if got[name] != want {
			t.Errorf("%s=%s, want %s", name, got[name], want)
		}
	}
	for _, name := range []string{"SLACK_API_URL", "REDIS_CLOUD_API_URL"} {
		if !strings.HasPrefix(got[name], "http://127.0.0.1:") || strings.Contains(got[name], ":0/") {
			t.Errorf("%s=%s", name, got[name])
		}
	}
	if !strings.HasPrefix(got["REDIS_URL"], "redis://127.0.0.1:") {
		t.Errorf("REDIS_URL=%s", got["REDIS_URL"])
	}
}

// TestIntervalsFollowTheSpeed also shows the floors.
func TestIntervalsFollowTheSpeed(t *testing.T) {
	for _, row := range []struct {
		speed                     float64
		poll, status, soak, grace time.Duration
	}{
		{1, 10 * time.Second, time.Minute, 30 * time.Minute, 30 * time.Second},
		{30, 333 * time.Millisecond, 2 * time.Second, time.Minute, time.Second},
		{600, 20 * time.Millisecond, 200 * time.Millisecond, 3 * time.Second, time.Second},
		{1e6, 20 * time.Millisecond, 200 * time.Millisecond, time.Second, time.Second},
	} {
		b := botConfig(Config{Speed: row.speed}, "http://127.0.0.1:1", "redis://127.0.0.1:2")
		if b.PollInterval != row.poll || b.StatusInterval != row.status || b.Soak != row.soak || b.SettleGrace != row.grace {
			t.Errorf("speed %g: poll %s, status %s, soak %s, grace %s", row.speed, b.PollInterval, b.StatusInterval, b.Soak, b.SettleGrace)
		}
		if err := b.Validate(); err != nil {
			t.Errorf("speed %g: %v", row.speed, err)
		}
	}
}
