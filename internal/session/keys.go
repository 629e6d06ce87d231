package session

import (
	"strconv"
	"strings"
)

// keys makes every key name. The prefix is the hash tag, so all keys of one
// deployment share a cluster slot and one script may touch any of them.
type keys struct{ tag string }

// newKeys drops braces from the prefix, because a brace inside would end the tag early.
func newKeys(prefix string) keys {
	prefix = strings.NewReplacer("{", "", "}", "").Replace(prefix)
	if prefix == "" {
		prefix = "redis-upgrade"
	}
	return keys{tag: "{" + prefix + "}:"}
}

func (k keys) session(id string) string { return k.tag + "session:" + id } // hash: the record
func (k keys) journal(id string) string { return k.tag + "journal:" + id } // stream: its history
func (k keys) thread(id string) string  { return k.tag + "thread:" + id }  // hash: what was drawn

func (k keys) release(id string) string { return k.tag + "release:" + id } // hash: who vouches for a doubted record
func (k keys) doubt(id string) string   { return k.tag + "doubt:" + id }   // string: head and why it is not believed, lapses
func (k keys) aside(id string, revision int64) string {
	return k.tag + "journal:" + id + ":before-" + strconv.FormatInt(revision, 10) // stream: the journal that a release replaced
}

func (k keys) drawing(id string) string { return k.tag + "drawing:" + id } // string: whose turn it is to draw, lapses

func (k keys) open() string            { return k.tag + "open" }         // zset: sessions not ended, by opening
func (k keys) every() string           { return k.tag + "every" }        // zset: all sessions, by opening
func (k keys) counts() string          { return k.tag + "counts" }       // hash: place → sessions not ended that are in it
func (k keys) places() string          { return k.tag + "places" }       // hash: session not ended → where it is counted
func (k keys) counted() string         { return k.tag + "counted" }      // string: that all were counted a while ago, lapses
func (k keys) replicas() string        { return k.tag + "replicas" }     // zset: when each replica was last heard
func (k keys) server(id string) string { return k.tag + "server:" + id } // string: a server that has answered before

func (k keys) binding() string { return k.tag + "binding" } // hash: account and workspace that the prefix belongs to

func (k keys) rules() string { return k.tag + "rules" } // hash: replica → since when, last heard, what it decides by

func (k keys) fence() string { return k.tag + "fence" } // counter behind every score
// <tag>clock, a hash, keeps Redis' clock steady; scripts make its name, see clockLua

func (k keys) active(database string) string     { return k.tag + "active:" + database }      // string: session that may act
func (k keys) byDatabase(database string) string { return k.tag + "by-database:" + database } // zset: sessions it ever belonged to

func (k keys) byThread(channel, ts string) string { return k.tag + "by-thread:" + channel + ":" + ts } // string: session

func (k keys) queue(name string) string     { return k.tag + "queue:" + name }  // zset: fenced queue
func (k keys) inbox() string                { return k.tag + "inbox" }          // hash: envelope → payload
func (k keys) notes() string                { return k.tag + "inbox:notes" }    // hash: envelope → receipt number, envelope:failed → failures
func (k keys) newest(name string) string    { return k.tag + "newest:" + name } // string: the greatest number noted, lapses
func (k keys) seen(event string) string     { return k.tag + "seen:event:" + event }
func (k keys) received(envel string) string { return k.tag + "seen:envelope:" + envel }

func (k keys) turn(name string) string    { return k.tag + "turn:" + name }              // string: session that has it
func (k keys) waiting(name string) string { return k.tag + "turn:" + name + ":waiting" } // zset: sessions, in order
func (k keys) asked(name string) string   { return k.tag + "turn:" + name + ":asked" }   // hash: session → last time it asked, ms
func (k keys) budget(name string) string  { return k.tag + "budget:" + name }            // string: when it is all there again, µs
func (k keys) pause(name string) string   { return k.tag + "budget:" + name + ":pause" } // string: nothing before, µs
func (k keys) flag(name string) string    { return k.tag + "flag:" + name }
