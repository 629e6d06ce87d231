package web

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience is a safety net around every wait in the browser, not a bar.
const patience = 20 * time.Second

// tab is one browser tab that shows the page.
type tab struct {
	t   testing.TB
	ctx context.Context
}

// browser is one Chromium for a group of tests.
type browser struct{ ctx context.Context }

// startBrowser starts Chromium for this test and its subtests. Without one the
// test is skipped, unless CI=true says that nothing may be.
func startBrowser(t testing.TB) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		const missing = "no Chromium found: install it (Debian and Ubuntu: apt-get install chromium)"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1440, 900),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		chromedp.Cancel(ctx) // waits until the browser has let go of its folder
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return &browser{ctx}
}

// tab opens a tab that lasts as long as the test.
func (w *browser) tab(t testing.TB) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(w.ctx)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		t.Fatalf("open a tab: %v", err)
	}
	messages, heard := chromedp.Console(ctx), make(chan struct{})
	go func() {
		defer close(heard)
		b.listen(messages)
	}()
	t.Cleanup(func() {
		cancel()
		<-heard
	})
	b.do("size", chromedp.EmulateViewport(1440, 900))
	return b
}

// listen fails the test when a script of the page fails.
func (b *tab) listen(messages iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range messages {
		if err != nil {
			return
		}
		if m.IsException() {
			b.t.Errorf("the page failed: %s", m)
		}
	}
}

// do runs steps or ends the test.
func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

func (b *tab) open(url string) { b.t.Helper(); b.do("open "+url, chromedp.Navigate(url)) }

// click waits until the control stands still (lists scroll to their end as
// they grow), then clicks it.
func (b *tab) click(css chromedp.CSS) {
	b.t.Helper()
	b.see(css)
	eval[bool](b, `(async () => {
		const frame = () => new Promise(requestAnimationFrame);
		const at = () => { const r = document.querySelector(`+quote(string(css))+`)?.getBoundingClientRect(); return r ? r.x + ' ' + r.y : ''; };
		for (let was = null, still = 0, n = 0; still < 3 && n < 300; n++) {
			await frame();
			still = at() === was ? still + 1 : 0;
			was = at();
		}
		return true;
	})()`)
	b.do("click "+string(css), chromedp.Click(css, chromedp.NodeVisible))
}

func (b *tab) see(css chromedp.CSS) {
	b.t.Helper()
	b.do("see "+string(css), chromedp.WaitVisible(css))
}

func (b *tab) gone(css chromedp.CSS) {
	b.t.Helper()
	b.do("see no more "+string(css), chromedp.WaitNotPresent(css))
}

// typeIn focuses a control and types at its end, key by key. chromedp.SendKeys
// is not used: it reads the node's attributes while the page changes them.
func (b *tab) typeIn(css chromedp.CSS, text string) {
	b.t.Helper()
	b.see(css)
	eval[bool](b, `(() => {
		const el = document.querySelector(`+quote(string(css))+`);
		el.focus();
		el.setSelectionRange?.(el.value.length, el.value.length);
		return true;
	})()`)
	b.do("type into "+string(css), chromedp.KeyEvent(text))
}

// eval answers a JavaScript expression.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// until waits for a JavaScript condition.
func (b *tab) until(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool]("!!("+condition+")", chromedp.WithPollingInterval(30*time.Millisecond))); err != nil {
		b.t.Fatalf("wait for %s: %v", condition, err)
	}
}

// text waits until what css finds reads as want.
func (b *tab) text(css, want string) {
	b.t.Helper()
	b.until(fmt.Sprintf("(document.querySelector(%q)?.textContent ?? '').includes(%s)", css, quote(want)))
}

// set gives a native picker its value, as its pop-up would.
func (b *tab) set(css, value string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf("(() => { const i = document.querySelector(%q); i.value = %s; i.dispatchEvent(new Event('change', {bubbles: true})); return true; })()", css, quote(value)))
}

func (b *tab) dark(on bool) {
	b.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	b.do("set the theme", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
}

// quote answers a JavaScript literal of a text.
func quote(s string) string { return mustJSON(s) }

func mustJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // only values that came from JSON get here
	}
	return string(raw)
}

// eventually waits for a condition on the test's side.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}
