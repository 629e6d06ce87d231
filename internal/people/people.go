package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// MaxAge is the oldest answer that is ever believed.
const MaxAge = time.Minute

// ErrUnknown is in every error of this package: Slack could not say, so the
// answer is no. The cause is wrapped beside it; a rate limit is found with
// errors.As as *slack.RateLimitedError.
var ErrUnknown = errors.New("slack could not say who this is")

// Person is somebody as Slack described them less than MaxAge ago. The zero
// Person is nobody, in no group.
type Person struct {
	ID   string // the same whichever of their ids was asked for
	Also string // another id of theirs, under which a group may list them; "" when there is none
	Name string // display name, else real name, else handle; not escaped
	TZ   string // IANA name such as "Europe/Berlin"; may be empty

	Guest       bool // single- or multi-channel guest
	Bot         bool
	Deactivated bool
	Foreign     bool // from another workspace, and not a member of ours

	Groups map[string]bool // by group id: has every group that matters, true where they are a member
	Known  bool            // false only together with an error
}

// In reports whether this is a known person in any of these groups.
func (p Person) In(groups ...string) bool {
	return p.Known && slices.ContainsFunc(groups, func(g string) bool { return p.Groups[g] })
}

// Is reports whether id, as somebody wrote it down, names this person.
func (p Person) Is(id string) bool { return id != "" && (id == p.ID || id == p.Also) }

// API is what a Directory needs of a *slack.Client.
type API interface {
	GetUserInfoContext(ctx context.Context, user string, options ...slack.GetUserInfoOption) (*slack.User, error)
	GetUserGroupMembersContext(ctx context.Context, group string, options ...slack.GetUserGroupMembersOption) ([]string, error)
}

// Directory answers who someone is. It is safe for concurrent use.
type Directory struct {
	groups  []string
	people  *memory[Person]   // by user id; without groups
	members *memory[[]string] // by group id
}

// recallMost leaves room for the slowest call: an answer that is recalled while
// another one is still awaited is not older than MaxAge when both are there.
const recallMost = MaxAge - callTimeout

// Config is what a Directory needs to know.
type Config struct {
	// Team is the workspace, or the organisation where the app is installed for all of
	// it, as auth.test names it (T… or E…). Who is a member of neither is foreign.
	Team string
	// Groups are the ids of the user groups that matter.
	Groups []string
	// MaxAge is how long an answer is recalled; shorter where the constant MaxAge
	// demands it, and as long as that allows when it is not positive.
	MaxAge time.Duration
	Now    func() time.Time
	// Missing hears of a group that Slack says does not exist or cannot be used, each
	// time it was asked for; nil: nobody does.
	Missing func(group string, err error)
}

// New returns a Directory.
func New(api API, cfg Config) *Directory {
	if cfg.MaxAge <= 0 || cfg.MaxAge > recallMost {
		cfg.MaxAge = recallMost
	}
	ids := slices.Compact(slices.Sorted(slices.Values(cfg.Groups)))
	return &Directory{
		groups: slices.DeleteFunc(ids, func(id string) bool { return id == "" }),
		people: newMemory("users.info", cfg.Now, cfg.MaxAge, func(ctx context.Context, id string) (Person, error) {
			return describe(ctx, api, id, cfg.Team)
		}),
		members: newMemory("usergroups.users.list", cfg.Now, cfg.MaxAge, func(ctx context.Context, group string) ([]string, error) {
			return membersOf(ctx, api, group, cfg)
		}),
	}
}

// absent are Slack's words for a group that has no members here: it does not exist,
// was disabled, or the workspace has no groups at all. Waiting would not help, and
// the other groups count all the same.
var absent = []string{"no_such_subteam", "plan_upgrade_required"}

func membersOf(ctx context.Context, api API, group string, cfg Config) ([]string, error) {
	var options []slack.GetUserGroupMembersOption
	if strings.HasPrefix(cfg.Team, "E") { // a token of an organisation must say which team it means
		options = append(options, slack.GetUserGroupMembersOptionTeamID(cfg.Team))
	}
	ids, err := api.GetUserGroupMembersContext(ctx, group, options...)
	var said slack.SlackErrorResponse
	if errors.As(err, &said) && slices.Contains(absent, said.Err) {
		if cfg.Missing != nil {
			cfg.Missing(group, err)
		}
		return nil, nil
	}
	return ids, err
}

// Lookup says who a user is and in which of the groups that matter, and of those
// that are named. All questions to Slack leave at once. Every error contains ErrUnknown and comes with a Person
// that has nothing but its id.
// It implements https://docs.slack.dev/reference/methods/users.info and
// https://docs.slack.dev/reference/methods/usergroups.users.list.
func (d *Directory) Lookup(ctx context.Context, userID string, named ...string) (Person, error) {
	nobody := Person{ID: userID}
	if userID == "" {
		return nobody, fmt.Errorf("%w: no user id", ErrUnknown)
	}
	person := d.people.ask(ctx, userID)
	groups := slices.Compact(slices.Sorted(slices.Values(slices.Concat(d.groups, named))))
	members := make([]func() ([]string, error), len(groups))
	for i, group := range groups {
		members[i] = d.members.ask(ctx, group)
	}
	p, err := person()
	if err != nil {
		return nobody, err
	}
	p.Groups = make(map[string]bool, len(groups))
	for i, group := range groups {
		ids, err := members[i]()
		if err != nil {
			return nobody, err
		}
		p.Groups[group] = slices.ContainsFunc(ids, p.Is) || slices.Contains(ids, userID)
	}
	p.Known = true
	return p, nil
}

// slackbot is the one account that is a bot without saying so.
const slackbot = "USLACKBOT"

// describe asks Slack. In an organisation people have an id of the workspace (U…)
// and may have one of the organisation (W…), and users.info takes either; the one of
// the organisation is what both answers share.
// https://docs.slack.dev/enterprise/
func describe(ctx context.Context, api API, id, team string) (Person, error) {
	u, err := api.GetUserInfoContext(ctx, id)
	if err != nil {
		return Person{}, err
	}
	org := u.Enterprise
	if u.ID != id && org.ID != id {
		return Person{}, fmt.Errorf("asked for %s, got %q", id, u.ID)
	}
	p := Person{
		ID:          cmp.Or(org.ID, u.ID),
		Name:        cmp.Or(u.Profile.DisplayName, u.RealName, u.Profile.RealName, u.Name, id),
		TZ:          u.TZ,
		Guest:       u.IsRestricted || u.IsUltraRestricted,
		Bot:         u.IsBot || u.IsWorkflowBot || u.IsConnectorBot || id == slackbot,
		Deactivated: u.Deleted,
		Foreign:     u.IsStranger || u.TeamID != team && org.EnterpriseID != team && !slices.Contains(org.Teams, team),
	}
	if u.ID != p.ID {
		p.Also = u.ID
	}
	return p, nil
}
