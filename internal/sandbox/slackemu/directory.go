package slackemu

import (
	"slices"
	"strconv"
	"strings"
)

// authTest is https://docs.slack.dev/reference/methods/auth.test
func (s *Server) authTest(c *call) (object, error) {
	o := object{"url": c.base + "/", "team": teamName, "user": botName, "team_id": teamID,
		"user_id": botUserID, "bot_id": botID, "is_enterprise_install": s.orgInstall}
	if s.grid {
		o["enterprise_id"] = orgID
	}
	if s.orgInstall {
		o["team"], o["team_id"] = orgName, orgID
	}
	return o, nil
}

// teamInfo is https://docs.slack.dev/reference/methods/team.info
func (s *Server) teamInfo(c *call) (object, error) {
	return object{"team": object{"id": teamID, "name": teamName, "domain": teamDomain, "email_domain": "",
		"url": c.base + "/", "icon": object{"image_default": true}}}, nil
}

// botsInfo is https://docs.slack.dev/reference/methods/bots.info
func (s *Server) botsInfo(c *call) (object, error) {
	if id := c.str("bot"); id != botID {
		return nil, refuse("bot_not_found")
	}
	return object{"bot": object{"id": botID, "app_id": appID, "user_id": botUserID, "name": "Redis Upgrade",
		"deleted": false, "updated": 1700000000, "icons": object{}}}, nil
}

// usersInfo is https://docs.slack.dev/reference/methods/users.info
func (s *Server) usersInfo(c *call) (object, error) {
	p := s.personByID(c.str("user"))
	if p == nil {
		return nil, refuse("user_not_found")
	}
	return object{"user": s.userObject(*p)}, nil
}

// usersList is https://docs.slack.dev/reference/methods/users.list
func (s *Server) usersList(c *call) (object, error) {
	if err := s.needsTeam(c); err != nil {
		return nil, err
	}
	var all []any
	for _, p := range s.people {
		all = append(all, s.userObject(p))
	}
	page, meta, err := c.page(all, 1000)
	if err != nil {
		return nil, err
	}
	return object{"members": page, "cache_ts": s.cfg.Now().Unix(), "response_metadata": meta}, nil
}

// usergroupsList is https://docs.slack.dev/reference/methods/usergroups.list
func (s *Server) usergroupsList(c *call) (object, error) {
	if err := s.needsTeam(c); err != nil {
		return nil, err
	}
	out := []any{}
	for _, g := range s.groups {
		if g.disabled && !c.flag("include_disabled") {
			continue
		}
		o := object{"id": g.id, "team_id": g.team, "is_usergroup": true, "name": g.name, "handle": g.handle,
			"description": "", "is_external": false, "date_create": 1700000000, "date_update": 1700000000,
			"date_delete": 0, "auto_type": nil, "created_by": "U0ANN", "updated_by": "U0ANN", "deleted_by": nil,
			"prefs": object{"channels": []any{}, "groups": []any{}}}
		if g.disabled {
			o["date_delete"], o["deleted_by"] = 1700000001, "U0ANN"
		}
		if c.flag("include_users") {
			o["users"] = slices.Clone(g.users)
		}
		if c.flag("include_count") {
			o["user_count"] = len(g.users)
		}
		out = append(out, o)
	}
	return object{"usergroups": out}, nil
}

// usergroupsUsersList is https://docs.slack.dev/reference/methods/usergroups.users.list
func (s *Server) usergroupsUsersList(c *call) (object, error) {
	if c.str("usergroup") == "" {
		return nil, missingField("usergroup")
	}
	if err := s.needsTeam(c); err != nil {
		return nil, err
	}
	for _, g := range s.groups {
		if g.id == c.str("usergroup") && (!g.disabled || c.flag("include_disabled")) {
			return object{"users": slices.Clone(g.users)}, nil
		}
	}
	return nil, refuse("no_such_subteam")
}

// cursorMark begins every cursor, so that an invented one is recognised.
const cursorMark = "offset:"

// page cuts a list by limit and cursor and tells the next cursor.
func (c *call) page(all []any, usual int) ([]any, object, error) {
	from := 0
	if cur := c.str("cursor"); cur != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(cur, cursorMark))
		if err != nil || n < 0 || n > len(all) {
			return nil, nil, refuse("invalid_cursor")
		}
		from = n
	}
	to := min(len(all), from+c.number("limit", usual, 1000))
	next := ""
	if to < len(all) {
		next = cursorMark + strconv.Itoa(to)
	}
	return append([]any{}, all[from:to]...), object{"next_cursor": next}, nil
}
