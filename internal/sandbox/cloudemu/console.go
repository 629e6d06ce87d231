package cloudemu

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// decodeHook reads a hook's body and names what is wrong with it.
func decodeHook(raw []byte, into any, accepted string) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return bad("%v; accepted: %s", err, accepted)
	}
	return nil
}

func (s *Server) hookFaults(*http.Request, []byte) (any, error) {
	list := []obj{}
	for _, k := range faultKinds {
		o := obj{"fault": k.name, "does": k.does, "takes": k.takes, "times": 0, "match": ""}
		if f := s.faults[k.name]; f != nil {
			o["times"], o["match"] = f.times, f.match
		}
		list = append(list, o)
	}
	return list, nil
}

func (s *Server) hookFault(_ *http.Request, raw []byte) (any, error) {
	const accepted = `{"fault":"name" ("none": all off),"times":N (0 off, -1 until switched off),"match":"part of METHOD path, or empty; behind it a blank and what the fault takes"}`
	in := struct {
		Fault string `json:"fault"`
		Times *int   `json:"times"`
		Match string `json:"match"`
	}{}
	if err := decodeHook(raw, &in, accepted); err != nil {
		return nil, err
	}
	times := 1
	if in.Times != nil {
		times = *in.Times
	}
	if times < -1 {
		return nil, bad("times is %d; accepted: 0 (off), a positive number, -1 (until switched off)", times)
	}
	if in.Fault == "none" {
		clear(s.faults)
		s.unstick()
		return obj{"fault": "none"}, nil
	}
	kind, known := findFault(in.Fault)
	if !known {
		var names []string
		for _, k := range faultKinds {
			names = append(names, k.name)
		}
		return nil, bad("there is no fault %q; accepted: %s", in.Fault, strings.Join(names, ", "))
	}
	if _, arg := splitMatch(in.Match); times != 0 {
		if why := s.checkArg(kind, arg); why != "" {
			return nil, bad("match %q: %s %s", in.Match, in.Fault, why)
		}
	}
	s.switchFault(in.Fault, times, in.Match)
	return obj{"fault": in.Fault, "times": times, "match": in.Match}, nil
}

// consoleChange is what a person can do in the cloud console, and a few
// things that only an emulator can. Absent fields change nothing.
type consoleChange struct {
	Delete             bool               `json:"delete"`
	Name               *string            `json:"name"`
	RedisVersion       *string            `json:"redis_version"`
	Status             *string            `json:"status"`
	SubscriptionStatus *string            `json:"subscription_status"` // empty: back to normal
	BackupPath         *string            `json:"backup_path"`         // empty: remote backup off
	BackupNow          bool               `json:"backup_now"`
	SourceIPs          *[]string          `json:"source_ips"`
	Password           *string            `json:"password"`
	PasswordHidden     *bool              `json:"password_hidden"` // the API does not tell it
	DefaultUser        *bool              `json:"default_user"`
	TLS                *bool              `json:"tls"`
	ClientCertificates *int               `json:"client_certificates"` // how many; more than 0: clients must show one
	ReplicaOf          *string            `json:"replica_of"`          // name or id of the source; empty: of none
	AutoMinor          *bool              `json:"auto_minor"`
	Persistence        *string            `json:"persistence"`
	Replication        *bool              `json:"replication"`
	DynamicEndpoints   *bool              `json:"dynamic_endpoints"`
	Tags               *map[string]string `json:"tags"`
	Keys               map[string]*string `json:"keys"` // null deletes a key
	SizeGB             *float64           `json:"size_gb"`
}

const consoleFields = `"delete", "name", "redis_version", "status", "subscription_status", "backup_path", "backup_now", "source_ips", ` +
	`"password", "password_hidden", "default_user", "tls", "client_certificates", "replica_of", "auto_minor", "persistence", ` +
	`"replication", "dynamic_endpoints", "tags", "keys", "size_gb"`

func (s *Server) hookDatabase(_ *http.Request, raw []byte) (any, error) {
	in := struct {
		ID   int           `json:"id"`
		Name string        `json:"name"`
		Set  consoleChange `json:"set"`
	}{}
	if err := decodeHook(raw, &in, `{"id" or "name","set":{…}} with `+consoleFields); err != nil {
		return nil, err
	}
	d, err := s.pick(in.ID, in.Name)
	if err != nil {
		return nil, err
	}
	if err := s.checkChange(d, in.Set); err != nil {
		return nil, err
	}
	if in.Set.Delete {
		s.remove(d)
		s.log("Database", d.id, d.name+" was deleted in the console")
		return obj{"id": d.id, "name": d.name, "deleted": true}, nil
	}
	s.change(d, in.Set)
	s.touch(d)
	s.addresses = nil
	s.log("Database", d.id, d.name+" was changed in the console")
	return s.hookDatabaseBody(d), nil
}

