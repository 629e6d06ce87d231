package calls

import (
	"strings"
	"testing"
)

func TestMovesOfACall(t *testing.T) {
	for _, row := range []struct {
		sentence string
		from     Phase
		answer   Answer
		want     Phase
	}{
		{"a planned call is sent", Planned, Send, Sending},
		{"a planned call is not accepted: nothing left", Planned, Accept, ""},
		{"an answer accepts", Sending, Accept, Sent},
		{"an answer refuses", Sending, Refuse, Settled},
		{"what is sending is never sent again", Sending, Send, ""},
		{"what is proved absent is planned again", Sending, Absent, Planned},
		{"a call of which nothing says what became of it is unknown", Sending, Lose, Unknown},
		{"an accepted call is never planned again", Sent, Absent, ""},
		{"an accepted call is never sent again", Sent, Send, ""},
		{"an accepted call that shows nothing is for people", Sent, Lose, Unknown},
		{"an unknown call is never sent by the bot", Unknown, Send, ""},
		{"people adopt an unknown call", Unknown, Adopt, Sent},
		{"a settled call is not sent again without a new intent", Settled, Send, ""},
		{"a settled call may be planned anew", Settled, Intend, Planned},
	} {
		got, err := Transitions.Next(row.from, row.answer)
		if (row.want == "") != (err != nil) || got != row.want {
			t.Errorf("%s: %q, %v", row.sentence, got, err)
		}
	}
}

func TestFailuresSayWhoCanMendThem(t *testing.T) {
	for _, row := range []struct {
		reason, where string
		params        map[string]string
		want          string
	}{
		{"file-corrupted", "s3://b", nil, "file-corrupted"},
		{"file-larger-than-mem-limit", "s3://b", map[string]string{"bytes_of_expected_dataset": "5678", "bytes_configured_bdb_limit": "1234"},
			"file-larger-than-mem-limit (bytes configured bdb limit 1234, bytes of expected dataset 5678)"},
		{"no-permission", "s3://b/x", nil, "arn:aws:iam::168085023892:root s3:PutObject"},
		{"no-permission", "gs://b/x", nil, "service@redislabs-prod-clusters.iam.gserviceaccount.com"},
		{"no-permission", "ftp://h/x", nil, "the user that is set for ftp://h/x"},
	} {
		if got := failure(row.reason, row.params, row.where); !strings.Contains(got, row.want) {
			t.Errorf("%s at %s: %q", row.reason, row.where, got)
		}
	}
}
