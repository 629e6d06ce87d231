package slackemu

import (
	"encoding/json"
	"slices"
	"strings"
)

type groupRequest struct {
	Group string      `json:"group"` // handle or id
	Set   groupChange `json:"set"`
}

type groupChange struct {
	Users    *[]string `json:"users"` // names or ids; none empties the group
	Disabled *bool     `json:"disabled"`
	Deleted  bool      `json:"deleted"`
	Created  bool      `json:"created"`
}

// hookGroup changes a user group as an administrator does.
func (s *Server) hookGroup(in groupRequest) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.groups, func(g group) bool { return g.id == in.Group || g.handle == strings.TrimPrefix(in.Group, "@") })
	if i < 0 && in.Set.Created && in.Group != "" {
		i = len(s.groups)
		s.groups = append(s.groups, group{id: "S0" + strings.ToUpper(in.Group), handle: in.Group, name: in.Group, team: teamID})
	}
	if i < 0 {
		var have []string
		for _, g := range s.groups {
			have = append(have, g.handle)
		}
		return nil, notFound("unknown user group %q; there are %s", in.Group, strings.Join(have, ", "))
	}
	g := &s.groups[i]
	if in.Set.Users != nil {
		users := []string{}
		for _, name := range *in.Set.Users {
			p, err := s.named(name)
			if err != nil {
				return nil, err
			}
			users = append(users, p.shownID())
		}
		g.users = users
	}
	if in.Set.Disabled != nil {
		g.disabled = *in.Set.Disabled
	}
	out := g.hookObject()
	if in.Set.Deleted {
		s.groups = slices.Delete(s.groups, i, i+1)
		out["deleted"] = true
	}
	s.changed()
	return out, nil
}

type personRequest struct {
	User string       `json:"user"`
	Set  personChange `json:"set"`
}

type personChange struct {
	Deactivated     *bool                      `json:"deactivated"`
	Restricted      *bool                      `json:"restricted"`       // a guest of several channels
	UltraRestricted *bool                      `json:"ultra_restricted"` // a guest of one channel
	Info            map[string]json.RawMessage `json:"info"`             // laid over what users.info answers; null removes
}

// hookPerson changes somebody's account as an administrator does.
func (s *Server) hookPerson(in personRequest) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	named, err := s.named(in.User)
	if err != nil {
		return nil, err
	}
	p := s.personByID(named.id)
	for to, from := range map[*bool]*bool{
		&p.deactivated: in.Set.Deactivated, &p.restricted: in.Set.Restricted, &p.ultraRestricted: in.Set.UltraRestricted,
	} {
		if from != nil {
			*to = *from
		}
	}
	for name, raw := range in.Set.Info {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, badRequest("info.%s: %v", name, err)
		}
		if p.info == nil {
			p.info = object{}
		}
		p.info[name] = v
	}
	s.changed()
	return s.userObject(*p), nil
}

type channelRequest struct {
	Channel string        `json:"channel"`
	Set     channelChange `json:"set"`
}

type channelChange struct {
	Archived  *bool    `json:"archived"`
	BotMember *bool    `json:"bot_member"`
	Shared    *bool    `json:"shared"` // with another workspace, by Slack Connect
	Add       []string `json:"add"`    // people
	Remove    []string `json:"remove"`
}

// hookChannel changes a channel as its owner does.
func (s *Server) hookChannel(in channelRequest) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.rooms, func(r *room) bool {
		return !r.im && (r.id == in.Channel || r.name == strings.TrimPrefix(in.Channel, "#"))
	})
	if i < 0 {
		return nil, notFound("unknown channel %q", in.Channel)
	}
	r := s.rooms[i]
	if in.Set.Archived != nil {
		r.archived = *in.Set.Archived
	}
	if in.Set.Shared != nil {
		r.shared = *in.Set.Shared
	}
	if in.Set.BotMember != nil {
		r.leave(botUserID)
		if *in.Set.BotMember {
			r.members = append(r.members, botUserID)
		}
	}
	for _, name := range append(slices.Clone(in.Set.Add), in.Set.Remove...) {
		p, err := s.named(name)
		if err != nil {
			return nil, err
		}
		r.leave(p.id)
		if slices.Contains(in.Set.Add, name) {
			r.members = append(r.members, p.id)
		}
	}
	s.changed()
	return s.roomObject(r), nil
}

type moderateRequest struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Set     struct {
		Deleted     bool    `json:"deleted"`
		UpdateError *string `json:"update_error"` // what chat.update answers from now on; empty: nothing
	} `json:"set"`
}

// hookModerate deletes anybody's message, as an administrator does, or makes
// one of the bot's uneditable, as a workspace's settings do.
func (s *Server) hookModerate(in moderateRequest) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.appRoom(strings.TrimPrefix(in.Channel, "#"))
	if err != nil {
		return nil, notFound("unknown channel %q", in.Channel)
	}
	m := r.find(in.TS)
	if m == nil || m.deleted {
		return nil, notFound("no message %q in %s", in.TS, r.title())
	}
	if in.Set.UpdateError != nil {
		m.updateError = *in.Set.UpdateError
	}
	if in.Set.Deleted {
		s.remove(m)
	}
	s.changed()
	return object{"ok": true, "ts": m.ts, "deleted": in.Set.Deleted, "update_error": m.updateError}, nil
}
