package samples

import (
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"
)

// galleryItem is one sample as the sandbox's page draws it.
type galleryItem struct {
	Name   string        `json:"name"`
	Note   string        `json:"note"`
	Kind   string        `json:"kind"` // message, modal or home
	Text   string        `json:"text,omitempty"`
	Blocks []slack.Block `json:"blocks,omitempty"`
	View   any           `json:"view,omitempty"`
}

// Gallery is everything that people can see, drawn from made-up values, as a
// JSON list for the sandbox's page: [{"name","note","kind","blocks" or "view"}].
func Gallery() []byte {
	var out []galleryItem
	for _, s := range All() {
		item := galleryItem{Name: s.Name, Note: s.Note}
		switch {
		case s.Message != nil:
			item.Kind, item.Text, item.Blocks = "message", s.Message.Text, s.Message.Blocks
		case s.Modal != nil:
			item.Kind, item.View = "modal", s.Modal
		default:
			item.Kind, item.View = "home", s.Home
		}
		out = append(out, item)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		panic(fmt.Errorf("encode gallery: %w", err)) // made-up values only
	}
	return raw
}
