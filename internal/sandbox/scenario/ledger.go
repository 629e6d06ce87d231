package scenario

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// entry is one accepted changing call.
type entry struct {
	Method   string `json:"method"`
	Path     string `json:"path"`
	Body     any    `json:"body"`
	Resource int    `json:"resource_id"`
	Outcome  string `json:"outcome"`
	Error    string `json:"error"`
}

// verb is what a call does, in one word.
func (e entry) verb() string {
	last := e.Path[strings.LastIndexByte(e.Path, '/')+1:]
	switch {
	case strings.Contains(e.Path, "/acl/"):
		return "roles"
	case e.Method == "DELETE":
		return "delete"
	case e.Method == "PUT" && last != "tags":
		return "update"
	case last == "databases":
		return "create"
	}
	return last
}

// about is the database that a call was about. Rehearsals are made under a name
// of their own, of which only the beginning can be known.
func (e entry) about(names map[int]string) string {
	name := names[e.Resource]
	if body, ok := e.Body.(object); ok && e.verb() == "create" {
		name, _ = body["name"].(string)
		names[e.Resource] = name
	}
	return rehearsal.ReplaceAllString(name, "$1")
}

var rehearsal = regexp.MustCompile(`(-rehearsal)-[a-z0-9]+$`)

func (p *play) ledger(ctx context.Context) ([]entry, error) {
	if _, err := p.databases(ctx); err != nil {
		return nil, err
	}
	var all []entry
	return all, p.get(ctx, "/hooks/cloud/ledger", nil, &all)
}

// didFor waits: a call may be on its way.
func (p *play) didFor(ctx context.Context, args []string) error {
	want := strings.Split(args[1], ", ")
	if args[1] == "nothing" {
		want = nil
	}
	return p.until(ctx, func() (bool, string, error) {
		all, err := p.ledger(ctx)
		if err != nil {
			return false, "", err
		}
		did, whole := p.accepted(all, args[0])
		return slices.Equal(did, want), strings.Join(did, ", ") + "\n    the whole ledger: " + shown(whole), nil
	})
}

// accepted are the verbs of the calls about one database, and all calls in full.
func (p *play) accepted(all []entry, database string) (did []string, whole string) {
	for _, e := range all {
		about := e.about(p.names)
		whole += fmt.Sprintf("%s of %s: %s %s %v %s %s\n", e.verb(), about, e.Method, e.Path, e.Body, e.Outcome, e.Error)
		if about == database && e.verb() != "roles" {
			did = append(did, e.verb())
		}
	}
	return did, whole
}

func (p *play) didNothing(ctx context.Context, _ []string) error {
	all, err := p.ledger(ctx)
	if err == nil && len(all) > 0 {
		err = fmt.Errorf("    it did: %s %s", all[0].Method, all[0].Path)
	}
	return err
}
