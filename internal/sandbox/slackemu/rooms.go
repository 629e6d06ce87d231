package slackemu

import (
	"slices"
	"strings"
)

// room is a channel or a direct message conversation.
type room struct {
	id, name  string
	private   bool
	im        bool
	peer      string // the human of a direct message
	members   []string
	messages  []*message            // ascending by ts; ephemeral ones among them
	threads   map[string][]*message // replies by root, ascending
	createdAt float64
	archived  bool
	shared    bool   // with another workspace
	from      string // as person.from
}

// newRoom completes a room in which nothing has been said yet.
func newRoom(r *room) *room {
	r.createdAt, r.threads = 1700000000, map[string][]*message{}
	return r
}

// builtinRooms are the channel the bot works in, two where it is not, and the
// direct messages between bot and people.
func builtinRooms(people []person) []*room {
	ops := &room{id: "C0REDISOPS", name: "redis-ops"}
	general := &room{id: "C0GENERAL", name: "general"}
	private := &room{id: "C0DBAROOM", name: "dba-room", private: true, members: []string{"U0BOB", "U0CAROL"}}
	rooms := []*room{ops, general, private}
	for _, p := range people {
		if p.id == slackbotID {
			continue
		}
		ops.members = append(ops.members, p.id)
		if p.bot {
			continue
		}
		if !p.restricted {
			general.members = append(general.members, p.id)
		}
		rooms = append(rooms, &room{
			id: "D" + strings.TrimPrefix(p.id, "U"), im: true, peer: p.id, members: []string{p.id, botUserID},
		})
	}
	for _, r := range rooms {
		newRoom(r)
	}
	return rooms
}

// title is how people see the room's name; a direct message is named after the
// bot, because only its human can see it.
func (r *room) title() string {
	if r.im {
		return botName
	}
	return r.name
}

// payloadName is the room's name in payloads: Slack hides those of direct
// messages and private channels.
func (r *room) payloadName() string {
	switch {
	case r.im:
		return "directmessage"
	case r.private:
		return "privategroup"
	}
	return r.name
}

func (r *room) has(user string) bool { return slices.Contains(r.members, user) }

func (r *room) leave(user string) {
	r.members = slices.DeleteFunc(r.members, func(m string) bool { return m == user })
}

// room finds a room by id, or nil. mu is held.
func (s *Server) room(id string) *room {
	i := slices.IndexFunc(s.rooms, func(r *room) bool { return r.id == id })
	if i < 0 {
		return nil
	}
	return s.rooms[i]
}

// actorRoom finds the room that a hook names by id, name or #name, and insists
// that the person is in it. mu is held.
func (s *Server) actorRoom(who *person, nameOrID string) (*room, error) {
	want := strings.TrimPrefix(nameOrID, "#")
	var names []string
	for _, r := range s.rooms {
		if !r.has(who.id) {
			continue
		}
		if r.id == want || r.title() == strings.TrimPrefix(want, "@") {
			return r, nil
		}
		names = append(names, r.title())
	}
	return nil, notFound("unknown channel %q for %s; there are %s", nameOrID, who.name, strings.Join(names, ", "))
}

// appRoom finds the room that the app names in a call: an id, a channel name
// or, for posting, a user id. Rooms that the app cannot see do not exist.
func (s *Server) appRoom(ref string) (*room, error) {
	name := strings.TrimPrefix(ref, "#")
	if p := s.personByID(ref); p != nil {
		ref = p.id
	}
	for _, r := range s.rooms {
		named := r.id == ref || !r.im && r.name == name || r.im && r.peer == ref
		if named && (!r.private || r.has(botUserID)) {
			return r, nil
		}
	}
	return nil, refuse("channel_not_found")
}

// find returns the message with this time stamp, or nil.
func (r *room) find(ts string) *message {
	i, ok := slices.BinarySearchFunc(r.messages, ts, func(m *message, ts string) int { return strings.Compare(m.ts, ts) })
	if !ok {
		return nil
	}
	return r.messages[i]
}

// public returns the message with this time stamp if it is there for everybody
// in the room, or nil.
func (r *room) public(ts string) *message {
	if m := r.find(ts); m != nil && !m.deleted && m.ephemeralTo == "" {
		return m
	}
	return nil
}

// replies are the public messages of a thread without its root.
func (r *room) replies(root string) []*message {
	var out []*message
	for _, m := range r.threads[root] {
		if !m.deleted && m.ephemeralTo == "" {
			out = append(out, m)
		}
	}
	return out
}

// roomObject is a room as conversations.info shows it to the app.
// https://docs.slack.dev/reference/objects/conversation-object
func (s *Server) roomObject(r *room) object {
	if r.im {
		return object{"id": r.id, "created": r.createdAt, "is_im": true, "is_org_shared": false,
			"user": r.peer, "is_user_deleted": false, "is_open": true}
	}
	o := object{
		"id": r.id, "name": r.name, "name_normalized": r.name, "created": r.createdAt,
		"is_channel": true, "is_group": false, "is_im": false, "is_mpim": false, "is_private": r.private,
		"is_archived": r.archived, "is_general": r.name == "general", "is_shared": r.shared, "is_ext_shared": r.shared,
		"is_org_shared": false, "is_pending_ext_shared": false, "is_member": r.has(botUserID),
		"creator": "U0ANN", "context_team_id": teamID, "num_members": len(r.members),
		"topic":   object{"value": "", "creator": "", "last_set": 0},
		"purpose": object{"value": "", "creator": "", "last_set": 0},
	}
	if r.shared {
		o["shared_team_ids"], o["connected_team_ids"] = []any{teamID, partnerTeamID}, []any{partnerTeamID}
		o["conversation_host_id"], o["internal_team_ids"] = teamID, []any{}
	}
	return o
}
