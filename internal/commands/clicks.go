package commands

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// interaction sorts what came from a message, a modal or a menu.
func (h *Handler) interaction(ctx context.Context, req *request, cb slack.InteractionCallback) {
	switch cb.Type {
	case slack.InteractionTypeBlockSuggestion:
		h.suggest(ctx, req, cb)
	case slack.InteractionTypeBlockActions:
		h.clicked(ctx, req, cb)
	case slack.InteractionTypeViewSubmission:
		h.submitted(ctx, req, cb)
	case slack.InteractionTypeMessageAction:
		h.shortcut(ctx, req, cb)
	default: // view_closed, and whatever Slack invents
		req.ack()
	}
}

// The limits of a list of suggestions: Slack shows a hundred options, and drops
// an acknowledgement of 20,480 bytes or more without a word. A hundred options
// with long names are more; who looks for one of the rest types on.
const (
	suggestions     = 100
	suggestionBytes = 20_000
)

// options is the answer to a search. slack-go's own type leaves an empty list
// out, which Slack takes for an error.
type options struct {
	Options []json.RawMessage `json:"options"`
}

func (h *Handler) suggest(ctx context.Context, req *request, cb slack.InteractionCallback) {
	out := options{Options: []json.RawMessage{}}
	if cb.ActionID == view.ActionDatabase && h.mayLook(ctx, cb.User.ID) == nil {
		room := suggestionBytes
		for _, e := range h.parts.Inventory.Search(strings.Join(wordsOf(cb.Value), " "), suggestions) {
			option, err := json.Marshal(view.Option(e))
			if room -= len(option) + 1; err != nil || room < 0 {
				break
			}
			out.Options = append(out.Options, option)
		}
	}
	req.ack(out)
}

// clicked handles buttons and selects. One payload may carry several actions;
// Slack sends one.
func (h *Handler) clicked(ctx context.Context, req *request, cb slack.InteractionCallback) {
	if len(cb.ActionCallback.BlockActions) == 0 {
		req.ack()
		return
	}
	action := cb.ActionCallback.BlockActions[0]
	at := place{Channel: cb.Channel.ID, Thread: threadOf(cb)}
	opening := func(open func(context.Context)) { h.opening(ctx, req, cb.User.ID, open) }
	if action.ActionID == view.ActionDatabase {
		opening(func(ctx context.Context) { h.picked(ctx, cb, action) })
		return
	}
	if strings.HasPrefix(action.ActionID, view.ActionRequest) {
		opening(func(ctx context.Context) { h.offered(ctx, cb, at, action.Value) })
		return
	}
	target, ok := view.ParseTarget(action.Value)
	if !ok {
		req.ack() // a link button, an input, or a button of another life
		return
	}
	at.Session, at.Ask = target.Session, target.Ask
	formFor := func(make formMaker) {
		opening(func(ctx context.Context) { h.openFor(ctx, cb.TriggerID, cb.User.ID, at, make) })
	}
	i := intent{User: cb.User.ID, At: at}
	switch action.ActionID {
	case view.ActionApprove: // of a revert it opens the modal in which the vote's text is typed
		if upgrade.KindOf(at.Session).Destroys() {
			formFor(h.approveForm)
			return
		}
		i.Do = doApprove
		h.decide(ctx, req, i)
	case view.ActionDeny:
		formFor(h.denyForm)
	case view.ActionRevert:
		formFor(h.revertForm)
	case view.ActionChanges:
		formFor(h.changesForm)
	case view.ActionCancel:
		i.Do = doCancel
		h.decide(ctx, req, i)
	case view.ActionRecheck:
		i.Do = doRecheck
		h.decide(ctx, req, i)
	case view.ActionHappened, view.ActionAbsent:
		i.Do, i.On = doSettle, action.ActionID == view.ActionHappened
		h.decide(ctx, req, i)
	default:
		req.ack()
	}
}

// offered opens the request form that a button of a private answer offers.
func (h *Handler) offered(ctx context.Context, cb slack.InteractionCallback, at place, value string) {
	if !h.parts.Inventory.Ready() {
		h.tell(ctx, cb.User.ID, at, view.Reading(h.parts.Inventory.Progress()))
		return
	}
	w, ok := view.ParseWish(value)
	entry, known := h.entryOf(w.Ref)
	if !ok || !known {
		h.complain(ctx, cb.User.ID, at, &upgrade.Refusal{Code: upgrade.NotFound, Text: "This database no longer exists in Redis Cloud."})
		return
	}
	at.Version = view.Cut(w.Version, maxVersion)
	warm, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	if r := h.parts.Engine.Warm(warm, entry, at.Version); r != nil {
		h.complain(ctx, cb.User.ID, at, r)
		return
	}
	h.openFilled(ctx, cb.TriggerID, cb.User.ID, entry, at)
}

