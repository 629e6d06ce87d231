package slackemu

import (
	"slices"
	"strings"
)

// The other workspaces that there may be: one of a partner, reached by Slack
// Connect, and the organisation (Enterprise Grid) to which ours belongs, with
// a second workspace of its own.
// https://docs.slack.dev/enterprise/ · https://docs.slack.dev/apis/slack-connect/
const (
	partnerTeamID = "T0PARTNER"
	partnerOrgID  = "E0PARTNER"
	sisterTeamID  = "T0ACMEUK"
	orgID         = "E0ACME"
	orgName       = "Acme Corporation"
)

// elsewherePeople are those whom the switches of the workspace hook bring in,
// with every form in which users.info tells where somebody belongs.
func elsewherePeople(from string) []person {
	none := object{"team_id": nil}
	if from == "partner" {
		return []person{
			{id: "U0FRANK", name: "frank", realName: "Frank Fischer", title: "Partner, seen as a stranger", team: partnerTeamID, info: object{"is_stranger": true}},
			{id: "U0FAY", name: "fay", realName: "Fay Flores", title: "Partner, of another organisation", team: partnerTeamID, teams: []string{partnerTeamID}},
		}
	}
	return []person{
		{id: "U0GITA", name: "gita", realName: "Gita Gupta", title: "Of both workspaces, at home in the other", team: sisterTeamID, teams: []string{sisterTeamID, teamID}},
		{id: "U0HUGO", name: "hugo", realName: "Hugo Hansen", title: "Of both workspaces, no team_id", teams: []string{teamID, sisterTeamID}, info: none},
		{id: "U0OLGA", name: "olga", realName: "Olga Olsen", title: "Of our workspace, team_id of the organisation", team: orgID, teams: []string{teamID}},
		{id: "U0IVAN", name: "ivan", realName: "Ivan Ivanov", title: "Of the other workspace only", team: sisterTeamID, teams: []string{sisterTeamID}},
	}
}

// home is the workspace that users.info and payloads name.
func (p person) home() string {
	if p.team == "" {
		return teamID
	}
	return p.team
}

// globalID is the id that a person has in the whole organisation.
func (p person) globalID() string {
	if !p.human() || !strings.HasPrefix(p.id, "U") {
		return p.id
	}
	return "W" + p.id[1:]
}

// addOrganisation says which workspaces of its organisation an account is in.
// mu is held.
func (s *Server) addOrganisation(o object, p person) {
	org, name, teams := orgID, orgName, p.teams
	switch {
	case p.home() == partnerTeamID && p.teams != nil:
		org, name = partnerOrgID, "Partner Corporation"
	case !s.grid || p.home() == partnerTeamID:
		return
	case teams == nil:
		teams = []string{teamID}
	}
	o["enterprise_user"] = object{"id": p.globalID(), "enterprise_id": org, "enterprise_name": name,
		"is_admin": false, "is_owner": false, "is_primary_owner": false, "teams": slices.Clone(teams)}
}

type workspaceRequest struct {
	Partner    *bool `json:"partner"`     // another company shares a channel
	Grid       *bool `json:"grid"`        // ours is one workspace of an organisation
	OrgInstall *bool `json:"org_install"` // the app is installed for the organisation; switches grid on
}

// hookWorkspace switches what there is beyond the workspace of the app.
func (s *Server) hookWorkspace(in workspaceRequest) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.Partner != nil {
		s.partner = *in.Partner
	}
	if in.Grid != nil {
		s.grid = *in.Grid
	}
	if in.OrgInstall != nil {
		s.orgInstall = *in.OrgInstall
	}
	s.grid = s.grid || s.orgInstall
	s.bring("partner", s.partner)
	s.bring("grid", s.grid)
	s.changed()
	return object{"partner": s.partner, "grid": s.grid, "org_install": s.orgInstall, "team_id": teamID, "enterprise_id": s.enterprise()}, nil
}

// bring lets the people, groups and channels of a switch come or go. mu is held.
func (s *Server) bring(from string, there bool) {
	is := slices.ContainsFunc(s.people, func(p person) bool { return p.from == from })
	if is == there {
		return
	}
	ops := s.room("C0REDISOPS")
	for _, p := range elsewherePeople(from) {
		if !there {
			for _, r := range s.rooms {
				r.leave(p.id)
			}
			continue
		}
		p.from, p.tz = from, "Etc/UTC"
		s.people = append(s.people, p)
		s.rooms = append(s.rooms, newRoom(&room{id: "D" + p.id[1:], im: true, peer: p.id, members: []string{p.id, botUserID}}))
		if from == "grid" {
			ops.members = append(ops.members, p.id)
		}
	}
	switch {
	case !there:
		s.people = slices.DeleteFunc(s.people, func(p person) bool { return p.from == from })
		s.groups = slices.DeleteFunc(s.groups, func(g group) bool { return g.from == from })
		s.rooms = slices.DeleteFunc(s.rooms, func(r *room) bool { return len(r.members) == 0 || r.im && len(r.members) == 1 || r.from == from })
	case from == "partner":
		s.rooms = append(s.rooms, newRoom(&room{id: "C0PARTNER", name: "redis-partner", shared: true, from: from,
			members: []string{"U0ANN", "U0BOB", "U0FRANK", "U0FAY", botUserID}}))
	default:
		s.groups = append(s.groups, group{id: "S0SRE", handle: "sre", name: "SRE of the organisation", team: orgID, users: []string{"W0DAN", "U0GITA"}, from: from})
	}
}

// enterprise is the id of the organisation, or nil. mu is held.
func (s *Server) enterprise() any {
	if s.grid {
		return orgID
	}
	return nil
}

// payloadTeam is the workspace as interaction payloads name it. mu is held.
func (s *Server) payloadTeam() object {
	o := object{"id": teamID, "domain": teamDomain}
	if s.grid {
		o["enterprise_id"], o["enterprise_name"] = orgID, orgName
	}
	return o
}

// payloadEnterprise is the organisation as interaction payloads name it, or
// nil. mu is held.
func (s *Server) payloadEnterprise() any {
	if !s.grid {
		return nil
	}
	return object{"id": orgID, "name": orgName}
}

// needsTeam refuses a call with an organisation's token that does not say which
// workspace is meant. mu is held.
func (s *Server) needsTeam(c *call) error {
	if s.orgInstall && c.str("team_id") == "" {
		return refuse("missing_argument")
	}
	return nil
}
