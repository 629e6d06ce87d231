package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	ID   string
	Name string // display name, else real name, else handle; not escaped
	TZ   string // IANA name such as "Europe/Berlin"; may be empty

	Guest       bool // single- or multi-channel guest
	Bot         bool
	Deactivated bool
	Foreign     bool // from another workspace

	Groups map[string]bool // by group id: has every group that matters, true where they are a member
	Known  bool            // false only together with an error
}

// In reports whether this is a known person in any of these groups.
func (p Person) In(groups ...string) bool {
	return p.Known && slices.ContainsFunc(groups, func(g string) bool { return p.Groups[g] })
}

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

// New returns a Directory of one workspace (team, as auth.test names it; everybody
// else is foreign). groups are the ids of the user groups that matter. Answers are
// recalled for maxAge, or as long as MaxAge allows when that is shorter or maxAge
// is not positive.
func New(api API, groups []string, team string, now func() time.Time, maxAge time.Duration) *Directory {
	if maxAge <= 0 || maxAge > recallMost {
		maxAge = recallMost
	}
	ids := slices.Compact(slices.Sorted(slices.Values(groups)))
	return &Directory{
		groups: slices.DeleteFunc(ids, func(id string) bool { return id == "" }),
		people: newMemory("users.info", now, maxAge, func(ctx context.Context, id string) (Person, error) {
			return describe(ctx, api, id, team)
		}),
		members: newMemory("usergroups.users.list", now, maxAge, func(ctx context.Context, group string) ([]string, error) {
			return api.GetUserGroupMembersContext(ctx, group)
		}),
	}
}

// Lookup says who a user is and in which of the groups that matter, and of those
// that are named. All questions
// to Slack leave at once. Every error contains ErrUnknown and comes with a Person
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
		p.Groups[group] = slices.Contains(ids, userID)
	}
	p.Known = true
	return p, nil
}

// Members returns the user ids in a group, sorted, for telling people who could
// decide. The caller owns the slice. Errors are those of Lookup.
func (d *Directory) Members(ctx context.Context, group string) ([]string, error) {
	ids, err := d.members.ask(ctx, group)()
	if err != nil {
		return nil, err
	}
	return slices.Sorted(slices.Values(ids)), nil
}

// slackbot is the one account that is a bot without saying so.
const slackbot = "USLACKBOT"

func describe(ctx context.Context, api API, id, team string) (Person, error) {
	u, err := api.GetUserInfoContext(ctx, id)
	if err != nil {
		return Person{}, err
	}
	if u.ID != id {
		return Person{}, fmt.Errorf("asked for %s, got %q", id, u.ID)
	}
	return Person{
		ID:          id,
		Name:        cmp.Or(u.Profile.DisplayName, u.RealName, u.Profile.RealName, u.Name, id),
		TZ:          u.TZ,
		Guest:       u.IsRestricted || u.IsUltraRestricted,
		Bot:         u.IsBot || u.IsWorkflowBot || u.IsConnectorBot || id == slackbot,
		Deactivated: u.Deleted,
		Foreign:     u.IsStranger || u.TeamID != team,
	}, nil
}
