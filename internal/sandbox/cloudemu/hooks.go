package cloudemu

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hook is one thing that the page and tests can see or do.
type hook struct {
	method string
	name   string
	does   string
	serve  func(s *Server, req *http.Request, body []byte) (any, error)
}

// hooks lists them all.
func hooks() []hook {
	return []hook{
		{"GET", "ledger", "every accepted changing call, in order", (*Server).hookLedger},
		{"GET", "databases", "all databases with count and digest of their keys", (*Server).hookDatabases},
		{"GET", "backups", "stored backup files by database name", (*Server).hookBackups},
		{"GET", "keys", "?id= or ?name=: all keys and values of a database", (*Server).hookKeys},
		{"GET", "tasks", "all tasks, oldest first", (*Server).hookTasks},
		{"GET", "applications", "the programs that write to databases, and whether they can", (*Server).hookApplications},
		{"POST", "application", `{"name","address","password"}: change the connection details of a program`, (*Server).hookApplication},
		{"GET", "faults", "every fault that exists and what is left of it", (*Server).hookFaults},
		{"POST", "faults", `{"fault","times","match"}: switch a fault; times 0: off, -1: until switched off`, (*Server).hookFault},
		{"POST", "create", `{"subscription":name or id,"database":{…}}: create a database as a person does, active at once`, (*Server).hookCreate},
		{"POST", "call", `{"method","path","body"}: call the API as another program does; not in the ledger, spared by faults`, (*Server).hookCall},
		{"POST", "database", `{"id" or "name","set":{…}}: act as the cloud console`, (*Server).hookDatabase},
		{"POST", "backup", `{"uri","set":{"delete" or "corrupt":true}}: spoil a stored file`, (*Server).hookBackup},
	}
}

// hookError is an answer that is not 200.
type hookError struct {
	status int
	text   string
}

func (e *hookError) Error() string { return e.text }

func bad(format string, args ...any) error {
	return &hookError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// Hooks is what the page and tests drive. Mount it at /hooks/cloud/ (with or
// without stripping that prefix).
func (s *Server) Hooks() http.Handler {
	list := hooks()
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		raw, problem := readHook(req)
		var body any
		if problem == nil {
			body, problem = s.serveHook(list, req, raw)
		}
		w.Header().Set("Content-Type", "application/json")
		if problem != nil {
			status, extra := http.StatusBadRequest, obj{"error": problem.Error()}
			if e, ok := problem.(*hookError); ok {
				status = e.status
			}
			if status == http.StatusNotFound {
				extra["hooks"] = hookList(list)
			}
			w.WriteHeader(status)
			body = extra
		}
		_ = json.NewEncoder(w).Encode(body) // a client that went away is no matter of ours
	})
}

func readHook(req *http.Request) ([]byte, error) {
	var raw json.RawMessage
	if req.Method == http.MethodGet {
		return nil, nil
	}
	if err := json.NewDecoder(req.Body).Decode(&raw); err != nil {
		return nil, bad("body is not JSON: %v", err)
	}
	return raw, nil
}

