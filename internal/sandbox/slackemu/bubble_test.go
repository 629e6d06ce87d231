package slackemu

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/memnet"
)

func TestAnHourOfAConversationPassesInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{BotToken: testBotToken, AppToken: testAppToken})
		mux := http.NewServeMux()
		mux.Handle("/slack/", s.API())
		mux.Handle("/hooks/slack/", s.Hooks())
		lis, srv := memnet.Listen(), &http.Server{Handler: mux}
		go srv.Serve(lis)
		transport := &http.Transport{DialContext: lis.Dial}
		client := &http.Client{Transport: transport}
		command := func() (out ackAnswer) {
			body, _ := json.Marshal(aCommand)
			res, err := client.Post("http://slack.test/hooks/slack/command", "application/json", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			json.NewDecoder(res.Body).Decode(&out)
			return out
		}

		api := slack.New(testBotToken, slack.OptionAppLevelToken(testAppToken), slack.OptionAPIURL("http://slack.test/slack/api/"), slack.OptionHTTPClient(client))
		app := socketmode.New(api, socketmode.OptionDialer(&websocket.Dialer{NetDialContext: lis.Dial, WriteBufferSize: 32 << 10}))
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { app.RunContext(ctx) })
		var silent atomic.Bool
		wg.Go(func() {
			for {
				select {
				case evt := <-app.Events:
					if evt.Type == socketmode.EventTypeSlashCommand && !silent.Load() {
						app.Ack(*evt.Request)
					}
				case <-ctx.Done():
					return
				}
			}
		})
		synctest.Wait()
		if out := command(); !out.Acked {
			t.Errorf("at first: %+v", out)
		}
		time.Sleep(time.Hour) // pings keep the link alive
		if out := command(); !out.Acked || s.connections() != 1 {
			t.Errorf("after an hour: %+v, %d connections", out, s.connections())
		}
		silent.Store(true)
		start := time.Now()
		if out := command(); out.Error != operationTimeout || time.Since(start) != ackDeadline {
			t.Errorf("without an acknowledgement: %+v after %v", out, time.Since(start))
		}
		silent.Store(false)
		time.Sleep(usualLife)
		synctest.Wait()
		if n := s.connections(); n != 2 || s.Connected() != 1 {
			t.Errorf("after the life of a socket: %d sockets ever, %d now", n, s.Connected())
		}

		cancel()
		s.Close()
		wg.Wait()
		srv.Close()
		transport.CloseIdleConnections()
	})
}

func TestEventsAreGivenUpAfterTheThirdRedelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Speed: func() float64 { return 2 }})
		start := time.Now()
		if out := s.announce(object{"type": "app_mention"}); out.err != dispatchFailed {
			t.Errorf("outcome: %+v", out)
		}
		time.Sleep(time.Hour)
		shown, _ := s.showEnvelopes(httptest.NewRequest("GET", "/", nil))
		entries := shown.([]envelopeEntry)
		if len(entries) != 4 || entries[3].Attempt != 3 {
			t.Fatalf("journal: %+v", entries)
		}
		last, _ := time.Parse(time.RFC3339Nano, entries[3].At)
		if got := last.Sub(start.UTC()); got != 3*time.Minute { // (0 + 1 + 5 min) / 2
			t.Errorf("given up after %v", got)
		}
		s.Close()
	})
}
