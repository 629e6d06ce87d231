package commands

import "encoding/json"

// place is where a modal came from, carried in its private_metadata: a modal's
// payload names no channel. Nothing in it is trusted to allow anything.
type place struct {
	Channel string `json:"c,omitempty"`
	Thread  string `json:"t,omitempty"`
	Session string `json:"s,omitempty"`
	Ask     int64  `json:"a,omitempty"`
	Version string `json:"v,omitempty"` // asked for on the command line
	Record  string `json:"r,omitempty"` // the version of a record that was shown
}

func (p place) String() string {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and a number
	}
	return string(raw)
}

func parsePlace(metadata string) place {
	var p place
	_ = json.Unmarshal([]byte(metadata), &p) // another version's metadata is an empty place
	return p
}
