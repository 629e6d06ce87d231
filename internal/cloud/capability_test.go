package cloud

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
)

// printing are the methods of both types that make no request.
var printing = map[string]bool{"Close": true, "Format": true, "LogValue": true, "MarshalJSON": true, "String": true}

// argument makes an argument with which a method gets as far as its request.
func argument(t *testing.T, of reflect.Type) reflect.Value {
	t.Helper()
	version := "7.4"
	for _, v := range []any{
		orders, Pro, 1206, "a-1", []string{"s3://b/f"}, []Tag{}, Create{Name: "n"}, Update{Name: &version},
		Role{ID: 7, Name: "r", Status: "active"}, RedirectRequest{Source: 1, Target: 2, Type: "public"}, LogQuery{},
	} {
		if reflect.TypeOf(v) == of {
			return reflect.ValueOf(v)
		}
	}
	if of == reflect.TypeFor[context.Context]() {
		return reflect.ValueOf(sendable(t))
	}
	t.Fatalf("no argument of type %v", of)
	return reflect.Value{}
}

// TestOnlyChangesChange calls every method of both types: a Client sends nothing
// but GET, whatever the context allows, and a method of Changes sends no GET.
func TestOnlyChangesChange(t *testing.T) {
	var sent []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Method)
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(srv.Close)
	c := newClient(t, Config{URL: srv.URL})
	for value, reads := range map[any]bool{c.Client: true, c.Changes: false} {
		of := reflect.TypeOf(value)
		for m := range of.Methods() {
			if printing[m.Name] {
				continue
			}
			in := []reflect.Value{reflect.ValueOf(value)}
			for i := 1; i < m.Type.NumIn(); i++ {
				in = append(in, argument(t, m.Type.In(i)))
			}
			sent = nil
			out := m.Func.Call(in)
			if len(sent) == 0 {
				t.Errorf("%v.%s sent nothing: %v", of, m.Name, out[len(out)-1])
			}
			for _, method := range sent {
				if (method == http.MethodGet) != reads {
					t.Errorf("%v.%s sent %s", of, m.Name, method)
				}
			}
		}
	}
}
