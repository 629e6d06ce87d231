package bot

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// environment sets exactly these variables of ours.
func environment(t *testing.T, lines ...string) {
	t.Helper()
	for _, f := range variables() {
		name := f.Tag.Get("envconfig")
		t.Setenv(name, "") // so that it comes back
		os.Unsetenv(name)
	}
	for _, line := range os.Environ() { // of the shell
		name, _, _ := strings.Cut(line, "=")
		if stranger(name) != "" {
			t.Setenv(name, "")
		}
	}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, "=")
		t.Setenv(name, value)
	}
}

// good is the least that starts a bot.
var good = []string{
	"SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1", "SLACK_CHANNEL=C0REDISOPS", "APPROVER_GROUPS=S0DBA", "REDIS_URL=redis://localhost:6379",
	"REDIS_CLOUD_API_KEY=account", "REDIS_CLOUD_SECRET_KEY=user", "SEAL_KEY=0123456789abcdef0123456789abcdef",
}

func TestTheLeastConfigurationStarts(t *testing.T) {
	environment(t, good...)
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if c.Mode != "upgrade" || c.Soak.String() != "30m0s" || c.RevertApprovalsRequired != 2 || c.SlackAPIURL != "https://slack.com/api/" {
		t.Errorf("defaults are not what the comments say: %+v", c)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	for _, row := range []struct {
		sentence, set string // set replaces or adds one variable
		want          string
	}{
		{"a mode is one of three", "MODE=yolo", `MODE: "yolo" is not one of observe, upgrade, full`},
		{"a backup destination that is no address", "BACKUP_DESTINATIONS=s3://acme/backups,nonsense", `BACKUP_DESTINATIONS: "nonsense" is not the address of a folder`},
		{"a destination with credentials", "BACKUP_DESTINATIONS=ftp://user:s3cr3t@host/folder", "BACKUP_DESTINATIONS: its value (26 characters) carries credentials"},
		{"a token in quotes", `SLACK_APP_TOKEN="xapp-1"`, "SLACK_APP_TOKEN: stands in quotes"},
		{"a mode in quotes", "MODE='full'", "MODE: stands in quotes"},
		{"a number in quotes", `APPROVALS_REQUIRED="2"`, "APPROVALS_REQUIRED: stands in quotes"},
		{"a token with half its quotes", `SLACK_APP_TOKEN="xapp-1`, "SLACK_APP_TOKEN: does not begin with xapp-"},
		{"a key with a line break inside", "REDIS_CLOUD_API_KEY=acc\nount", "REDIS_CLOUD_API_KEY: contains a blank"},
		{"a seal key with a line break behind it", "SEAL_KEY=0123456789abcdef0123456789abcdef\n", "SEAL_KEY: begins or ends with a blank"},
		{"one letter short", "ALLOW_SUBSCRIPTION=1", "ALLOW_SUBSCRIPTION: unknown; did you mean ALLOW_SUBSCRIPTIONS?"},
		{"MODE by another name", "MOED=observe", "MOED: unknown; did you mean MODE?"},
		{"MODE in small letters", "mode=observe", "mode: unknown; did you mean MODE?"},
		{"a letter too many", "SOAKK=1h", "SOAKK: unknown; did you mean SOAK?"},
		{"a variable of ours that there never was", "SLACK_WEBHOOK=https://x", "SLACK_WEBHOOK: unknown"},
		{"a missing token", "SLACK_BOT_TOKEN=", "SLACK_BOT_TOKEN: required"},
		{"the two tokens mixed up", "SLACK_APP_TOKEN=xoxb-1", "SLACK_APP_TOKEN: does not begin with xapp-"},
		{"a channel by its name", "SLACK_CHANNEL=#redis-ops", `SLACK_CHANNEL: "#redis-ops" is not a channel id`},
		{"a direct message", "SLACK_CHANNEL=D0ANN", `SLACK_CHANNEL: "D0ANN" is not a channel id (C…); direct messages do not work`},
		{"nobody to approve", "APPROVER_GROUPS=", "APPROVER_GROUPS or APPROVER_USERS: one is required"},
		{"a group by its handle", "APPROVER_GROUPS=@dba", "APPROVER_GROUPS: its value (4 characters) is not an id beginning with S"},
		{"a person among the groups", "ONCALL_GROUP=U0DAN", `ONCALL_GROUP: "U0DAN" is not an id beginning with S`},
		{"a group among the people", "APPROVER_USERS=S0DBA", `APPROVER_USERS: "S0DBA" is not a user id`},
		{"a quorum of nobody", "APPROVALS_REQUIRED=0", "APPROVALS_REQUIRED: 0 is less than 1"},
		{"a delete by one person", "REVERT_APPROVALS_REQUIRED=1", "REVERT_APPROVALS_REQUIRED: 1 is less than 2"},
		{"a number in words", "APPROVALS_REQUIRED=two", `APPROVALS_REQUIRED: "two" is not a whole number`},
		{"a duration without a unit", "SOAK=30", `SOAK: "30" is not a duration (like 30m or 10s)`},
		{"no time at all", "SEND_TIMEOUT=0s", "SEND_TIMEOUT: must be more than zero"},
		{"a lease that nobody could renew", "LEASE=10ms", "LEASE: less than 300ms"},
		{"a subscription by name", "ALLOW_SUBSCRIPTIONS=prod", `ALLOW_SUBSCRIPTIONS: "prod" is not a subscription id`},
		{"Slack without TLS", "SLACK_API_URL=http://slack.com/api/", "SLACK_API_URL: must be https"},
		{"no address", "REDIS_CLOUD_API_URL=api.redislabs.com", "REDIS_CLOUD_API_URL: \"api.redislabs.com\" is not an address"},
		{"a short seal key", "SEAL_KEY=short", "SEAL_KEY: shorter than 32 characters"},
		{"no Redis", "REDIS_URL=http://localhost", "REDIS_URL: not a Redis address"},
		{"a store by its name", "REDIS_STORE_DATABASE_ID=cache", `REDIS_STORE_DATABASE_ID: "cache" is neither the id of a database nor none`},
		{"a log level", "LOG_LEVEL=loud", `LOG_LEVEL: "loud" is not one of`},
		{"a log format", "LOG_FORMAT=xml", `LOG_FORMAT: "xml" is not text or json`},
		{"a port alone is no address", "HEALTH_ADDR=8081", `HEALTH_ADDR: "8081" is not host:port`},
	} {
		environment(t, append(append([]string{}, good...), row.set)...)
		_, err := FromEnvironment()
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", row.sentence, err, row.want)
		} else if n := strings.Count(err.Error(), "\n"); n > 0 {
			t.Errorf("%s: more than this was found wrong: %v", row.sentence, err)
		}
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	environment(t, "MODE=yolo", "SLACK_APP_TOKEN=xoxb-1", "SOAK=thirty", "LEASE=soon", "APPROVALS_REQUIRED=two", "REVERT_APPROVALS_REQUIRED=1", "LOG_LEVEL=loud", "SEAL_KEY=short", "REDIS_URL=nothing")
	_, err := FromEnvironment()
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, name := range []string{"MODE", "SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "SLACK_CHANNEL", "APPROVER_GROUPS", "SOAK", "LEASE", "APPROVALS_REQUIRED", "REVERT_APPROVALS_REQUIRED",
		"LOG_LEVEL", "SEAL_KEY", "REDIS_URL", "REDIS_CLOUD_API_KEY", "REDIS_CLOUD_SECRET_KEY"} {
		if n := strings.Count("\n"+err.Error(), "\n"+name); n != 1 {
			t.Errorf("%s is told %d times in\n%v", name, n, err)
		}
	}
}

func TestErrorsShowNoSecret(t *testing.T) {
	const secret = "s3cr3t"
	for _, lines := range [][]string{
		{"SLACK_BOT_TOKEN=" + secret}, {"SLACK_APP_TOKEN=" + secret}, {"SEAL_KEY=" + secret},
		{"SLACK_CHANNEL=xoxb-" + secret}, {"APPROVER_GROUPS=xapp-1-" + secret}, {"MODE=xoxb-" + secret}, {"LOG_LEVEL=xoxb-" + secret},
		{"ALLOW_SUBSCRIPTIONS=" + strings.Repeat(secret, 9)}, {"SOAK=" + strings.Repeat(secret, 9)},
		{"SLACK_API_URL=://user:" + secret + "@host"}, {"REDIS_CLOUD_API_URL=http://user:" + secret + "@host/v1"},
		{"REDIS_URL=redis://user:" + secret + "/x@host:6379"}, {"REDIS_URL=redis://user:12/" + secret + "@host:6379"}, {"REDIS_URL=redis://:" + secret + "%@host"},
		{"REDIS_URL=redis+cluster://user:" + secret + "#host:1"}, {"REDIS_URL=" + secret + "://host"}, {"REDIS_URL=redis+sentinel://:" + secret + "@h:1,h2/m"},
		{"REDIS_URL=redis://host:6379?nonsense=" + secret}, {"REDIS_URL=" + secret + "+" + secret + "://host"},
	} {
		environment(t, append(append([]string{}, good...), lines...)...)
		_, err := FromEnvironment()
		if err == nil {
			t.Errorf("%s was taken", lines)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s is shown: %v", lines, err)
		}
	}
}

func TestAnEmptyVariableCountsAsNotSet(t *testing.T) {
	environment(t, append(append([]string{}, good...), "SOAK=", "MODE=", "APPROVALS_REQUIRED=", "REQUESTER_GROUPS=", "LOG_LEVEL=")...)
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if c.Mode != "upgrade" || c.Soak == 0 || c.ApprovalsRequired != 1 || len(c.RequesterGroups) != 0 {
		t.Errorf("got %+v", c)
	}
}

// What others set beside the bot is not taken for ours.
func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	environment(t, append(append([]string{}, good...), "NODE=/usr/bin/node", "CODE=1", "RELEASE=7", "LOG_DIR=/var/log", "HOME=/root", "SLACK_WEBHOOK=",
		"REDIS_SERVICE_HOST=10.0.0.1", "REDIS_SERVICE_PORT=6379", "REDIS_SERVICE_PORT_REDIS=6379", "REDIS_PORT=tcp://10.0.0.1:6379", "REDIS_PORT_6379_TCP_ADDR=10.0.0.1", "REDIS_PORT_6379_TCP=tcp://10.0.0.1:6379")...)
	if _, err := FromEnvironment(); err != nil {
		t.Error(err)
	}
}

