package web

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var (
	look  = flag.Duration("look", 0, "serve the page over canned answers for this long, for a person to look at")
	shots = flag.String("shots", "", "save pictures of the page in this folder")
	only  = flag.String("only", "", "with -shots: only pictures whose name contains this")
)

// TestLook is a way to see the page without a sandbox; edits to assets/ show
// after a reload:
//
//	go test ./internal/sandbox/web -run TestLook -look 1h -v
func TestLook(t *testing.T) {
	if *look == 0 {
		t.Skip("only with -look")
	}
	f := newFake(t)
	t.Logf("open %s", f.serve(t, cannedGallery))
	time.Sleep(*look)
}

// TestShots takes pictures of every area, light and dark:
//
//	go test ./internal/sandbox/web -run TestShots -shots /tmp/shots
func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("only with -shots")
	}
	pictures := []struct {
		name, hash string
		modal      bool
		real       bool // over the emulators
		width      int64
		height     int64
		act        func(b *tab)
	}{
		{name: "chat", hash: "area=chat&as=ann&thread=1790000300.000200"},
		{name: "narrow", hash: "area=chat&as=bob&thread=1790000300.000200", width: 1100, height: 760},
		{name: "sink", hash: "area=chat&as=ann"},
		{name: "modal", hash: "area=chat&as=ann", modal: true, height: 1500},
		{name: "search", hash: "area=chat&as=ann", modal: true, act: func(b *tab) {
			b.click(`[data-action-id=database]`)
			b.see(`[data-testid=option]`)
		}},
		{name: "stack", hash: "area=chat&as=ann", modal: true},
		{name: "slash", hash: "area=chat&as=ann", act: func(b *tab) { b.typeIn(`[data-testid=composer]`, "/re") }},
		{name: "menu", hash: "area=chat&as=ann", act: func(b *tab) { b.click(`[data-ts="1790000300.000200"] [data-testid=message-menu]`) }},
		{name: "confirm", hash: "area=chat&as=ann", act: func(b *tab) { b.click(`[data-action-id=deny]`) }},
		{name: "cloud", hash: "area=cloud&as=ann", height: 1100},
		{name: "faults", hash: "area=faults&as=ann", height: 1100},
		{name: "cards", hash: "area=cards&as=ann", height: 1100},
		{name: "calls", hash: "area=calls&as=ann"},
		{name: "real-first", hash: "area=chat&as=ann", real: true},
		{name: "real-cloud", hash: "area=cloud&as=ann", real: true, act: func(b *tab) { b.click(`[data-name=cache-prod]`) }},
		{name: "real-backups", hash: "area=cloud&as=ann", real: true, act: func(b *tab) { b.click(`[data-testid=cloud-tab-backups]`) }},
		{name: "real-writers", hash: "area=cloud&as=ann", real: true, act: func(b *tab) { b.click(`[data-testid=cloud-tab-applications]`) }},
		{name: "small-chat", hash: "area=chat&as=bob", width: 900, height: 700},
		{name: "small-thread", hash: "area=chat&as=bob&thread=1790000300.000200", width: 900, height: 700},
		{name: "small-real-cloud", hash: "area=cloud&as=ann", real: true, width: 900, height: 700, act: func(b *tab) { b.click(`[data-name=cache-prod]`) }},
		{name: "small-real-all", hash: "area=cloud&as=ann", real: true, width: 900, height: 700},
		{name: "small-real-faults", hash: "area=faults&as=ann", real: true, width: 900, height: 700},
		{name: "phone-chat", hash: "area=chat&as=bob", width: 390, height: 844},
		{name: "phone-thread", hash: "area=chat&as=bob&thread=1790000300.000200", width: 390, height: 844},
		{name: "phone-modal", hash: "area=chat&as=ann", modal: true, width: 390, height: 844},
		{name: "phone-cards", hash: "area=cards&as=bob", width: 390, height: 844},
		{name: "phone-cloud", hash: "area=cloud&as=bob", real: true, width: 390, height: 844},
		{name: "phone-faults", hash: "area=faults&as=bob", real: true, width: 390, height: 844},
		{name: "phone-calls", hash: "area=calls&as=bob", width: 390, height: 844},
		{name: "real-faults", hash: "area=faults&as=ann", real: true, height: 1400},
	}
	b := startBrowser(t).tab(t)
	for _, p := range pictures {
		if !strings.Contains(p.name, *only) {
			continue
		}
		f := newFake(t)
		if p.modal {
			stack := []object{decode(t, cannedModal)}
			if p.name == "stack" {
				stack = append(stack, decode(t, []byte(`{"id":"V2","type":"modal","title":{"type":"plain_text","text":"Confirm"},"submit":{"type":"plain_text","text":"Delete and recreate"},
					"errors":{"name":"That is not the name of the database."},"trouble":true,
					"blocks":[{"type":"alert","block_id":"al","level":"error","text":{"type":"plain_text","text":"Everything written since 14:20 will be lost."}},
					{"type":"input","block_id":"name","label":{"type":"plain_text","text":"Type the name"},"element":{"type":"plain_text_input","action_id":"name","focus_on_load":true}}]}`)))
			}
			f.open(stack...)
		}
		url := f.serve(t, cannedGallery)
		if p.real {
			url, _ = emulators(t)
		}
		for _, theme := range []string{"light", "dark"} {
			width, height := max(p.width, 0), max(p.height, 0)
			if width == 0 {
				width = 1440
			}
			if height == 0 {
				height = 900
			}
			b.do("size", chromedp.EmulateViewport(width, height))
			b.dark(theme == "dark")
			b.open("about:blank")
			b.open(url + "/#" + p.hash)
			time.Sleep(600 * time.Millisecond)
			if p.act != nil {
				p.act(b)
				time.Sleep(200 * time.Millisecond)
			}
			png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(*shots, p.name+"-"+theme+".png"), png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
