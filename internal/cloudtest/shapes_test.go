package cloudtest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// faultForms says of every fault that changes status or form of an answer how
// far the answer is from the published description, on purpose. "" is: not at
// all, its status is declared. TestEveryFaultHasAFate knows all the others:
// they change what happens, and their answers are held to the description by
// the steps above.
var faultForms = []struct {
	fault string
	ask   func(ctx context.Context, w *wire) error
	want  string // part of each finding that the differences do not explain
	why   string
}{
	{"rate_limit", askDatabase, "", "429 is declared everywhere"},
	{"rate_limit_no_header", askDatabase, "", "the header is not declared at all"},
	{"error_500", askDatabase, "", "500 is declared everywhere"},
	{"error_503", askDatabase, "", "503 is declared everywhere"},
	{"forbidden_403", askDatabase, "", "403 is declared everywhere"},
	{"precondition_412", askDatabase, "", "412 is declared everywhere"},
	{"html_401", askDatabase, "", "401 is declared everywhere, and no body of an error is"},
	{"timeout_408", askDatabase, "status 408 is not declared", "408 is declared for calls with a body only; a proxy in front may answer it to all"},
	{"conflict_409", askDatabase, "status 409 is not declared", "409 is declared for calls with a body only"},
	{"list_404", func(ctx context.Context, w *wire) error {
		return drop(w.client.Databases(ctx, cloud.Pro, w.ref("full").Subscription))
	}, "", "404 is declared, as the end of the list is one"},
	{"upgrade_status_404", func(ctx context.Context, w *wire) error { return drop(w.client.UpgradeStatus(ctx, w.ref("full"))) }, "", "404 is declared everywhere"},
	{"no_password", askDatabase, "", "nothing of a database is required"},
	{"no_dynamic_endpoints", askDatabase, "", "nothing of a database is required"},
	{"unknown_status", askDatabase, "", "the status of a Pro database is not declared, so no word of it is wrong"},
	{"old_links", askDatabase, "_links: undeclared", "older answers had this form"},
	{"task_404", func(ctx context.Context, w *wire) error { return drop(w.client.Task(ctx, "1")) }, "", "404 is declared everywhere"},
	{"string_error", func(ctx context.Context, w *wire) error {
		w.ended(w.client.AskBackup(ctx, w.ref("plain")))
		return nil
	}, "", "this is the declared form; reality is the difference"},
}

func askDatabase(ctx context.Context, w *wire) error {
	return drop(w.client.Database(ctx, w.ref("full")))
}

func TestFormsOfFaultsAreKnown(t *testing.T) {
	s := loadSpec(t)
	for _, tt := range faultForms {
		t.Run(tt.fault, func(t *testing.T) {
			w := newWire(t, driven())
			w.fault(tt.fault, 1, "")
			_ = tt.ask(t.Context(), w) // what the client makes of it is another test's matter
			var found []finding
			for _, x := range w.exchanges() {
				_, all := s.check(t, x)
				found = append(found, slices.DeleteFunc(all, func(f finding) bool { _, known := explain(f); return known })...)
			}
			if len(found) == 0 != (tt.want == "") {
				t.Errorf("found %v, want %q: %s", found, tt.want, tt.why)
			}
			for _, f := range found {
				if !strings.Contains(f.String(), tt.want) {
					t.Errorf("found %s, want %q: %s", f, tt.want, tt.why)
				}
			}
		})
	}
}
