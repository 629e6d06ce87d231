package cloudemu

import (
	"fmt"
	"math/rand/v2"
)

// words make dynamic endpoint names.
var words = []string{
	"amber", "basket", "battery", "cherry", "cloud", "cook", "copper", "daring", "ember", "falcon", "garden", "harbor",
	"horse", "island", "jasmine", "kettle", "lantern", "malleable", "marble", "meadow", "nutmeg", "orchid", "paper",
	"pebble", "quartz", "quiet", "raven", "river", "saffron", "staple", "suitable", "sunny", "table", "thunder", "turn",
	"ultra", "velvet", "walnut", "willow", "zephyr",
}

// dynamicName is always a new one: nothing about a database repeats it.
func dynamicName(r *rand.Rand) string {
	w := func() string { return words[r.IntN(len(words))] }
	return fmt.Sprintf("%s-%s-%s-%d.db.redis.io", w(), w(), w(), 10000+r.IntN(90000))
}

// uuid makes a random (version 4) UUID.
func uuid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(0xc<<60) | 0x8<<60
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// password makes the 32 characters that a database gets when none is given.
func password(r *rand.Rand) string {
	b := make([]byte, 32)
	for i := range b {
		b[i] = alphanumeric[r.IntN(len(alphanumeric))]
	}
	return string(b)
}
