package cloud

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"
)

// maxErrorText bounds what a server can put into an error, in runes.
const maxErrorText = 200

// answerOf turns a response into nil (any 2xx) or the typed error it stands
// for. It does not know whether the call was a read or a change: a 5xx or 3xx
// becomes Unavailable, and the sender of a change calls that Unknown.
func (c *core) answerOf(resp *resty.Response, in call) error {
	status := resp.StatusCode()
	if resp.IsSuccess() {
		return nil
	}
	code, said := errorBody(resp.Body(), resp.Header().Get("Content-Type"), c.scrubber(in.secrets))
	if said == "" {
		said = http.StatusText(status)
	}
	switch {
	case status == http.StatusTooManyRequests:
		return &RateLimited{Wait: c.waitOf(resp.Header()), Text: said}
	case status == http.StatusNotFound, status/100 == 4 && notFoundCode(code):
		return &notFound{Code: code, Text: said}
	case retryableCode(code) && status/100 == 4:
		// 403 also means "resource not active", which only needs patience.
		return &Rejected{Status: status, Code: code, Text: said}
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusPreconditionFailed:
		return &Denied{Status: status, Missing: missing(status, in), Code: code, Text: said}
	case status/100 == 4:
		return &Rejected{Status: status, Code: code, Text: said}
	}
	return &Unavailable{Status: status, Text: said}
}

// missing says in words what a denial asks for.
func missing(status int, in call) string {
	switch {
	case status == http.StatusUnauthorized:
		return "valid API keys (account key and user key), with the API enabled for the account"
	case status == http.StatusPreconditionFailed:
		return "the feature \"" + in.what + "\", which is not enabled for this account"
	case in.method == http.MethodGet:
		return "permission to read (role of the key's owner, or the key's list of allowed addresses)"
	}
	return "permission to change (the key's owner must be Owner, and this address allowed for the key)"
}

// waitOf says how long a 429 should keep everybody away. No Retry-After is
// documented and the phase of the one-minute window is unknown, so without one
// it is a sixth of the window: short waits that are repeated waste least.
func (c *core) waitOf(h http.Header) time.Duration {
	after := h.Get("Retry-After")
	if s, err := strconv.Atoi(after); err == nil && s > 0 {
		return time.Duration(min(s, 3600)) * time.Second
	}
	if t, err := http.ParseTime(after); err == nil {
		if d := t.Sub(c.now()); d > 0 {
			return min(d, time.Hour)
		}
	}
	return 10 * c.retryBase
}

// errorBody finds code and text in the body of an HTTP error, whose form is
// not specified: response.error (object or code), error object, error string
// with message, message, description, plain text that is not a page. Both are
// scrubbed, and cut only then: half a secret is not recognised as one.
func errorBody(body []byte, contentType string, scrub func(string) string) (code, said string) {
	short := func(s string) string { return clip(scrub(s)) }
	body = bytes.TrimSpace(body)
	if len(body) == 0 || isPage(body, contentType) {
		return "", ""
	}
	var shapes struct {
		Response struct {
			Error json.RawMessage `json:"error"`
		} `json:"response"`
		Error       json.RawMessage `json:"error"`
		Message     text            `json:"message"`
		Description text            `json:"description"`
	}
	var plain string
	switch {
	case body[0] == '{' && decode(body, &shapes) == nil:
		for _, raw := range []json.RawMessage{shapes.Response.Error, shapes.Error} {
			if e := errorMember(raw); e != nil {
				return short(firstOf(e.Code, codeIn(string(shapes.Message)))), short(sentence(e.Text, string(shapes.Message)))
			}
		}
		said = firstOf(string(shapes.Message), string(shapes.Description))
		return short(codeIn(said)), short(said)
	case json.Unmarshal(body, &plain) == nil:
		return "", short(plain)
	case body[0] == '{' || body[0] == '[':
		return "", "" // JSON of no known shape helps nobody
	}
	return "", short(string(body))
}

// errorMember decodes an error that is an object {type,status,description} or
// a bare string, which is a code when it is spelled like one. Nil if absent.
func errorMember(raw json.RawMessage) *TaskError {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	if raw[0] == '{' {
		var o struct{ Type, Status, Description, Message text }
		if decode(raw, &o) != nil || (o.Type == "" && o.Status == "" && o.Description == "" && o.Message == "") {
			return nil
		}
		return &TaskError{Code: string(o.Type), Status: leadingDigits(string(o.Status)),
			Text: firstOf(string(o.Description), string(o.Message))}
	}
	var s text
	s.UnmarshalJSON(raw)
	switch {
	case s == "":
		return nil
	case codeForm.MatchString(string(s)):
		return &TaskError{Code: string(s)}
	}
	return &TaskError{Text: string(s)}
}

var codeForm = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$|^UNAUTHORIZED$`)

// codeIn returns a text that is nothing but a code, else "".
func codeIn(s string) string {
	if codeForm.MatchString(s) {
		return s
	}
	return ""
}

// leadingDigits reads the number of "403 FORBIDDEN".
func leadingDigits(s string) int {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && end < 3 && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(s[:end])
	return n
}

// isPage recognises the HTML that proxies answer with (seen for 401).
func isPage(body []byte, contentType string) bool {
	return strings.Contains(strings.ToLower(contentType), "html") || body[0] == '<'
}

func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxErrorText {
		return string(r[:maxErrorText-1]) + "…"
	}
	return s
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// sentence joins what "error" and "message" say when both say something.
func sentence(short, long string) string {
	switch {
	case long == "" || strings.Contains(short, long):
		return short
	case short == "" || strings.Contains(long, short):
		return long
	}
	return short + ": " + long
}
