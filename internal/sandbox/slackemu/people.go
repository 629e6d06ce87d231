package slackemu

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The public identities of the emulated workspace.
const (
	teamID     = "T0SANDBOX"
	teamName   = "Acme"
	teamDomain = "acme"
	appID      = "A0REDISUP"
	botUserID  = "UBOT"
	botID      = "B0REDISUP"
	botName    = "redis-upgrade"
	slackbotID = "USLACKBOT"

	// Another app of the workspace, whose messages a hook posts.
	otherBotUserID = "U0DEPLOYBOT"
	otherBotID     = "B0DEPLOYBOT"
	otherAppID     = "A0DEPLOYBOT"
)

// person is a member of the workspace, or somebody from elsewhere who shares a
// channel with it.
type person struct {
	id, name, realName, title, tz string
	tzOffset                      int
	restricted, bot               bool
	ultraRestricted, deactivated  bool

	from  string   // the switch of the workspace hook that brought them in; empty: always there
	team  string   // the workspace that users.info names; empty: ours
	teams []string // of enterprise_user; nil: ours, if the organisation is on
	info  object   // laid over what users.info answers
	shown string   // the id by which payloads name them; empty: id
}

// shownID is the id by which payloads name a person.
func (p person) shownID() string { return cmp.Or(p.shown, p.id) }

func builtinPeople() []person {
	return []person{
		{id: "U0ANN", name: "ann", realName: "Ann Archer", title: "Engineer", tz: "Europe/Berlin", tzOffset: 3600},
		{id: "U0BOB", name: "bob", realName: "Bob Baker", title: "Database administrator (approver)", tz: "Europe/London"},
		{id: "U0CAROL", name: "carol", realName: "Carol Chen", title: "Database administrator (approver)", tz: "America/New_York", tzOffset: -18000},
		{id: "U0DAN", name: "dan", realName: "Dan Diaz", title: "On-call engineer", tz: "Asia/Tokyo", tzOffset: 32400},
		{id: "U0EVE", name: "eve", realName: "Eve Evans", title: "Engineer, in no group", tz: "Europe/Berlin", tzOffset: 3600},
		{id: "U0GUEST", name: "guest", realName: "Gus Guest", title: "Contractor (restricted account)", tz: "Europe/Berlin", tzOffset: 3600, restricted: true},
		{id: botUserID, name: botName, realName: "Redis Upgrade", title: "The app", tz: "Etc/UTC", bot: true},
		{id: slackbotID, name: "slackbot", realName: "Slackbot", tz: "Etc/UTC"},
		{id: otherBotUserID, name: "deploy-bot", realName: "Deploy Bot", title: "Another app", tz: "Etc/UTC", bot: true},
	}
}

// group is a user group.
type group struct {
	id, handle, name string
	team             string // a workspace or the organisation
	users            []string
	disabled         bool
	from             string // as person.from
}

func builtinGroups() []group {
	return []group{
		{id: "S0DBA", handle: "dba", name: "Database administrators", team: teamID, users: []string{"U0BOB", "U0CAROL"}},
		{id: "S0ONCALL", handle: "oncall", name: "On-call", team: teamID, users: []string{"U0DAN"}},
	}
}

// human reports whether a person can be acted as through the hooks.
func (p person) human() bool { return !p.bot && p.id != slackbotID }

// hookObject is a group as hooks show it.
func (g group) hookObject() object {
	return object{"id": g.id, "handle": g.handle, "name": g.name, "users": slices.Clone(g.users), "disabled": g.disabled}
}

// personByID finds a person, or nil; in an organisation by either id. mu is held.
func (s *Server) personByID(id string) *person {
	i := slices.IndexFunc(s.people, func(p person) bool { return p.id == id || s.grid && id != "" && p.globalID() == id })
	if i < 0 {
		return nil
	}
	return &s.people[i]
}

// actor finds the human that a hook names, who must be able to act. mu is held.
func (s *Server) actor(nameOrID string) (*person, error) {
	p, err := s.named(nameOrID)
	if err == nil && p.deactivated {
		return nil, conflict("%s is deactivated", p.name)
	}
	return p, err
}

// named finds the human that a hook names by id, name or @name. Who is named by
// a W id appears under it in payloads. mu is held.
func (s *Server) named(nameOrID string) (*person, error) {
	want := strings.TrimPrefix(nameOrID, "@")
	var names []string
	for i := range s.people {
		p := &s.people[i]
		if !p.human() {
			continue
		}
		if p.id == want || p.name == want {
			return p, nil
		}
		if s.grid && p.globalID() == want {
			global := *p
			global.shown = want
			return &global, nil
		}
		names = append(names, p.name)
	}
	return nil, notFound("unknown user %q; there are %s", nameOrID, strings.Join(names, ", "))
}

// personName is the name of a user id, or the id itself. mu is held.
func (s *Server) personName(id string) string {
	if p := s.personByID(id); p != nil {
		return p.name
	}
	return id
}

// payloadUser is a person as interaction payloads name them.
func payloadUser(p *person) object {
	return object{"id": p.shownID(), "username": p.name, "name": p.name, "team_id": p.home()}
}

// userObject is a person as users.info shows them.
// https://docs.slack.dev/reference/objects/user-object
func (s *Server) userObject(p person) object {
	o := object{
		"id": p.id, "team_id": p.home(), "name": p.name, "real_name": p.realName, "deleted": p.deactivated,
		"is_admin": false, "is_owner": false, "is_primary_owner": false, "is_bot": p.bot, "is_app_user": false,
		"is_restricted": p.restricted || p.ultraRestricted, "is_ultra_restricted": p.ultraRestricted, "is_stranger": false,
		"tz": p.tz, "tz_label": p.tz, "tz_offset": p.tzOffset, "updated": 1700000000,
		"profile": object{
			"display_name": p.name, "real_name": p.realName, "title": p.title, "team": p.home(),
			"display_name_normalized": p.name, "real_name_normalized": p.realName,
			"image_48": fmt.Sprintf("https://%s.test/avatars/%s-48.png", teamDomain, p.name),
		},
	}
	if p.id == botUserID {
		maps.Copy(o["profile"].(object), object{"bot_id": botID, "api_app_id": appID, "always_active": true})
	}
	if p.id == otherBotUserID {
		maps.Copy(o["profile"].(object), object{"bot_id": otherBotID, "api_app_id": otherAppID, "always_active": false})
	}
	s.addOrganisation(o, p)
	maps.Copy(o, p.info)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return o
}
