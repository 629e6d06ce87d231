package commands

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// verbs are the first words that are not a database's name.
var verbs = map[string]func(*Handler, context.Context, *request, slack.SlashCommand, []string){
	"help":    (*Handler).help,
	"list":    (*Handler).list,
	"status":  (*Handler).status,
	"history": (*Handler).history,
	"cancel":  (*Handler).cancelCommand,
	"revert":  (*Handler).revertCommand,
	"pause":   (*Handler).pause,
	"resume":  (*Handler).pause,
}

// reading are the verbs that only tell. What acts is judged when it does, and
// what opens a form opens it first: its trigger does not wait for questions.
var reading = []string{"list", "status", "history"}

func (h *Handler) slash(ctx context.Context, req *request, cmd slack.SlashCommand) {
	words := strings.Fields(cmd.Text)
	first := ""
	if len(words) > 0 {
		first = strings.ToLower(words[0])
	}
	verb, known := verbs[first]
	if slices.Contains(reading, first) {
		if err := h.barred(ctx, cmd.UserID, false); err != nil {
			req.ack(private(h.complaint(ctx, err)))
			return
		}
	}
	switch {
	case known:
		verb(h, ctx, req, cmd, words[1:])
	case len(words) > 0:
		h.prefilled(ctx, req, cmd, words)
	default:
		req.ack()
		h.openRequest(ctx, cmd.TriggerID, cmd.UserID, view.RequestForm{Metadata: place{Channel: cmd.ChannelID}.String()})
	}
}

// barred turns away who may not even look, or not ask, before a form is filled in
// in vain. It is a courtesy, and keeps guests from reading: whoever acts is judged
// again, strictly. While Slack does not say who somebody is nobody is barred.
func (h *Handler) barred(ctx context.Context, user string, asks bool) error {
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	v, err := h.parts.Roles.Voter(ctx, user)
	switch {
	case err != nil:
		return nil
	case asks:
		return upgrade.MayRequest(v)
	}
	return upgrade.MayLook(v)
}

func (h *Handler) mayAsk(ctx context.Context, user string) error { return h.barred(ctx, user, true) }

// answer acknowledges with what concerns databases, which is nothing for guests.
func (h *Handler) answer(ctx context.Context, req *request, user string, m view.Message) {
	if err := h.mayAsk(ctx, user); err != nil {
		m = h.complaint(ctx, err)
	}
	req.ack(private(m))
}

// openRequest opens the request modal in its final form, then fills in the
// versions where a database is known, or why this person may not ask.
func (h *Handler) openRequest(ctx context.Context, trigger, user string, f view.RequestForm) {
	res, err := h.open(ctx, trigger, view.RequestModal(f))
	if err != nil {
		h.complain(ctx, user, parsePlace(f.Metadata), err)
		return
	}
	if h.object(ctx, user, res.ID, h.mayAsk) {
		return
	}
	if f.Entry != nil && f.Problem == "" {
		h.fillVersions(ctx, res.ID, user, f)
	}
}

// fillVersions reads what Redis Cloud offers for the picked database, or what
// stands in the way, and shows it in the open modal.
func (h *Handler) fillVersions(ctx context.Context, viewID, user string, f view.RequestForm) {
	before := f
	at := parsePlace(f.Metadata)
	versions, refusal := h.parts.Engine.Offer(ctx, f.Entry.Ref, f.Entry.Name)
	switch {
	case refusal != nil:
		f.Versions, f.Problem = nil, refusal.Error()
	default:
		f.Versions, f.Version = append([]string{}, versions...), at.Version
		_, _ = h.parts.Inventory.Targets(ctx, f.Entry.Ref) // warms what the submission is validated from
		if r := upgrade.NotOffered(*f.Entry, versions, at.Version); r != nil {
			h.tell(ctx, user, at, view.Refused(r, ""))
		}
	}
	if before.Problem != f.Problem || !slices.Equal(before.Versions, f.Versions) || before.Versions == nil {
		h.update(ctx, viewID, view.RequestModal(f))
	}
}

// maxVersion bounds what is typed as a version: it travels in the modal's metadata.
const maxVersion = 20

// prefilled answers `/redis-upgrade <database> [version]`.
func (h *Handler) prefilled(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	if len(words) > 2 {
		req.ack(private(view.Notice(":grey_question: That is more than a database and a version. Try `%s help`.", h.cfg.Command)))
		return
	}
	entry, answer := h.find(words[0])
	if answer != nil {
		h.answer(ctx, req, cmd.UserID, *answer)
		return
	}
	at := place{Channel: cmd.ChannelID}
	if len(words) == 2 {
		at.Version = strings.TrimPrefix(strings.ToLower(view.Cut(words[1], maxVersion)), "v")
	}
	before, cancel := context.WithTimeout(ctx, recordTimeout) // of the acknowledgement
	defer cancel()
	if r := h.parts.Engine.Warm(before, entry, at.Version); r != nil {
		h.answer(ctx, req, cmd.UserID, view.Refused(r, h.permalink(before, r.Link)))
		return
	}
	req.ack()
	h.openFilled(ctx, cmd.TriggerID, cmd.UserID, entry, at)
}

