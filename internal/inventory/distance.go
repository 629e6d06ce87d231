package inventory

import "math/bits"

// maxCompared is the longest name that distance compares; Redis Cloud's are
// shorter (40 characters), and fixed rows keep a search free of allocations.
const maxCompared = 63

// distance counts the typing mistakes between two names: a character too many,
// too few, wrong, or two neighbours swapped (optimal string alignment). It
// compares bytes, which is what names in Redis Cloud are made of. Above limit it
// gives up and returns limit+1.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(a) > maxCompared || len(b) > maxCompared {
		return limit + 1
	}
	var rows [3][maxCompared + 1]uint8 // small, because they are cleared for every pair
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = uint8(j)
	}
	for i := 1; i <= len(a); i++ {
		row[0] = uint8(i)
		smallest := row[0]
		for j := 1; j <= len(b); j++ {
			cost := uint8(1)
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			smallest = min(smallest, d)
		}
		if int(smallest) > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return min(int(last[len(b)]), limit+1)
}

// letterSet says which bytes occur in a text, folded to 64 bits. A typing
// mistake puts at most one letter into a word that the right word does not have,
// so counting those rules most pairs out before distance has to look.
type letterSet uint64

func lettersOf(s string) letterSet {
	var set letterSet
	for i := range len(s) {
		set |= 1 << (s[i] & 63)
	}
	return set
}

// without counts the letters of a that b lacks.
func (a letterSet) without(b letterSet) int { return bits.OnesCount64(uint64(a &^ b)) }
