package slackemu

import (
	"math"
	"net/http"
	"slices"
	"strconv"
)

// showState is what one person sees: channels with their messages, open modals,
// the home tab. With ?last=N a channel shows its newest N messages and says how
// many are older; those of the thread ?thread=TS are shown in any case.
func (s *Server) showState(r *http.Request) (any, error) {
	last, err := newest(r)
	if err != nil {
		return nil, err
	}
	thread := r.URL.Query().Get("thread")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.postDue()
	who, err := s.actor(r.URL.Query().Get("user"))
	if err != nil {
		return nil, err
	}
	channels, modals := []object{}, []object{}
	for _, r := range s.rooms {
		if !r.has(who.id) || len(r.messages) == 0 && !(r.has(botUserID) && !r.im) {
			continue
		}
		channels = append(channels, s.roomState(who, r, last, thread))
	}
	for _, v := range s.stacks[who.id] {
		modals = append(modals, viewState(v))
	}
	state := object{"channels": channels, "modals": modals, "home": nil}
	if v := s.homes[who.id]; v != nil {
		state["home"] = viewState(v)
	}
	return state, nil
}

// newest reads ?last=N, a bound for a long list; without it there is none.
func newest(r *http.Request) (int, error) {
	text := r.URL.Query().Get("last")
	if text == "" {
		return math.MaxInt, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, badRequest("last: want a number from 1, not %q", text)
	}
	return n, nil
}

// roomState is a room as one person sees it: the newest messages, and the thread
// that is read. mu is held.
func (s *Server) roomState(who *person, r *room, last int, thread string) object {
	var visible []*message
	for _, m := range r.messages {
		if m.visibleTo(who.id) {
			visible = append(visible, m)
		}
	}
	older, messages := len(visible)-min(last, len(visible)), []object{}
	for i, m := range visible {
		if i >= older || thread != "" && (m.ts == thread || m.threadTS == thread) {
			messages = append(messages, s.messageState(who, m))
		}
	}
	return object{"id": r.id, "name": r.title(), "is_im": r.im, "is_private": r.private,
		"bot_is_member": r.has(botUserID), "messages": messages, "older": older}
}

// messageState is a message as one person sees it. mu is held.
func (s *Server) messageState(who *person, m *message) object {
	blocks := m.blocks
	if blocks == nil {
		blocks = []any{}
	}
	o := object{
		"ts": m.ts, "thread_ts": m.threadTS, "user": m.user, "user_name": s.personName(m.user), "text": m.text, "blocks": blocks,
		"metadata": nil, "edited": nil, "ephemeral_to": m.ephemeralTo, "ephemeral_to_name": "",
	}
	if m.metadata != nil {
		o["metadata"] = m.metadata
	}
	if m.edited != nil {
		o["edited"] = m.edited
	}
	if m.ephemeralTo != "" {
		o["ephemeral_to_name"] = s.personName(m.ephemeralTo)
	}
	if len(m.attachments) > 0 {
		o["attachments"] = m.attachments
	}
	if len(m.files) > 0 {
		o["files"] = m.files
	}
	if len(m.reactions) > 0 {
		o["reactions"] = reactionObjects(m.reactions)
	}
	if m.subtype != "" {
		o["subtype"] = m.subtype
	}
	if entered := m.entered(who.id); len(entered) > 0 {
		o["state"] = object{"values": entered}
	}
	return o
}

// viewState is a view with what only its person's screen knows.
func viewState(v *view) object {
	o := v.wire()
	o["user"], o["trouble"] = v.user, v.trouble
	errs := v.errors
	if errs == nil {
		errs = map[string]string{}
	}
	o["errors"] = errs
	return o
}

// showPeople lists who and what exists.
func (s *Server) showPeople(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	people, groups, channels := []object{}, []object{}, []object{}
	for _, g := range s.groups {
		groups = append(groups, g.hookObject())
	}
	for _, p := range s.people {
		if !p.human() {
			continue
		}
		in := []string{}
		for _, g := range s.groups {
			if slices.Contains(g.users, p.id) || slices.Contains(g.users, p.globalID()) {
				in = append(in, g.handle)
			}
		}
		people = append(people, object{"id": p.id, "name": p.name, "real_name": p.realName, "title": p.title,
			"tz": p.tz, "restricted": p.restricted || p.ultraRestricted, "deactivated": p.deactivated, "team": p.home(), "groups": in})
	}
	for _, r := range s.rooms {
		if !r.im {
			channels = append(channels, object{"id": r.id, "name": r.name, "private": r.private,
				"archived": r.archived, "shared": r.shared, "bot_is_member": r.has(botUserID), "members": slices.Clone(r.members)})
		}
	}
	return object{"people": people, "groups": groups, "channels": channels, "command": s.cfg.Command, "command_hint": s.cfg.CommandHint,
		"command_text": s.cfg.CommandText, "shortcuts": s.cfg.Shortcuts, "shortcut_names": s.cfg.ShortcutNames,
		"team": object{"id": teamID, "name": teamName}, "app_id": appID,
		"bot": object{"id": botUserID, "name": botName, "bot_id": botID}}, nil
}

// showCalls is every call of the app, or the newest ?last=N, oldest first.
func (s *Server) showCalls(r *http.Request) (any, error) {
	last, err := newest(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.newest(last), nil // entries do not change once they are in
}

// showEnvelopes is every payload sent to the app, or the newest ?last=N, oldest
// first.
func (s *Server) showEnvelopes(r *http.Request) (any, error) {
	last, err := newest(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []envelopeEntry{}
	for _, e := range s.journal.newest(last) {
		out = append(out, *e)
	}
	return out, nil
}
