package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

// A page from elsewhere, in a browser on this machine, neither drives the sandbox
// nor reads it; programs and the sandbox's own page do both.
func TestPagesFromElsewhereAreRefused(t *testing.T) {
	s := start(t, Config{NoBot: true})
	port := s.URL()[strings.LastIndex(s.URL(), ":"):]
	send := func(method, path, host string, header ...string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(`{"id":"pro/1206/51001","delete":true}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	paths := []string{"POST /hooks/cloud/database", "POST /hooks/slack/command", "POST /hooks/clock", "POST /slack/api/chat.postMessage", "POST /cloud/v1/subscriptions",
		"GET /hooks/slack/state?user=ann", "GET /hooks/cloud/databases", "GET /events", "GET /", "GET /slack/api/auth.test", "GET /cloud/v1/subscriptions"}
	for _, line := range paths {
		method, path, _ := strings.Cut(line, " ")
		for _, host := range []string{"evil.example", "evil.example" + port, "127.0.0.1.evil.example" + port, "localhost.evil.example", "10.0.0.1" + port, "[2001:db8::1]" + port} {
			if got := send(method, path, host); got != http.StatusForbidden {
				t.Errorf("%s with Host: %s: %d", line, host, got)
			}
		}
		if method != "POST" {
			continue
		}
		foreign := [][]string{
			{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Content-Type", "text/plain"},
			{"Sec-Fetch-Site", "same-site"}, // another port of this machine
			{"Origin", "https://evil.example"},
			{"Origin", "null"},
		}
		for _, header := range foreign {
			if got := send(method, path, "127.0.0.1"+port, header...); got != http.StatusForbidden {
				t.Errorf("%s with %v: %d", line, header, got)
			}
		}
	}
	for _, host := range []string{"127.0.0.1" + port, "localhost" + port, "[::1]" + port, "127.0.0.1", "localhost"} {
		if got := send("GET", "/hooks/clock", host); got != http.StatusOK {
			t.Errorf("GET with Host: %s: %d", host, got)
		}
		if got := send("POST", "/hooks/slack/faults", host, "Sec-Fetch-Site", "same-origin"); got == http.StatusForbidden {
			t.Errorf("the own page at %s is refused", host)
		}
	}
}
