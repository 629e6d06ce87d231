package view_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

// forged is what somebody may type so that it looks like a line of the bot's.
const forged = ":white_check_mark: Approved (1 of 1)."

// forge puts it into every text that a value holds, behind every kind of line
// break.
func forge(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x\n" + forged + "\r\n" + forged + "\r" + forged + "\u2028" + forged)
	case reflect.Pointer:
		if !v.IsNil() {
			forge(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			forge(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && v.Type() != reflect.TypeFor[time.Time]() {
				forge(f)
			}
		}
	}
}

// forgedSession is a session of which every text is forged, in a state that it
// may be in.
func forgedSession(s upgrade.Session, phase upgrade.Phase) upgrade.Session {
	state, kind, link, by := s.State, s.Kind, s.Link, s.By
	s = samples.With(s, samples.Denied(samples.Carol, ""), samples.Calling("upgrade", phase))
	s.Facts.Replicas, s.Facts.ReplicaOf = []upgrade.Replica{{}}, []string{""}
	if s.Revert != nil {
		s.Revert.Loose = []string{""}
		db, err := json.Marshal(cloud.Database{Name: "x\n" + forged, Persistence: "x\n" + forged, Eviction: "x\n" + forged})
		if err != nil {
			panic(err)
		}
		s.Revert.Was = &upgrade.Captured{SourceIPs: []string{""}, Tags: []cloud.Tag{{}}, Roles: []upgrade.BoundRole{{}}}
		defer func() { s.Revert.Was.Database = db }()
	}
	forge(reflect.ValueOf(&s.Body).Elem())
	forge(reflect.ValueOf(&s.Progress).Elem())
	s.State, s.Kind, s.Link, s.By, s.Authors, s.CancelBy = state, kind, link, by, []string{by}, ""
	s.Decisions[len(s.Decisions)-1].Choice, s.Decisions[len(s.Decisions)-1].By = approvals.Deny, samples.Carol
	s.Call.Phase, s.Progress.Trouble = phase, phase == upgrade.Sending
	return s
}

// Whatever people type and Redis Cloud says: no line of it stands as one of the
// bot's, in no card, reply, form or list.
func TestNoTextFromOutsidePosesAsALineOfTheBot(t *testing.T) {
	text := "x\n" + forged + "\u2028" + forged
	entry := samples.Entry()
	forge(reflect.ValueOf(&entry).Elem())
	all := []samples.Sample{
		samples.Message("unknown", "", view.Unknown(text, []inventory.Entry{entry})), samples.Message("ambiguous", "", view.Ambiguous(text, []inventory.Entry{entry})),
		samples.Message("list", "", view.List([]inventory.Entry{entry})), samples.Message("refused", "", view.Refused(&upgrade.Refusal{Text: text, Hint: text, Instead: []upgrade.Suggestion{{Name: text, To: text}}}, "")),
		samples.Modal("request", "", view.RequestModal(view.RequestForm{Entry: &entry, Problem: text})), samples.Modal("versions", "", view.RequestModal(view.RequestForm{Entry: &entry, Versions: []string{text}})),
		samples.Modal("nothing newer", "", view.RequestModal(view.RequestForm{Entry: &entry, Versions: []string{}})),
	}
	for _, ev := range []upgrade.Event{upgrade.Deny, upgrade.Fail, upgrade.Note, upgrade.Rehearse, "unheard-of"} {
		for _, words := range []string{text, "Denied: " + text} {
			m, _ := view.Milestone(ev, samples.Ann, words)
			all = append(all, samples.Message("milestone "+string(ev), "", m))
		}
	}
	var sessions []upgrade.Session
	for _, phase := range []upgrade.Phase{upgrade.Sending, upgrade.Sent, upgrade.Unknown} {
		for _, state := range upgradeStates {
			sessions = append(sessions, forgedSession(samples.Upgrade(state), phase))
		}
		for _, state := range revertStates {
			sessions = append(sessions, forgedSession(samples.Revert(state), phase), forgedSession(samples.RevertFailed(state), phase))
		}
	}
	for _, s := range sessions {
		all = append(all, samples.Card("card of "+string(s.State), "", s), samples.Message("mention", "", view.MentionReply(s, samples.Policy())), samples.Modal("deny", "", view.DenyModal(s, "")),
			samples.Modal("changes", "", view.ChangesModal(s)), samples.Message("unposted", "", view.Unposted(s, "C1", text, true)),
			samples.Modal("revert", "", view.RevertModal(view.RevertForm{Upgrade: s, Example: text})), samples.Message("sessions", "", view.Sessions(text, []upgrade.Session{s}, 0, func(string) string { return "" })))
		d := samples.With(s, samples.Doubted(text))
		all = append(all, samples.Card("doubted card of "+string(s.State), "", d), samples.Message("doubted", "", view.Distrusted(d, samples.Policy())), samples.Modal("release", "", view.ReleaseModal(d, nil, "")))
		if s.Revert != nil {
			all = append(all, samples.Modal("approve", "", view.ApproveModal(s, "")))
		}
	}
	for _, sample := range all {
		for _, shown := range append(markup(t, sample), plainOf(t, sample)...) {
			for _, line := range strings.FieldsFunc(shown, func(r rune) bool { return strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", r) }) {
				if strings.HasPrefix(strings.TrimSpace(line), forged) {
					t.Fatalf("%s shows a line that is not the bot's:\n%s", sample.Name, shown)
				}
			}
		}
	}
}

// plainOf are the plain texts of a sample.
func plainOf(t *testing.T, s samples.Sample) []string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"message": s.Message, "modal": s.Modal, "home": s.Home})
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	return textsOf(tree, "plain_text")
}
