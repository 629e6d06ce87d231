package session_test

import (
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
)

func TestWhatOneReplicaLeavesAnotherOneFinds(t *testing.T) {
	const lease = 300 * time.Millisecond
	eachBackend(t, func(t *testing.T, h *harness) {
		ours := session.Receiver{Store: h.Store, Lease: lease}
		theirs := session.Receiver{Store: session.New(h.rdb, h.cfg), Lease: lease}

		kept, fresh, err := ours.Receive(t.Context(), "E1", []byte("one"))
		if err != nil || !fresh || string(kept.Payload()) != "one" {
			t.Fatalf("got %v, %v, %v", kept, fresh, err)
		}
		if _, fresh, err = theirs.Receive(t.Context(), "E1", []byte("one")); err != nil || fresh {
			t.Errorf("the same envelope at another replica: fresh %v, %v", fresh, err)
		}
		stop := kept.Keep(t.Context())
		time.Sleep(3 * lease)
		if found, err := theirs.Abandoned(t.Context(), 5); err != nil || len(found) != 0 {
			t.Errorf("what is kept was taken away: %d, %v", len(found), err)
		}
		stop()
		stop() // harmless
		var found int
		for end := time.Now().Add(10 * time.Second); found == 0 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			claims, err := theirs.Abandoned(t.Context(), 5)
			if err != nil {
				t.Fatal(err)
			}
			for _, claim := range claims {
				found++
				if err := claim.Done(t.Context()); err != nil || string(claim.Payload()) != "one" {
					t.Errorf("%q, %v", claim.Payload(), err)
				}
			}
		}
		if found != 1 {
			t.Errorf("%d claims were found", found)
		}
	})
}
