package slackemu

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// upload is a file on its way: announced, sent, or shared.
type upload struct {
	id, name string
	length   int64
	received bool
	done     bool
}

// filesGetUploadURL is https://docs.slack.dev/reference/methods/files.getUploadURLExternal
func (s *Server) filesGetUploadURL(c *call) (object, error) {
	length := int64(c.number("length", 0, 1<<30))
	switch {
	case c.str("filename") == "":
		return nil, missingField("filename")
	case length < 1:
		return nil, invalidArguments("must be greater than 0 [json-pointer:/length]")
	}
	u := &upload{id: s.newID("F"), name: c.str("filename"), length: length}
	s.uploads[u.id] = u
	return object{"upload_url": c.base + "/slack/upload/" + u.id, "file_id": u.id}, nil
}

// serveUpload takes a file's bytes, raw or as a form, of the announced length.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	var src io.Reader = r.Body
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		form, err := r.MultipartReader()
		if err != nil {
			http.Error(w, "invalid form", http.StatusBadRequest)
			return
		}
		part, err := form.NextPart()
		if err != nil {
			http.Error(w, "no file in the form", http.StatusBadRequest)
			return
		}
		src = part
	}
	n, err := io.Copy(io.Discard, src)
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[r.PathValue("id")]
	switch {
	case u == nil || u.received:
		http.Error(w, "no such upload", http.StatusNotFound)
	case err != nil || n != u.length:
		http.Error(w, "length differs from the announced one", http.StatusBadRequest)
	default:
		u.received = true
		io.WriteString(w, "OK - "+r.PathValue("id"))
	}
}

// filesCompleteUpload is https://docs.slack.dev/reference/methods/files.completeUploadExternal
func (s *Server) filesCompleteUpload(c *call) (object, error) {
	asked, _ := c.args["files"].([]any)
	if len(asked) == 0 {
		return nil, missingField("files")
	}
	var shared []any
	var used []*upload
	for _, f := range asked {
		o, _ := f.(object)
		id, _ := o["id"].(string)
		u := s.uploads[id]
		if u == nil || !u.received || u.done {
			return nil, refuse("file_not_found")
		}
		title, _ := o["title"].(string)
		if title == "" {
			title = u.name
		}
		used = append(used, u)
		shared = append(shared, object{"id": u.id, "title": title, "name": u.name, "size": u.length, "user": botUserID,
			"url_private": c.base + "/slack/upload/" + u.id, "permalink": c.base + "/files/" + botUserID + "/" + u.id})
	}
	rooms := strings.FieldsFunc(c.str("channels")+","+c.str("channel_id"), func(r rune) bool { return r == ',' })
	for _, id := range slices.Compact(rooms) {
		r, err := s.postRoom(&call{args: args{"channel": id}, method: c.method})
		if err != nil {
			return nil, err
		}
		s.post(r, botUserID, true, "", draft{text: c.str("initial_comment"), files: shared, threadTS: c.str("thread_ts"), subtype: "file_share"})
	}
	for _, u := range used {
		u.done = true
	}
	return object{"files": shared}, nil
}
