package approvals

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is stored today has to be read by every later version.
func TestStoredForm(t *testing.T) {
	d := person("both").Vote(question(), Deny, "too risky", asked)
	stored, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"by":"U-both","name":"both","choice":"deny","at":"2026-03-02T09:00:00Z","ask":1,"plan":"plan-1",` +
		`"groups":["approvers","on-call"],"reason":"too risky"}`
	if string(stored) != want {
		t.Errorf("stored form changed:\n got %s\nwant %s", stored, want)
	}
	var back Decision
	if err := json.Unmarshal(stored, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, back); diff != "" {
		t.Errorf("a decision does not survive storage (-want +got):\n%s", diff)
	}
}