// threadOf is the thread in which a clicked message stands; "" for a root.
func threadOf(cb slack.InteractionCallback) string {
	if cb.Container.ThreadTs != "" && cb.Container.ThreadTs != cb.Container.MessageTs {
		return cb.Container.ThreadTs
	}
	return ""
}

// picked reads the versions of the database that was just chosen in the
// request modal and shows them there.
func (h *Handler) picked(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) {
	if cb.View.CallbackID != view.CallbackRequest {
		return
	}
	pick, _ := strconv.ParseInt(strings.ReplaceAll(action.ActionTs, ".", ""), 10, 64)
	open := &form{handler: h, id: cb.View.ID, hash: cb.View.Hash, pick: pick}
	if !open.newest(ctx) {
		return // overtaken on its way
	}
	if err := h.mayLook(ctx, cb.User.ID); err != nil {
		h.replace(ctx, cb.View.ID, err)
		return
	}
	f := view.RequestForm{Metadata: cb.View.PrivateMetadata}
	entry, ok := h.entryOf(action.SelectedOption.Value)
	if !ok {
		open.show(ctx, view.RequestModal(f))
		return
	}
	f.Entry = &entry
	at := parsePlace(f.Metadata)
	at.Version = "" // what was asked for on the command line was for another database
	if r := h.parts.Engine.Warm(ctx, entry, ""); r != nil {
		f.Problem = r.Error()
		open.show(ctx, view.RequestModal(f))
		return
	}
	f.Metadata = at.String()
	if _, _, cached := h.parts.Inventory.CachedTargets(entry.Ref); !cached {
		open.show(ctx, view.RequestModal(f)) // says that they are being read
	}
	h.fillVersions(ctx, open, cb.User.ID, f)
}

// formMaker makes a modal for a session, or refuses; late is asked after the modal
// is open and replaces it with its reason.
type formMaker func(ctx context.Context, s upgrade.Session, at place) (v slack.ModalViewRequest, late func(context.Context, string) error, err error)

// openFor opens a modal about a session: at once where the session is loaded and its
// person known quickly, else a loading view that is filled. Who may do what the form
// is for is asked while the person reads, and again when it is submitted.
func (h *Handler) openFor(ctx context.Context, trigger, user string, at place, make formMaker) {
	known, err := h.knownSoon(ctx, user, h.mayLook)
	var s upgrade.Session
	if known && err == nil {
		load, cancel := context.WithTimeout(ctx, loadTimeout)
		defer cancel()
		s, err = h.parts.Engine.Load(load, at.Session)
		known = err == nil || load.Err() == nil
	}
	if !known {
		h.openLate(ctx, trigger, user, at, func(ctx context.Context, open *form) error { return h.fillLate(ctx, open, user, at, make) })
		return
	}
	var v slack.ModalViewRequest
	var late func(context.Context, string) error
	if err == nil {
		v, late, err = make(ctx, s, at)
	}
	if err != nil {
		h.complain(ctx, user, at, err)
		return
	}
	res, err := h.open(ctx, trigger, v)
	if err != nil {
		h.complain(ctx, user, at, err)
		return
	}
	h.object(ctx, user, res.ID, late)
}

func (h *Handler) fillLate(ctx context.Context, open *form, user string, at place, make formMaker) error {
	if err := h.mayLook(ctx, user); err != nil {
		return err
	}
	s, err := h.parts.Engine.Load(ctx, at.Session)
	if err != nil {
		return err
	}
	v, late, err := make(ctx, s, at)
	if err != nil {
		return err
	}
	open.show(ctx, v)
	h.object(ctx, user, open.id, late)
	return nil
}

// openLate opens a loading view and has it filled; an error is shown in its place.
func (h *Handler) openLate(ctx context.Context, trigger, user string, at place, fill func(context.Context, *form) error) {
	res, err := h.open(ctx, trigger, view.LoadingModal("One moment"))
	if err != nil {
		h.complain(ctx, user, at, err)
		return
	}
	if err := fill(ctx, &form{handler: h, id: res.ID, hash: res.Hash}); err != nil {
		h.replace(ctx, res.ID, err)
	}
}

