package slackemu

import (
	"cmp"
	"slices"
	"strings"
)

// conversationsInfo is https://docs.slack.dev/reference/methods/conversations.info
func (s *Server) conversationsInfo(c *call) (object, error) {
	r, err := s.roomArg(c)
	if err != nil {
		return nil, err
	}
	if r.im && !slices.Contains(s.scopes, "im:read") {
		return nil, s.missingScope("im:read")
	}
	o := s.roomObject(r)
	switch s.roomFault(r) {
	case "is_archived":
		o["is_archived"] = true
	case "not_in_channel":
		o["is_member"] = false
	}
	if !c.flag("include_num_members") {
		delete(o, "num_members")
	}
	return object{"channel": o}, nil
}

// roomArg is the channel argument as conversations.* reads it: ids only.
func (s *Server) roomArg(c *call) (*room, error) {
	r := s.room(c.str("channel"))
	if r == nil || r.private && !r.has(botUserID) {
		return nil, refuse("channel_not_found")
	}
	return r, nil
}

// conversationsList is https://docs.slack.dev/reference/methods/conversations.list
func (s *Server) conversationsList(c *call) (object, error) {
	types := strings.Split(cmp.Or(c.str("types"), "public_channel"), ",")
	for _, need := range [][2]string{{"public_channel", "channels:read"}, {"private_channel", "groups:read"}, {"im", "im:read"}, {"mpim", "mpim:read"}} {
		if slices.Contains(types, need[0]) && !slices.Contains(s.scopes, need[1]) {
			return nil, s.missingScope(need[1])
		}
	}
	if err := s.needsTeam(c); err != nil {
		return nil, err
	}
	var all []any
	for _, r := range s.rooms {
		kind := "public_channel"
		switch {
		case r.im:
			kind = "im"
		case r.private:
			kind = "private_channel"
		}
		if slices.Contains(types, kind) && (!r.private || r.has(botUserID)) && !(r.archived && c.flag("exclude_archived")) {
			all = append(all, s.roomObject(r))
		}
	}
	page, meta, err := c.page(all, 100)
	if err != nil {
		return nil, err
	}
	return object{"channels": page, "response_metadata": meta}, nil
}

// conversationsMembers is https://docs.slack.dev/reference/methods/conversations.members
func (s *Server) conversationsMembers(c *call) (object, error) {
	r, err := s.roomArg(c)
	if err != nil {
		return nil, err
	}
	if r.im && !slices.Contains(s.scopes, "im:read") {
		return nil, s.missingScope("im:read")
	}
	var all []any
	for _, m := range r.members {
		all = append(all, m)
	}
	page, meta, err := c.page(all, 100)
	if err != nil {
		return nil, err
	}
	return object{"members": page, "response_metadata": meta}, nil
}

// conversationsOpen is https://docs.slack.dev/reference/methods/conversations.open
func (s *Server) conversationsOpen(c *call) (object, error) {
	if c.str("channel") != "" {
		r, err := s.roomArg(c)
		if err != nil {
			return nil, err
		}
		return object{"channel": object{"id": r.id}, "no_op": true, "already_open": true}, nil
	}
	users := strings.FieldsFunc(c.str("users"), func(r rune) bool { return r == ',' || r == ' ' })
	switch {
	case len(users) == 0:
		return nil, refuse("users_list_not_supplied")
	case len(users) > 8:
		return nil, refuse("too_many_users")
	case len(users) > 1:
		return nil, s.missingScope("mpim:write")
	}
	p := s.personByID(users[0])
	switch {
	case p == nil || !p.human():
		return nil, refuse("user_not_found")
	case p.deactivated:
		return nil, refuse("user_disabled")
	}
	for _, r := range s.rooms {
		if r.im && r.peer == p.id {
			channel := object{"id": r.id}
			if c.flag("return_im") {
				channel = s.roomObject(r)
			}
			return object{"channel": channel, "no_op": true, "already_open": true}, nil
		}
	}
	return nil, refuse("user_not_found")
}

// conversationsJoin is https://docs.slack.dev/reference/methods/conversations.join
func (s *Server) conversationsJoin(c *call) (object, error) {
	r, err := s.roomArg(c)
	switch {
	case err != nil:
		return nil, err
	case r.im || r.private:
		return nil, refuse("method_not_supported_for_channel_type")
	case r.archived:
		return nil, refuse("is_archived")
	}
	if !r.has(botUserID) {
		r.members = append(r.members, botUserID)
		s.changed()
	}
	return object{"channel": s.roomObject(r)}, nil
}

// conversationsHistory is https://docs.slack.dev/reference/methods/conversations.history
func (s *Server) conversationsHistory(c *call) (object, error) {
	r, err := s.readable(c)
	if err != nil {
		return nil, err
	}
	var all []any
	for _, m := range slices.Backward(r.messages) { // newest first
		inThread := m.threadTS != "" && !m.broadcast
		if !m.deleted && m.ephemeralTo == "" && !inThread && c.within(m.ts) {
			all = append(all, c.show(m))
		}
	}
	return c.messages(all)
}

// conversationsReplies is https://docs.slack.dev/reference/methods/conversations.replies
func (s *Server) conversationsReplies(c *call) (object, error) {
	r, err := s.readable(c)
	if err != nil {
		return nil, err
	}
	m := r.public(c.str("ts"))
	if m == nil {
		return nil, refuse("thread_not_found")
	}
	all := []any{}
	if root := r.public(m.root()); root != nil {
		all = append(all, c.show(root)) // always first, whatever the range
	}
	for _, reply := range r.replies(m.root()) {
		if c.within(reply.ts) {
			all = append(all, c.show(reply))
		}
	}
	return c.messages(all)
}

// readable is the channel argument of a history method. mu is held.
func (s *Server) readable(c *call) (*room, error) {
	s.postDue()
	r, err := s.roomArg(c)
	if err != nil {
		return nil, err
	}
	if r.im && !slices.Contains(s.scopes, "im:history") {
		return nil, s.missingScope("im:history")
	}
	if !r.has(botUserID) || s.roomFault(r) == "not_in_channel" {
		return nil, refuse("not_in_channel")
	}
	return r, nil
}

// within holds a time stamp against oldest and latest.
func (c *call) within(ts string) bool {
	oldest, latest := c.str("oldest"), c.str("latest")
	if c.flag("inclusive") {
		return (oldest == "" || ts >= oldest) && (latest == "" || ts <= latest)
	}
	return (oldest == "" || ts > oldest) && (latest == "" || ts < latest)
}

func (c *call) show(m *message) object {
	if c.flag("include_all_metadata") {
		return m.withMetadata()
	}
	return m.wire()
}

// messages is one page of messages as an answer.
func (c *call) messages(all []any) (object, error) {
	page, meta, err := c.page(all, 100)
	if err != nil {
		return nil, err
	}
	return object{"messages": page, "has_more": meta["next_cursor"] != "", "response_metadata": meta}, nil
}
