package upgrade

import (
	"strings"
	"testing"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
)

func fit() Facts {
	return Facts{Version: "7.2", Status: "active", SubStatus: "active", Subscription: "shop", Protocol: "redis",
		Targets: []string{"7.4", "8.2"}, Backup: BackupFacts{Possible: true, Where: "s3://acme/cache"}, WayBack: WayBack{Possible: true}}
}

func TestPreflight(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   func(*Facts)
		to       string
		code     Code
		says     string // part of the text
		hint     string // part of the nearest alternative
	}{
		{"a healthy database may go", func(*Facts) {}, "7.4", "", "", ""},
		{"a target may be spelled with a patch", func(f *Facts) { f.Targets = []string{"8.2.1"} }, "8.2", "", "", ""},
		{"memcached is not upgraded", func(f *Facts) { f.Protocol = "memcached" }, "7.4", Unsupported, "memcached", ""},
		{"Active-Active is not upgraded", func(f *Facts) { f.ActiveActive = true }, "7.4", Unsupported, "Active-Active", ""},
		{"nothing newer, nothing to do", func(f *Facts) { f.Targets = nil }, "7.4", NothingNewer, "nothing newer", ""},
		{"only versions on offer", func(*Facts) {}, "9.9", BadVersion, "cannot go to 9.9", "7.4, 8.2"},
		{"targets of a replication go first", func(f *Facts) { f.Replicas = []Replica{{Name: "copy", Version: "7.2"}} }, "7.4", ReplicasFirst, "copy (7.2)", "Upgrade copy to 7.4"},
		{"targets that are new enough are no obstacle", func(f *Facts) { f.Replicas = []Replica{{Name: "copy", Version: "7.4"}} }, "7.4", "", "", ""},
		{"no backup, no upgrade", func(f *Facts) { f.Backup = BackupFacts{Why: "remote backup is off"} }, "7.4", NoBackup, "remote backup is off", "Turn on remote backup"},
		{"not while it changes", func(f *Facts) { f.Status = "active-change-pending" }, "7.4", NotActive, "active-change-pending", "Ask again"},
		{"while its subscription changes: the work waits", func(f *Facts) { f.SubStatus = "pending" }, "7.4", "", "", ""},
		{"not in a broken subscription", func(f *Facts) { f.SubStatus = "error" }, "7.4", NotActive, "subscription shop as error", "Redis support"},
		{"the version is judged before the backup", func(f *Facts) { f.Backup.Possible = false }, "9.9", BadVersion, "", ""},
	} {
		f := fit()
		row.change(&f)
		r := judgeFacts(candidate{KindUpgrade, cloud.Ref{Plan: cloud.Pro}, "cache", row.to, ModeFull, f})
		switch {
		case row.code == "" && r != nil:
			t.Errorf("%s: refused: %s", row.sentence, r)
		case row.code != "" && (r == nil || r.Code != row.code || !strings.Contains(r.Text, row.says) || !strings.Contains(r.Hint, row.hint)):
			t.Errorf("%s: %+v", row.sentence, r)
		}
	}
}

func TestAdmissible(t *testing.T) {
	entry := inventory.Entry{Ref: cloud.Ref{Plan: cloud.Pro, Subscription: 7, Database: 51}, Name: "cache", Allowed: true}
	for _, row := range []struct {
		sentence string
		change   func(*inventory.Entry, *Engine)
		code     Code
	}{
		{"an ordinary database may be asked for", func(*inventory.Entry, *Engine) {}, ""},
		{"memcached may not", func(e *inventory.Entry, _ *Engine) { e.Protocol = "memcached" }, Unsupported},
		{"Active-Active may not", func(e *inventory.Entry, _ *Engine) { e.ActiveActive = true }, Unsupported},
		{"the bot's own memory may not", func(e *inventory.Entry, _ *Engine) { e.Store = true }, OwnStore},
		{"a subscription that the inventory keeps out may not", func(e *inventory.Entry, _ *Engine) { e.Allowed = false }, NotAllowed},
		{"a subscription outside of ALLOW_SUBSCRIPTIONS may not", func(_ *inventory.Entry, e *Engine) { e.cfg.Allow = []int{8} }, NotAllowed},
		{"one inside may", func(_ *inventory.Entry, e *Engine) { e.cfg.Allow = []int{8, 7} }, ""},
	} {
		en, e := entry, &Engine{}
		row.change(&en, e)
		r := e.Admissible(en)
		if (r == nil) != (row.code == "") || r != nil && r.Code != row.code {
			t.Errorf("%s: %+v", row.sentence, r)
		}
	}
}

func TestNotOffered(t *testing.T) {
	entry := inventory.Entry{Name: "cache", Version: "7.2", Newest: "8.6"}
	for _, row := range []struct {
		sentence, version string
		offered           []string
		refused           bool
	}{
		{"no version named, nothing refused", "", []string{"7.4"}, false},
		{"an offered one is fine", "7.4", []string{"7.4"}, false},
		{"another is not", "8.0", []string{"7.4"}, true},
	} {
		r := NotOffered(entry, row.offered, row.version)
		if (r != nil) != row.refused || r != nil && (r.Code != BadVersion || !strings.Contains(r.Hint, "7.4")) {
			t.Errorf("%s: %+v", row.sentence, r)
		}
	}
}

func TestReached(t *testing.T) {
	for _, row := range []struct {
		sentence        string
		version, target string
		auto, want      bool
	}{
		{"the same is there", "7.4", "7.4", false, true},
		{"a patch makes no difference", "7.4.3", "7.4", false, true},
		{"an older one is not", "7.2", "7.4", true, false},
		{"a later minor counts where Redis moves minors itself", "8.4", "8.2", true, true},
		{"and only there", "8.4", "8.2", false, false},
		{"a later major never counts", "8.2", "7.4", true, false},
		{"nonsense is not there", "?", "7.4", true, false},
	} {
		if got := reached(row.version, row.target, row.auto); got != row.want {
			t.Errorf("%s: %v", row.sentence, got)
		}
	}
}
