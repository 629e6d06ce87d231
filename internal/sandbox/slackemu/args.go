package slackemu

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxBody bounds what one call may send.
const maxBody = 8 << 20

// structured are the arguments that are JSON inside a form.
var structured = []string{"blocks", "attachments", "view", "metadata", "files", "message", "unfurls"}

// args are the arguments of one call, whatever they came as.
type args map[string]any

// readArgs decodes query, form, multipart or JSON. The token comes from the
// header, or from a form; never from a JSON body or next to a header.
func readArgs(r *http.Request) (a args, token string, warnings []string, err error) {
	a = args{}
	a.addForm(r.URL.Query())
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body := http.MaxBytesReader(nil, r.Body, maxBody)
	switch {
	case r.Method == http.MethodGet:
	case kind == "application/json":
		if params["charset"] == "" {
			warnings = append(warnings, "missing_charset")
		}
		err = a.addJSON(body)
	case kind == "application/x-www-form-urlencoded":
		err = a.addEncoded(body)
	case kind == "multipart/form-data":
		if perr := r.ParseMultipartForm(maxBody); perr != nil {
			err = refuse("invalid_form_data")
		} else {
			a.addForm(r.MultipartForm.Value)
		}
	case kind == "":
		if data, _ := io.ReadAll(body); len(data) > 0 {
			err = refuse("missing_post_type")
		}
	default:
		err = refuse("invalid_post_type")
	}
	if kind != "application/json" {
		token = a.str("token")
	}
	delete(a, "token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = strings.TrimSpace(bearer)
	}
	return a, token, warnings, err
}

func (a args) addJSON(body io.Reader) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return refuse("request_timeout")
	}
	if len(data) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return refuse("invalid_json")
	}
	o, ok := v.(object)
	if !ok {
		return refuse("json_not_object")
	}
	for name, v := range o {
		a.set(name, v)
	}
	return nil
}

func (a args) addEncoded(body io.Reader) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return refuse("request_timeout")
	}
	form, err := url.ParseQuery(string(data))
	if err != nil {
		return refuse("invalid_form_data")
	}
	a.addForm(form)
	return nil
}

func (a args) addForm(form url.Values) {
	for name, vs := range form {
		a.set(name, vs[len(vs)-1])
	}
}

// set stores an argument; JSON in a string is decoded where Slack does so. What
// does not decode stays a string, for the method to refuse.
func (a args) set(name string, v any) {
	if s, ok := v.(string); ok && slices.Contains(structured, name) && s != "" {
		var decoded any
		if json.Unmarshal([]byte(s), &decoded) == nil {
			v = decoded
		}
	}
	if v != nil {
		a[name] = v
	}
}

// str is an argument as a string; numbers and booleans are spelled out.
func (a args) str(name string) string {
	switch v := a[name].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// flag is an argument as a boolean.
func (a args) flag(name string) bool {
	s := a.str(name)
	return s == "true" || s == "1"
}

// number is an argument as an integer within bounds, or the fallback.
func (a args) number(name string, fallback, most int) int {
	n, err := strconv.Atoi(a.str(name))
	if err != nil || n <= 0 {
		return fallback
	}
	return min(n, most)
}
