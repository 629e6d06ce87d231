package cloudemu

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestShapesAgreeWithTheOpenAPI holds routes and request bodies to the
// published description, where a copy of it is at hand.
func TestShapesAgreeWithTheOpenAPI(t *testing.T) {
	raw, err := os.ReadFile("../../../../shared/schemas/redis-cloud-openapi.json")
	if err != nil {
		t.Skip("Redis Cloud's OpenAPI description is not part of this repository, and it is not beside it; README.md says what to download:", err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					}
				}
			}
		}
		Components struct {
			Schemas map[string]struct {
				Required   []string
				Properties map[string]struct{ ReadOnly bool }
			}
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	type operation struct{ fields, required []string }
	published := map[string]operation{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			var want operation
			for _, c := range op.RequestBody.Content {
				schema := doc.Components.Schemas[c.Schema.Ref[strings.LastIndex(c.Schema.Ref, "/")+1:]]
				for _, name := range sortedKeys(schema.Properties) {
					if !schema.Properties[name].ReadOnly {
						want.fields = append(want.fields, name)
					}
				}
				want.required = slices.Sorted(slices.Values(schema.Required))
			}
			published[strings.ToUpper(method)+" "+parameter.ReplaceAllString(path, "{}")] = want
		}
	}
	for _, rt := range routes() {
		call := rt.method + " " + parameter.ReplaceAllString("/v1"+rt.pattern, "{}")
		want, exists := published[call]
		if !exists {
			t.Errorf("%s is not published", call)
			continue
		}
		got := operation{sortedKeys(rt.shape.fields), slices.Sorted(slices.Values(rt.shape.required))}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(operation{})); diff != "" {
			t.Errorf("%s (-published +ours):\n%s", call, diff)
		}
	}
}
