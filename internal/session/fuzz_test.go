package session

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// What stands in a session's hash is read and written back as the same, or
// refused with an error that names the session.
func FuzzRecord(f *testing.F) {
	f.Add("upgrade", "proposed", "3", "2", "1", `["pro/1/2"]`, "0", "1779494400000", `{"reason":"why"}`)
	f.Add("revert", "done", "", "", "", "", "1", "", "")
	f.Fuzz(func(t *testing.T, kind, state, revision, ask, life, holds, ended, created, body string) {
		h := map[string]string{fieldKind: kind, fieldState: state, fieldRevision: revision, fieldAsk: ask, fieldLife: life, fieldHolds: holds,
			fieldEnded: ended, fieldCreated: created, fieldUpdated: created, fieldBody: body, fieldProgress: body, "of a newer release": body}
		r, err := recordOf("u-1", h)
		if err != nil {
			if !strings.Contains(err.Error(), "u-1") {
				t.Errorf("the error does not say which session: %v", err)
			}
			return
		}
		if r.Ended != (ended == "1") || string(r.Body) != body || r.Created.IsZero() != r.Updated.IsZero() {
			t.Errorf("%v was read as %+v", h, r)
		}
		again, err := recordOf("u-1", stored(t, r, h))
		if err != nil {
			t.Fatalf("%+v cannot be read back: %v", r, err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Errorf("%v comes back as something else (-want +got):\n%s", h, diff)
		}
	})
}

// stored is a record's hash as the scripts leave it; times and bodies, which
// they write themselves, are those of h.
func stored(t *testing.T, r Record, h map[string]string) map[string]string {
	t.Helper()
	pairs, err := r.fields()
	if err != nil {
		t.Fatal(err)
	}
	out := maps.Clone(h)
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case string:
			out[pairs[i].(string)] = v
		case []byte:
			out[pairs[i].(string)] = string(v)
		case int64:
			out[pairs[i].(string)] = strconv.FormatInt(v, 10)
		case int:
			out[pairs[i].(string)] = strconv.Itoa(v)
		default:
			t.Fatalf("%v is stored as a %T", pairs[i], v)
		}
	}
	return out
}

// Whoever changes a stored journal is found out, whatever the change, unless
// nothing changed that anybody reads.
func FuzzJournal(f *testing.F) {
	f.Add(byte(1), "by", "U0MALLORY", "2-1", false)
	f.Add(byte(0), "mac", "", "1-1", false)
	f.Add(byte(2), "", "", "", true)
	key := newSeal("deployment", []byte("0123456789abcdef0123456789abcdef"), []byte("fedcba9876543210fedcba9876543210"))
	written := journalOf(f, key)
	last, body, err := key.chain("u-1", written)
	if err != nil || last.revision != 4 || body != digest([]byte(`{"v":2}`)) {
		f.Fatal(last, body, err)
	}
	f.Fuzz(func(t *testing.T, which byte, field, value, id string, dropped bool) {
		i := int(which) % len(written)
		changed := slices.Clone(written)
		values := maps.Clone(written[i].Values)
		values[field] = value
		changed[i] = redis.XMessage{ID: id, Values: values}
		if dropped {
			changed = slices.Delete(changed, i, i+1)
		}
		got, gotBody, err := key.chain("u-1", changed)
		if err != nil {
			if !errors.Is(err, ErrTampered) {
				t.Errorf("found out, but not as tampering: %v", err)
			}
			return
		}
		if dropped && i < len(written)-1 { // the end of a journal is compared with its record
			t.Errorf("entry %d was dropped, and nobody saw it", i+1)
		}
		for j, m := range changed {
			was, now := entryMust(t, written[j]), entryMust(t, m)
			if diff := cmp.Diff(was.public(), now.public()); diff != "" {
				t.Errorf("entry %d was changed, and nobody saw it (-was +now):\n%s", j+1, diff)
			}
		}
		if !dropped && (got.values["mac"] != last.values["mac"] || gotBody != body) {
			t.Errorf("the end of the journal was changed, and nobody saw it: %+v", got)
		}
	})
}

// journalOf is a signed journal of four entries.
func journalOf(t testing.TB, key seal) []redis.XMessage {
	t.Helper()
	var out []redis.XMessage
	r := Record{ID: "u-1", Kind: "errand", Life: 1, Database: "pro/1206/51055"}
	for i, m := range []Move{
		{Event: "ask", By: "U0ANN", Note: "please", Body: []byte(`{"v":1}`), At: time.Unix(1779494400, 0)},
		{Event: "vote", By: "U0BOB", Data: []byte(`{"ask":1}`)},
		{Event: "begin", Body: []byte(`{"v":2}`)},
		{Event: "finish", By: "", Note: "done"},
	} {
		if m.Body != nil {
			r.Body = m.Body
		}
		m.Record = r
		after := r
		after.Revision, after.State = int64(i)+1, m.Event+"ed"
		st := step{before: r, after: after, entry: entryOf(m, after)}
		st.sign(key, "nonce-"+strconv.Itoa(i))
		values := map[string]any{}
		pairs := st.entry.stored()
		for j := 0; j < len(pairs); j += 2 {
			values[pairs[j].(string)] = pairs[j+1]
		}
		out = append(out, redis.XMessage{ID: strconv.Itoa(i+1) + "-1", Values: values})
		r = st.after
	}
	return out
}

func entryMust(t *testing.T, m redis.XMessage) entry {
	t.Helper()
	e, err := entryOfMessage("u-1", m)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// What a script answers for a claimed item is read, or refused.
func FuzzItem(f *testing.F) {
	f.Add("env-1", "1779494400000123", int64(40), `{"do":"approve"}`)
	f.Fuzz(func(t *testing.T, id, token string, late int64, payload string) {
		it, err := itemOf([]any{id, token, late, int64(0), payload})
		if err != nil {
			if it.ID != "" || it.Payload != nil {
				t.Errorf("refused, and yet %+v", it)
			}
			return
		}
		if n, bad := strconv.ParseInt(token, 10, 64); bad != nil || it.Token != n || it.ID != id || string(it.Payload) != payload {
			t.Errorf("%q, %q, %q became %+v", id, token, payload, it)
		}
	})
}
