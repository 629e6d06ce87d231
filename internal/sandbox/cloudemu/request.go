package cloudemu

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// request is one call at the API, with its path beginning at /v1/.
type request struct {
	method string
	path   string
	base   string // of links
	query  url.Values
	fixed  bool // came in under /fixed
	args   map[string]string
	raw    []byte
	body   fields
	userIP string
	// foreign marks the call of another program: not in the ledger, spared by faults.
	foreign bool
}

const byOthers = "foreign "

// call is what faults match.
func (r *request) call() string {
	if r.foreign {
		return byOthers + r.method + " " + r.path
	}
	return r.method + " " + r.path
}

// id reads a numeric path part. The router has checked that it is one.
func (r *request) id(name string) int {
	n, _ := strconv.Atoi(r.args[name])
	return n
}

// fields is a checked JSON object of a request.
type fields map[string]any

// has tells whether a field was sent with a value. An explicit null counts as not sent.
func (f fields) has(name string) bool { return f[name] != nil }

func (f fields) str(name string) string {
	v, _ := f[name].(string)
	return v
}

func (f fields) strOr(name, fallback string) string {
	if f.has(name) {
		return f.str(name)
	}
	return fallback
}

func (f fields) bool(name string, fallback bool) bool {
	if v, ok := f[name].(bool); ok {
		return v
	}
	return fallback
}

func (f fields) num(name string) float64 {
	v, _ := f[name].(json.Number)
	n, _ := v.Float64()
	return n
}

func (f fields) int(name string) int { return int(f.num(name)) }

func (f fields) strings(name string) []string {
	list, _ := f[name].([]any)
	out := []string{}
	for _, v := range list {
		text, _ := v.(string)
		out = append(out, text)
	}
	return out
}

func (f fields) object(name string) fields {
	v, _ := f[name].(map[string]any)
	return v
}

func (f fields) objects(name string) []fields {
	list, _ := f[name].([]any)
	var out []fields
	for _, v := range list {
		o, _ := v.(map[string]any)
		out = append(out, o)
	}
	return out
}

// shape is the exact form of a JSON object: its fields and which are required.
type shape struct {
	fields   map[string]check
	required []string
}

// check tells what is wrong with a value; "" means nothing.
type check func(v any) string

func text(v any) string {
	if _, ok := v.(string); !ok {
		return "expected a string"
	}
	return ""
}

func flag(v any) string {
	if _, ok := v.(bool); !ok {
		return "expected a boolean"
	}
	return ""
}

func number(v any) string {
	if _, ok := v.(json.Number); !ok {
		return "expected a number"
	}
	return ""
}

// integer is an int32, as all numbers of the API are.
func integer(v any) string {
	n, ok := v.(json.Number)
	if !ok {
		return "expected an integer"
	}
	if i, err := n.Int64(); err != nil || i > math.MaxInt32 || i < math.MinInt32 {
		return "expected a 32-bit integer"
	}
	return ""
}

func anyObject(v any) string {
	if _, ok := v.(map[string]any); !ok {
		return "expected an object"
	}
	return ""
}

// textOr is a string, or something else.
func textOr(other check) check {
	return func(v any) string {
		if text(v) == "" {
			return ""
		}
		return other(v)
	}
}

// oneOf is an enum.
func oneOf(words ...string) check {
	return func(v any) string {
		word, ok := v.(string)
		if !ok || !slices.Contains(words, word) {
			return fmt.Sprintf("Cannot deserialize value %q: not one of the values accepted: [%s]", fmt.Sprint(v), strings.Join(words, ", "))
		}
		return ""
	}
}

func listOf(element check) check {
	return func(v any) string {
		list, ok := v.([]any)
		if !ok {
			return "expected an array"
		}
		for _, e := range list {
			if why := element(e); why != "" {
				return why
			}
		}
		return ""
	}
}

// object is a nested object of an exact form.
func (sh shape) object(v any) string {
	o, ok := v.(map[string]any)
	if !ok {
		return "expected an object"
	}
	return sh.check(o)
}

func (sh shape) check(o map[string]any) string {
	for _, name := range sortedKeys(o) {
		c, known := sh.fields[name]
		if !known {
			return fmt.Sprintf("Unrecognized field %q", name)
		}
		if o[name] == nil {
			continue
		}
		if why := c(o[name]); why != "" {
			return fmt.Sprintf("%s (field %q)", why, name)
		}
	}
	for _, name := range sh.required {
		if o[name] == nil {
			return fmt.Sprintf("required field %q is missing", name)
		}
	}
	return ""
}

// read decodes a body and checks it against the shape.
func (sh shape) read(raw []byte) (fields, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
		if len(sh.required) > 0 {
			return nil, errors.New("required request body is missing")
		}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("unexpected content after the JSON object")
	}
	if why := sh.check(o); why != "" {
		return nil, errors.New(why)
	}
	return o, nil
}
