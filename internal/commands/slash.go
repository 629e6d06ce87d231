package commands

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

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
	"release": (*Handler).releaseCommand,
	"pause":   (*Handler).pause,
	"resume":  (*Handler).resume,
}

// wordsOf splits what was typed as people see it: without characters that show
// nothing, without the quotation marks that stand around a word when it is pasted,
// and with a hyphen for each dash that an editor made of one.
func wordsOf(text string) []string {
	words := strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r), unicode.IsControl(r) && !unicode.IsSpace(r):
			return -1
		case unicode.Is(unicode.Pd, r), r == '\u2212':
			return '-'
		}
		return r
	}, text))
	for i, w := range words {
		words[i] = strings.TrimFunc(w, func(r rune) bool {
			return strings.ContainsRune("`\"'", r) || unicode.In(r, unicode.Pi, unicode.Pf) || r == '„' || r == '‚'
		})
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

func (h *Handler) slash(ctx context.Context, req *request, cmd slack.SlashCommand) {
	words := wordsOf(cmd.Text)
	if len(words) == 0 {
		h.opening(ctx, req, cmd.UserID, func(ctx context.Context) {
			h.openRequest(ctx, cmd.TriggerID, cmd.UserID, view.RequestForm{Metadata: place{Channel: cmd.ChannelID}.String()})
		})
		return
	}
	if verb, known := verbs[strings.ToLower(words[0])]; known {
		verb(h, ctx, req, cmd, words[1:])
		return
	}
	h.prefilled(ctx, req, cmd, words)
}

// usage is an answer that is the same for everybody, so nobody is asked who they are.
func (h *Handler) usage(req *request, u view.Use) { req.ack(private(view.Usage(u, h.cfg.Command))) }

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
		h.fillVersions(ctx, &form{handler: h, id: res.ID, hash: res.Hash}, user, f)
	}
}

// fillVersions shows in the open modal what Redis Cloud offers for the picked
// database, or what stands in the way.
func (h *Handler) fillVersions(ctx context.Context, open *form, user string, f view.RequestForm) {
	before, at := f, parsePlace(f.Metadata)
	var versions []string
	var refusal *upgrade.Refusal
	h.still(ctx, func(ctx context.Context) {
		waiting := f
		waiting.Slow = true
		open.show(ctx, view.RequestModal(waiting))
	}, func(ctx context.Context) { versions, refusal = h.offer(ctx, user, *f.Entry) })
	switch {
	case refusal != nil:
		f.Versions, f.Problem = nil, refusal.Error()
	default:
		f.Versions, f.Version = append([]string{}, versions...), at.Version
		if r := upgrade.NotOffered(*f.Entry, versions, at.Version); r != nil {
			h.tell(ctx, user, at, view.Refused(r, ""))
		}
	}
	if before.Problem != f.Problem || !slices.Equal(before.Versions, f.Versions) || before.Versions == nil {
		open.show(ctx, view.RequestModal(f))
	}
}

// askTimeout is how long a form waits for Redis Cloud.
const askTimeout = 25 * time.Second

