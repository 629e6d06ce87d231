package cloudemu

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// module is one of Redis's advanced capabilities.
type module struct{ id, name, capability, version, description string }

var modules = []module{
	{"18534", "RediSearch", "Search and query", "2.8.4", "A comprehensive, expressive, flexible, fast and developer-friendly search and query engine"},
	{"18535", "RedisBloom", "Probabilistic", "2.6.3", "A set of probabilistic data structures to Redis"},
	{"18536", "RedisJSON", "JSON", "2.6.6", "Native JSON Data Type for Redis, allowing for atomic reads and writes of sub-elements"},
	{"18537", "RedisTimeSeries", "Time series", "1.10.6", "Time-Series data structure for Redis"},
}

func moduleNames() []string {
	var names []string
	for _, m := range modules {
		names = append(names, m.name)
	}
	return names
}

// moduleName finds a module by a name that creates accept; empty: none.
func moduleName(name string) string {
	if name == "searchlight" {
		return "RediSearch"
	}
	for _, m := range modules {
		if m.name == name {
			return m.name
		}
	}
	return ""
}

func moduleBodies(names []string) []obj {
	list := []obj{}
	for _, m := range modules {
		for _, name := range names {
			if name == m.name {
				id, _ := strconv.Atoi(m.id)
				list = append(list, obj{
					"id": id, "name": m.name, "capabilityName": m.capability, "version": m.version,
					"description": m.description, "parameters": []obj{},
				})
			}
		}
	}
	return list
}

func (s *Server) getModules(r *request) answer {
	list := []obj{}
	for _, m := range modules {
		list = append(list, obj{"name": m.name, "capabilityName": m.capability, "description": m.description, "parameters": []obj{}})
	}
	return ok(obj{"modules": list, "links": []obj{r.link("self", "/v1/database-modules")}})
}

func (s *Server) getPersistence(r *request) answer {
	list := []obj{}
	for _, name := range persistences {
		words := strings.ReplaceAll(name, "-", " ")
		list = append(list, obj{"name": name, "description": strings.ToUpper(words[:1]) + words[1:]})
	}
	return ok(obj{"dataPersistence": list, "links": []obj{r.link("self", "/v1/data-persistence")}})
}

var regions = []struct {
	id       int
	name     string
	provider string
}{
	{1, "us-east-1", "AWS"}, {3, "us-west-2", "AWS"}, {4, "eu-west-1", "AWS"}, {29, "eu-central-1", "AWS"},
	{32, "asia-east1", "GCP"}, {34, "europe-west1", "GCP"},
}

func (s *Server) getRegions(r *request) answer {
	provider := r.query.Get("provider")
	if provider != "" && provider != "AWS" && provider != "GCP" {
		return s.refusal(r, http.StatusBadRequest, "provider must be AWS or GCP")
	}
	list := []obj{}
	for _, g := range regions {
		if provider == "" || provider == g.provider {
			list = append(list, obj{"id": g.id, "name": g.name, "provider": g.provider})
		}
	}
	return ok(obj{"regions": list, "links": []obj{r.link("self", "/v1/regions")}})
}

// getVersions tells what new databases can run. An existing subscription may
// be named.
func (s *Server) getVersions(r *request) answer {
	if text := r.query.Get("subscriptionId"); text != "" {
		id, err := strconv.Atoi(text)
		if err != nil {
			return s.refusal(r, http.StatusBadRequest, "subscriptionId must be an integer")
		}
		if s.subscription(r.fixed, id) == nil {
			return s.refusal(r, http.StatusNotFound, "Subscription was not found")
		}
	}
	list := []obj{}
	for _, v := range s.creatable(r.fixed, r.call()) {
		o := obj{"version": v.version, "isPreview": false, "isDefault": v.def}
		if v.eol != "" {
			o["eolDate"] = v.eol
		}
		list = append(list, o)
	}
	return ok(obj{"redisVersions": list})
}

// getAccount is how clients check their keys.
func (s *Server) getAccount(r *request) answer {
	created := s.account.created.UTC().Format(time.RFC3339)
	return ok(obj{
		"account": obj{
			"id": s.account.id, "name": s.account.name, "createdTimestamp": created, "updatedTimestamp": created,
			"pocStatus": "inactive", "marketplaceStatus": "active",
			"key": obj{
				"name": "sandbox-key", "accountId": s.account.id, "accountName": s.account.name,
				"allowedSourceIps": []string{"0.0.0.0/0"}, "createdTimestamp": created,
				"owner":         obj{"name": "Redis upgrade bot", "email": "redis-upgrade@example.com"},
				"userAccountId": 1, "httpSourceIp": r.userIP,
			},
		},
		"links": []obj{r.link("self", "/v1/")},
	})
}

// getSlowLog shows made-up entries: their arguments may hold customers' data.
func (s *Server) getSlowLog(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	list := []obj{}
	if len(d.keys.all) > 0 {
		list = append(list, obj{"id": 1, "startTime": s.stamp(d.activated.Add(time.Hour)), "duration": 12, "arguments": "KEYS " + d.keys.prefix + ":*"})
	}
	return ok(obj{"entries": list, "links": []obj{r.link("self", d.path()+"/slow-log")}})
}

func (s *Server) getCertificate(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	if !d.tls {
		return s.refusal(r, http.StatusNotFound, "TLS is not enabled for this database")
	}
	return ok(obj{"publicCertificatePEMString": s.authority()})
}
