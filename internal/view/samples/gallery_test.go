package samples

import (
	"encoding/json"
	"testing"
)

func TestTheGalleryIsWhatThePageDraws(t *testing.T) {
	var items []struct {
		Name, Note, Kind string
		Blocks           []any
		View             struct{ Blocks []any }
	}
	if err := json.Unmarshal(Gallery(), &items); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, i := range items {
		kinds[i.Kind]++
		if i.Name == "" || i.Note == "" || (len(i.Blocks) > 0) == (len(i.View.Blocks) > 0) {
			t.Errorf("an item without name, note or content: %+v", i)
		}
	}
	if kinds["message"] < 40 || kinds["modal"] < 10 || kinds["home"] < 2 || len(kinds) != 3 {
		t.Errorf("got %v", kinds)
	}
}
