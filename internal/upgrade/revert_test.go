package upgrade

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// reverted runs a whole revert of an upgrade of that database.
func (w *world) reverted(name string, up Session) Session {
	w.t.Helper()
	r := w.must(w.revertOf(up, w.filesOf(name)))
	r = w.untilState(r.ID, Proposed)
	w.approve(r, bob)
	w.approve(w.load(r.ID), dan)
	return w.wantEnd(r.ID, Done)
}

func TestARevertBringsBackEveryKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		before, keys := w.find("cache"), w.keys("cache")
		up := w.upgraded("cache", "7.4")
		w.console("cache", map[string]any{"keys": map[string]any{"cart:000001": nil, "new": "written after the upgrade"}})
		r := w.reverted("cache", up)
		after := w.find("cache")
		if after.Version != "7.2" || after.Port != before.Port || after.Endpoint != before.Endpoint {
			t.Errorf("database %+v, was %+v", after, before)
		}
		if diff := cmp.Diff(keys, w.keys("cache")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		t.Log(describe(r), r.Revert.Loose)
	})
}
