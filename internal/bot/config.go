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
	AllowSubscriptions []string `envconfig:"ALLOW_SUBSCRIPTIONS"`

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
	RequesterGroups []string `envconfig:"REQUESTER_GROUPS"`
	// APPROVER_GROUPS are the ids of user groups, S…, whose members decide.
	// Required, unless APPROVER_USERS is set.
	ApproverGroups []string `envconfig:"APPROVER_GROUPS"`
	// APPROVER_USERS are the ids of people, U…, who decide, beside the groups.
	ApproverUsers []string `envconfig:"APPROVER_USERS"`
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
	BackupDestinations []string `envconfig:"BACKUP_DESTINATIONS"`

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

// FromEnvironment reads and validates the environment. The error names every
// mistake at once, and never the value of a secret.
func FromEnvironment() (Config, error) {
	var c Config
	// envconfig stops at the first value of a wrong type, and takes an empty one
	// for wrong; so every variable is looked at once more.
	_ = envconfig.Process("", &c) // its mistake is among those of mistyped
	c.readAround()
	return c, errors.Join(slices.Concat(strangers(os.Environ()), mistyped(), []error{c.Validate()})...)
}

// valueOf is a variable without blanks and line breaks around it, as files of
// secrets have them. What seals is taken as it is: another key would open nothing.
func valueOf(name string) string {
	value := os.Getenv(name)
	if name == "SEAL_KEY" || name == "SEAL_KEY_OLD" {
		return value
	}
	return strings.TrimSpace(value)
}

// mistyped are the complaints about values that are no number or duration, or
// stand in quotes.
func mistyped() []error {
	var problems []error
	for _, f := range variables() {
		name := f.Tag.Get("envconfig")
		value := valueOf(name)
		if value == "" {
			continue
		}
		if first := value[0]; len(value) > 1 && (first == '"' || first == '\'') && value[len(value)-1] == first {
			problems = append(problems, fmt.Errorf("%s: stands in quotes; set it without them", name))
			continue
		}
		if _, err := parse(f.Type, value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %s is not a %s", name, shown(value), kindWord(f.Type)))
		}
	}
	return problems
}

// readAround reads what can be read; a value that is empty or of a wrong type
// counts as its default.
func (c *Config) readAround() {
	v := reflect.ValueOf(c).Elem()
	for _, f := range variables() {
		for _, text := range []string{valueOf(f.Tag.Get("envconfig")), f.Tag.Get("default")} {
			if value, err := parse(f.Type, text); err == nil && text != "" {
				v.FieldByIndex(f.Index).Set(value)
				break
			}
		}
	}
}

// parse reads a variable; lists may have spaces and a last comma.
func parse(t reflect.Type, text string) (reflect.Value, error) {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		return reflect.ValueOf(d), err
	case t.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		return reflect.ValueOf(n), err
	case t == reflect.TypeFor[[]string]():
		list := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
		return reflect.ValueOf(list), nil
	}
	return reflect.ValueOf(text), nil
}

func variables() []reflect.StructField { return reflect.VisibleFields(reflect.TypeFor[Config]()) }

// shown is a value as an error may show it: what looks like a token, or is
// long enough to be a key, may stand at the wrong name.
func shown(value string) string {
	if len(value) > 40 || strings.HasPrefix(value, "xox") || strings.HasPrefix(value, "xapp") || strings.Contains(value, "@") {
		return fmt.Sprintf("its value (%d characters)", len(value))
	}
	return strconv.Quote(value)
}

func kindWord(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "duration (like 30m or 10s)"
	}
	return "whole number"
}

// Environ is the configuration as NAME=value lines, unquoted, for a process
// that shall do the same. Secrets are in it.
func (c Config) Environ() []string {
	var out []string
	v := reflect.ValueOf(c)
	for i, f := range reflect.VisibleFields(v.Type()) {
		var text string
		switch value := v.Field(i).Interface().(type) {
		case []string:
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
	if !slices.Contains([]upgrade.Mode{upgrade.ModeObserve, upgrade.ModeUpgrade, upgrade.ModeFull}, upgrade.Mode(c.Mode)) {
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
		bad("REVERT_APPROVALS_REQUIRED: %d is less than 2, and a delete always needs two people", c.RevertApprovalsRequired)
	}
	secureURL("SLACK_API_URL", c.SlackAPIURL, bad)
	secureURL("REDIS_CLOUD_API_URL", c.RedisCloudAPIURL, bad)
	switch {
	case c.SealKey != "" && len(c.SealKey) < 32:
		bad("SEAL_KEY: shorter than 32 characters (make one with: openssl rand -hex 32)")
	case strings.TrimSpace(c.SealKey) != c.SealKey:
		bad("SEAL_KEY: begins or ends with a blank or a line break; take it away (SEAL_KEY_OLD is used as it is, for what was sealed with it)")
	}
	if c.RedisURL != "" {
		if _, err := redisOptions(c.RedisURL); err != nil {
			bad("REDIS_URL: %w", err)
		}
	}
	if id, err := strconv.Atoi(c.RedisStoreDatabaseID); c.RedisStoreDatabaseID != "" && c.RedisStoreDatabaseID != noStoreDatabase && (err != nil || id <= 0) {
		bad("REDIS_STORE_DATABASE_ID: %s is neither the id of a database nor none", shown(c.RedisStoreDatabaseID))
	}
	destinations(c, bad)
	durations(c, bad)
	logging(c, bad)
	return errors.Join(problems...)
}

func required(c Config, bad func(string, ...any)) {
	for _, v := range []struct{ name, value, prefix string }{
		{"SLACK_BOT_TOKEN", c.SlackBotToken, "xoxb-"}, {"SLACK_APP_TOKEN", c.SlackAppToken, "xapp-"}, {"SLACK_CHANNEL", c.SlackChannel, ""},
		{"REDIS_URL", c.RedisURL, ""}, {"REDIS_CLOUD_API_KEY", c.RedisCloudAPIKey, ""}, {"REDIS_CLOUD_SECRET_KEY", c.RedisCloudSecretKey, ""}, {"SEAL_KEY", c.SealKey, ""},
	} {
		switch {
		case v.value == "":
			bad("%s: required", v.name)
		case !strings.HasPrefix(unquoted(v.value), v.prefix):
			bad("%s: does not begin with %s; is it the other token?", v.name, v.prefix)
		case v.name != "SEAL_KEY" && strings.ContainsFunc(v.value, func(r rune) bool { return r <= ' ' || r > '~' }):
			bad("%s: contains a blank, a line break or another character that is never in it", v.name)
		}
	}
}

// unquoted is a value without quotes around it, which mistyped complains about.
func unquoted(value string) string { return strings.Trim(value, `"'`) }

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
		if cloud.RedactURI(d) != d {
			bad("BACKUP_DESTINATIONS: %s carries credentials, which would be lost on the way; give the folder without them", shown(cloud.RedactURI(d)))
		} else if cloud.SourceTypeOf(d) == "" {
			bad("BACKUP_DESTINATIONS: %s is not the address of a folder, such as s3://bucket/folder", shown(cloud.RedactURI(d)))
		}
	}
}

func durations(c Config, bad func(string, ...any)) {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"SOAK", c.Soak}, {"RETENTION", c.Retention}, {"LEASE", c.Lease}, {"POLL_INTERVAL", c.PollInterval},
		{"STATUS_INTERVAL", c.StatusInterval}, {"SEND_TIMEOUT", c.SendTimeout}, {"SETTLE_GRACE", c.SettleGrace}, {"RATE_WINDOW", c.RateWindow}} {
		if d.value <= 0 {
			bad("%s: must be more than zero", d.name)
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
