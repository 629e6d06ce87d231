package cloudemu

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

const (
	roleTask = 2 * time.Second
	roleTime = 10 * time.Second
)

// aclRole gives users rights at databases, by database id.
type aclRole struct {
	id     int
	name   string
	status string
	rules  []roleGrant
	users  []string
}

type roleGrant struct {
	rule      string
	databases []int
}

// rules are the ACL rules that every account has.
var rules = []struct {
	id   int
	name string
}{{7, "Full-Access"}, {8, "Read-Write"}, {9, "Read-Only"}}

func ruleNames() []string {
	var names []string
	for _, rule := range rules {
		names = append(names, rule.name)
	}
	return names
}

func ruleID(name string) int {
	for _, rule := range rules {
		if rule.name == name {
			return rule.id
		}
	}
	return 0
}

func (s *Server) buildRoles(list []FleetRole, made map[string]*database) {
	r := rand.New(rand.NewPCG(s.cfg.Seed, 3))
	id := 300 + r.IntN(400)
	for _, fr := range list {
		id++
		grant := roleGrant{rule: fr.Rule}
		for _, name := range fr.Databases {
			grant.databases = append(grant.databases, made[name].id)
		}
		s.roles = append(s.roles, &aclRole{id: id, name: fr.Name, status: statusActive, rules: []roleGrant{grant}, users: []string{fr.Name + "-user"}})
	}
}

// forgetInRoles takes a deleted database out of the roles; whoever builds it
// again has to bind the new id.
func (s *Server) forgetInRoles(d *database) {
	for _, role := range s.roles {
		for i := range role.rules {
			role.rules[i].databases = slices.DeleteFunc(role.rules[i].databases, func(id int) bool { return id == d.id })
		}
		role.rules = slices.DeleteFunc(role.rules, func(g roleGrant) bool { return len(g.databases) == 0 })
	}
}

func (s *Server) listRoles(r *request) answer {
	list := []obj{}
	for _, role := range s.roles {
		list = append(list, s.roleBody(role))
	}
	return ok(obj{"accountId": s.account.id, "roles": list, "links": []obj{r.link("self", "/v1/acl/roles")}})
}

func (s *Server) roleBody(role *aclRole) obj {
	grants := []obj{}
	for _, g := range role.rules {
		databases := []obj{}
		for _, id := range g.databases {
			if d := s.anyDatabase(id); d != nil {
				databases = append(databases, obj{"subscriptionId": d.sub.id, "databaseId": d.id, "databaseName": d.name})
			}
		}
		grants = append(grants, obj{"ruleId": ruleID(g.rule), "ruleName": g.rule, "databases": databases})
	}
	users := []obj{}
	for i, name := range role.users {
		users = append(users, obj{"id": role.id*10 + i, "name": name})
	}
	return obj{"id": role.id, "name": role.name, "redisRules": grants, "users": users, "status": role.status}
}

func (s *Server) putRole(r *request) answer {
	return s.submit(r, http.StatusAccepted, &task{command: "aclRoleUpdateRequest", work: roleTask, run: func(t *task) *domainError {
		i := slices.IndexFunc(s.roles, func(role *aclRole) bool { return role.id == r.id("role") })
		if i < 0 {
			return refuse("ACL_ROLE_NOT_FOUND")
		}
		role := s.roles[i]
		grants, refused := s.checkRole(role, r.body)
		if refused != nil {
			return refused
		}
		t.response["resourceId"], t.resource = role.id, "/v1/acl/roles"
		role.status = statusPending
		s.after(roleTime, func() {
			role.name = r.body.strOr("name", role.name)
			if r.body.has("redisRules") {
				role.rules = grants
			}
			role.status = statusActive
		})
		return nil
	}})
}

// checkRole reads the new grants of a role. The list replaces the old one.
func (s *Server) checkRole(role *aclRole, b fields) ([]roleGrant, *domainError) {
	if role.status == statusPending {
		return nil, refuse("ACL_ROLE_IS_IN_PENDING_STATUS_AND_CANNOT_BE_UPDATED")
	}
	if b.has("name") && slices.ContainsFunc(s.roles, func(o *aclRole) bool { return o != role && o.name == b.str("name") }) {
		return nil, refuse("ACL_ROLE_NAME_ALREADY_EXISTS")
	}
	if b.has("redisRules") && len(b.objects("redisRules")) == 0 {
		return nil, refuse("ACL_ROLE_REDIS_RULES_IS_MISSING")
	}
	var grants []roleGrant
	seen := map[int]bool{}
	for _, o := range b.objects("redisRules") {
		g := roleGrant{rule: o.str("ruleName")}
		if ruleID(g.rule) == 0 {
			return nil, refuse("ACL_REDIS_RULE_NOT_FOUND")
		}
		if len(o.objects("databases")) == 0 {
			return nil, refuse("ACL_ROLE_REDIS_RULES_DATABASES_SPEC_IS_MISSING")
		}
		for _, spec := range o.objects("databases") {
			d := s.anyDatabase(spec.int("databaseId"))
			switch {
			case d == nil:
				return nil, refuse("DATABASE_NOT_FOUND")
			case d.sub.id != spec.int("subscriptionId"):
				return nil, refuse("DATABASE_SUBSCRIPTION_MISMATCH")
			case seen[d.id]:
				return nil, refuse("ACL_ROLE_REDIS_RULE_MUST_BE_DEFINED_ONLY_ONCE_PER_DATABASE")
			}
			seen[d.id] = true
			g.databases = append(g.databases, d.id)
		}
		grants = append(grants, g)
	}
	return grants, nil
}