// object replaces an open form by the reason why it could not be submitted, if
// there is one.
func (h *Handler) object(ctx context.Context, user, viewID string, late func(context.Context, string) error) bool {
	if late == nil {
		return false
	}
	err := late(ctx, user)
	if err != nil {
		h.replace(ctx, viewID, err)
	}
	return err != nil
}

func (h *Handler) denyForm(_ context.Context, s upgrade.Session, at place) (slack.ModalViewRequest, func(context.Context, string) error, error) {
	return view.DenyModal(s, at.String()), func(ctx context.Context, user string) error {
		v, err := h.parts.Roles.Voter(ctx, user)
		if err != nil {
			return nil // judged when it is submitted
		}
		return h.parts.Engine.MayDeny(ctx, s, upgrade.Click{Ask: at.Ask, By: v})
	}, nil
}

func (h *Handler) approveForm(_ context.Context, s upgrade.Session, at place) (slack.ModalViewRequest, func(context.Context, string) error, error) {
	if s.Revert == nil {
		return slack.ModalViewRequest{}, nil, &upgrade.Refusal{Code: upgrade.Stale, Text: "This button belongs to something else now."}
	}
	return view.ApproveModal(s, at.String()), func(ctx context.Context, user string) error {
		v, err := h.parts.Roles.Voter(ctx, user)
		if err != nil {
			return nil
		}
		return h.parts.Engine.MayApprove(ctx, s, upgrade.Click{Ask: at.Ask, By: v})
	}, nil
}

func (h *Handler) revertForm(_ context.Context, s upgrade.Session, at place) (slack.ModalViewRequest, func(context.Context, string) error, error) {
	if r := h.parts.Engine.Revertible(s); r != nil {
		return slack.ModalViewRequest{}, nil, r
	}
	f := view.RevertForm{Upgrade: s, Metadata: at.String(), Example: upgrade.ExampleFile(s)}
	return view.RevertModal(f), func(ctx context.Context, user string) error {
		if err := h.mayAsk(ctx, user); err != nil {
			return err
		}
		if r := h.parts.Engine.RevertNow(ctx, s); r != nil && r.Code != upgrade.Unreachable {
			return r // an answer that did not come is judged when it is submitted
		}
		return nil
	}, nil
}

func (h *Handler) releaseForm(ctx context.Context, s upgrade.Session, at place) (
	slack.ModalViewRequest, func(context.Context, string) error, error,
) {
	by, err := h.parts.Engine.Releasable(ctx, s)
	if err != nil {
		return slack.ModalViewRequest{}, nil, err
	}
	at.Record = s.Version()
	return view.ReleaseModal(s, by, at.String()), func(ctx context.Context, user string) error {
		v, err := h.parts.Roles.Voter(ctx, user)
		if err != nil {
			return nil // judged when it is submitted
		}
		return upgrade.MayRelease(v)
	}, nil
}

func (h *Handler) changesForm(_ context.Context, s upgrade.Session, _ place) (slack.ModalViewRequest, func(context.Context, string) error, error) {
	return view.ChangesModal(s), nil, nil
}

// shortcut is "Revert this upgrade" in the menu of any message.
func (h *Handler) shortcut(ctx context.Context, req *request, cb slack.InteractionCallback) {
	if cb.CallbackID != view.ShortcutRevert {
		req.ack()
		return
	}
	h.opening(ctx, req, cb.User.ID, func(ctx context.Context) { h.revertAt(ctx, cb) })
}

func (h *Handler) revertAt(ctx context.Context, cb slack.InteractionCallback) {
	root := cb.Message.ThreadTimestamp
	if root == "" {
		root = cb.Message.Timestamp
	}
	at := place{Channel: cb.Channel.ID, Thread: root}
	find, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	id, err := h.parts.Threads.SessionAt(find, at.Channel, root)
	if err == nil && id == "" {
		err = &upgrade.Refusal{Code: upgrade.NotFound, Text: "This message does not belong to an upgrade.", Hint: "Use the shortcut on an upgrade's card or in its thread."}
	}
	if err != nil {
		at.Thread = ""
		h.complain(ctx, cb.User.ID, at, err)
		return
	}
	at.Session = id
	h.openFor(ctx, cb.TriggerID, cb.User.ID, at, h.revertForm)
}

// startHorizon is how far ahead a start may be chosen.
const startHorizon = 30 * 24 * time.Hour
