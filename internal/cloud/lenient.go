package cloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The types below are what fields are decoded into. The API's own description
// and its recorded answers disagree in places (numbers as strings, one object
// where a list is announced, several forms of time), so each takes every form
// seen and turns anything else into its zero value.

// decode reads one JSON answer. A field of an unexpected type is left empty;
// only an answer that is not the announced kind at all, or has a list that is too
// long, is an error.
func decode(body []byte, into any) error {
	switch err := lenient(json.Unmarshal(body, into)); {
	case errors.Is(err, errTooMany):
		return fmt.Errorf("decode answer of %d bytes: %w", len(body), errTooMany)
	case err != nil:
		return fmt.Errorf("decode answer of %d bytes: not the JSON expected", len(body))
	}
	return nil
}

// lenient forgives a field of the wrong type: encoding/json has filled everything
// else.
func lenient(err error) error {
	var typeErr *json.UnmarshalTypeError
	if errors.As(err, &typeErr) && typeErr.Field != "" {
		return nil
	}
	return err
}

// text is a string, or a number or truth value taken as written.
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch b = bytes.TrimSpace(b); {
	case len(b) == 0 || bytes.Equal(b, []byte("null")) || b[0] == '{' || b[0] == '[':
	case b[0] == '"':
		var s string
		if json.Unmarshal(b, &s) == nil {
			*t = text(s)
		}
	default:
		*t = text(b)
	}
	return nil
}

// number is a number, or a string holding one.
type number float64

// UnmarshalJSON never fails.
func (n *number) UnmarshalJSON(b []byte) error {
	var t text
	t.UnmarshalJSON(b)
	f, err := strconv.ParseFloat(strings.TrimSpace(string(t)), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	*n = number(f)
	return nil
}

// int returns the number without its fraction, 0 where it does not fit.
func (n number) int() int {
	if n < math.MinInt32 || n > math.MaxInt32 {
		return 0
	}
	return int(n)
}

// flag is a truth value, or a string holding one.
type flag bool

// UnmarshalJSON never fails.
func (v *flag) UnmarshalJSON(b []byte) error {
	var t text
	t.UnmarshalJSON(b)
	*v = flag(strings.EqualFold(string(t), "true"))
	return nil
}

// moment is a time in any of the forms seen; unreadable ones become zero.
type moment struct{ time.Time }

// UnmarshalJSON never fails.
func (m *moment) UnmarshalJSON(b []byte) error {
	var t text
	t.UnmarshalJSON(b)
	m.Time = parseTime(string(t))
	return nil
}

var timeForms = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
	time.DateOnly, "02-Jan-2006", "02-Jan-2006 15:04:05",
}

// parseTime reads a time leniently, in UTC; zero when nothing fits.
func parseTime(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, form := range timeForms {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// list is an array, or one element standing alone; elements that cannot be
// decoded are left out.
type list[T any] []T

// maxElements bounds every list of an answer, and what is made of it in memory.
// No account is near it; a list that is longer is an error, never cut short.
const maxElements = 20_000

var errTooMany = fmt.Errorf("a list has more than %d elements", maxElements)

// UnmarshalJSON fails for a list that is too long, and for what is no JSON. It
// reads one element after the other and leaves b as it is.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	b = bytes.TrimSpace(b)
	if len(b) == 0 || bytes.Equal(b, []byte("null")) {
		return nil
	}
	in := json.NewDecoder(bytes.NewReader(b))
	if b[0] == '[' {
		_, _ = in.Token() // the bracket
	}
	for in.More() {
		var (
			v     T
			wrong *json.UnmarshalTypeError
		)
		switch err := lenient(in.Decode(&v)); {
		case errors.As(err, &wrong):
		case err != nil:
			return err
		case len(*l) == maxElements:
			return errTooMany
		default:
			*l = append(*l, v)
		}
	}
	return nil
}

// textsOf returns a list of texts as strings, nil when empty.
func textsOf(l list[text]) []string {
	if len(l) == 0 {
		return nil
	}
	out := make([]string, len(l))
	for i, t := range l {
		out[i] = string(t)
	}
	return out
}
