package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
)

// ACL roles belong to the account and name databases by id, so a recreated
// database must be bound to them again. Only our database's entry is changed:
// each role is read anew right before it is sent.

// rolesNaming are the roles with a rule for the database.
func (e *Engine) rolesNaming(ctx context.Context, ref cloud.Ref) ([]BoundRole, error) {
	roles, err := e.cloud.Roles(ctx)
	if denied(err) != nil || errors.Is(err, cloud.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ACL roles: %w", err)
	}
	var out []BoundRole
	for _, r := range roles {
		if rules := rulesNaming(r, ref); len(rules) > 0 {
			out = append(out, BoundRole{ID: r.ID, Name: r.Name, Rules: rules})
		}
	}
	return out, nil
}

func rulesNaming(r cloud.Role, ref cloud.Ref) []string {
	var out []string
	for _, rule := range r.Rules {
		if slices.ContainsFunc(rule.Databases, func(d cloud.RoleDatabase) bool { return d.Database == ref.Database }) {
			out = append(out, rule.Name)
		}
	}
	return out
}

// rebound is the role with our database's entries moved from one id to another.
func rebound(r cloud.Role, was BoundRole, from, to cloud.Ref, name string) cloud.Role {
	entry := cloud.RoleDatabase{Subscription: to.Subscription, Database: to.Database, Name: name}
	out := cloud.Role{ID: r.ID, Name: r.Name}
	bound := map[string]bool{}
	for _, rule := range r.Rules {
		rule.Databases = slices.DeleteFunc(slices.Clone(rule.Databases), func(d cloud.RoleDatabase) bool {
			return d.Database == from.Database || d.Database == to.Database
		})
		if slices.Contains(was.Rules, rule.Name) {
			rule.Databases, bound[rule.Name] = append(rule.Databases, entry), true
		}
		if len(rule.Databases) > 0 {
			out.Rules = append(out.Rules, rule)
		}
	}
	for _, rule := range was.Rules { // a rule that vanished with the database's id
		if !bound[rule] {
			out.Rules = append(out.Rules, cloud.RoleRule{Name: rule, Databases: []cloud.RoleDatabase{entry}})
		}
	}
	return out
}

// role reads one role; nil when it is gone.
func (e *Engine) role(ctx context.Context, id int) (*cloud.Role, error) {
	roles, err := e.cloud.Roles(ctx)
	if err != nil {
		return nil, fmt.Errorf("read ACL roles: %w", err)
	}
	i := slices.IndexFunc(roles, func(r cloud.Role) bool { return r.ID == id })
	if i < 0 {
		return nil, nil
	}
	return &roles[i], nil
}

// binding is how a role stands to the recreated database.
type binding string

const (
	bindingPending binding = "pending" // Redis Cloud is at the role
	bindingMade    binding = "made"
	bindingNone    binding = "none"
	bindingVoid    binding = "void" // role or database are there no more
)

func (e *Engine) binding(ctx context.Context, was BoundRole, to cloud.Ref) (binding, error) {
	r, err := e.role(ctx, was.ID)
	switch {
	case err != nil:
		return "", err
	case r == nil:
		return bindingVoid, nil
	case r.Status == "pending":
		return bindingPending, nil
	case len(rulesNaming(*r, to)) == len(was.Rules):
		return bindingMade, nil
	}
	_, err = e.cloud.Database(ctx, to)
	if errors.Is(err, cloud.ErrNotFound) {
		return bindingVoid, nil
	}
	return bindingNone, err
}

// roleCall binds one role to the recreated database.
func (e *Engine) roleCall(s Session, was BoundRole, to cloud.Ref) outside {
	from, name := s.Plan.Ref(), s.Plan.Name
	return outside{
		key: fmt.Sprintf("role %d", was.ID), ref: to, label: "binding of the ACL role " + was.Name, needs: ModeFull, rush: true,
		ready: func(ctx context.Context, _ *lease) (Before, gate, error) {
			r, err := e.role(ctx, was.ID)
			switch {
			case err != nil:
				return Before{}, gate{}, err
			case r == nil:
				return Before{}, gate{stop: refuse(NotFound, "the role no longer exists")}, nil
			case r.Status == "pending":
				return Before{}, gate{wait: e.cfg.Poll, text: "waiting for the ACL role " + was.Name + ", which is being changed."}, nil
			}
			return Before{Known: true}, gate{}, nil
		},
		request: func(ctx context.Context, _ Session) (calls.Request, error) {
			r, err := e.role(ctx, was.ID)
			if err == nil && r == nil {
				err = errors.New("the role no longer exists")
			}
			if err != nil {
				return calls.Request{}, err
			}
			return calls.Role(to, rebound(*r, was, from, to, name)), nil
		},
		effect: func(ctx context.Context, _ *lease, _ cloud.Task) (calls.Verdict, error) {
			is, err := e.binding(ctx, was, to)
			return map[binding]calls.Verdict{
				bindingMade: {Outcome: Happened},
				bindingVoid: {Outcome: Broke, Text: "the role or the new database no longer exists"},
			}[is], err
		},
		trace: func(ctx context.Context, _ *lease) (calls.Finding, error) {
			is, err := e.binding(ctx, was, to)
			return map[binding]calls.Finding{
				bindingMade: calls.Found,
				bindingVoid: calls.Found, // whatever became of it, effect ends it
				bindingNone: calls.NotFound,
			}[is], err
		},
	}
}

// putRoles binds the roles one by one. A role that cannot be bound is left for
// a person; the door opens all the same.
func (e *Engine) putRoles(ctx context.Context, l *lease, ref cloud.Ref, back restored) (answer, error) {
	roles, n := l.s.Revert.Was.Roles, l.s.Revert.RolesBound
	if n >= len(roles) {
		return back("")
	}
	bound := func(loose string) (answer, error) {
		return e.learn(ctx, l, "", func(w *RevertWork) {
			w.RolesBound++
			w.leave(loose)
		})
	}
	sorry := fmt.Sprintf("bind the ACL role %s (%s) to database id %d: ", roles[n].Name, roles[n].Rules, ref.Database)
	return e.persist(ctx, l, e.roleCall(l.s, roles[n], ref), restored(bound).orLoose(sorry))
}
