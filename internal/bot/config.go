package bot

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// Config is the whole configuration: environment variables of these names.
// Lists are separated by commas, durations written as in Go (30m, 10s).
type Config struct {
	// MODE says how far the bot may go: observe (no changing call), upgrade (no
	// delete, create or redirect; reverts stay manual) or full.
	Mode string `envconfig:"MODE" default:"upgrade"`
	// ALLOW_SUBSCRIPTIONS are the ids of the subscriptions that may be touched;
	// empty allows all.
	AllowSubscriptions List `envconfig:"ALLOW_SUBSCRIPTIONS"`

	// SLACK_BOT_TOKEN is the bot user's token, xoxb-…. Required.
	SlackBotToken string `envconfig:"SLACK_BOT_TOKEN"`
	// SLACK_APP_TOKEN is the app-level token for Socket Mode, xapp-…. Required.
	SlackAppToken string `envconfig:"SLACK_APP_TOKEN"`
	// SLACK_API_URL is where Slack's Web API is; https unless loopback.
	SlackAPIURL string `envconfig:"SLACK_API_URL" default:"https://slack.com/api/"`
	// SLACK_CHANNEL is the id of the channel for cards, C…. Required. The bot
	// must be in it, and it must not be shared with other workspaces.
	SlackChannel string `envconfig:"SLACK_CHANNEL"`

	// REQUESTER_GROUPS are the ids of user groups, S…, that may ask for
	// upgrades; empty: every full member of the workspace.
	RequesterGroups List `envconfig:"REQUESTER_GROUPS"`
	// APPROVER_GROUPS are the ids of user groups, S…, whose members decide.
	// Required, unless APPROVER_USERS is set.
	ApproverGroups List `envconfig:"APPROVER_GROUPS"`
	// APPROVER_USERS are the ids of people, U…, who decide, beside the groups.
	ApproverUsers List `envconfig:"APPROVER_USERS"`
	// ONCALL_GROUP is the id of the on-call user group, S…: it settles unknown
	// calls, cancels, pauses, and counts as one of the two of a revert.
	OnCallGroup string `envconfig:"ONCALL_GROUP"`
	// APPROVALS_REQUIRED is how many people must approve an upgrade.
	ApprovalsRequired int `envconfig:"APPROVALS_REQUIRED" default:"1"`
	// REVERT_APPROVALS_REQUIRED is how many must approve a revert; never less
	// than two.
	RevertApprovalsRequired int `envconfig:"REVERT_APPROVALS_REQUIRED" default:"2"`

	// REDIS_URL is the bot's own Redis: redis://, rediss:// or unix://,
	// redis+sentinel://host:port,host:port/master, redis+cluster://host:port.
	// Required. It must run with noeviction.
	RedisURL string `envconfig:"REDIS_URL"`
	// REDIS_PREFIX sets several bots on one server apart.
	RedisPrefix string `envconfig:"REDIS_PREFIX" default:"redis-upgrade"`
	// REDIS_STORE_DATABASE_ID is the Redis Cloud id of that server if it is one of
	// the managed databases, which is then never changed by the bot, or none.
	// Needed unless the server is on this machine or its address is a public one
	// that belongs to none of the managed databases; through a tunnel too, if it
	// is one of them.
	RedisStoreDatabaseID string `envconfig:"REDIS_STORE_DATABASE_ID"`

	// REDIS_CLOUD_API_KEY is the account key of the Redis Cloud API. Required.
	RedisCloudAPIKey string `envconfig:"REDIS_CLOUD_API_KEY"`
	// REDIS_CLOUD_SECRET_KEY is the user key of the Redis Cloud API. Required.
	// The user must be an Owner.
	RedisCloudSecretKey string `envconfig:"REDIS_CLOUD_SECRET_KEY"`
	// REDIS_CLOUD_API_URL is where the API is; https unless loopback.
	RedisCloudAPIURL string `envconfig:"REDIS_CLOUD_API_URL" default:"https://api.redislabs.com/v1"`

	// SEAL_KEY seals passwords kept during a revert and signs the journals: at
	// least 32 characters of chance (openssl rand -hex 32). Required.
	SealKey string `envconfig:"SEAL_KEY"`
	// SEAL_KEY_OLD is the previous SEAL_KEY while it is being rotated.
	SealKeyOld string `envconfig:"SEAL_KEY_OLD"`

	// BACKUP_DESTINATIONS are further places, s3://bucket/path, from which
	// backup files may be imported, beside each database's own destination.
	BackupDestinations List `envconfig:"BACKUP_DESTINATIONS"`

	// SOAK is how long an upgraded database is monitored before it is called done.
	Soak time.Duration `envconfig:"SOAK" default:"30m"`
	// RETENTION is how long ended sessions and their journals are kept.
	Retention time.Duration `envconfig:"RETENTION" default:"9600h"`
	// LEASE is how long a claimed session is left to its replica. What a dead
	// replica leaves is taken over when it is over: usually within this and a second,
	// later when Redis is away or no replica has a place free.
	Lease time.Duration `envconfig:"LEASE" default:"10s"`
	// POLL_INTERVAL is between two looks at work in flight.
	PollInterval time.Duration `envconfig:"POLL_INTERVAL" default:"10s"`
	// STATUS_INTERVAL is between two looks at what is only monitored. The inventory
	// is read every five of them.
	StatusInterval time.Duration `envconfig:"STATUS_INTERVAL" default:"60s"`
	// SEND_TIMEOUT is how long after its intent a changing call may still leave.
	SendTimeout time.Duration `envconfig:"SEND_TIMEOUT" default:"15s"`
	// SETTLE_GRACE is how long after that nobody asks what became of it.
	SettleGrace time.Duration `envconfig:"SETTLE_GRACE" default:"30s"`
	// RATE_WINDOW is the minute that the limits of Slack and Redis Cloud count
	// in. Only the sandbox, whose minutes pass faster, changes it.
	RateWindow time.Duration `envconfig:"RATE_WINDOW" default:"1m"`

	// LOG_LEVEL is how much is logged: debug, info, warn or error.
	LogLevel string `envconfig:"LOG_LEVEL" default:"info"`
	// LOG_FORMAT is the form of the log: text or json.
	LogFormat string `envconfig:"LOG_FORMAT" default:"text"`
	// HEALTH_ADDR is where /healthz, /readyz and /metrics are served, host:port; empty: off.
	HealthAddr string `envconfig:"HEALTH_ADDR"`
}

