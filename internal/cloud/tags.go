package cloud

import (
	"context"
	"net/http"
)

// Tag is a label on a database. Keys have 1 to 64 of lower case letters,
// digits, blanks and - _ . + @ :
type Tag struct{ Key, Value string }

// Tags returns the tags of a database.
//
// API: Databases - Pro and - Essentials, getTags.
func (c *Client) Tags(ctx context.Context, ref Ref) ([]Tag, error) {
	type wire struct {
		Tags list[struct {
			Key   text `json:"key"`
			Value text `json:"value"`
		}] `json:"tags"` // absent before the first write
	}
	w, err := readInto[wire](ctx, c, get("tags", ref.String(), ref.path("tags")))
	if err != nil {
		return nil, err
	}
	tags := make([]Tag, 0, len(w.Tags))
	for _, t := range w.Tags {
		tags = append(tags, Tag{string(t.Key), string(t.Value)})
	}
	return tags, nil
}

// SetTags replaces all tags of a database, at once: there is no task.
//
// API: Databases - Pro and - Essentials, updateTags.
func (c *Changes) SetTags(ctx context.Context, ref Ref, tags []Tag) error {
	wire := []fields{}
	for _, t := range tags {
		wire = append(wire, fields{"key": t.Key, "value": t.Value})
	}
	in := call{what: "tags", on: ref.String(), method: http.MethodPut, path: ref.path("tags"),
		body: fields{"tags": wire}}
	_, err := c.send(ctx, in)
	return err
}
