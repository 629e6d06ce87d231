package inventory

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// running starts Run and returns a function that stops it and waits.
func running(t *testing.T, x *Index) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil when its context ends", err)
		}
	}
}

func TestReplicasShareOneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newServer(t)
		f := smallFleet()
		a, b := newIndex(t, f, client), newIndex(t, f, client)
		defer running(t, a)()
		defer running(t, b)()
		time.Sleep(10*time.Minute + 30*time.Second)
		if !a.Ready() || !b.Ready() {
			t.Fatalf("Ready = %v and %v, want both", a.Ready(), b.Ready())
		}
		// A pause of a minute between readings, noticed within a tick of 7.5 s.
		if n := f.count("pro"); n < 9 || n > 11 {
			t.Errorf("two replicas read the account %d times in 10½ minutes, want about 10", n)
		}
		if a.Age() > 70*time.Second || b.Age() > 80*time.Second {
			t.Errorf("ages %v and %v, want about a minute at most", a.Age(), b.Age())
		}
		if len(a.All()) != 9 || len(b.All()) != 9 {
			t.Errorf("%d and %d databases, want 9", len(a.All()), len(b.All()))
		}
	})
}

func TestErrorsKeepTheLastGoodInventory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newServer(t)
		f := smallFleet()
		x := newIndex(t, f, client)
		defer running(t, x)()
		time.Sleep(10 * time.Second)
		f.breaks("pro", errBroken)
		f.breaks("essentials", errBroken)
		before := f.count("pro")
		time.Sleep(time.Hour)
		if len(x.All()) != 9 || !x.Ready() {
			t.Errorf("after an hour of errors: %d databases, ready %v; want all 9", len(x.All()), x.Ready())
		}
		if x.Age() < 59*time.Minute {
			t.Errorf("Age = %v after an hour of errors", x.Age())
		}
		if n := f.count("pro") - before; n < 12 || n > 22 {
			t.Errorf("%d tries in an hour of errors, want them to slow down to one in four minutes", n)
		}
		f.breaks("pro", nil)
		f.breaks("essentials", nil)
		time.Sleep(5 * time.Minute)
		if x.Age() > 2*time.Minute {
			t.Errorf("Age = %v, want a fresh inventory after the errors ended", x.Age())
		}
	})
}

func TestRedisOutageKeepsAnswersAndHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		x := newIndex(t, smallFleet(), client)
		defer running(t, x)()
		time.Sleep(10 * time.Second)
		server.SetError("LOADING on purpose")
		time.Sleep(5 * time.Minute)
		if len(x.All()) != 9 {
			t.Errorf("%d databases during the outage, want the 9 of before", len(x.All()))
		}
		server.SetError("")
		server.FlushAll() // and it forgot everything
		time.Sleep(time.Minute)
		if len(x.All()) != 9 || x.Age() > 2*time.Minute {
			t.Errorf("%d databases, %v old, after Redis came back empty; want 9 fresh ones", len(x.All()), x.Age())
		}
	})
}

func TestDeadReadersLeaseLapses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newServer(t)
		f := smallFleet()
		x := newIndex(t, f, client)
		if ok, err := x.shared.acquire(t.Context(), "a replica that died"); err != nil || !ok {
			t.Fatalf("acquire = %v, %v", ok, err)
		}
		defer running(t, x)()
		time.Sleep(leaseTTL / 2)
		if x.Ready() {
			t.Fatal("read the account while another replica held the lease")
		}
		time.Sleep(leaseTTL)
		if !x.Ready() {
			t.Error("the lease lapsed and nobody took over")
		}
	})
}

func TestFrozenReaderCannotOverwriteNewerFacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		old, fresh := smallFleet(), smallFleet()
		old.slow = 4 * time.Second
		frozen, other := newIndex(t, old, client), newIndex(t, fresh, client)
		fresh.add(cloud.Pro, 1206, "prod", databaseNamed(cloud.Ref{Plan: cloud.Pro, Subscription: 1206, Database: 7}, "new-one", "7.2"))
		ended := make(chan error)
		go func() { ended <- frozen.Refresh(t.Context()) }()
		synctest.Wait()
		server.FastForward(leaseTTL) // the lease lapses before the reader renews it
		if err := other.Refresh(t.Context()); err != nil {
			t.Fatalf("Refresh of the second reader: %v", err)
		}
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "lease lost") {
			t.Errorf("Refresh of the frozen reader = %v, want lease lost", err)
		}
		if _, err := frozen.follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := frozen.Find("new-one"); err != nil {
			t.Errorf("the newer snapshot is gone: %v", err)
		}
	})
}

func TestLongReadingKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		f := smallFleet()
		f.slow = 40 * time.Second
		x := newIndex(t, f, client)
		go func() { // the server's clock, which miniredis leaves to its tests
			for range 40 {
				time.Sleep(time.Second)
				server.FastForward(time.Second)
			}
		}()
		if err := x.Refresh(t.Context()); err != nil {
			t.Errorf("Refresh = %v, want a lease renewed for as long as it takes", err)
		}
		time.Sleep(time.Minute) // let the clock's goroutine end
	})
}

func TestRefreshWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newServer(t)
		f := smallFleet()
		f.slow = 3 * time.Second
		a, b := newIndex(t, f, client), newIndex(t, f, client)
		ended := make(chan error, 2)
		go func() { ended <- a.Refresh(t.Context()) }()
		go func() { ended <- b.Refresh(t.Context()) }()
		for range 2 {
			if err := <-ended; err != nil {
				t.Errorf("Refresh = %v", err)
			}
		}
		if n := f.count("pro"); n != 2 {
			t.Errorf("account read %d times, want once per Refresh", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if ok, _ := a.shared.acquire(t.Context(), "someone else"); !ok {
			t.Fatal("a Refresh left its lease behind")
		}
		if err := a.Refresh(ctx); err == nil {
			t.Error("Refresh did not end with its context")
		}
	})
}

func TestDue(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, row := range []struct {
		sentence string
		stamp    stamp
		want     bool
	}{
		{"nothing was ever read", stamp{}, true},
		{"read just now", stamp{generation: 1, done: now}, false},
		{"read a minute ago", stamp{generation: 1, done: ago(time.Minute)}, true},
		{"one failure is tried again after a quarter", stamp{done: ago(time.Hour), tried: ago(15 * time.Second), failures: 1}, true},
		{"but not before", stamp{done: ago(time.Hour), tried: ago(14 * time.Second), failures: 1}, false},
		{"many failures wait four times as long", stamp{tried: ago(239 * time.Second), failures: 1000}, false},
		{"but no longer", stamp{tried: ago(240 * time.Second), failures: 1000}, true},
		{"a reading in the far future was a wrong clock", stamp{generation: 1, done: now.Add(time.Hour)}, true},
		{"a clock a little ahead is believed", stamp{generation: 1, done: now.Add(5 * time.Second)}, false},
	} {
		if got := row.stamp.due(now, time.Minute); got != row.want {
			t.Errorf("%s: due = %v, want %v", row.sentence, got, row.want)
		}
	}
}