// List is a variable that holds several values, separated by commas.
type List []string

// Set reads a list; it may have spaces and a last comma. It never fails.
func (l *List) Set(text string) error {
	*l = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	return nil
}

// FromEnvironment reads and validates the environment. The error names every
// mistake at once, and never the value of a secret.
//
// envconfig does the reading, but takes an empty value for a wrong one and stops at
// the first mistake. So it reads a tidied environment, again after each mistake,
// whose variable then counts as not set. The environment is restored afterwards:
// nothing else may read it meanwhile.
func FromEnvironment() (Config, error) {
	problems := strangers(os.Environ())
	for _, f := range variables() {
		name := f.Tag.Get("envconfig")
		value, set := os.LookupEnv(name)
		if !set {
			continue
		}
		defer os.Setenv(name, value)
		tidy, err := tidied(f, value)
		if err != nil {
			problems = append(problems, err)
		}
		if os.Setenv(name, tidy); tidy == "" {
			os.Unsetenv(name)
		}
	}
	var c Config
	for {
		wrong, ok := errors.AsType[*envconfig.ParseError](envconfig.Process("", &c))
		if !ok {
			break
		}
		problems = append(problems, mistyped(wrong))
		os.Unsetenv(wrong.KeyName)
	}
	return c, errors.Join(append(problems, c.Validate())...)
}

// tidied is a value without blanks and line breaks around it, as files of secrets
// have them, and without the quotes that it must not stand in.
func tidied(f reflect.StructField, value string) (string, error) {
	name := f.Tag.Get("envconfig")
	if name != "SEAL_KEY" && name != "SEAL_KEY_OLD" { // another key would open nothing
		value = strings.TrimSpace(value)
	}
	if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1], fmt.Errorf("%s: stands in quotes; set it without them", name)
	}
	if f.Type.Kind() == reflect.Int {
		if n, err := strconv.Atoi(value); err == nil {
			value = strconv.Itoa(n) // envconfig takes 010 for 8
		}
	}
	return value, nil
}

