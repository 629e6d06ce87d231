package view

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// byHand are the steps that are left when a revert failed after its delete, with
// the settings that were captured before: the console can no longer show them. ""
// where nothing is left to do.
func byHand(s upgrade.Session) string {
	if !s.NotBack() || s.Revert.Was == nil {
		return ""
	}
	var db cloud.Database
	if err := json.Unmarshal(s.Revert.Was.Database, &db); err != nil {
		return ""
	}
	r := s.Revert
	out := []string{"*What to do now*"}
	step := func(format string, args ...any) {
		out = append(out, fmt.Sprintf("%d. ", len(out))+fmt.Sprintf(format, args...))
	}
	back := !r.ImportedAt.IsZero()
	if r.NewRef != "" && !back {
		step("Look at the new database %s in the Redis Cloud console. Where its creation failed, delete it (the database, not the subscription) and go on with 2; else with 3.", code(r.NewRef))
	}
	create := fmt.Sprintf("Create %s in subscription %s on version %s at port %d, client access blocked (source IPs): %s.", code(s.Plan.Name), Escape(s.Facts.Subscription), Escape(s.Plan.To), r.Snapshot.Port, Escape(Cut(settings(db), 900)))
	if !back {
		step("%s", create)
		step("Import all backup files named below, and wait for its success.")
		step("Its saved password was erased when this revert ended: set the one that your applications have. Default user: %s.", map[bool]string{true: "on", false: "off"}[db.Security.DefaultUser])
	}
	if len(r.Was.Tags) > 0 {
		var tags []string
		for _, t := range r.Was.Tags {
			tags = append(tags, t.Key+"="+t.Value)
		}
		step("Tags: %s.", Escape(Cut(strings.Join(tags, ", "), 400)))
	}
	if len(r.Was.Roles) > 0 {
		var roles []string
		for _, b := range r.Was.Roles {
			roles = append(roles, b.Name+" ("+strings.Join(b.Rules, ", ")+")")
		}
		step("ACL roles: %s.", Escape(Cut(strings.Join(roles, "; "), 400)))
	}
	step("Last, restore client access (source IPs): %s.", Escape(Cut(strings.Join(r.Was.SourceIPs, ", "), 400)))
	return lines(out, maxSection)
}

// settings are those that a create form asks for.
func settings(db cloud.Database) string {
	var out []string
	say := func(is bool, format string, args ...any) {
		if is {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(db.DatasetSizeGB > 0, "dataset %g GB", db.DatasetSizeGB)
	say(db.DatasetSizeGB == 0 && db.MemoryLimitGB > 0, "memory limit %g GB", db.MemoryLimitGB)
	say(db.MemoryStorage == "ram-and-flash", "RAM and flash, %d %% RAM", db.RAMPercentage)
	say(db.Throughput.Value > 0, "throughput %d (%s)", db.Throughput.Value, db.Throughput.By)
	say(true, "replication %s", map[bool]string{true: "on", false: "off"}[db.Replication])
	say(db.Persistence != "", "persistence %s", db.Persistence)
	say(db.Eviction != "", "eviction %s", db.Eviction)
	say(db.OSSCluster, "OSS cluster API")
	say(db.Security.TLS, "TLS")
	say(db.HashingPolicy == "custom", "sharding rules %s", strings.Join(db.RegexRules, " "))
	var modules []string
	for _, m := range db.Modules {
		modules = append(modules, m.Name)
	}
	say(len(modules) > 0, "modules %s", strings.Join(modules, ", "))
	return strings.Join(out, ", ")
}
