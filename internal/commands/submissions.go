package commands

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// refused is the acknowledgement that leaves a modal open with errors under
// its fields, by block id.
type refused struct {
	Action string            `json:"response_action"`
	Errors map[string]string `json:"errors"`
}

func wrong(errors map[string]string) refused {
	for k, v := range errors {
		errors[k] = view.Cut(v, 150)
	}
	return refused{Action: "errors", Errors: errors}
}

// submitted validates a modal from warm data, records it and acknowledges;
// what it asks for happens afterwards.
func (h *Handler) submitted(ctx context.Context, req *request, cb slack.InteractionCallback) {
	at := parsePlace(cb.View.PrivateMetadata)
	i := intent{User: cb.User.ID, At: at, Origin: cb.View.ID}
	var problems map[string]string
	switch cb.View.CallbackID {
	case view.CallbackRequest:
		i.Do = doRequest
		problems = h.readRequest(ctx, cb.View, &i)
	case view.CallbackDeny:
		i.Do = doDeny
		if i.Reason = reason(cb.View); i.Reason == "" {
			problems = map[string]string{"reason": "Say why: the requester will read it."}
		}
	case view.CallbackApprove:
		i.Do, i.Typed = doApprove, name(cb.View, "name", view.ActionName)
		i.Ticked = ticked(cb.View, "writers", view.ActionWriters)
		problems = h.checkTyped(ctx, i)
	case view.CallbackRevert:
		i.Do = doRevert
		problems = h.readRevert(ctx, cb.View, &i)
	case view.CallbackRelease:
		i.Do, i.Ticked = doRelease, ticked(cb.View, "looked", view.ActionLooked)
		if !i.Ticked {
			problems = map[string]string{"looked": "Look at the database in Redis Cloud's console first: this bot does not know what it is like now."}
		}
	default:
		req.ack()
		return
	}
	if len(problems) > 0 {
		req.ack(wrong(problems))
		return
	}
	h.decide(ctx, req, i)
}

// ticked reports whether a box of a modal is ticked; false where there is none.
func ticked(v slack.View, block, action string) bool {
	return v.State != nil && len(v.State.Values[block][action].SelectedOptions) > 0
}

// text is a typed input without what cannot be seen at its ends.
func text(v slack.View, block, action string) string {
	if v.State == nil {
		return ""
	}
	return strings.TrimFunc(v.State.Values[block][action].Value, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}

// reason is a typed reason. It is stored and shown, so the password of an address
// that was pasted into it is left out.
func reason(v slack.View) string {
	return credentials.ReplaceAllString(text(v, "reason", view.ActionReason), "://[secret]@")
}

var credentials = regexp.MustCompile(`://[^\s/@:]*:[^\s@]*@`)

// name is a typed name or address, in which nothing that cannot be seen has a place.
func name(v slack.View, block, action string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text(v, block, action))
}

// entryOf looks up a select's value, which anybody could have made up.
func (h *Handler) entryOf(value string) (inventory.Entry, bool) {
	ref, err := upgrade.ParseRef(value)
	if err != nil {
		return inventory.Entry{}, false
	}
	return h.parts.Inventory.Get(ref)
}

// readRequest reads the request modal into the intent and says what is wrong
// with it, by block.
func (h *Handler) readRequest(ctx context.Context, v slack.View, i *intent) map[string]string {
	problems := map[string]string{}
	if i.Reason = reason(v); i.Reason == "" {
		problems["reason"] = "Say why: the people who approve will read it."
	}
	if v.State == nil {
		return problems
	}
	h.readStart(v, i, problems)
	picked := v.State.Values["database"][view.ActionDatabase].SelectedOption.Value
	if picked == "" {
		problems["database"] = "Pick a database."
		return problems
	}
	if !h.parts.Inventory.Ready() {
		problems["database"] = view.ReadingText(h.parts.Inventory.Progress())
		return problems
	}
	entry, ok := h.entryOf(picked)
	if !ok {
		problems["database"] = "This database no longer exists in Redis Cloud. Pick another one."
		return problems
	}
	i.Ref = picked
	warm, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	if r := h.parts.Engine.Warm(warm, entry, ""); r != nil {
		problems["database"] = r.Error()
		if r.Link != "" {
			h.later(ctx, func(ctx context.Context) { h.complain(ctx, i.User, i.At, r) })
		}
		return problems
	}
	i.To = v.State.Values[view.VersionBlock(entry)][view.ActionVersion].SelectedOption.Value
	versions, _, cached := h.parts.Inventory.CachedTargets(entry.Ref)
	switch {
	case i.To == "":
		problems["database"] = "No version is picked yet: see what stands below this field."
	case cached:
		if r := upgrade.NotOffered(entry, versions, i.To); r != nil {
			problems[view.VersionBlock(entry)] = r.Error()
		}
	}
	return problems
}

func (h *Handler) readStart(v slack.View, i *intent, problems map[string]string) {
	start := view.StartOf(v.State.Values["start"][view.ActionStart].SelectedDateTime)
	now := h.parts.Now()
	switch {
	case start.IsZero():
	case start.Before(now.Add(-2 * time.Minute)):
		problems["start"] = "That is in the past. Leave it empty to start as soon as it is approved."
	case start.After(now.Add(startHorizon)):
		problems["start"] = "That is more than 30 days ahead; facts and approvals would be stale by then."
	default:
		i.Start = start
	}
}

// readRevert reads the revert modal and checks it against the upgrade's record.
func (h *Handler) readRevert(ctx context.Context, v slack.View, i *intent) map[string]string {
	i.Reason = reason(v)
	i.Files = name(v, "files", view.ActionFiles)
	i.Typed = name(v, "name", view.ActionName)
	if upgrade.HoldsSecret(i.Files) {
		return map[string]string{"files": "There is a password in that. Paste the addresses without it: the bot knows how to read its own backups, and what is typed here is stored."}
	}
	load, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	s, err := h.parts.Engine.Load(load, i.At.Session)
	if err != nil {
		return nil // judged when it is worked off
	}
	out := map[string]string{}
	for field, problem := range h.parts.Engine.CheckRevert(s, upgrade.RevertRequest{Files: i.Files, Name: i.Typed, Reason: i.Reason}) {
		out[string(field)] = problem
	}
	return out
}

// checkTyped tests the text that decides a delete.
func (h *Handler) checkTyped(ctx context.Context, i intent) map[string]string {
	load, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	s, err := h.parts.Engine.Load(load, i.At.Session)
	if err != nil || i.Typed == s.ConfirmText() {
		return nil
	}
	return map[string]string{"name": "Type " + s.ConfirmText() + " exactly."}
}
