package people

import (
	"context"
	"slices"
)

// Members returns the user ids in a group, sorted. The caller owns the slice. Errors are those of Lookup.
func (d *Directory) Members(ctx context.Context, group string) ([]string, error) {
	ids, err := d.members.ask(ctx, group)()
	if err != nil {
		return nil, err
	}
	return slices.Sorted(slices.Values(ids)), nil
}
