package slacksocket

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// nobody hears of the connections.
type nobody struct{}

func (nobody) Opened(int)     {}
func (nobody) Closed(int)     {}
func (nobody) Trouble(string) {}

// Slack delivers a command, and asks for a new connection before it is
// acknowledged: the acknowledgement still goes out on the old one.
func TestWhatIsOwedIsAcknowledgedBeforeASocketEnds(t *testing.T) {
	for _, reason := range []ending{endRefresh, endWarning, endTooMany} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			var opened atomic.Int64
			acked := make(chan string, 1)
			mux := http.NewServeMux()
			server := httptest.NewServer(mux)
			defer server.Close()
			mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"ok":true,"url":"ws%s/link"}`, server.URL[len("http"):])
			})
			mux.HandleFunc("/link", func(w http.ResponseWriter, r *http.Request) {
				ws, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
				if err != nil {
					return
				}
				defer ws.Close()
				send := func(text string) { _ = ws.WriteMessage(websocket.TextMessage, []byte(text)) }
				send(`{"type":"hello","num_connections":1}`)
				if opened.Add(1) == 1 {
					send(`{"type":"slash_commands","envelope_id":"E1","accepts_response_payload":true,"payload":{"command":"/redis-upgrade","text":"list","user_id":"U1","channel_id":"C1"}}`)
					send(`{"type":"disconnect","reason":"` + string(reason) + `"}`)
				}
				for {
					_, data, err := ws.ReadMessage()
					if err != nil {
						return
					}
					var ack struct {
						ID string `json:"envelope_id"`
					}
					if json.Unmarshal(data, &ack) == nil && ack.ID != "" {
						acked <- ack.ID
					}
				}
			})
			quiet := slog.New(slog.DiscardHandler)
			s := New(Config{
				API: slack.New("", slack.OptionAPIURL(server.URL+"/api/")), Watch: nobody{}, Log: quiet,
				Take: func(_ context.Context, evt socketmode.Event, c *Conn) {
					time.AfterFunc(300*time.Millisecond, func() { _ = c.Ack(*evt.Request) })
				},
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			why, err := s.one(ctx, 0)
			if why != reason || err != nil {
				t.Errorf("ended with %q, %v; want %q", why, err, reason)
			}
			if n := len(acked); n != 0 {
				t.Error("it was acknowledged before it ended; the test proves nothing")
			}
			select {
			case id := <-acked:
				if id != "E1" {
					t.Errorf("%s was acknowledged", id)
				}
			case <-time.After(20 * time.Second):
				t.Error("what was owed was not acknowledged")
			}
			cancel()
			s.retired.Wait()
		})
	}
}
