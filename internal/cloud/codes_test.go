package cloud

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPassingCodesExist holds the list to the published words, where a copy of
// them is at hand.
func TestPassingCodesExist(t *testing.T) {
	for code, what := range passing {
		if got, passes := Passing(code); !passes || got != what || what == "" {
			t.Errorf("%s: %q, %v", code, got, passes)
		}
	}
	published, err := os.ReadFile("../../../shared/schemas/redis-cloud-openapi.json")
	if err != nil {
		t.Skip("no OpenAPI description here:", err)
	}
	for code := range passing {
		if !strings.Contains(string(published), `"`+code+`"`) {
			t.Errorf("%s is no published code", code)
		}
	}
}

func TestActive(t *testing.T) {
	for status, want := range map[string]bool{"active": true, "Active": true, "ACTIVE": true, "pending": false, "": false} {
		if Active(status) != want || (Database{Status: status}).Active() != want || (Subscription{Status: status}).Active() != want {
			t.Errorf("%q is not %v", status, want)
		}
	}
}

// TestStatusesAreReadInOnePlace: who compares a status with a literal reads other
// spellings as another status, so all ask Active.
func TestStatusesAreReadInOnePlace(t *testing.T) {
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "sandbox" || d.Name() == "cloud"):
			return filepath.SkipDir
		case !strings.HasSuffix(file, ".go"), strings.HasSuffix(file, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			var sides []ast.Expr
			switch n := n.(type) {
			case *ast.BinaryExpr:
				sides = []ast.Expr{n.X, n.Y}
			case *ast.CaseClause:
				sides = n.List
			}
			for _, side := range sides {
				if l, ok := side.(*ast.BasicLit); ok && l.Value == `"active"` {
					t.Errorf("%s compares with a literal; use cloud.Active", set.Position(l.Pos()))
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestListsAreBounded: whatever a list holds, what is made of it is bounded, the
// input stays as it was, and nobody takes a part of a list for the whole.
func TestListsAreBounded(t *testing.T) {
	long := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"id":7},`, n), ",") + "]"
	}
	type wire struct {
		ID number `json:"id"`
	}
	for body, want := range map[string]int{
		`[{"id":1},{"id":"2"},3,null,[4],{"id":5}]`: 4, `{"id":1}`: 1, `null`: 0, `[]`: 0, `7`: 0, long(maxElements): maxElements,
	} {
		in := []byte(body)
		var first, second list[wire]
		if err := errors.Join(decode(in, &first), decode(in, &second)); err != nil {
			t.Errorf("%.40s: %v", body, err)
		}
		if len(first) != want || fmt.Sprint(first) != fmt.Sprint(second) || string(in) != body {
			t.Errorf("%.40s: %d elements, then %d, want %d; input now %.40s", body, len(first), len(second), want, in)
		}
	}
	var direct list[wire]
	if err := direct.UnmarshalJSON([]byte(`[{"id":1},{"id"`)); err == nil {
		t.Errorf("half a list: %v", direct)
	}

	c, _ := serve(t, map[string]string{
		"GET /subscriptions": `{"subscriptions":` + long(maxElements+1) + `}`,
		"GET /tasks":         `{"tasks":` + strings.ReplaceAll(long(maxElements+1), "id", "taskId") + `}`,
	})
	if all, err := c.Subscriptions(t.Context()); !errors.Is(err, errTooMany) || all != nil {
		t.Errorf("too many subscriptions: %d, %v", len(all), err)
	}
	if tasks, err := c.Tasks(t.Context()); err != nil || len(tasks) != maxElements {
		t.Errorf("too many tasks: %d, %v", len(tasks), err)
	}
}

// TestAnAccountOf400000SubscriptionsIsBounded: nothing of it stays in memory.
func TestAnAccountOf400000SubscriptionsIsBounded(t *testing.T) {
	body := `{"subscriptions":[` + strings.TrimSuffix(strings.Repeat(`{"id":7,"name":"n","status":"active"},`, 400_000), ",") + `]}`
	var w struct {
		Subscriptions list[wireSubscription] `json:"subscriptions"`
	}
	if err := decode([]byte(body), &w); !errors.Is(err, errTooMany) || cap(w.Subscriptions) > 2*maxElements {
		t.Errorf("room for %d, %v", cap(w.Subscriptions), err)
	}
}
