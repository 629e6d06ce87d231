package sandbox

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var screenshots = flag.String("screenshots", "", "let the browser test save pictures for the README in this `folder`")

// patience is a safety net around every wait, not a bar: tests share processors.
const patience = 2 * time.Minute

// page is a browser tab that shows a sandbox.
type page struct {
	t   *testing.T
	ctx context.Context
}

// browse opens a browser on a sandbox.
func browse(t *testing.T, url string) *page {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium-browser", "google-chrome", "google-chrome-stable", "chromium"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
		}
	}
	if path == "" {
		path = need(t, "chromium", "on Debian: apt-get install chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1440, 900), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		chromedp.Cancel(ctx) // waits until the browser has let go of its folder
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil { // starts it for as long as ctx, not for one step
		t.Fatalf("start the browser: %v", err)
	}
	p := &page{t: t, ctx: ctx}
	p.do("open "+url, chromedp.EmulateViewport(1440, 1080), chromedp.Navigate(url))
	return p
}

func (p *page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.picture("failed")
		p.t.Fatalf("%s: %v", what, err)
	}
}

// click tries again when the page drew the element anew under the mouse: at this
// speed it does so many times a second.
func (p *page) click(css string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible))
		if err == nil {
			return
		}
		if ctx.Err() != nil || !strings.Contains(err.Error(), "node") {
			p.picture("failed")
			p.t.Fatalf("click %s: %v", css, err)
		}
	}
}

func (p *page) write(css, text string) {
	p.t.Helper()
	p.do("write into "+css, chromedp.SendKeys(chromedp.CSS(css), text, chromedp.NodeVisible))
}

// until waits for a JavaScript condition.
func (p *page) until(what, condition string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool]("!!("+condition+")", chromedp.WithPollingInterval(20*time.Millisecond))); err != nil {
		p.picture("failed")
		p.t.Fatalf("%s: %v", what, err)
	}
}

// reads waits until some element says something.
func (p *page) reads(css, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("%s says %q", css, text),
		fmt.Sprintf("[...document.querySelectorAll(%s)].some(e => e.textContent.toLowerCase().includes(%s))", quoted(css), quoted(strings.ToLower(text))))
}

func (p *page) gone(css string) {
	p.t.Helper()
	p.until(css+" is gone", fmt.Sprintf("!document.querySelector(%s)", quoted(css)))
}

// list reads an attribute of all elements.
func (p *page) list(css, data string) []string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](fmt.Sprintf("[...document.querySelectorAll(%s)].map(e => e.dataset[%s])", quoted(css), quoted(data))))
	if err != nil {
		p.t.Fatalf("read %s: %v", css, err)
	}
	return out
}

// picture saves what the page shows, if somebody wants pictures.
func (p *page) picture(name string) {
	if *screenshots == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644)
	}
	if err != nil {
		p.t.Errorf("picture %s: %v", name, err)
	}
}

func quoted(s string) string {
	raw, _ := json.Marshal(s)
	return string(raw)
}

func (p *page) become(person string) { p.t.Helper(); p.click(`[data-testid=person-` + person + `]`) }

// pick opens a menu of the modal and takes an option.
func (p *page) pick(action, value string) {
	p.t.Helper()
	p.click(`[data-testid=modal] [data-action-id=` + action + `]`)
	p.click(`[data-testid=option][data-value="` + value + `"]`)
}

// field writes into a field of the modal.
func (p *page) field(action, text string) {
	p.t.Helper()
	p.write(`[data-testid=modal] [data-action-id=`+action+`]`, text)
}

func (p *page) submit() {
	p.t.Helper()
	p.click(`[data-testid=modal-submit]`)
	p.gone(`[data-testid=modal]`)
}

// TestTheMainJobByMouse does what the README's tour says, in a real browser:
//
//	go test ./internal/sandbox -run TestTheMainJobByMouse -args -screenshots docs/images
func TestTheMainJobByMouse(t *testing.T) {
	speed := float64(scenarioSpeed)
	if *screenshots != "" {
		speed = 120 // slow enough to be caught half-way
	}
	s := start(t, Config{Speed: speed})
	before := database(t, s, "cache-prod")
	p := browse(t, s.URL())
	upgradeByMouse(p)
	spoil := `{"name":"cache-prod","set":{"keys":{"cart:000001":"spoiled","cart:new":"new"}}}`
	if code, body := ask(t, "POST", s.URL()+"/hooks/cloud/database", spoil); code != 200 {
		t.Fatalf("spoil a key: %v", body)
	}
	revertByMouse(p, fmt.Sprintf("cache-prod/%.0f", before["id"]))
	after := database(t, s, "cache-prod")
	for _, same := range []string{"redis_version", "port", "endpoint", "keys", "digest"} {
		if before[same] != after[same] {
			t.Errorf("%s was %v and is %v", same, before[same], after[same])
		}
	}
	if before["id"] == after["id"] {
		t.Error("it was never created anew")
	}
}

func upgradeByMouse(p *page) {
	p.t.Helper()
	const card = `[data-testid=message]`
	p.write(`[data-testid=composer]`, "/redis-upgrade cache-prod"+kb.Enter)
	p.pick("version", "8.2")
	p.field("reason", "The cart service needs hash field expiration (HEXPIRE).")
	p.picture("modal")
	p.submit()
	p.reads(card, "Upgrade cache-prod: 7.2 → 8.2")
	p.reads(card, "waiting for approval")
	p.become("bob")
	p.picture("card-waiting")
	p.click(card + ` [data-action-id=approve]`)
	p.click(`[data-testid=open-thread]`)
	p.reads(`[data-testid=thread]`, "Backup done")
	if *screenshots != "" {
		p.reads(card, " %") // the upgrade's bar
	}
	p.picture("card-progress")
	p.reads(`[data-testid=channel]`, "done · version confirmed")
	p.reads(`[data-testid=thread]`, "Version 8.2 confirmed")
	p.picture("done")
}

func revertByMouse(p *page, confirm string) {
	p.t.Helper()
	p.become("dan")
	p.click(`[data-testid=area-cloud]`)
	p.click(`[data-testid=database][data-name=cache-prod]`)
	const files = `[data-testid=database-detail] [data-testid=backup-uri]`
	p.reads(files, "cache-prod")
	p.picture("cloud")
	newest := p.list(files, "uri")[0]
	p.click(`[data-testid=area-chat]`)
	p.click(`[data-testid=message] [data-action-id=revert]`)
	p.field("files", newest)
	p.field("name", "cache-prod")
	p.field("reason", "Checkout fails: clients cannot parse the new replies.")
	p.picture("revert-modal")
	p.submit()
	const card = `[data-testid=thread] [data-testid=message]`
	p.reads(card, "Revert cache-prod: 8.2 → 7.2")
	p.reads(card, "waiting for approval of the deletion")
	p.picture("revert-card")
	for _, person := range []string{"bob", "carol"} {
		p.become(person)
		p.click(`[data-testid=thread] [data-action-id=approve]`)
		p.field("name", confirm)
		if person == "carol" {
			p.picture("approve-deletion")
		}
		p.submit()
	}
	p.reads(card, "cache-prod is back on 7.2")
	p.picture("reverted")
}

// database is what the hooks show of one.
func database(t *testing.T, s *Sandbox, name string) map[string]any {
	t.Helper()
	resp, err := http.Get(s.URL() + "/hooks/cloud/databases")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var all []map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d["name"] == name {
			return d
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}