// checkChange refuses values that a database cannot have.
func (s *Server) checkChange(d *database, c consoleChange) error {
	if c.Name != nil {
		if refused := checkName(d.sub, *c.Name, d); refused != nil {
			return bad("name %q: %s", *c.Name, refused.kind)
		}
	}
	if c.ReplicaOf != nil && *c.ReplicaOf != "" && (s.named(*c.ReplicaOf) == nil || s.named(*c.ReplicaOf) == d) {
		return bad("replica_of: there is no other database %q", *c.ReplicaOf)
	}
	if c.ClientCertificates != nil && *c.ClientCertificates < 0 {
		return bad("client_certificates is %d; accepted: 0 (off) or more", *c.ClientCertificates)
	}
	if c.RedisVersion != nil && rank(*c.RedisVersion) < 0 {
		return bad("redis_version %q does not exist", *c.RedisVersion)
	}
	if c.BackupPath != nil && *c.BackupPath != "" && storageType(*c.BackupPath) == "" {
		return bad("backup_path must be empty or start with s3://, gs://, abs://, ftp:// or ftps://")
	}
	if c.SourceIPs != nil {
		for _, ip := range *c.SourceIPs {
			if _, err := parseRule(ip); err != nil {
				return bad("source_ips: %q is not an address or network", ip)
			}
		}
	}
	return nil
}

// change makes a console change. It is done at once.
func (s *Server) change(d *database, c consoleChange) {
	set(&d.name, c.Name)
	set(&d.status, c.Status)
	set(&d.sub.status, c.SubscriptionStatus)
	set(&d.sourceIPs, c.SourceIPs)
	set(&d.password, c.Password)
	set(&d.hidden, c.PasswordHidden)
	set(&d.tls, c.TLS)
	set(&d.certs, c.ClientCertificates)
	set(&d.autoMinor, c.AutoMinor)
	set(&d.persist, c.Persistence)
	set(&d.replicated, c.Replication)
	set(&d.datasetGB, c.SizeGB)
	if c.RedisVersion != nil {
		d.setVersion(*c.RedisVersion)
	}
	if c.DefaultUser != nil {
		d.noDefault = !*c.DefaultUser
	}
	if c.ReplicaOf != nil {
		d.sources = nil
		if source := s.named(*c.ReplicaOf); source != nil {
			d.sources = []syncSource{{endpoint: "redis://" + source.asSource()}}
		}
		s.addresses = nil
		s.followSources(d)
	}
	if c.BackupPath != nil {
		d.remote = remoteBackup{}
		if *c.BackupPath != "" {
			d.remote = remoteBackup{*c.BackupPath, "every-24-hours", "02:00"}
		}
	}
	if c.DynamicEndpoints != nil {
		d.dynamic = dynamicNames{}
		if *c.DynamicEndpoints {
			d.dynamic = dynamicNames{dynamicName(s.chance), dynamicName(s.chance)}
		}
	}
	if c.Tags != nil {
		d.tags = []tag{}
		for _, key := range sortedKeys(*c.Tags) {
			d.tags = append(d.tags, tag{key, (*c.Tags)[key], s.clock, s.clock})
		}
	}
	for key, value := range c.Keys {
		if value == nil {
			d.keys.remove(key)
		} else {
			d.keys.set(key, *value)
		}
	}
	if c.BackupNow && d.remote.path != "" {
		s.store(d, d.remote.path, s.clock)
		d.lastBackup = backupState{status: "success", at: s.clock}
	}
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// hookBackup spoils a stored file: it is gone, or no longer loads.
func (s *Server) hookBackup(_ *http.Request, raw []byte) (any, error) {
	in := struct {
		URI string `json:"uri"`
		Set struct {
			Delete  bool  `json:"delete"`
			Corrupt *bool `json:"corrupt"`
		} `json:"set"`
	}{}
	if err := decodeHook(raw, &in, `{"uri","set":{"delete":true} or {"corrupt":true or false}}`); err != nil {
		return nil, err
	}
	f := s.objects[in.URI]
	if f == nil {
		return nil, bad("there is no stored file %q; GET /hooks/cloud/backups lists them", in.URI)
	}
	set(&f.corrupt, in.Set.Corrupt)
	if in.Set.Delete {
		delete(s.objects, in.URI)
	}
	return obj{"uri": f.uri, "corrupt": f.corrupt, "deleted": in.Set.Delete}, nil
}

func (s *Server) hookApplications(*http.Request, []byte) (any, error) {
	list := []obj{}
	for _, a := range s.applications {
		list = append(list, s.applicationBody(a))
	}
	return list, nil
}

func (s *Server) applicationBody(a *application) obj {
	d, refused := s.connect(a)
	body := obj{
		"name": a.name, "address": a.address, "connected": refused == "", "refused": refused, "accepted_writes": a.accepted,
		"writes_per_minute": float64(time.Minute) / float64(a.interval), "database_id": nil, "database": "",
	}
	if d != nil {
		body["database_id"], body["database"] = d.id, d.name
	}
	return body
}

// hookApplication does what people do when connection details change.
func (s *Server) hookApplication(_ *http.Request, raw []byte) (any, error) {
	in := struct {
		Name     string  `json:"name"`
		Address  *string `json:"address"`
		Password *string `json:"password"`
		TLS      *bool   `json:"tls"`
	}{}
	if err := decodeHook(raw, &in, `{"name","address","password","tls"}`); err != nil {
		return nil, err
	}
	for _, a := range s.applications {
		if a.name == in.Name {
			set(&a.address, in.Address)
			set(&a.password, in.Password)
			set(&a.tls, in.TLS)
			return s.applicationBody(a), nil
		}
	}
	return nil, bad("there is no application %q; GET /hooks/cloud/applications lists them", in.Name)
}