// Files of secrets end with a line break.
func TestBlanksAroundAValueDoNotCount(t *testing.T) {
	environment(t, append(append([]string{}, good...), "SLACK_BOT_TOKEN=xoxb-1\n", "SLACK_APP_TOKEN= xapp-1", "REDIS_CLOUD_API_KEY=account\r\n", "MODE=full\n", "SOAK= 5m\n",
		"SEAL_KEY_OLD=fedcba9876543210fedcba9876543210\n")...)
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if c.SlackBotToken != "xoxb-1" || c.SlackAppToken != "xapp-1" || c.RedisCloudAPIKey != "account" || c.Mode != "full" || c.Soak.String() != "5m0s" {
		t.Errorf("got %q", c.Environ())
	}
	if !strings.HasSuffix(c.SealKeyOld, "\n") {
		t.Error("what was sealed with the old key would not open with another one")
	}
}

// Reading tells the same mistakes again, and numbers are decimal.
func TestReadingLeavesTheEnvironmentAsItWas(t *testing.T) {
	lines := append(slices.Clone(good), "SOAK=thirty", "MODE= full ", "SLACK_CHANNEL= C0 ", "LEASE=", "APPROVALS_REQUIRED=010")
	environment(t, lines...)
	before := slices.Sorted(slices.Values(os.Environ()))
	c, first := FromEnvironment()
	_, second := FromEnvironment()
	if first == nil || second == nil || first.Error() != second.Error() {
		t.Errorf("first %v, then %v", first, second)
	}
	if diff := cmp.Diff(before, slices.Sorted(slices.Values(os.Environ()))); diff != "" {
		t.Error(diff)
	}
	if c.ApprovalsRequired != 10 {
		t.Errorf("%d approvals are required, want 10", c.ApprovalsRequired)
	}
}

func TestListsMayHaveSpacesAndALastComma(t *testing.T) {
	environment(t, append(append([]string{}, good...), "APPROVER_GROUPS=S1, S2,", "ALLOW_SUBSCRIPTIONS= 7 , 8")...)
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(List{"S1", "S2"}, c.ApproverGroups); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{7, 8}, c.allowed()); diff != "" {
		t.Error(diff)
	}
}

// What one process prints another one reads: the sandbox hands its
// configuration over this way.
func TestAConfigurationSurvivesItsEnvironment(t *testing.T) {
	environment(t, append(append([]string{}, good...), "MODE=full", "APPROVER_USERS=U1,U2", "ONCALL_GROUP=S0ONCALL", "SOAK=1m30s", "REDIS_STORE_DATABASE_ID=77",
		"BACKUP_DESTINATIONS=s3://a/b,s3://c", "HEALTH_ADDR=127.0.0.1:0", "SEAL_KEY_OLD=fedcba9876543210fedcba9876543210", "RATE_WINDOW=500ms")...)
	want, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	environment(t, want.Environ()...)
	got, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the environment lost something (-want +got):\n%s", diff)
	}
}
