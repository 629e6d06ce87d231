package sandbox

import (
	"time"

	"github.com/redis-upgrade/bot/internal/bot"
)

// The identities and keys that the emulators accept.
const (
	botToken    = "xoxb-sandbox"
	appToken    = "xapp-sandbox"
	cloudKey    = "sandbox-account-key"
	cloudSecret = "sandbox-secret-key"
	channel     = "C0REDISOPS"
	approvers   = "S0DBA"
	onCall      = "S0ONCALL"

	// What people see of the app before it answers, as in manifest.yml.
	command      = "/redis-upgrade"
	commandHint  = "[database] [version] | list | status | help"
	commandText  = "Upgrade a Redis Cloud database, or see what is going on"
	shortcut     = "revert_upgrade"
	shortcutName = "Revert this upgrade"

	// sealKey protects nothing: it is the same in every sandbox.
	sealKey = "sandbox-seal-key-that-protects-nothing-at-all"
)

// botConfig is the configuration of a bot among these emulators: production
// defaults, with intervals that fit the speed. What has a floor would otherwise
// keep the processor busy or give people no time to look.
func botConfig(c Config, url, redis string) bot.Config {
	faster := func(d, floor time.Duration) time.Duration {
		return max(time.Duration(float64(d)/c.Speed).Round(time.Millisecond), floor)
	}
	level := "warn"
	if c.Verbose {
		level = "info"
	}
	b := bot.Config{
		Mode:          "full",
		SlackBotToken: botToken, SlackAppToken: appToken, SlackAPIURL: url + "/slack/api/", SlackChannel: channel,
		ApproverGroups: []string{approvers}, OnCallGroup: onCall, ApprovalsRequired: 1, RevertApprovalsRequired: 2,
		RedisURL: redis, RedisPrefix: "redis-upgrade",
		RedisCloudAPIKey: cloudKey, RedisCloudSecretKey: cloudSecret, RedisCloudAPIURL: url + "/cloud/v1",
		SealKey: sealKey,

		Soak:           faster(30*time.Minute, time.Second),
		Retention:      400 * 24 * time.Hour,
		Lease:          10 * time.Second,
		PollInterval:   faster(10*time.Second, 20*time.Millisecond),
		StatusInterval: faster(time.Minute, 200*time.Millisecond),
		SendTimeout:    5 * time.Second,
		SettleGrace:    faster(30*time.Second, time.Second),
		RateWindow:     faster(time.Minute, time.Millisecond),
		LogLevel:       level, LogFormat: "text",
	}
	if c.Adjust != nil {
		c.Adjust(&b)
	}
	return b
}
