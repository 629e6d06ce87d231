package view

// What tests of this package look at beside what it draws.
const (
	MaxFirstLine     = maxFirstLine
	ActNow           = actNow
	DistrustedActNow = distrustedActNow
	UnknownHere      = unknownHere
)

var (
	CutMarkup    = cutMarkup
	Link         = link
	Person       = person
	When         = when
	Endpoints    = endpoints
	Prose        = prose
	ByHand       = byHand
	Next         = next
	ProgressText = progress
	Buttons      = buttons
)
