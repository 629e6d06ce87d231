package upgrade

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/session"
)

// What stands in a record is read, written and read again as the same, with the
// same plan to approve; or it is refused with an error that names the session.
func FuzzDecode(f *testing.F) {
	f.Add("upgrade", "proposed", []byte(`{"plan":{"database":"pro/1/2"},"call":{"key":"upgrade"}}`), []byte(`{"revision":1}`))
	f.Add("revert", "verifying", []byte(`{"plan":{"database":"pro/1/2"},"revert":{"was":{"database":{"Name":"cache"}}}}`), []byte(`{"revision":2}`))
	f.Fuzz(func(t *testing.T, kind, state string, body, progress []byte) {
		r := session.Record{ID: "u-1", Kind: kind, State: state, Revision: 1, Life: lifeVersion, Body: body, Progress: progress}
		s, err := Decode(r)
		if err != nil {
			if !strings.Contains(err.Error(), r.ID) {
				t.Errorf("the error does not say which session: %v", err)
			}
			return
		}
		if string(s.Kind) != kind || string(s.State) != state || s.Progress.Revision != 0 && s.Progress.Revision != r.Revision {
			t.Errorf("%+v was read as %+v", r, s)
		}
		if r.Body, err = json.Marshal(s.Body); err != nil {
			t.Fatalf("%q cannot be stored again: %v", body, err)
		}
		again, err := Decode(r)
		if err != nil {
			t.Fatalf("%s was stored and cannot be read: %v", r.Body, err)
		}
		second, err := json.Marshal(again.Body)
		if err != nil || string(second) != string(r.Body) {
			t.Errorf("%q is stored as\n%s and then as\n%s", body, r.Body, second)
		}
		if s.Plan.Hash() != again.Plan.Hash() {
			t.Errorf("%q: the plan has another hash when it was stored", body)
		}
		if c := s.clone(); cmp.Diff(c.Plan, again.Plan) != "" {
			t.Errorf("a copy has another plan: %s", cmp.Diff(c.Plan, again.Plan))
		}
		s.Cancellable()
		_ = s.callOut()
		_ = s.ConfirmText()
	})
}

// Whatever is typed into the form of a revert: it is taken only with the exact
// name, a reason and one whole set of files; what is wrong is said in text that
// Slack takes, and without the credentials of an address.
func FuzzRevertForm(f *testing.F) {
	const secret = "s3cr3tS3CR3T"
	e := &Engine{cfg: Config{Destinations: []string{"ftp://robot:" + secret + "@backups.example.com/more"}}}
	up := Session{Kind: KindUpgrade, Body: Body{Plan: Plan{Database: "pro/1206/51055", Name: "cache-prod", Backup: folder}, Upgrade: UpgradeWork{Sent: sentAt}}}
	f.Add("cache-prod", "it broke", shardFile(2, 1)+"\n"+shardFile(2, 2))
	f.Add("cache-prod/51055", "", "é/"+shardFile(1, 1))
	f.Add("Cache-Prod", " ", "ftp://me:"+secret+"@host/bk20261122-020000-51055-cache-1_of_1-1-0-16383.rdb.gz")
	f.Fuzz(func(t *testing.T, name, reason, files string) {
		problems := e.CheckRevert(up, RevertRequest{Name: name, Reason: reason, Files: files})
		for field, text := range problems {
			if strings.Contains(text, secret) {
				t.Errorf("%s of %q shows credentials: %s", field, files, text)
			}
			if text == "" || utf8.ValidString(files) && !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) && !strings.ContainsRune(files, utf8.RuneError) {
				t.Errorf("%s of %q cannot be shown: %q", field, files, text)
			}
		}
		_, badName := problems[FieldName]
		_, badReason := problems[FieldReason]
		if typed := strings.TrimSpace(name); badName == (typed == "cache-prod" || typed == up.ConfirmText()) {
			t.Errorf("the name %q: %q", name, problems[FieldName])
		}
		if badReason != (strings.TrimSpace(reason) == "") {
			t.Errorf("the reason %q: %q", reason, problems[FieldReason])
		}
		if _, bad := problems[FieldFiles]; !bad {
			for _, uri := range filesOf(files) {
				if !strings.HasPrefix(uri, folder+"/") && !strings.HasPrefix(uri, e.cfg.Destinations[0]+"/") {
					t.Errorf("%q was taken", uri)
				}
			}
		}
	})
}

// What was sealed opens at its place and nowhere else; anything else that stands
// there is ErrSeal.
func FuzzSealed(f *testing.F) {
	s, err := NewSealer(strings.NewReader(strings.Repeat("chance that is none ", 1<<20)), []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := s.Seal("hunter2", "r-1", "pro/1/2", "password")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, "r-1", "pro/1/2")
	f.Add(sealed[:12], "r-1", "pro/1/2")
	f.Add("00000000."+sealed[9:], "r-2", "pro/1/2")
	f.Fuzz(func(t *testing.T, text, id, database string) {
		got, err := s.Open(text, id, database, "password")
		switch {
		case err != nil && (!errors.Is(err, ErrSeal) || got != ""):
			t.Errorf("%q: %q, %v", text, got, err)
		case err == nil && (got != "hunter2" || id != "r-1" || database != "pro/1/2"):
			t.Errorf("%q opened as %q at %q, %q", text, got, id, database)
		}
	})
}
