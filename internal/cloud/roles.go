package cloud

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

// Role binds access rules to databases, by their ids: a recreated database
// has to be bound again.
type Role struct {
	ID     int
	Name   string
	Status string // in lower case; a pending role cannot be changed
	Rules  []RoleRule
}

// RoleRule is one access rule of a role and where it holds.
type RoleRule struct {
	ID        int
	Name      string
	Databases []RoleDatabase
}

// RoleDatabase is one database a rule holds for.
type RoleDatabase struct {
	Subscription int
	Database     int
	Name         string   // informative; not sent
	Regions      []string // Active-Active only
}

// Roles returns the access roles of the account.
//
// API: Role-based Access Control (RBAC), getRoles.
func (c *Client) Roles(ctx context.Context) ([]Role, error) {
	type wire struct {
		Roles list[wireRole] `json:"roles"`
	}
	w, err := readInto[wire](ctx, c, get("access roles", "", "/acl/roles"))
	if err != nil {
		return nil, err
	}
	roles := make([]Role, 0, len(w.Roles))
	for _, r := range w.Roles {
		roles = append(roles, r.role())
	}
	return roles, nil
}

type wireRole struct {
	ID     number `json:"id"`
	Name   text   `json:"name"`
	Status text   `json:"status"`
	Rules  list[struct {
		ID        number `json:"ruleId"`
		Name      text   `json:"ruleName"`
		Databases list[struct {
			Subscription number     `json:"subscriptionId"`
			Database     number     `json:"databaseId"`
			Name         text       `json:"databaseName"`
			Regions      list[text] `json:"regions"`
		}] `json:"databases"`
	}] `json:"redisRules"`
}

func (w wireRole) role() Role {
	r := Role{ID: w.ID.int(), Name: string(w.Name), Status: strings.ToLower(string(w.Status))}
	for _, rule := range w.Rules {
		out := RoleRule{ID: rule.ID.int(), Name: string(rule.Name)}
		for _, d := range rule.Databases {
			out.Databases = append(out.Databases, RoleDatabase{
				Subscription: d.Subscription.int(), Database: d.Database.int(),
				Name: string(d.Name), Regions: textsOf(d.Regions),
			})
		}
		r.Rules = append(r.Rules, out)
	}
	return r
}

// UpdateRole replaces name and all rules of a role by what r says. Read the
// role right before and change one entry: the whole list is sent.
//
// API: Role-based Access Control (RBAC), updateRole.
func (c *Changes) UpdateRole(ctx context.Context, r Role) (Task, error) {
	rules := []fields{}
	for _, rule := range r.Rules {
		databases := []fields{}
		for _, d := range rule.Databases {
			w := fields{"subscriptionId": d.Subscription, "databaseId": d.Database}
			if len(d.Regions) > 0 {
				w["regions"] = d.Regions
			}
			databases = append(databases, w)
		}
		rules = append(rules, fields{"ruleName": rule.Name, "databases": databases})
	}
	in := call{what: "access role", on: r.Name, method: http.MethodPut, path: "/acl/roles/" + strconv.Itoa(r.ID),
		body: fields{"name": r.Name, "redisRules": rules}}
	if r.ID <= 0 || r.Name == "" {
		return Task{}, refuse(in, "needs the role's id and name")
	}
	return c.sendTask(ctx, in)
}
