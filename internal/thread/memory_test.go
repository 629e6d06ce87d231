package thread

import (
	"strconv"
	"testing"
	"time"
)

// A thread's hash is read leniently: what is no number counts as nothing drawn.
func FuzzThread(f *testing.F) {
	f.Add("C0REDISOPS", "1779494400.000100", "", "7", "a1b2", "6")
	f.Fuzz(func(t *testing.T, channel, ts, parent, revision, digest, cursor string) {
		got := cardOf([]any{channel, ts, parent, revision, digest, cursor, digest, revision})
		want := Card{Channel: channel, TS: ts, Parent: parent, Digest: digest, Revision: got.Revision, Cursor: got.Cursor, Doubt: digest, Believed: since(got.Revision)}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		again := cardOf([]any{channel, ts, parent, strconv.FormatInt(got.Revision, 10), digest, strconv.FormatInt(got.Cursor, 10), digest, strconv.FormatInt(got.Revision, 10)})
		if again != got {
			t.Errorf("%+v comes back as %+v", got, again)
		}
		for _, read := range []struct {
			text string
			n    int64
		}{{revision, got.Revision}, {cursor, got.Cursor}} {
			if n, err := strconv.ParseInt(read.text, 10, 64); err == nil && read.n != n || err != nil && read.n != 0 {
				t.Errorf("%q was read as %d", read.text, read.n)
			}
		}
		if absent := cardOf([]any{nil, nil, nil, nil, nil, nil, nil, nil}); absent != (Card{}) {
			t.Errorf("nothing was read as %+v", absent)
		}
	})
}

func since(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
