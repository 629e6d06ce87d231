package upgrade

import (
	"testing"
	"testing/synctest"
)

func TestAnUpgradeEndToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		before := w.find("cache")
		s := w.upgraded("cache", "7.4")
		after := w.find("cache")
		if after.Version != "7.4" || after.ID != before.ID || after.Digest != before.Digest {
			t.Errorf("database %+v, was %+v", after, before)
		}
		if n := w.calls("POST", "/upgrade"); n != 1 {
			t.Errorf("%d upgrades accepted", n)
		}
		t.Log(describe(s), len(w.crash.names))
	})
}
