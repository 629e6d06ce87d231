package slackemu

import "slices"

// reacted finds the message of a reaction and this reaction on it.
func (s *Server) reacted(c *call) (*message, int, error) {
	r, err := s.roomArg(c)
	if err != nil {
		return nil, 0, err
	}
	m := r.public(c.str("timestamp"))
	switch {
	case r.archived:
		return nil, 0, refuse("is_archived")
	case !r.has(botUserID):
		return nil, 0, refuse("not_in_channel")
	case m == nil:
		return nil, 0, refuse("message_not_found")
	case c.str("name") == "":
		return nil, 0, refuse("invalid_name")
	}
	return m, slices.IndexFunc(m.reactions, func(re reaction) bool { return re.name == c.str("name") }), nil
}

// reactionsAdd is https://docs.slack.dev/reference/methods/reactions.add
func (s *Server) reactionsAdd(c *call) (object, error) {
	m, i, err := s.reacted(c)
	switch {
	case err != nil:
		return nil, err
	case i >= 0 && slices.Contains(m.reactions[i].users, botUserID):
		return nil, refuse("already_reacted")
	case i < 0 && len(m.reactions) >= 23:
		return nil, refuse("too_many_emoji")
	}
	all := slices.Clone(m.reactions)
	if i < 0 {
		all = append(all, reaction{name: c.str("name"), users: []string{botUserID}})
	} else {
		all[i].users = append(slices.Clone(all[i].users), botUserID)
	}
	m.reactions = all
	s.changed()
	return object{}, nil
}

// reactionsRemove is https://docs.slack.dev/reference/methods/reactions.remove
func (s *Server) reactionsRemove(c *call) (object, error) {
	m, i, err := s.reacted(c)
	switch {
	case err != nil:
		return nil, err
	case i < 0 || !slices.Contains(m.reactions[i].users, botUserID):
		return nil, refuse("no_reaction")
	}
	all := slices.Clone(m.reactions)
	all[i].users = slices.DeleteFunc(slices.Clone(all[i].users), func(u string) bool { return u == botUserID })
	m.reactions = slices.DeleteFunc(all, func(re reaction) bool { return len(re.users) == 0 })
	s.changed()
	return object{}, nil
}