func variables() []reflect.StructField { return reflect.VisibleFields(reflect.TypeFor[Config]()) }

// shown is a value as an error may show it: what looks like a token, or is
// long enough to be a key, may stand at the wrong name.
func shown(value string) string {
	token := strings.HasPrefix(value, "xox") || strings.HasPrefix(value, "xapp")
	if token || len(value) > 40 || strings.Contains(value, "@") {
		return fmt.Sprintf("its value (%d characters)", len(value))
	}
	return strconv.Quote(value)
}

func mistyped(wrong *envconfig.ParseError) error {
	kind := "whole number"
	if wrong.TypeName == "time.Duration" {
		kind = "duration (like 30m or 10s)"
	}
	return fmt.Errorf("%s: %s is not a %s", wrong.KeyName, shown(wrong.Value), kind)
}

// Environ is the configuration as NAME=value lines, unquoted, for a process
// that shall do the same. Secrets are in it.
func (c Config) Environ() []string {
	var out []string
	v := reflect.ValueOf(c)
	for _, f := range variables() {
		var text string
		switch value := v.FieldByIndex(f.Index).Interface().(type) {
		case List:
			text = strings.Join(value, ",")
		case int:
			if value != 0 {
				text = strconv.Itoa(value)
			}
		default:
			text = fmt.Sprint(value)
		}
		if text != "" {
			out = append(out, f.Tag.Get("envconfig")+"="+text)
		}
	}
	return out
}

// scope is the subscriptions that may be touched, for people.
func (c Config) scope() string {
	if len(c.AllowSubscriptions) == 0 {
		return "all"
	}
	return strings.Join(c.AllowSubscriptions, ",")
}

// deciders are the ids of all who may approve, for operators.
func (c Config) deciders() string {
	return strings.Join(slices.Concat(c.ApproverGroups, c.ApproverUsers), ",")
}

// Validate reports all mistakes at once; nothing is opened before it agrees.
func (c Config) Validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	required(c, bad)
	switch upgrade.Mode(c.Mode) {
	case upgrade.ModeObserve, upgrade.ModeUpgrade, upgrade.ModeFull:
	default:
		bad("MODE: %s is not one of observe, upgrade, full", shown(c.Mode))
	}
	for _, id := range c.AllowSubscriptions {
		if _, err := strconv.Atoi(id); err != nil {
			bad("ALLOW_SUBSCRIPTIONS: %s is not a subscription id", shown(id))
		}
	}
	if len(c.ApproverGroups) == 0 && len(c.ApproverUsers) == 0 {
		bad("APPROVER_GROUPS or APPROVER_USERS: one is required, or nobody could approve")
	}
	identifiers(c, bad)
	if c.ApprovalsRequired < 1 {
		bad("APPROVALS_REQUIRED: %d is less than 1", c.ApprovalsRequired)
	}
	if c.RevertApprovalsRequired < 2 {
		bad("REVERT_APPROVALS_REQUIRED: %d is less than 2, and a delete always needs two people",
			c.RevertApprovalsRequired)
	}
	secureURL("SLACK_API_URL", c.SlackAPIURL, bad)
	secureURL("REDIS_CLOUD_API_URL", c.RedisCloudAPIURL, bad)
	switch {
	case c.SealKey != "" && len(c.SealKey) < 32:
		bad("SEAL_KEY: shorter than 32 characters (make one with: openssl rand -hex 32)")
	case strings.TrimSpace(c.SealKey) != c.SealKey:
		bad("SEAL_KEY: begins or ends with a blank or a line break; take it away " +
			"(SEAL_KEY_OLD is used as it is, for what was sealed with it)")
	}
	if c.RedisURL != "" {
		if _, err := redisOptions(c.RedisURL); err != nil {
			bad("REDIS_URL: %w", err)
		}
	}
	if own := c.RedisStoreDatabaseID; own != "" && own != noStoreDatabase {
		if id, err := strconv.Atoi(own); err != nil || id <= 0 {
			bad("REDIS_STORE_DATABASE_ID: %s is neither the id of a database nor none", shown(own))
		}
	}
	destinations(c, bad)
	durations(c, bad)
	logging(c, bad)
	return errors.Join(problems...)
}

