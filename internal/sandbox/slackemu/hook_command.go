package slackemu

import (
	"fmt"
	"strconv"
	"strings"
)

type commandRequest struct {
	User    string `json:"user"`
	Channel string `json:"channel"`
	Text    string `json:"text"`
}

// hookCommand types the slash command. Its text may come with or without the
// command word. https://docs.slack.dev/interactivity/implementing-slash-commands
func (s *Server) hookCommand(in commandRequest) (any, error) {
	s.mu.Lock()
	who, err := s.actor(in.User)
	var r *room
	if err == nil {
		r, err = s.actorRoom(who, in.Channel)
	}
	if err == nil && r.archived {
		err = conflict("%s is archived", r.title())
	}
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(in.Text)
	if rest, ok := strings.CutPrefix(text, s.cfg.Command); ok && (rest == "" || strings.TrimLeft(rest, " \t\n") != rest) {
		text = strings.TrimSpace(rest)
	}
	var response any
	out := s.deliver(delivery{
		kind: "slash_commands", payload: "slash_commands", accepts: true,
		build: func(base string) any { return s.slashCommand(base, who, r, text) },
		apply: func(payload any) (problem string) {
			response, problem = s.commandResponse(who, r, text, payload)
			return problem
		},
	})
	s.complain(who, r, out)
	answer := answerOf(out)
	answer.Response = response
	return answer, nil
}

// slashCommand is the payload of a slash command. mu is held.
func (s *Server) slashCommand(base string, who *person, r *room, text string) object {
	o := object{
		"token": "deprecated", "team_id": teamID, "team_domain": teamDomain, "channel_id": r.id, "channel_name": r.payloadName(),
		"user_id": who.shownID(), "user_name": who.name, "command": s.cfg.Command, "text": text, "api_app_id": appID,
		"is_enterprise_install": strconv.FormatBool(s.orgInstall), "response_url": s.newResponseURL(base, responseURL{room: r, user: who.id}),
		"trigger_id": s.newTrigger(who.id, nil, r),
	}
	if s.grid {
		o["enterprise_id"], o["enterprise_name"] = orgID, orgName
	}
	return o
}

// commandResponse posts the message that came with an acknowledgement. mu is
// held.
func (s *Server) commandResponse(who *person, r *room, text string, payload any) (response any, problem string) {
	if payload == nil {
		return nil, ""
	}
	body, ok := payload.(object)
	if !ok {
		return nil, "the response to a command must be a message object"
	}
	d, err := s.saidInBody(body)
	if err != nil {
		return nil, "the response to a command is not a message: " + describe(err)
	}
	to := who.id
	if body["response_type"] == "in_channel" {
		to = ""
		s.post(r, who.id, false, "", draft{text: strings.TrimSpace(s.cfg.Command + " " + text)})
	}
	s.post(r, botUserID, true, to, d)
	return body, ""
}

// complain tells a person that a command failed, as Slackbot does.
func (s *Server) complain(who *person, r *room, out outcome) {
	var text string
	switch out.err {
	case "", sandboxClosed:
		return
	case operationTimeout:
		text = s.cfg.Command + " failed because the app did not respond. Please try again or contact the app developer."
	case troubleConnecting:
		text = fmt.Sprintf("%s failed with the error %q", s.cfg.Command, "invalid_command_response")
	default:
		text = fmt.Sprintf("%s failed with the error %q", s.cfg.Command, out.err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.post(r, slackbotID, false, who.id, draft{text: text})
}

// describe spells an error out with all its problems, for a developer.
func describe(err error) string {
	if no, ok := err.(*refusal); ok && len(no.problems) > 0 {
		return no.code + ": " + strings.Join(no.problems, "; ")
	}
	return err.Error()
}
