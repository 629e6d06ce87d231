package slackemu

import (
	"fmt"
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
)

// person is a member of the workspace.
type person struct {
	id, name, realName, title, tz string
	tzOffset                      int
	restricted, bot               bool
}

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
	}
}

// group is a user group.
type group struct {
	id, handle, name string
	users            []string
}

func builtinGroups() []group {
	return []group{
		{"S0DBA", "dba", "Database administrators", []string{"U0BOB", "U0CAROL"}},
		{"S0ONCALL", "oncall", "On-call", []string{"U0DAN"}},
	}
}

// human reports whether a person can be acted as through the hooks.
func (p person) human() bool { return !p.bot && p.id != slackbotID }

// personByID finds a person, or nil. mu is held.
func (s *Server) personByID(id string) *person {
	i := slices.IndexFunc(s.people, func(p person) bool { return p.id == id })
	if i < 0 {
		return nil
	}
	return &s.people[i]
}

// actor finds the human that a hook names by id, name or @name. mu is held.
func (s *Server) actor(nameOrID string) (*person, error) {
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
	return object{"id": p.id, "username": p.name, "name": p.name, "team_id": teamID}
}

// payloadTeam is the workspace as interaction payloads name it.
func payloadTeam() object { return object{"id": teamID, "domain": teamDomain} }

// userObject is a person as users.info shows them.
// https://docs.slack.dev/reference/objects/user-object
func userObject(p person) object {
	return object{
		"id": p.id, "team_id": teamID, "name": p.name, "real_name": p.realName, "deleted": false,
		"is_admin": false, "is_owner": false, "is_primary_owner": false, "is_bot": p.bot, "is_app_user": false,
		"is_restricted": p.restricted, "is_ultra_restricted": false, "is_stranger": false,
		"tz": p.tz, "tz_label": p.tz, "tz_offset": p.tzOffset, "updated": 1700000000,
		"profile": object{
			"display_name": p.name, "real_name": p.realName, "title": p.title, "team": teamID,
			"display_name_normalized": p.name, "real_name_normalized": p.realName,
			"image_48": fmt.Sprintf("https://%s.test/avatars/%s-48.png", teamDomain, p.name),
		},
	}
}
