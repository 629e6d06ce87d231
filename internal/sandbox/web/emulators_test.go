package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
	"github.com/redis-upgrade/bot/internal/sandbox/slackemu"
)

// emulators are both services behind the page, with no bot connected.
func emulators(t *testing.T) (url string, call func(method string, args object) object) {
	t.Helper()
	slack := slackemu.New(slackemu.Config{BotToken: "xoxb-sandbox", AppToken: "xapp-sandbox", Shortcuts: []string{"revert_upgrade"}})
	t.Cleanup(func() { slack.Close() })
	cloud := cloudemu.New(cloudemu.Config{Now: time.Now, Speed: func() float64 { return 60 }})
	hooks := http.NewServeMux()
	hooks.Handle("/hooks/slack/", slack.Hooks())
	hooks.Handle("/hooks/cloud/", cloud.Hooks())
	mux := http.NewServeMux()
	mux.Handle("/slack/", slack.API())
	mux.Handle("/", Handler(Config{Hooks: hooks, Events: slack.Subscribe, Gallery: []byte(cannedGallery), Speed: func() float64 { return 60 }}))
	srv := httptest.NewServer(mux)
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL, func(method string, args object) object {
		t.Helper()
		req, _ := http.NewRequest(http.MethodPost, srv.URL+"/slack/api/"+method, strings.NewReader(mustJSON(args)))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer xoxb-sandbox")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var out object
		if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		if out["ok"] != true {
			t.Fatalf("%s: %v", method, out)
		}
		return out
	}
}

// TestOverTheEmulators holds the page to what the emulators really answer.
func TestOverTheEmulators(t *testing.T) {
	url, call := emulators(t)
	b := startBrowser(t).tab(t)
	b.open(url + "/#area=chat&as=ann")
	b.see(`[data-testid=person-carol]`)
	b.typeIn(`[data-testid=composer]`, "good morning"+kb.Enter)
	b.text(`[data-testid=message][data-user=U0ANN]`, "good morning")

	posted := call("chat.postMessage", object{"channel": "C0REDISOPS", "text": "a card", "blocks": []any{
		object{"type": "section", "block_id": "s", "text": object{"type": "mrkdwn", "text": "*cache-prod* for <!subteam^S0DBA>"}},
		object{"type": "actions", "block_id": "a", "elements": []any{object{"type": "button", "action_id": "approve", "value": "1", "text": object{"type": "plain_text", "text": "Approve"}}}}}})
	ts := posted["ts"].(string)
	card := `[data-testid=message][data-ts="` + ts + `"] `
	b.text(card, "@dba")
	call("chat.postMessage", object{"channel": "C0REDISOPS", "text": "a reply", "thread_ts": ts})
	b.text(card+`[data-testid=open-thread]`, "1 reply")
	call("chat.update", object{"channel": "C0REDISOPS", "ts": ts, "text": "a card", "blocks": []any{
		object{"type": "section", "block_id": "s", "text": object{"type": "mrkdwn", "text": "*cache-prod* again"}},
		object{"type": "actions", "block_id": "a", "elements": []any{object{"type": "button", "action_id": "approve", "value": "1", "text": object{"type": "plain_text", "text": "Approve"}}}}}})
	b.text(card, "(edited)")
	call("chat.postEphemeral", object{"channel": "C0REDISOPS", "user": "U0ANN", "text": "just you"})
	b.text(`[data-testid=message][data-ephemeral=true]`, "just you")

	b.click(`[data-action-id=approve]`)
	b.text(card+`[data-testid=missed]`, "dispatch_failed")
	b.typeIn(`[data-testid=composer]`, "/redis-upgrade cache-prod"+kb.Enter)
	b.text(`[data-testid=composer-error]`, "dispatch_failed")
	b.text(`[data-testid=message][data-user=USLACKBOT]`, "failed")

	b.click(`[data-testid=area-faults]`)
	b.click(`[data-testid=fault][data-fault=usergroups_down]`)
	b.see(`[data-testid=fault][data-fault=usergroups_down][aria-checked=true]`)
	b.click(`[data-testid=fault][data-fault=upgrade_failed]`)
	b.see(`[data-testid=fault][data-fault=upgrade_failed][aria-checked=true]`)
	b.click(`[data-testid=faults-off-cloud]`)
	b.see(`[data-testid=fault][data-fault=upgrade_failed][aria-checked=false]`)

	b.click(`[data-testid=area-cloud]`)
	b.click(`[data-testid=database][data-name=orders-prod]`)
	b.click(`[data-testid=console-backup-on]`)
	b.text(`[data-testid=database-detail]`, "s3://acme-backups/orders-prod")
	b.click(`[data-testid=console-backup-now]`)
	b.see(`[data-testid=database-detail] [data-testid=backup-uri]`)
	b.click(`[data-testid=console-keys]`)
	b.see(`[data-testid=key]`)
	b.click(`[data-testid=area-calls]`)
	b.see(`[data-testid=call][data-method="chat.postEphemeral"]`)
}