// offer is what Redis Cloud offers for a database: from the index where that knows
// the versions and nothing that stands in the way, else from Redis Cloud, which a
// person may ask so often.
func (h *Handler) offer(ctx context.Context, user string, entry inventory.Entry) ([]string, *upgrade.Refusal) {
	versions, _, cached := h.parts.Inventory.CachedTargets(entry.Ref)
	quiet := upgrade.AtRest(entry)
	if cached && quiet {
		return versions, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if h.parts.Lookups != nil && !h.parts.Lookups(ctx, user) {
		return nil, &upgrade.Refusal{Code: upgrade.Unreachable, Text: "You have looked up many databases within a minute; upgrades at work need Redis Cloud too.", Hint: "Pick it again in a minute."}
	}
	if quiet {
		versions, err := h.parts.Inventory.Targets(ctx, entry.Ref)
		if err == nil && len(versions) > 0 {
			return versions, nil
		}
	}
	versions, refusal := h.parts.Engine.Offer(ctx, entry.Ref, entry.Name)
	if refusal == nil {
		_, _ = h.parts.Inventory.Targets(ctx, entry.Ref) // warms what the submission is validated from
	}
	return versions, refusal
}

// maxVersion bounds what is typed as a version: it travels in the modal's metadata.
const maxVersion = 20

// prefilled answers `/redis-upgrade <database> [version]`: with the form, or with
// what is known to stand in its way. Who is not known within loadTimeout waits
// before a loading view: nothing is shown to a stranger.
func (h *Handler) prefilled(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	if len(words) > 2 {
		h.usage(req, view.UseDatabase)
		return
	}
	at := place{Channel: cmd.ChannelID}
	if len(words) == 2 {
		at.Version = strings.TrimPrefix(strings.ToLower(view.Cut(words[1], maxVersion)), "v")
	}
	entry, answer := h.find(words[0])
	var refusal *upgrade.Refusal
	if answer == nil {
		refusal = h.parts.Engine.Warm(ctx, entry, at.Version)
	}
	if answer != nil || refusal != nil {
		h.reply(ctx, req, cmd.UserID, at, func(ctx context.Context) (view.Message, error) {
			if err := h.mayAsk(ctx, cmd.UserID); err != nil {
				return view.Message{}, err
			}
			if answer != nil {
				return *answer, nil
			}
			return view.Message{}, refusal
		})
		return
	}
	h.opening(ctx, req, cmd.UserID, func(ctx context.Context) { h.openFilled(ctx, cmd.TriggerID, cmd.UserID, entry, at) })
}

// openFilled opens the request modal with a database and the version in at.
func (h *Handler) openFilled(ctx context.Context, trigger, user string, entry inventory.Entry, at place) {
	f := view.RequestForm{Entry: &entry, Metadata: at.String()}
	if versions, _, ok := h.parts.Inventory.CachedTargets(entry.Ref); ok {
		f.Versions, f.Version = append([]string{}, versions...), at.Version
	}
	known, err := h.knownSoon(ctx, user, h.mayAsk)
	switch {
	case !known:
		h.openLate(ctx, trigger, user, at, func(ctx context.Context, open *form) error {
			if err := h.mayAsk(ctx, user); err != nil {
				return err
			}
			open.show(ctx, view.RequestModal(f))
			h.fillVersions(ctx, open, user, f)
			return nil
		})
	case err != nil:
		h.complain(ctx, user, at, err)
	default:
		h.openRequest(ctx, trigger, user, f)
	}
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

func (h *Handler) list(ctx context.Context, req *request, cmd slack.SlashCommand, _ []string) {
	h.reply(ctx, req, cmd.UserID, place{Channel: cmd.ChannelID}, func(ctx context.Context) (view.Message, error) {
		if err := h.mayLook(ctx, cmd.UserID); err != nil {
			return view.Message{}, err
		}
		if !h.parts.Inventory.Ready() {
			return view.Reading(h.parts.Inventory.Progress()), nil
		}
		return view.List(h.parts.Inventory.All()), nil
	})
}

const listed = 15

func (h *Handler) status(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	h.reply(ctx, req, cmd.UserID, place{Channel: cmd.ChannelID}, func(ctx context.Context) (view.Message, error) {
		if err := h.mayLook(ctx, cmd.UserID); err != nil {
			return view.Message{}, err
		}
		if len(words) == 0 {
			open, more, err := h.open15(ctx)
			return h.sessions(ctx, "Under way", open, more, err)
		}
		if upgrade.IsID(words[0]) {
			s, err := h.parts.Engine.Load(ctx, words[0])
			_, missing := upgrade.AsRefusal(err)
			if _, unknown := h.find(words[0]); !missing || unknown != nil { // a database may be named like a session
				return h.sessions(ctx, "Status of "+words[0], []upgrade.Session{s}, 0, err)
			}
		}
		entry, answer := h.find(words[0])
		if answer != nil {
			return *answer, nil
		}
		sessions, err := h.parts.Engine.History(ctx, entry.Ref, 1)
		return h.sessions(ctx, "Latest of "+entry.Name, sessions, 0, err)
	})
}

// open15 are the sessions under way, at most listed and before them what needs
// somebody, and how many more there are.
func (h *Handler) open15(ctx context.Context) (open []upgrade.Session, more int, err error) {
	all, err := h.parts.Engine.CountOpen(ctx)
	if err != nil {
		return nil, 0, err
	}
	if open, err = h.parts.Engine.Open(ctx, listed); err != nil {
		return nil, 0, err
	}
	broken, err := h.parts.Engine.Broken(ctx)
	return append(broken, open...), max(all-len(open), 0), err
}

// sessions is a list of sessions with links to their cards; more are not in it. A
// link that Slack does not give in time is left out.
func (h *Handler) sessions(ctx context.Context, title string, all []upgrade.Session, more int, err error) (view.Message, error) {
	if err != nil {
		return view.Message{}, err
	}
	soon, cancel := context.WithTimeout(ctx, linkTimeout)
	defer cancel()
	m := view.Sessions(title, all, more, func(id string) string { return h.permalink(soon, id) })
	return view.Paused(h.parts.Engine.PausedBy(ctx), m), nil
}

func (h *Handler) history(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	if len(words) != 1 {
		h.usage(req, view.UseHistory)
		return
	}
	h.reply(ctx, req, cmd.UserID, place{Channel: cmd.ChannelID}, func(ctx context.Context) (view.Message, error) {
		if err := h.mayLook(ctx, cmd.UserID); err != nil {
			return view.Message{}, err
		}
		entry, answer := h.find(words[0])
		if answer != nil {
			return *answer, nil
		}
		all, err := h.parts.Engine.History(ctx, entry.Ref, listed)
		return h.sessions(ctx, "History of "+entry.Name, all, 0, err)
	})
}

func (h *Handler) cancelCommand(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	if len(words) != 1 || !upgrade.IsID(words[0]) {
		h.usage(req, view.UseCancel)
		return
	}
	h.decide(ctx, req, intent{Do: doCancel, User: cmd.UserID, At: place{Channel: cmd.ChannelID, Session: words[0]}})
}

func (h *Handler) revertCommand(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	if len(words) != 1 || !upgrade.IsID(words[0]) {
		h.usage(req, view.UseRevert)
		return
	}
	at := place{Channel: cmd.ChannelID, Session: words[0]}
	h.opening(ctx, req, cmd.UserID, func(ctx context.Context) { h.openFor(ctx, cmd.TriggerID, cmd.UserID, at, h.revertForm) })
}

func (h *Handler) releaseCommand(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	if len(words) != 1 || !upgrade.IsID(words[0]) {
		h.usage(req, view.UseRelease)
		return
	}
	at := place{Channel: cmd.ChannelID, Session: words[0]}
	h.opening(ctx, req, cmd.UserID, func(ctx context.Context) {
		h.openFor(ctx, cmd.TriggerID, cmd.UserID, at, h.releaseForm)
	})
}

func (h *Handler) pause(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	h.setPause(ctx, req, cmd, words, true)
}

func (h *Handler) resume(ctx context.Context, req *request, cmd slack.SlashCommand, words []string) {
	h.setPause(ctx, req, cmd, words, false)
}

func (h *Handler) setPause(ctx context.Context, req *request, cmd slack.SlashCommand, words []string, on bool) {
	if len(words) > 0 {
		h.usage(req, view.UsePause)
		return
	}
	h.decide(ctx, req, intent{Do: doPause, User: cmd.UserID, On: on, At: place{Channel: cmd.ChannelID}})
}
