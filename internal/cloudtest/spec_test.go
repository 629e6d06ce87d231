package cloudtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// openapiFile is Redis Cloud's published description, where a copy is at hand.
const openapiFile = "../../../shared/schemas/redis-cloud-openapi.json"

// spec is the published description.
type spec struct {
	doc      document
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // compiled, by pointer
}

// document is what is used of an OpenAPI 3.0 file.
type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Parameters []struct {
		Name     string `json:"name"`
		In       string `json:"in"`
		Required bool   `json:"required"`
		Schema   schema `json:"schema"`
	} `json:"parameters"`
	RequestBody *struct {
		Required bool `json:"required"`
		content
	} `json:"requestBody"`
	Responses map[string]content `json:"responses"`
}

type content struct {
	Content map[string]struct {
		Schema schema `json:"schema"`
	} `json:"content"`
}

// schema is walked for fields that are not declared; values are validated by
// the compiled form.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Format     string             `json:"format"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Example    any                `json:"example"`
	ReadOnly   bool               `json:"readOnly"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
}

// loadSpec reads the description, or skips the test where there is none.
func loadSpec(t *testing.T) *spec {
	t.Helper()
	raw, err := os.ReadFile(openapiFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("Redis Cloud's OpenAPI description is not part of this repository, and it is not beside it; README.md says what to download")
	}
	must(t, err)
	s := &spec{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	must(t, json.Unmarshal(raw, &s.doc))
	maps.DeleteFunc(s.doc.Paths, func(path string, _ map[string]operation) bool {
		return strings.Contains(path, "*") // another product behind a wildcard
	})
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	must(t, err)
	s.compiler.DefaultDraft(jsonschema.Draft4) // what OpenAPI 3.0 is an extension of
	s.compiler.AssertFormat()
	s.compiler.RegisterFormat(&jsonschema.Format{Name: "int32", Validate: isInt32})
	must(t, s.compiler.AddResource("openapi.json", plain))
	return s
}

func isInt32(v any) error {
	n, isNumber := v.(json.Number)
	if !isNumber {
		return nil
	}
	if i, err := n.Int64(); err != nil || i < math.MinInt32 || i > math.MaxInt32 {
		return errors.New("not a 32-bit integer")
	}
	return nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// finding is one place where the wire and the description disagree.
type finding struct {
	op   string // "GET /v1/…" as published
	part string // request, response, path or query
	at   string // place in the body: "response.error", lists as "[]"
	what string // undeclared, or what the schema says
}

func (f finding) String() string { return fmt.Sprintf("%s: %s %s: %s", f.op, f.part, f.at, f.what) }

// undeclared is the what of a field that the description does not know.
const undeclared = "undeclared"

// find is the operation of a request: literal parts of a path come before
// parameters.
func (s *spec) find(method, path string) (name string, op operation, args map[string]string) {
	best := -1
	for pattern, methods := range s.doc.Paths {
		got, literal := matched(pattern, path)
		if o, has := methods[strings.ToLower(method)]; has && got != nil && literal > best {
			best, name, op, args = literal, method+" "+pattern, o, got
		}
	}
	return name, op, args
}

func matched(pattern, path string) (args map[string]string, literal int) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, 0
	}
	args = map[string]string{}
	for i, part := range want {
		switch {
		case strings.HasPrefix(part, "{"):
			args[strings.Trim(part, "{}")] = got[i]
		case part != got[i]:
			return nil, 0
		default:
			literal++
		}
	}
	return args, literal
}

// check holds one exchange to the description.
func (s *spec) check(t *testing.T, x exchange) (name string, found []finding) {
	t.Helper()
	name, op, args := s.find(x.request.Method, x.request.URL.Path)
	if name == "" {
		return "", []finding{{x.request.Method + " " + x.request.URL.Path, "path", "", undeclared}}
	}
	found = parameters(name, op, args, x.request.URL.Query())
	switch body := op.RequestBody; {
	case len(x.body) > 0 && body == nil:
		found = append(found, finding{name, "request", "", undeclared})
	case len(x.body) == 0 && body != nil && body.Required:
		found = append(found, finding{name, "request", "", "body is required and missing"})
	case len(x.body) > 0:
		found = append(found, s.body(t, name, "request", x.body, body.content)...)
	}
	answer, declared := op.Responses[strconv.Itoa(x.status)]
	switch {
	case !declared:
		found = append(found, finding{name, "response", "", "status " + strconv.Itoa(x.status) + " is not declared"})
	case len(answer.Content) > 0 && len(x.answer) == 0:
		found = append(found, finding{name, "response", "", "no body"})
	case len(answer.Content) == 0 && len(x.answer) > 0 && x.status < 300:
		found = append(found, finding{name, "response", "", undeclared})
	case len(answer.Content) > 0:
		found = append(found, s.body(t, name, "response", x.answer, answer)...)
	}
	return name, found
}

// parameters checks path and query.
func parameters(name string, op operation, args map[string]string, query url.Values) (found []finding) {
	known := map[string]bool{}
	for _, p := range op.Parameters {
		value, sent := args[p.Name], p.In == "path"
		if p.In == "query" {
			known[p.Name] = true
			value, sent = query.Get(p.Name), query.Has(p.Name)
		}
		switch {
		case !sent && p.Required:
			found = append(found, finding{name, p.In, p.Name, "required and missing"})
		case sent && p.Schema.refuses(value):
			found = append(found, finding{name, p.In, p.Name, "is " + strconv.Quote(value)})
		}
	}
	for given := range query {
		if !known[given] {
			found = append(found, finding{name, "query", given, undeclared})
		}
	}
	return found
}

// refuses tests a parameter, which is text on the wire.
func (sc schema) refuses(value string) bool {
	if sc.Type != "integer" {
		return value == ""
	}
	n, err := strconv.ParseInt(value, 10, 32)
	return err != nil || sc.Minimum != nil && float64(n) < *sc.Minimum || sc.Maximum != nil && float64(n) > *sc.Maximum
}

// body holds a JSON body to its schema, and looks for fields that the schema
// neither declares nor shows in its example; many schemas declare little and
// show much.
func (s *spec) body(t *testing.T, name, part string, raw []byte, c content) []finding {
	t.Helper()
	declared, has := c.Content["application/json"]
	if !has {
		declared = c.Content["*/*"]
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return []finding{{name, part, "", "not JSON: " + err.Error()}}
	}
	found := s.extras(name, part, value, &declared.Schema)
	if declared.Schema.Ref == "" {
		return found
	}
	var wrong *jsonschema.ValidationError
	if errors.As(s.compiled(t, declared.Schema.Ref).Validate(value), &wrong) {
		found = append(found, leaves(name, part, wrong)...)
	}
	return found
}

func (s *spec) compiled(t *testing.T, ref string) *jsonschema.Schema {
	t.Helper()
	if s.schemas[ref] == nil {
		c, err := s.compiler.Compile("openapi.json" + ref)
		must(t, err)
		s.schemas[ref] = c
	}
	return s.schemas[ref]
}

var english = message.NewPrinter(language.English)

// leaves are the places that a validation complains of.
func leaves(name, part string, e *jsonschema.ValidationError) []finding {
	if len(e.Causes) == 0 {
		return []finding{{name, part, place(e.InstanceLocation), e.ErrorKind.LocalizedString(english)}}
	}
	var out []finding
	for _, c := range e.Causes {
		out = append(out, leaves(name, part, c)...)
	}
	return out
}

// place writes a JSON pointer with lists as [].
func place(pointer []string) string {
	out := ""
	for _, p := range pointer {
		if p != "" && strings.Trim(p, "0123456789") == "" {
			out += "[]"
		} else {
			out = strings.TrimPrefix(out+"."+p, ".")
		}
	}
	return out
}

func (s *spec) extras(name, part string, value any, sc *schema) []finding {
	var found []finding
	for _, at := range s.unknown(value, sc, nil, "", part == "request") {
		if !slices.Contains(found, finding{name, part, at, undeclared}) {
			found = append(found, finding{name, part, at, undeclared})
		}
	}
	return found
}

// deref follows a reference; nil stays nil.
func (s *spec) deref(sc *schema) *schema {
	for sc != nil && sc.Ref != "" {
		sc = s.doc.Components.Schemas[strings.TrimPrefix(sc.Ref, "#/components/schemas/")]
	}
	return sc
}

// unknown walks a value beside its schema (nil: none here) and an example.
func (s *spec) unknown(value any, sc *schema, example any, at string, sent bool) []string {
	sc = s.deref(sc)
	if sc != nil && example == nil {
		example = sc.Example
	}
	switch v := value.(type) {
	case map[string]any:
		return s.unknownFields(v, sc, example, at, sent)
	case []any:
		var items *schema
		if sc != nil {
			items = sc.Items
		}
		var out []string
		for _, element := range v {
			out = append(out, s.unknown(element, items, merged(example), at+"[]", sent)...)
		}
		return out
	}
	return nil
}

func (s *spec) unknownFields(v map[string]any, sc *schema, example any, at string, sent bool) []string {
	shown, _ := example.(map[string]any)
	if shown == nil && (sc == nil || len(sc.Properties) == 0) {
		return nil // an object of which nothing is said
	}
	var out []string
	for field, inner := range v {
		here := strings.TrimPrefix(at+"."+field, ".")
		var declared *schema
		if sc != nil {
			declared = sc.Properties[field]
		}
		sample, isShown := shown[field]
		if declared == nil && !isShown || sent && declared != nil && declared.ReadOnly {
			out = append(out, here)
			continue
		}
		out = append(out, s.unknown(inner, declared, sample, here, sent)...)
	}
	return out
}

// merged is what all elements of an example list show together.
func merged(example any) any {
	list, _ := example.([]any)
	all := map[string]any{}
	for _, e := range list {
		o, _ := e.(map[string]any)
		for field, value := range o {
			if have, isList := all[field].([]any); !isList || len(have) == 0 {
				all[field] = value
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// operations are all published ones, "METHOD path".
func (s *spec) operations() []string {
	var out []string
	for path, methods := range s.doc.Paths {
		for method := range methods {
			if slices.Contains([]string{"get", "put", "post", "delete", "patch"}, method) {
				out = append(out, strings.ToUpper(method)+" "+path)
			}
		}
	}
	return slices.Sorted(slices.Values(out))
}
