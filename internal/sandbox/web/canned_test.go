package web

// canned are the answers of all hooks but the state.
var canned = map[string]any{
	"POST /hooks/slack/command": acked,
	"POST /hooks/slack/action":  acked,
	"POST /hooks/slack/message": object{"ok": true},
	"POST /hooks/slack/mention": acked,
	"POST /hooks/slack/home":    acked,
	"POST /hooks/slack/close":   acked,
	"POST /hooks/slack/submit":  object{"acked": true, "ack_ms": 2.0, "response_action": "", "errors": nil, "view": nil, "error": ""},
	"POST /hooks/slack/options": object{"options": []any{
		object{"text": "cache-prod", "value": "51423"}, object{"text": "orders-prod", "value": "51424"}}},
	"POST /hooks/slack/faults":     object{},
	"POST /hooks/slack/disconnect": object{},
	"POST /hooks/slack/channel":    object{},
	"POST /hooks/slack/group":      object{},
	"POST /hooks/cloud/faults":     object{},
	"POST /hooks/cloud/database":   object{},
	"POST /hooks/clock":            object{},
	"GET /hooks/clock":             object{"now": "2026-09-21T15:00:00Z", "offset": "0s", "speed": 60},
	"GET /hooks/slack/people": object{
		"people": []any{
			object{"id": "U0ANN", "name": "ann", "real_name": "Ann Lee", "title": "Engineer", "groups": []any{}},
			object{"id": "U0BOB", "name": "bob", "real_name": "Bob Stone", "title": "Database team", "groups": []any{"dba"}},
			object{"id": "U0CAROL", "name": "carol", "real_name": "Carol Diaz", "title": "Database team", "groups": []any{"dba"}},
			object{"id": "U0DAN", "name": "dan", "real_name": "Dan Moss", "title": "On call", "groups": []any{"oncall"}},
			object{"id": "U0EVE", "name": "eve", "real_name": "Eve Park", "title": "Engineer", "groups": []any{}},
			object{"id": "U0GUEST", "name": "guest", "real_name": "Gus Guest", "title": "Guest", "groups": []any{}}},
		"channels": []any{object{"id": "C0REDISOPS", "name": "redis-ops"}},
		"command":  "/redis-upgrade", "command_hint": "[a hint of the manifest]", "command_text": "Upgrades", "shortcuts": []any{"revert_upgrade"},
		"shortcut_names": object{"revert_upgrade": "Revert this upgrade"},
		"bot":            object{"id": "UBOT", "name": "redis-upgrade"},
		"groups":         []any{object{"id": "S0DBA", "handle": "dba"}, object{"id": "S0ONCALL", "handle": "oncall"}},
	},
	"GET /hooks/slack/faults": []any{
		object{"fault": "method_error", "description": "The method answers ok:false with an error and does nothing.", "times": 0, "match": ""},
		object{"fault": "ack_ignored", "description": "The acknowledgement is lost on its way to Slack.", "times": 2, "match": "block_actions"}},
	"GET /hooks/cloud/faults": []any{
		object{"fault": "upgrade_failed", "does": "an accepted upgrade ends as failed, at the old version", "times": 0, "match": ""},
		object{"fault": "rate_limit", "does": "429 with X-Rate-Limit-Remaining: 0", "times": -1, "match": "POST"}},
	"GET /hooks/slack/calls": []any{
		object{"at": "2026-09-21T14:18:00Z", "method": "chat.postMessage", "args": object{"channel": "C0REDISOPS", "text": hostile}, "ok": true, "error": ""},
		object{"at": "2026-09-21T14:19:00Z", "method": "views.open", "args": object{"trigger_id": "1.2.3"}, "ok": false, "error": "expired_trigger_id"}},
	"GET /hooks/slack/envelopes": []any{
		object{"id": "e1", "type": "slash_commands", "payload_type": "slash_commands", "connection": 1, "at": "2026-09-21T14:18:00Z", "acked": true, "ack_ms": 1.234},
		object{"id": "e2", "type": "interactive", "payload_type": "block_actions", "connection": 2, "at": "2026-09-21T14:19:00Z", "acked": false, "ack_ms": 0, "error": "timeout"}},
	"GET /hooks/cloud/databases": []any{
		object{"id": 51423, "subscription_id": 100, "subscription": "prod-eu", "name": "cache-prod", "plan": "pro", "protocol": "redis", "redis_version": "7.2",
			"status": "active-upgrade-pending", "port": 12000, "endpoint": "redis-12000.example.com:12000", "keys": 120, "digest": "9f86d081884c7d65",
			"last_backup_at": "2026-09-21T12:18:00Z", "backup_path": "s3://acme-backups/cache-prod", "upgrade": object{"target": "7.4", "status": "in-progress", "progress": 40}},
		object{"id": 51424, "subscription_id": 100, "subscription": "prod-eu", "name": "orders-prod", "plan": "pro", "protocol": "redis", "redis_version": "6.2",
			"status": "active", "port": 12001, "endpoint": "redis-12001.example.com:12001", "keys": 80, "digest": "d7a8fbb307d78094",
			"last_backup_at": nil, "backup_path": "", "upgrade": nil},
		object{"id": 51425, "subscription_id": 101, "subscription": "labs", "name": "trial", "plan": "essentials", "protocol": "redis", "redis_version": "7.2",
			"status": "creation-failed", "port": 12002, "endpoint": "", "keys": 3, "digest": "aaaa", "last_backup_at": nil, "backup_path": "", "upgrade": nil}},
	"GET /hooks/cloud/backups": object{"cache-prod": []any{
		object{"uri": "s3://acme-backups/cache-prod/2026-09-21T12:18:00Z-51423-shard0.rdb.gz", "database_id": 51423, "database": "cache-prod", "at": "2026-09-21T12:18:00Z", "version": "7.2", "format": 11, "shard": 0, "shards": 2, "keys": 60, "digest": "aa", "set_digest": "9f86d081884c7d65"},
		object{"uri": "s3://acme-backups/cache-prod/2026-09-21T12:18:00Z-51423-shard1.rdb.gz", "database_id": 51423, "database": "cache-prod", "at": "2026-09-21T12:18:00Z", "version": "7.2", "format": 11, "shard": 1, "shards": 2, "keys": 60, "digest": "bb", "set_digest": "9f86d081884c7d65"}}},
	"GET /hooks/cloud/ledger": []any{
		object{"at": "2026-09-21T14:20:00Z", "method": "POST", "path": "/v1/subscriptions/100/databases/51423/backup", "body": nil, "task_id": "t1", "resource_id": 51423, "outcome": "completed", "error": ""},
		object{"at": "2026-09-21T14:21:00Z", "method": "POST", "path": "/v1/subscriptions/100/databases/51423/upgrade", "body": object{"targetRedisVersion": "7.4"}, "task_id": "t2", "resource_id": 51423, "outcome": "pending", "error": ""}},
	"GET /hooks/cloud/keys": object{"keys": object{"user:1": "ann", "user:2": hostile}},
	"GET /hooks/cloud/applications": []any{
		object{"name": "checkout", "address": "redis-12000.example.com:12000", "connected": true, "refused": "", "accepted_writes": 42, "writes_per_minute": 6, "database_id": 51423, "database": "cache-prod"}},
}

var acked = object{"acked": true, "ack_ms": 1.2, "response": nil, "error": ""}

const cannedGallery = `[{"name":"Proposed","note":"waiting for an approver","kind":"message","blocks":[
	{"type":"section","block_id":"a","text":{"type":"mrkdwn","text":"*cache-prod* 7.2 → 7.4"}},
	{"type":"actions","block_id":"b","elements":[{"type":"button","action_id":"approve","style":"primary","text":{"type":"plain_text","text":"Approve"}}]}]},
	{"name":"Request form","note":"what /redis-upgrade opens","kind":"modal","view":{"type":"modal","title":{"type":"plain_text","text":"Upgrade"},"submit":{"type":"plain_text","text":"Propose"},
	"blocks":[{"type":"input","block_id":"why","label":{"type":"plain_text","text":"Why"},"element":{"type":"plain_text_input","action_id":"why"}}]}},
	{"name":"Home","kind":"home","view":{"type":"home","blocks":[{"type":"header","text":{"type":"plain_text","text":"Upgrades"}}]}}]`
