package view

import (
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

func modal(callback, title, submit, closing string, blocks []slack.Block, metadata string) slack.ModalViewRequest {
	v := slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callback, Title: plain(title, maxTitle),
		Close: plain(closing, maxTitle), Blocks: slack.Blocks{BlockSet: blocks}, PrivateMetadata: metadata}
	if submit != "" {
		v.Submit = plain(submit, maxTitle)
	}
	return v
}

func reasonInput(label, hint string) *slack.InputBlock {
	in := slack.NewPlainTextInputBlockElement(plain(hint, maxPlaceholder), ActionReason)
	in.Multiline, in.MaxLength = true, maxReason
	return slack.NewInputBlock("reason", plain(label, maxLabel), nil, in)
}

// RequestForm is what the request modal shows.
type RequestForm struct {
	Entry    *inventory.Entry // the database picked so far
	Versions []string         // on offer for it; nil: still being read
	Version  string           // preselected
	Slow     bool             // reading them takes longer than usual
	Problem  string           // why this database cannot be upgraded
	Metadata string
}

// RequestModal asks for database, version, reason and start. Without a
// database it needs no data, so it can be the first thing that is opened.
func RequestModal(f RequestForm) slack.ModalViewRequest {
	pick := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, plain("Search by name, id, version or tag", maxPlaceholder), ActionDatabase)
	zero := 0
	pick.MinQueryLength = &zero
	if f.Entry != nil {
		pick.InitialOption = Option(*f.Entry)
	}
	database := slack.NewInputBlock("database", plain("Database", maxLabel), nil, pick)
	database.DispatchAction = true
	blocks := []slack.Block{database}
	blocks = append(blocks, versionBlocks(f)...)
	blocks = append(blocks, reasonInput("Why?", "What needs the new version, and why now?"))
	start := slack.NewDateTimePickerBlockElement(ActionStart)
	when := slack.NewInputBlock("start", plain("Not before", maxLabel), plain("Empty: as soon as it is approved.", maxHint), start)
	when.Optional = true
	blocks = append(blocks, when, note("People approve first. A backup is always taken before the upgrade; nothing is changed until both are there."))
	return modal(CallbackRequest, "Upgrade a database", "Request upgrade", "Cancel", blocks, f.Metadata)
}

// versionBlocks are the version list of the picked database. Its block id
// holds the database, so that a choice made for another one is dropped.
func versionBlocks(f RequestForm) []slack.Block {
	switch {
	case f.Entry == nil:
		return []slack.Block{note("Pick a database to see the versions that Redis Cloud offers for it.")}
	case f.Problem != "":
		return []slack.Block{section(":no_entry_sign: " + prose(f.Problem))}
	case f.Versions == nil && f.Slow:
		return []slack.Block{note(":hourglass_flowing_sand: Still asking Redis Cloud, which answers slowly, what it offers for " + Escape(f.Entry.Name) + "…")}
	case f.Versions == nil:
		return []slack.Block{note(":hourglass_flowing_sand: Reading the versions that Redis Cloud offers for " + Escape(f.Entry.Name) + "…")}
	case len(f.Versions) == 0:
		return []slack.Block{section(fmt.Sprintf(":white_check_mark: %s runs %s, and Redis Cloud offers nothing newer for it.", Escape(f.Entry.Name), Escape(f.Entry.Version)))}
	}
	var options []*slack.OptionBlockObject
	var initial *slack.OptionBlockObject
	for _, v := range f.Versions[:min(len(f.Versions), 100)] {
		o := slack.NewOptionBlockObject(v, plain(v, maxOption), nil)
		options = append(options, o)
		if v == f.Version {
			initial = o
		}
	}
	list := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Pick a version", maxPlaceholder), ActionVersion, options...)
	list.InitialOption = initial
	hint := fmt.Sprintf("%s runs %s now, in subscription %s.", f.Entry.Name, f.Entry.Version, f.Entry.SubscriptionName)
	return []slack.Block{slack.NewInputBlock(VersionBlock(*f.Entry), plain("Version", maxLabel), plain(hint, maxHint), list)}
}

// VersionBlock is the block id of the version list of one database.
func VersionBlock(e inventory.Entry) string { return "version-" + e.Ref.String() }

// Option is a database in a select: its name and what tells it apart.
func Option(e inventory.Entry) *slack.OptionBlockObject {
	text := e.Name + " · " + e.Version
	switch {
	case e.Protocol == "memcached":
		text = e.Name + " · memcached"
	case e.ActiveActive:
		text += " · Active-Active"
	}
	about := fmt.Sprintf("#%d", e.Ref.Database)
	if e.Behind > 0 && e.Upgradable() {
		about += fmt.Sprintf(" · %s behind, up to %s", plural(e.Behind, "version"), e.Newest)
	}
	if !e.Stale.IsZero() {
		about += " · as of " + e.Stale.UTC().Format("15:04 UTC")
	}
	about += " · " + e.SubscriptionName // last: it is what may be cut
	return slack.NewOptionBlockObject(e.Ref.String(), plain(text, maxOption), plain(about, maxOption))
}

// DenyModal asks for the reason of a denial.
func DenyModal(s upgrade.Session, metadata string) slack.ModalViewRequest {
	blocks := []slack.Block{
		section(fmt.Sprintf("*%s* will not be carried out; %s reads your reason in the thread.", Escape(sessionTitle(s)), person(s.By))),
		reasonInput("Reason", "What would have to change for a yes?"),
	}
	return modal(CallbackDeny, "Deny", "Deny", "Back", blocks, metadata)
}

// InfoModal says one thing to somebody who just clicked.
func InfoModal(title, text string) slack.ModalViewRequest {
	return modal(CallbackInfo, title, "", "Close", []slack.Block{section(text)}, "")
}

// LoadingModal holds the place of a modal whose content is being read.
func LoadingModal(title string) slack.ModalViewRequest {
	return InfoModal(title, ":hourglass_flowing_sand: One moment…")
}

// StartOf is a picked start: seconds since 1970, or zero when none was.
func StartOf(seconds int64) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Home is the bot's Home tab: what is under way (and how much more than is listed),
// and how to begin.
func Home(open []upgrade.Session, more int, permalink func(id string) string) slack.HomeTabViewRequest {
	return home(Sessions("Under way", open, more, permalink), Help())
}

// HomeRefused is the Home tab of somebody who may not look, and says why.
func HomeRefused(why Message) slack.HomeTabViewRequest { return home(why, Help()) }

func home(parts ...Message) slack.HomeTabViewRequest {
	blocks := []slack.Block{slack.NewHeaderBlock(plain("Redis Cloud upgrades", maxHeader))}
	for i, m := range parts {
		if i > 0 {
			blocks = append(blocks, slack.NewDividerBlock())
		}
		blocks = append(blocks, m.Blocks...)
	}
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}}
}
