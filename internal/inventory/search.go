package inventory

import (
	"cmp"
	"slices"
	"strings"
)

// How well one word of a query fits a database. The three bands matter: a
// prefix beats a substring beats a guess, whatever the other words do.
const (
	exactName   = 400
	exactID     = 390
	namePrefix  = 380
	wordPrefix  = 370 // "prod" for "cache-prod"
	versionFits = 360
	idPrefix    = 350
	otherPrefix = 340 // subscription, tag, plan
	prefixBand  = 300

	nameInside  = 240
	otherInside = 220

	fuzzyBand = 100 // minus the distance
	noMatch   = 0
)

// maxWords bounds the work that one query can ask for; the rest is ignored.
const maxWords = 8

// document is an entry as Search compares it: lower case, cut into words.
type document struct {
	name    string
	words   []string // the parts of the name between - _ . and space
	id      string
	version string   // "v7.2"
	others  []string // subscription name with its parts, subscription id, plan, region, tags

	text    string    // all of the above, a line each: what is not in it cannot fit
	letters letterSet // of the name
}

func newDocument(e Entry) document {
	d := document{
		name:    strings.ToLower(e.Name),
		id:      digits(e.Ref.Database),
		version: "v" + e.Version,
	}
	d.words = parts(d.name)
	d.letters = lettersOf(d.name)
	subscription := strings.ToLower(e.SubscriptionName)
	d.others = append(d.others, subscription, digits(e.Ref.Subscription), string(e.Ref.Plan), strings.ToLower(e.Region))
	d.others = append(d.others, parts(subscription)...)
	for key, value := range e.Tags {
		key, value = strings.ToLower(key), strings.ToLower(value)
		d.others = append(d.others, key+"="+value, value)
	}
	d.text = strings.Join(append([]string{d.name, d.id, d.version}, d.others...), "\n")
	return d
}

// parts cuts a name where people see a boundary.
func parts(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("-_. /:", r) })
}

// Search returns at most max databases (all when max <= 0) in which every word of
// the query occurs: in the name, id, version, subscription or a tag. Prefixes
// come before substrings, and only when both leave room come names that are a
// typing mistake away. An empty query lists what can be upgraded, furthest behind
// first, then the rest. It never calls anybody: a millisecond or two for 10,000 databases.
func (x *Index) Search(query string, max int) []Entry {
	v := x.view.Load()
	words := wordsOf(query)
	if len(words) == 0 {
		return v.pick(v.ranked, max)
	}
	found := v.matching(words, (*document).fits)
	if max <= 0 || len(found) < max {
		found = append(found, v.guesses(words, found)...)
	}
	positions := make([]int, len(found))
	for i, h := range found {
		positions[i] = h.position
	}
	return v.pick(positions, max)
}

// wordsOf cuts a query into lower-case words, without the punctuation that
// comes along when a label is pasted: "cache-prod (7.2)".
func wordsOf(query string) []string {
	var words []string
	for _, w := range strings.Fields(strings.ToLower(query)) {
		if w = strings.Trim(w, "()[]<>,;#\"'`*"); w != "" && len(words) < maxWords {
			words = append(words, w)
		}
	}
	return words
}

// hit is a matching entry; band is the band of its worst word, score the sum.
type hit struct{ position, band, score int }

// matching returns the entries in which every word fits, best first.
func (v *view) matching(words []string, fits func(*document, string) int) []hit {
	var hits []hit
	for i := range v.documents {
		if h, ok := v.documents[i].match(words, fits); ok {
			h.position = i
			hits = append(hits, h)
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(b.band-a.band, b.score-a.score, v.rankOf[a.position]-v.rankOf[b.position])
	})
	return hits
}

// match judges one entry; false when a word does not fit.
func (d *document) match(words []string, fits func(*document, string) int) (hit, bool) {
	h := hit{band: prefixBand}
	for _, w := range words {
		points := fits(d, w)
		if points == noMatch {
			return hit{}, false
		}
		h.score += points
		h.band = min(h.band, points/100*100)
	}
	return h, true
}

// guesses are the entries that only match with typing mistakes allowed.
func (v *view) guesses(words []string, found []hit) []hit {
	known := make(map[int]bool, len(found))
	for _, h := range found {
		known[h.position] = true
	}
	all := v.matching(words, func(d *document, w string) int {
		if points := d.fits(w); points != noMatch {
			return points
		}
		return d.resembles(w)
	})
	return slices.DeleteFunc(all, func(h hit) bool { return known[h.position] })
}

// fits says how well a word fits without typing mistakes.
func (d *document) fits(word string) int {
	switch {
	case !strings.Contains(d.text, word):
		return noMatch // most entries end here
	case d.name == word:
		return exactName
	case d.id == word:
		return exactID
	case strings.HasPrefix(d.name, word):
		return namePrefix
	case anyPrefix(d.words, word):
		return wordPrefix
	case strings.HasPrefix(d.version[1:], word) || len(word) > 1 && strings.HasPrefix(d.version, word):
		return versionFits
	case strings.HasPrefix(d.id, word):
		return idPrefix
	case anyPrefix(d.others, word):
		return otherPrefix
	case strings.Contains(d.name, word):
		return nameInside
	case strings.Contains(d.id, word) || slices.ContainsFunc(d.others, func(s string) bool { return strings.Contains(s, word) }):
		return otherInside
	}
	return noMatch
}

func anyPrefix(texts []string, prefix string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return strings.HasPrefix(s, prefix) })
}

// resembles says how well a word fits the name with typing mistakes: one is
// forgiven in short words, two in longer ones. A word still being typed is
// compared with as much of the name.
func (d *document) resembles(word string) int {
	allowed := forgiven(word)
	if allowed == 0 {
		return noMatch
	}
	if lettersOf(word).without(d.letters) > allowed {
		return noMatch // too many letters that the name does not have at all
	}
	best := distance(word, d.name, allowed)
	if len(d.name) > len(word) {
		best = min(best, distance(word, d.name[:len(word)], allowed))
	}
	for _, part := range d.words {
		best = min(best, distance(word, part, allowed))
	}
	if best > allowed {
		return noMatch
	}
	return fuzzyBand + 50 - best
}

// forgiven is how many typing mistakes a word of this length may hold.
func forgiven(word string) int {
	switch {
	case len(word) < 3:
		return 0
	case len(word) < 6:
		return 1
	default:
		return 2
	}
}
