package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// hookLine is one hook as the list of hooks shows it.
type hookLine struct {
	Hook string `json:"hook"`
	Does string `json:"does"`
}

// hookLines are all hooks; docs/sandbox.md has an example of each.
func hookLines() []hookLine {
	return []hookLine{
		{"POST /hooks/slack/command", "type the slash command"},
		{"POST /hooks/slack/action", "click or choose in a message, modal or home tab, or use a message shortcut"},
		{"POST /hooks/slack/options", "type into a search field"},
		{"POST /hooks/slack/submit", "fill in and submit a modal"},
		{"POST /hooks/slack/close", "leave a modal"},
		{"POST /hooks/slack/message", "write a message"},
		{"POST /hooks/slack/mention", "write a message that mentions the bot"},
		{"POST /hooks/slack/home", "open the bot's home tab"},
		{"POST /hooks/slack/group", "change, empty, disable, delete or create a user group"},
		{"POST /hooks/slack/person", "deactivate somebody or make a guest of them; change what users.info says"},
		{"POST /hooks/slack/channel", "archive or share a channel, add or remove people and the bot"},
		{"POST /hooks/slack/moderate", "delete a message as an administrator, or make it uneditable"},
		{"POST /hooks/slack/workspace", "a partner workspace, an Enterprise Grid organisation, an org-wide install"},
		{"POST /hooks/slack/disconnect", "announce the end of sockets"},
		{"POST /hooks/slack/limits", "rate limits off, on or strict"},
		{"POST /hooks/slack/faults", "switch a bad day of Slack"},
		{"GET /hooks/slack/faults", "what can be switched"},
		{"GET /hooks/slack/state", "what ?user= sees"},
		{"GET /hooks/slack/people", "who there is"},
		{"GET /hooks/slack/calls", "every Web API call"},
		{"GET /hooks/slack/envelopes", "every payload sent to the bot"},
		{"GET /hooks/cloud/ledger", "every accepted changing call, in order"},
		{"GET /hooks/cloud/databases", "all databases with count and digest of their keys"},
		{"GET /hooks/cloud/backups", "stored backup files by database name"},
		{"GET /hooks/cloud/keys", "all keys and values of the database ?id= or ?name="},
		{"GET /hooks/cloud/tasks", "all tasks"},
		{"GET /hooks/cloud/applications", "the programs that write to databases"},
		{"POST /hooks/cloud/application", "change the connection details of a program"},
		{"POST /hooks/cloud/create", "create a database by hand"},
		{"POST /hooks/cloud/call", "call the API as another program"},
		{"POST /hooks/cloud/database", "act as the cloud console"},
		{"POST /hooks/cloud/backup", "spoil a stored backup file"},
		{"POST /hooks/cloud/faults", "switch a bad day of Redis Cloud"},
		{"GET /hooks/cloud/faults", "what can be switched"},
		{"POST /hooks/clock", "let time jump, or change the speed"},
		{"GET /hooks/clock", "what time it is"},
	}
}

// hooks serves everything under /hooks/, once the bot can hear what is done.
func (s *Sandbox) hooks() http.Handler {
	serve := map[string]http.Handler{
		"/hooks/slack/": s.slack.Hooks(),
		"/hooks/cloud/": s.cloud.Hooks(),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.open() {
			w.Header().Set("Retry-After", "1")
			answer(w, http.StatusServiceUnavailable, map[string]any{"error": "the bot is starting; try again in a moment"})
			return
		}
		name := r.Method + " " + r.URL.Path
		if !slices.ContainsFunc(hookLines(), func(l hookLine) bool { return l.Hook == name }) {
			answer(w, http.StatusNotFound, map[string]any{"error": "there is no hook " + name, "hooks": hookLines()})
			return
		}
		for prefix, h := range serve {
			if strings.HasPrefix(r.URL.Path, prefix) {
				h.ServeHTTP(w, r)
				return
			}
		}
		s.clock.ServeHTTP(w, r)
	})
}

// open reports whether the hooks answer. The gate opens once and stays open:
// faults that break the bot must not lock out whoever switched them.
func (s *Sandbox) open() bool {
	if s.opened.Load() {
		return true
	}
	if s.bot != nil && !s.bot.Ready() {
		return false
	}
	s.opened.Store(true)
	return true
}
