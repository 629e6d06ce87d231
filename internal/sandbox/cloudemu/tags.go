package cloudemu

import (
	"net/http"
	"regexp"
	"slices"
	"time"
)

// tag is one key and value at a database. Tag calls are synchronous.
type tag struct {
	key, value       string
	created, updated time.Time
}

var tagKey = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N} \-_.+@:]{1,64}$`)

const (
	maxTags     = 50
	maxTagValue = 128
)

func (s *Server) tagBody(r *request, d *database, t tag) obj {
	return obj{
		"key": t.key, "value": t.value, "createdAt": s.stamp(t.created), "updatedAt": s.stamp(t.updated),
		"links": []obj{r.link("self", d.path()+"/tags")},
	}
}

// getTags leaves the list out as long as there never was a tag.
func (s *Server) getTags(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	return ok(s.tagsBody(r, d))
}

func (s *Server) tagsBody(r *request, d *database) obj {
	body := obj{"accountId": s.account.id, "links": []obj{r.link("self", d.path()+"/tags")}}
	if d.tags == nil {
		return body
	}
	list := []obj{}
	for _, t := range d.tags {
		body := s.tagBody(r, d, t)
		body["links"] = []obj{}
		list = append(list, body)
	}
	body["tags"] = list
	return body
}

// badTag tells what is wrong with a tag.
func badTag(key, value string) string {
	switch {
	case !tagKey.MatchString(key):
		return "Tag key must have 1-64 lower case letters, digits, spaces and - _ . + @ :"
	case len([]rune(value)) > maxTagValue:
		return "Tag value is too long"
	}
	return ""
}

func (s *Server) postTag(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	key, value := r.body.str("key"), r.body.str("value")
	if why := badTag(key, value); why != "" {
		return s.refusal(r, http.StatusUnprocessableEntity, why)
	}
	if d.tag(key) >= 0 {
		return s.refusal(r, http.StatusConflict, "Tag key already exists")
	}
	if len(d.tags) >= maxTags {
		return s.refusal(r, http.StatusUnprocessableEntity, "Too many tags")
	}
	t := tag{key, value, s.clock, s.clock}
	d.tags = append(d.tags, t)
	s.record(r, "")
	return ok(s.tagBody(r, d, t))
}

// putTags replaces all tags.
func (s *Server) putTags(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	list := []tag{}
	for _, o := range r.body.objects("tags") {
		t := tag{o.str("key"), o.str("value"), s.clock, s.clock}
		why := badTag(t.key, t.value)
		if slices.ContainsFunc(list, func(o tag) bool { return o.key == t.key }) {
			why = "Tag key is given twice"
		}
		if why != "" {
			return s.refusal(r, http.StatusUnprocessableEntity, why)
		}
		if i := d.tag(t.key); i >= 0 {
			t.created = d.tags[i].created
		}
		list = append(list, t)
	}
	if len(list) > maxTags {
		return s.refusal(r, http.StatusUnprocessableEntity, "Too many tags")
	}
	d.tags = list
	s.record(r, "")
	return ok(s.tagsBody(r, d))
}

func (s *Server) putTag(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	i := d.tag(r.args["key"])
	if i < 0 {
		return s.refusal(r, http.StatusNotFound, "Tag was not found")
	}
	if why := badTag(r.args["key"], r.body.str("value")); why != "" {
		return s.refusal(r, http.StatusUnprocessableEntity, why)
	}
	d.tags[i].value, d.tags[i].updated = r.body.str("value"), s.clock
	s.record(r, "")
	return ok(s.tagBody(r, d, d.tags[i]))
}

func (s *Server) deleteTag(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	i := d.tag(r.args["key"])
	if i < 0 {
		return s.refusal(r, http.StatusNotFound, "Tag was not found")
	}
	d.tags = slices.Delete(d.tags, i, i+1)
	s.record(r, "")
	return ok(obj{})
}

// tag finds a tag by its key; -1: none.
func (d *database) tag(key string) int {
	return slices.IndexFunc(d.tags, func(t tag) bool { return t.key == key })
}
