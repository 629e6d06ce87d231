package releases

import "slices"

// All returns the version table, oldest first. The caller owns the slice and
// must not change what the rows point to.
func All() []Release { return slices.Clone(load().releases) }
