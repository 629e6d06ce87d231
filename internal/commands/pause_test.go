package commands

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// A pause concerns everybody who waits for something: they hear of it where the cards
// are, wherever it was typed.
func TestAPauseIsToldInTheBotsChannel(t *testing.T) {
	for _, row := range []struct {
		sentence, typedIn, verb string
		refused                 bool
		want                    []private1
	}{
		{"typed elsewhere", home, "pause", false, []private1{{botChannel, botChannel, "", "<@dan>: :double_vertical_bar: Paused"}, {"dan", home, "", "Posted in <#" + botChannel + ">"}}},
		{"a resume", home, "resume", false, []private1{{botChannel, botChannel, "", "<@dan>: :arrow_forward: Resumed"}, {"dan", home, "", "Posted in"}}},
		{"typed where everybody hears it", botChannel, "pause", false, []private1{{botChannel, botChannel, "", "<@dan>: :double_vertical_bar: Paused"}}},
		{"nobody can be told", home, "pause", true, []private1{{"dan", home, "", "could not be posted in <#" + botChannel + "> (Slack says `is_archived`)"}}},
		{"nobody can be told, typed there", botChannel, "pause", true, []private1{{"dan", botChannel, "", "could not be posted"}}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			d := newDesk(t)
			if row.refused {
				d.spoil = func(method string) error {
					if method == "chat.postMessage" {
						return slack.SlackErrorResponse{Err: "is_archived"}
					}
					return nil
				}
			}
			d.send(socketmode.EventTypeSlashCommand, slack.SlashCommand{Command: "/redis-upgrade", Text: row.verb, UserID: "dan", ChannelID: row.typedIn})
			told := d.answers()
			if len(told) != len(row.want) {
				t.Fatalf("told: %+v", told)
			}
			for i, want := range row.want {
				if got := told[i]; got.user != want.user || got.channel != want.channel || !strings.Contains(got.text, want.text) {
					t.Errorf("told %+v, want %+v", got, want)
				}
			}
			if by := d.engine.PausedBy(t.Context()); (by == "dan") != (row.verb == "pause") {
				t.Errorf("paused by %q", by)
			}
			if d.inbox.left() != 0 {
				t.Error("the intent is left")
			}
		})
	}
}

func TestARefusedPauseIsToldToNobodyElse(t *testing.T) {
	d := newDesk(t)
	d.types("ann", "pause")
	if told := d.answers(); len(told) != 1 || told[0].user != "ann" || told[0].channel != home {
		t.Errorf("told: %+v", told)
	}
}