// openFilled opens the request modal with a database and the version in at.
func (h *Handler) openFilled(ctx context.Context, trigger, user string, entry inventory.Entry, at place) {
	f := view.RequestForm{Entry: &entry, Metadata: at.String()}
	if versions, _, ok := h.parts.Inventory.CachedTargets(entry.Ref); ok {
		f.Versions, f.Version = append([]string{}, versions...), at.Version
	}
	h.openRequest(ctx, trigger, user, f)
}

// find looks a database up in the warm index; answer is what to say instead.
func (h *Handler) find(name string) (inventory.Entry, *view.Message) {
	if !h.parts.Inventory.Ready() {
		m := view.Reading(h.parts.Inventory.Progress())
		return inventory.Entry{}, &m
	}
	entry, err := h.parts.Inventory.Find(name)
	var several *inventory.AmbiguousError
	switch {
	case errors.As(err, &several):
		m := view.Ambiguous(name, several.Matches)
		return entry, &m
	case err != nil:
		m := view.Unknown(name, h.parts.Inventory.Near(name, 3))
		return entry, &m
	}
	return entry, nil
}

func (h *Handler) help(_ context.Context, req *request, _ slack.SlashCommand, _ []string) {
	req.ack(private(view.Help()))
}

func (h *Handler) list(_ context.Context, req *request, _ slack.SlashCommand, _ []string) {
	if !h.parts.Inventory.Ready() {
		_, answer := h.find("")
		req.ack(private(*answer))
		return
	}
	req.ack(private(view.List(h.parts.Inventory.All())))
}

const listed = 15

func (h *Handler) status(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	req.ack()
	at := place{Channel: cmd.ChannelID}
	var sessions []upgrade.Session
	var err error
	title := "Under way"
	switch {
	case len(words) == 0:
		if sessions, err = h.parts.Engine.Open(ctx, listed); err == nil {
			var broken []upgrade.Session
			broken, err = h.parts.Engine.Broken(ctx)
			sessions = append(broken, sessions...)
		}
	case upgrade.IsID(words[0]):
		var s upgrade.Session
		s, err = h.parts.Engine.Load(ctx, words[0])
		sessions, title = []upgrade.Session{s}, "Status of "+s.ID
	default:
		entry, answer := h.find(words[0])
		if answer != nil {
			h.tell(ctx, cmd.UserID, at, *answer)
			return
		}
		sessions, err = h.parts.Engine.History(ctx, entry.Ref, 1)
		title = "Latest of " + entry.Name
	}
	h.sessions(ctx, cmd.UserID, at, title, sessions, err)
}

func (h *Handler) sessions(ctx context.Context, user string, at place, title string, all []upgrade.Session, err error) {
	if err != nil {
		h.complain(ctx, user, at, err)
		return
	}
	m := view.Sessions(title, all, func(id string) string { return h.permalink(ctx, id) })
	h.tell(ctx, user, at, view.Paused(h.parts.Engine.PausedBy(ctx), m))
}

func (h *Handler) history(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	if len(words) != 1 {
		req.ack(private(view.Notice(":grey_question: Which database? `%s history &lt;database&gt;`", h.cfg.Command)))
		return
	}
	entry, answer := h.find(words[0])
	if answer != nil {
		req.ack(private(*answer))
		return
	}
	req.ack()
	all, err := h.parts.Engine.History(ctx, entry.Ref, listed)
	h.sessions(ctx, cmd.UserID, place{Channel: cmd.ChannelID}, "History of "+entry.Name, all, err)
}

func (h *Handler) cancelCommand(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	if len(words) != 1 || !upgrade.IsID(words[0]) {
		req.ack(private(view.Notice(":grey_question: Which upgrade or revert? `%s cancel &lt;id&gt;`; `%s status` shows them.", h.cfg.Command, h.cfg.Command)))
		return
	}
	h.decide(ctx, req, intent{Do: doCancel, User: cmd.UserID, At: place{Channel: cmd.ChannelID, Session: words[0]}})
}

func (h *Handler) revertCommand(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	if len(words) != 1 || !upgrade.IsID(words[0]) {
		req.ack(private(view.Notice(":grey_question: Which upgrade? `%s revert &lt;id&gt;`; `%s history &lt;database&gt;` shows them.", h.cfg.Command, h.cfg.Command)))
		return
	}
	req.ack()
	h.openFor(ctx, cmd.TriggerID, cmd.UserID, place{Channel: cmd.ChannelID, Session: words[0]}, h.revertForm)
}

func (h *Handler) pause(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	if len(words) > 0 {
		req.ack(private(view.Notice(":grey_question: `%s pause` and `resume` are for all databases at once; write nothing behind them. `cancel &lt;id&gt;` stops one.", h.cfg.Command)))
		return
	}
	on := strings.HasPrefix(strings.ToLower(strings.TrimSpace(cmd.Text)), "pause")
	h.decide(ctx, req, intent{Do: doPause, User: cmd.UserID, On: on, At: place{Channel: cmd.ChannelID}})
}
