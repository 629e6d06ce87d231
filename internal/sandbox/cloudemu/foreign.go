package cloudemu

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// What others do in the same account, behind the bot's back: people in the
// console, and programs such as Terraform with keys of their own. Nothing of it
// stands in the ledger, and faults spare it.

// hookCreate is a person's create in the console: the database is there and
// active at once.
func (s *Server) hookCreate(_ *http.Request, raw []byte) (any, error) {
	const accepted = `{"subscription":name or id,"database":{…}} with the fields of a fleet's database`
	in := struct {
		Subscription any           `json:"subscription"`
		Database     FleetDatabase `json:"database"`
	}{}
	if err := decodeHook(raw, &in, accepted); err != nil {
		return nil, err
	}
	var u *subscription
	for _, o := range s.subscriptions {
		if in.Subscription == o.name || in.Subscription == float64(o.id) || in.Subscription == strconv.Itoa(o.id) {
			u = o
		}
	}
	if u == nil {
		return nil, bad("there is no subscription %v; accepted: %s", in.Subscription, accepted)
	}
	d, err := s.createByHand(u, in.Database)
	if err != nil {
		return nil, err
	}
	return s.hookDatabaseBody(d), nil
}

// createByHand puts a database into the account, as a fleet describes it.
func (s *Server) createByHand(u *subscription, fd FleetDatabase) (*database, error) {
	source := s.named(fd.ReplicaOf)
	c := fleetCheck{databases: map[string]bool{fd.ReplicaOf: source != nil}}
	c.database("database "+fd.Name, fd, u.fixed)
	if len(c.mistakes) > 0 {
		return nil, bad("%v", c.mistakes[0])
	}
	if refused := checkName(u, fd.Name, nil); refused != nil {
		return nil, bad("%s: %s", fd.Name, refused.kind)
	}
	for _, o := range u.databases {
		if o.port == fd.Port {
			return nil, bad("port %d is that of %s", fd.Port, o.name)
		}
	}
	d := s.buildDatabase(s.chance, u, fd)
	d.activated, d.modified = s.clock, s.clock
	if fd.ReplicaOf != "" {
		d.sources = []syncSource{{endpoint: "redis://" + source.asSource()}}
	}
	s.addresses = nil
	s.followSources(d)
	if fd.WritesPerMinute > 0 {
		s.employ(d, fd)
	}
	s.log("Database", d.id, d.name+" was created in the console")
	return d, nil
}

// foreignCreate is the fault of that name: in place of the create that r asks
// for, somebody makes a database of that name and port by hand.
func (s *Server) foreignCreate(r *request) bool {
	if r.method != http.MethodPost || !s.due("foreign_create", r.call()) {
		return false
	}
	args, pro := match("/subscriptions/{s}/databases", r.path)
	fixed := false
	if !pro {
		args, fixed = match("/fixed/subscriptions/{s}/databases", r.path)
	}
	body, err := createBody.read(r.raw)
	if id, _ := strconv.Atoi(args["s"]); err == nil && (pro || fixed) && !body.bool("dryRun", false) {
		u := s.subscription(fixed, id)
		version := or(s.faults["foreign_create"].arg, releases[len(releases)-1].version)
		fd := FleetDatabase{Name: body.str("name"), Port: body.int("port"), Version: version,
			Keys: 25, KeyPrefix: "theirs"}
		if u == nil {
			return false
		}
		if _, err := s.createByHand(u, fd); err == nil {
			return s.fire("foreign_create", r.call())
		}
	}
	return false
}

// hookCall is a program's call at the API: queued, worked off and shown like any.
func (s *Server) hookCall(req *http.Request, raw []byte) (any, error) {
	const accepted = `{"method","path","body"} as the API takes them`
	in := struct {
		Method string          `json:"method"`
		Path   string          `json:"path"`
		Body   json.RawMessage `json:"body"`
	}{}
	if err := decodeHook(raw, &in, accepted); err != nil {
		return nil, err
	}
	u, err := url.Parse("/v1/" + strings.TrimPrefix(strings.TrimPrefix(in.Path, "/v1"), "/"))
	if err != nil || in.Method == "" {
		return nil, bad("%v; accepted: %s", err, accepted)
	}
	a := router(routes()).dispatch(s, &request{
		method: in.Method, path: u.EscapedPath(), query: u.Query(), raw: in.Body,
		foreign: true, base: "http://" + req.Host + "/cloud",
	})
	return obj{"status": a.status, "body": a.body}, nil
}