func (s *Server) serveHook(list []hook, req *http.Request, raw []byte) (any, error) {
	name := strings.Trim(strings.TrimPrefix(req.URL.Path, "/hooks/cloud"), "/")
	for _, h := range list {
		if h.name != name || h.method != req.Method {
			continue
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.advance()
		body, err := h.serve(s, req, raw)
		if err == nil && h.method == http.MethodPost {
			s.poke()
		}
		// Made into bytes under the lock: the values are the server's own.
		return generic(body), err
	}
	return nil, &hookError{http.StatusNotFound, "there is no hook " + req.Method + " " + strconv.Quote(name)}
}

func hookList(list []hook) []obj {
	out := []obj{}
	for _, h := range list {
		out = append(out, obj{"hook": h.method + " /hooks/cloud/" + h.name, "does": h.does})
	}
	return out
}

func (s *Server) hookLedger(*http.Request, []byte) (any, error) {
	if s.ledger == nil {
		return []obj{}, nil
	}
	return s.ledger, nil
}

func (s *Server) hookDatabases(*http.Request, []byte) (any, error) {
	list := []obj{}
	for _, u := range s.subscriptions {
		for _, d := range u.databases {
			list = append(list, s.hookDatabaseBody(d))
		}
	}
	return list, nil
}

// hookDatabaseBody also tells what the API does not.
func (s *Server) hookDatabaseBody(d *database) obj {
	plan := "pro"
	if d.sub.fixed {
		plan = "essentials"
	}
	tags := obj{}
	for _, t := range d.tags {
		tags[t.key] = t.value
	}
	replicas := []string{}
	for _, o := range s.replicasOf(d) {
		replicas = append(replicas, o.name)
	}
	body := obj{
		"id": d.id, "subscription_id": d.sub.id, "name": d.name, "plan": plan, "protocol": d.protocol, "redis_version": d.version,
		"status": d.status, "port": d.port, "endpoint": d.publicEndpoint(), "keys": len(d.keys.all), "digest": d.keys.digest(),
		"last_backup_at": nil, "backup_status": d.lastBackup.status, "backup_path": cleanURI(d.remote.path),
		"import_status": d.lastImport.status, "tags": tags, "source_ips": d.sourceIPs, "open": d.admits(), "shards": d.shards,
		"subscription": d.sub.name, "subscription_status": d.sub.state(), "active_active": d.activeActive(),
		"modules": d.modules, "replicas": replicas, "dynamic_endpoint": "", "upgrade": nil, "tls": d.tls,
		"client_certificates": d.certs, "password_hidden": d.hidden,
	}
	if !d.published() {
		body["endpoint"] = ""
	}
	if d.dynamic.public != "" {
		body["dynamic_endpoint"] = fmt.Sprintf("%s:%d", d.dynamic.public, d.port)
	}
	if !d.lastBackup.at.IsZero() {
		body["last_backup_at"] = d.lastBackup.at.UTC().Format(time.RFC3339Nano)
	}
	if d.upgrade != nil {
		body["upgrade"] = obj{"target": d.upgrade.target, "status": d.upgrade.status, "progress": d.upgrade.progress}
	}
	return body
}

// hookBackups also holds the files of deleted databases. digest is that of the
// file, set_digest that of all shards together, to be compared to a database's.
func (s *Server) hookBackups(*http.Request, []byte) (any, error) {
	whole := map[string]map[string]string{}
	for _, f := range s.objects {
		if whole[f.set] == nil {
			whole[f.set] = map[string]string{}
		}
		for key, value := range f.keys {
			whole[f.set][key] = value
		}
	}
	digests := map[string]string{}
	for set, keys := range whole {
		digests[set] = digest(keys)
	}
	body := map[string][]obj{}
	for _, f := range s.files() {
		body[f.name] = append(body[f.name], obj{
			"uri": f.uri, "database_id": f.database, "database": f.name, "at": f.at.UTC().Format(time.RFC3339),
			"version": f.version, "format": f.format, "shard": f.shard, "shards": f.shards, "keys": len(f.keys),
			"digest": digest(f.keys), "set_digest": digests[f.set], "size": size(f.keys), "corrupt": f.corrupt,
		})
	}
	return body, nil
}

// files lists stored files by age and shard.
func (s *Server) files() []*backupFile {
	var list []*backupFile
	for _, uri := range sortedKeys(s.objects) {
		list = append(list, s.objects[uri])
	}
	slices.SortStableFunc(list, func(a, b *backupFile) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return a.shard - b.shard
	})
	return list
}

func (s *Server) hookKeys(req *http.Request, _ []byte) (any, error) {
	id, _ := strconv.Atoi(req.URL.Query().Get("id"))
	d, err := s.pick(id, req.URL.Query().Get("name"))
	if err != nil {
		return nil, err
	}
	return obj{"id": d.id, "name": d.name, "digest": d.keys.digest(), "keys": d.keys.all}, nil
}

func (s *Server) hookTasks(*http.Request, []byte) (any, error) {
	list := []obj{}
	for _, t := range s.tasks {
		list = append(list, obj{
			"id": t.id, "command": t.command, "status": t.status, "at": t.at.UTC().Format(time.RFC3339Nano),
			"call": t.call, "foreign": t.foreign, "response": t.response,
		})
	}
	return list, nil
}

// pick finds a database by id or, where that is unique, by name.
func (s *Server) pick(id int, name string) (*database, error) {
	var found []*database
	for _, u := range s.subscriptions {
		for _, d := range u.databases {
			if d.id == id || id == 0 && d.name == name {
				found = append(found, d)
			}
		}
	}
	switch len(found) {
	case 0:
		return nil, bad("there is no database with id %d or name %q; GET /hooks/cloud/databases lists them", id, name)
	case 1:
		return found[0], nil
	}
	return nil, bad("%d databases are named %q: give the id", len(found), name)
}
