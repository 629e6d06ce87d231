package sandbox

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/sandbox/scenario"
)

// TestTwoPeopleReleaseARecord loses a journal in the bot's Redis, on the way from a
// question to its answer: what people see of that, and how they go on.
func TestTwoPeopleReleaseARecord(t *testing.T) {
	s := start(t, wanted(scenario.File{}, scenarioSpeed))
	play := func(text string) {
		t.Helper()
		f, err := scenario.Parse("release", text)
		if err != nil {
			t.Fatal(err)
		}
		p := scenario.Player{URL: s.URL(), Log: t.Logf, Patience: patience}
		if err := p.Play(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	play(`ann asks for cache-prod on 8.2, because "hash fields that expire"`)

	o, err := redis.ParseURL(s.memory.url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(o)
	defer rdb.Close()
	journals := rdb.Keys(t.Context(), "*}:journal:u-*").Val()
	if len(journals) != 1 || rdb.Del(t.Context(), journals...).Val() != 1 {
		t.Fatalf("journals: %q", journals)
	}

	play(strings.ReplaceAll(`
		see the card "Upgrade cache-prod: 7.2 → 8.2"
		bob clicks "Approve"
		bob is told "is not to be believed"
		the card is "Record not to be believed"
		the card says "What the database is like now is not known here"
		the card says "/redis-upgrade release u-"
		the card has no buttons
		the thread says "What the database is like now is not known here"

		guest: RELEASE
		guest is told "Guest accounts cannot do anything here"
		eve: RELEASE
		eve reads in the modal "Only on-call or an approver may confirm this"
		eve closes the modal

		dan: RELEASE
		dan sees the modal "Release a record"
		dan reads in the modal "Look in Redis Cloud's console first"
		dan reads in the modal "the journal is gone"
		dan reads in the modal "nobody; it takes two different people"
		dan ticks the box
		dan submits
		dan is told "nothing is sent yet"
		the thread says "released the record of"
		dan: RELEASE
		dan ticks the box
		dan submits
		dan is told "a second, different person"
		the card is "Record not to be believed"
		the cloud did nothing

		bob: RELEASE
		bob reads in the modal "one more, different person"
		bob ticks the box
		bob submits
		bob is told "Released: the bot goes on from this record"
		the card is "Waiting for approval"
		the thread says "the record is believed again as it is"
		bob: RELEASE
		bob is told "is in order"

		bob clicks "Approve"
		the card is "Done"
		the cloud did for cache-prod: backup, upgrade
	`, "RELEASE", "/redis-upgrade release {session}"))
}