func required(c Config, bad func(string, ...any)) {
	for _, v := range []struct{ name, value, prefix string }{
		{"SLACK_BOT_TOKEN", c.SlackBotToken, "xoxb-"}, {"SLACK_APP_TOKEN", c.SlackAppToken, "xapp-"},
		{"SLACK_CHANNEL", c.SlackChannel, ""}, {"REDIS_URL", c.RedisURL, ""}, {"SEAL_KEY", c.SealKey, ""},
		{"REDIS_CLOUD_API_KEY", c.RedisCloudAPIKey, ""}, {"REDIS_CLOUD_SECRET_KEY", c.RedisCloudSecretKey, ""},
	} {
		switch {
		case v.value == "":
			bad("%s: required", v.name)
		case !strings.HasPrefix(v.value, v.prefix):
			bad("%s: does not begin with %s; is it the other token?", v.name, v.prefix)
		case v.name != "SEAL_KEY" && strings.ContainsFunc(v.value, unprintable):
			bad("%s: contains a blank, a line break or another character that is never in it", v.name)
		}
	}
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

func identifiers(c Config, bad func(string, ...any)) {
	check := func(name, prefix string, ids ...string) {
		for _, id := range ids {
			if id != "" && !strings.HasPrefix(id, prefix) {
				bad("%s: %s is not an id beginning with %s", name, shown(id), prefix)
			}
		}
	}
	check("REQUESTER_GROUPS", "S", c.RequesterGroups...)
	check("APPROVER_GROUPS", "S", c.ApproverGroups...)
	check("ONCALL_GROUP", "S", c.OnCallGroup)
	for _, id := range c.ApproverUsers {
		if !strings.HasPrefix(id, "U") && !strings.HasPrefix(id, "W") {
			bad("APPROVER_USERS: %s is not a user id beginning with U", shown(id))
		}
	}
	if ch := c.SlackChannel; ch != "" && !strings.HasPrefix(ch, "C") && !strings.HasPrefix(ch, "G") {
		bad("SLACK_CHANNEL: %s is not a channel id (C…); direct messages do not work", shown(ch))
	}
}

func secureURL(name, raw string, bad func(string, ...any)) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		bad("%s: %s is not an address", name, shown(raw))
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	default:
		bad("%s: must be https, unless it is on this machine", name)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func destinations(c Config, bad func(string, ...any)) {
	for _, d := range c.BackupDestinations {
		if safe := cloud.RedactURI(d); safe != d {
			bad("BACKUP_DESTINATIONS: %s carries credentials, which would be lost on the way; "+
				"give the folder without them", shown(safe))
		} else if cloud.SourceTypeOf(d) == "" {
			bad("BACKUP_DESTINATIONS: %s is not the address of a folder, such as s3://bucket/folder", shown(d))
		}
	}
}

func durations(c Config, bad func(string, ...any)) {
	v := reflect.ValueOf(c)
	for _, f := range variables() {
		if d, ok := v.FieldByIndex(f.Index).Interface().(time.Duration); ok && d <= 0 {
			bad("%s: must be more than zero", f.Tag.Get("envconfig"))
		}
	}
	if c.Lease > 0 && c.Lease < 300*time.Millisecond {
		bad("LEASE: less than 300ms cannot be kept up")
	}
}

func logging(c Config, bad func(string, ...any)) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		bad("LOG_LEVEL: %s is not one of debug, info, warn, error", shown(c.LogLevel))
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		bad("LOG_FORMAT: %s is not text or json", shown(c.LogFormat))
	}
	if c.HealthAddr != "" {
		if _, _, err := net.SplitHostPort(c.HealthAddr); err != nil {
			bad("HEALTH_ADDR: %s is not host:port", shown(c.HealthAddr))
		}
	}
}
