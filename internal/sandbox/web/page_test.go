package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

const cardTS = "1790000300.000200"

// TestPage drives the page in a browser; each row is what a person relies on.
func TestPage(t *testing.T) {
	w := startBrowser(t)
	for _, row := range []struct {
		sentence string
		run      func(*testing.T, *browser)
	}{
		{"a channel shows cards, threads and private answers", testMessages},
		{"what is typed is sent, and comes back when refused", testComposer},
		{"every element of a card sends its own body", testCardActions},
		{"a missed acknowledgement leaves a mark", testMissedAcknowledgement},
		{"every input of a modal sends its own body", testModalElements},
		{"an error stands at the block it is about", testModalErrors},
		{"typed text survives a refresh", testTextSurvivesRefresh},
		{"a hostile text stays text", testHostileText},
		{"modals stack, and wait while one looks elsewhere", testStack},
		{"a dialog without fields takes the keyboard, and Escape closes it", testDialogKeyboard},
		{"a field is stored before its form is submitted", testStoredFirst},
		{"only web and mail links can be followed", testLinks},
		{"a link to a message stays in the page", testPermalink},
		{"mrkdwn reads as Slack draws it", testMrkdwn},
		{"the panels beside the chat work", testAreas},
		{"a feed follows its end, and tells of news elsewhere", testFollow},
		{"a bad day is announced in the chat", testFaultsOn},
		{"a window of 900 by 700 is enough", testSmallWindow},
		{"a phone", testPhone},
		{"a stranger is told what to do first", testGuide},
		{"many tabs share one stream", testManyTabs},
		{"a form that is gone with its sandbox is told of", testRestart},
		{"Back goes to the place before, and any address shows something", testBack},
		{"a long channel is fetched in parts", testLongChannel},
	} {
		t.Run(row.sentence, func(t *testing.T) { row.run(t, w) })
	}
}

// show opens the page as ann over canned answers.
func show(t *testing.T, w *browser, prepare func(f *fake)) (*tab, *fake) {
	t.Helper()
	f := newFake(t)
	if prepare != nil {
		prepare(f)
	}
	b := w.tab(t)
	b.open(f.serve(t, cannedGallery) + "/#area=chat&as=ann")
	b.see(`[data-testid=channel]`)
	b.see(`[data-testid=person-ann]`)
	return b, f
}

// lastSent waits for the n-th body at path and answers it.
func lastSent(t *testing.T, f *fake, path string, n int) object {
	t.Helper()
	eventually(t, fmt.Sprintf("%d posts to %s", n, path), func() bool { return len(f.sent(path)) >= n })
	return f.sent(path)[n-1]
}

func wantBody(t *testing.T, what string, got, want object) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s sent another body (-want +got):\n%s", what, diff)
	}
}

// testMessages walks the channel: cards, threads, private answers, counts.
func testMessages(t *testing.T, w *browser) {
	b, f := show(t, w, nil)
	b.see(`[data-testid=message][data-ts="` + cardTS + `"] [data-testid=edited]`)
	b.text(`[data-ts="`+cardTS+`"] [data-block-id=facts]`, "@Ann Lee")
	b.text(`[data-ts="1790000500.000100"] .private`, "Only visible to you")
	b.text(`[data-testid=open-thread][data-ts="`+cardTS+`"]`, "2 replies")

	b.click(`[data-testid=open-thread][data-ts="` + cardTS + `"]`)
	b.see(`[data-testid=thread] [data-testid=message][data-ts="1790000320.000100"]`)
	b.typeIn(`[data-testid=thread-composer]`, "@redis-upgrade revert"+kb.Enter)
	wantBody(t, "a mention in a thread", lastSent(t, f, "/hooks/slack/mention", 1),
		object{"user": "ann", "channel": "C0REDISOPS", "thread_ts": cardTS, "text": "<@UBOT> revert"})

	b.typeIn(`[data-testid=thread-composer]`, "/redis-upgrade list"+kb.Enter)
	b.text(`[data-testid=thread-composer-error]`, "not supported in threads")
	if got := f.sent("/hooks/slack/command"); len(got) != 0 {
		t.Errorf("a command typed in a thread was sent: %v", got)
	}
}

// testComposer types what a person types in a channel.
func testComposer(t *testing.T, w *browser) {
	b, f := show(t, w, func(f *fake) {
		f.answer["POST /hooks/slack/message"] = func(object) (int, any) { return 409, object{"error": "ann is not in the channel"} }
	})
	b.typeIn(`[data-testid=composer]`, "/redis")
	b.see(`[data-testid=suggestion]`)
	b.text(`[data-testid=suggestion]`, "[a hint of the manifest]")
	b.typeIn(`[data-testid=composer]`, kb.Tab+"cache-prod 7.4")
	b.click(`[data-testid=send]`)
	wantBody(t, "the command", lastSent(t, f, "/hooks/slack/command", 1), object{"user": "ann", "channel": "C0REDISOPS", "text": "cache-prod 7.4"})
	b.until(`document.querySelector('[data-testid=composer]').value === ''`)

	b.click(`[data-testid=person-bob]`)
	b.typeIn(`[data-testid=composer]`, "hello"+kb.Enter)
	wantBody(t, "a message", lastSent(t, f, "/hooks/slack/message", 1), object{"user": "bob", "channel": "C0REDISOPS", "thread_ts": "", "text": "hello"})
	b.text(`[data-testid=composer-error]`, "ann is not in the channel")
	if got := eval[string](b, `document.querySelector('[data-testid=composer]').value`); strings.TrimSpace(got) != "hello" {
		t.Errorf("after a refusal the composer holds %q, want the text to still be there", got)
	}

	// Typed markup is text, as Slack's own clients send it; a name is a mention.
	b.click(`[data-testid=person-carol]`)
	b.typeIn(`[data-testid=composer]`, "<!channel> & <@U0BOB> @bob"+kb.Enter)
	wantBody(t, "typed markup", lastSent(t, f, "/hooks/slack/message", 2),
		object{"user": "carol", "channel": "C0REDISOPS", "thread_ts": "", "text": "&lt;!channel&gt; &amp; &lt;@U0BOB&gt; <@U0BOB>"})

	b.click(`[data-testid=person-ann]`)
	b.until(`document.querySelector('[data-testid=composer]').value === ''`)
	b.typeIn(`[data-testid=composer]`, "/giphy cat"+kb.Enter)
	b.text(`[data-testid=composer-error]`, "not a valid command")
}

// testCardActions uses the elements of a message.
func testCardActions(t *testing.T, w *browser) {
	b, f := show(t, w, nil)
	card := `[data-testid=message][data-ts="` + cardTS + `"] `
	action := func(action, block string, value any) object {
		return object{"user": "ann", "channel": "C0REDISOPS", "ts": cardTS, "block_id": block, "action_id": action, "value": value}
	}
	b.click(chromedp.CSS(card + `[data-action-id=approve]`))
	wantBody(t, "Approve", lastSent(t, f, "/hooks/slack/action", 1), action("approve", "s1", "s1:1"))

	b.click(chromedp.CSS(card + `[data-action-id=deny]`))
	b.text(`[data-testid=confirm]`, "cache-prod stays on 7.2.")
	b.click(`[data-testid=confirm-deny]`)
	b.gone(`[data-testid=confirm]`)
	b.click(chromedp.CSS(card + `[data-action-id=deny]`))
	b.click(`[data-testid=confirm-ok]`)
	wantBody(t, "Deny, confirmed the second time", lastSent(t, f, "/hooks/slack/action", 2), action("deny", "s1", "s1:1"))

	b.click(chromedp.CSS(card + `[data-action-id=more]`))
	b.click(`[data-testid=overflow-option][data-value=plan]`)
	wantBody(t, "the overflow menu", lastSent(t, f, "/hooks/slack/action", 3), action("more", "why", "plan"))

	b.click(chromedp.CSS(card + `[data-testid=message-menu]`))
	b.click(`[data-testid=shortcut-revert_upgrade]`)
	wantBody(t, "the shortcut", lastSent(t, f, "/hooks/slack/action", 4),
		object{"user": "ann", "channel": "C0REDISOPS", "ts": cardTS, "shortcut": "revert_upgrade"})
}

// testMissedAcknowledgement shows a mark beside the button, and the hook's
// words when it refuses.
func testMissedAcknowledgement(t *testing.T, w *browser) {
	n := 0
	b, _ := show(t, w, func(f *fake) {
		f.answer["POST /hooks/slack/action"] = func(object) (int, any) {
			if n++; n == 1 {
				return 200, object{"acked": false, "ack_ms": 0, "response": nil, "error": "operation_timeout", "sent": true}
			}
			return 409, object{"error": "message has no element approve"}
		}
	})
	card := `[data-testid=message][data-ts="` + cardTS + `"] `
	b.click(chromedp.CSS(card + `[data-action-id=approve]`))
	b.text(card+`[data-testid=missed]`, "operation_timeout")
	b.click(chromedp.CSS(card + `[data-action-id=approve]`))
	b.text(card+`[data-testid=missed]`, "message has no element approve")
}

// testModalElements uses every input of a modal and reads the bodies.
func testModalElements(t *testing.T, w *browser) {
	b, f := show(t, w, func(f *fake) {
		f.open(decode(t, cannedModal))
		f.answer["POST /hooks/slack/action"] = func(object) (int, any) { return 200, object{"acked": false, "sent": false} }
	})
	b.do("make room", chromedp.EmulateViewport(1440, 1500))
	b.see(`[data-testid=modal]`)
	n := 0
	did := func(what, block, action string, value any) {
		t.Helper()
		n++
		wantBody(t, what, lastSent(t, f, "/hooks/slack/action", n),
			object{"user": "ann", "view_id": "V1", "block_id": block, "action_id": action, "value": value})
	}
	b.click(`[data-action-id=database]`)
	b.typeIn(`[data-action-id=database]`, "cache")
	wantBody(t, "opening a search", lastSent(t, f, "/hooks/slack/options", 1),
		object{"user": "ann", "view_id": "V1", "block_id": "database", "action_id": "database", "query": ""})
	wantBody(t, "typing into a search", lastSent(t, f, "/hooks/slack/options", 2),
		object{"user": "ann", "view_id": "V1", "block_id": "database", "action_id": "database", "query": "cache"})
	b.click(`[data-testid=option][data-value="51423"]`)
	did("an external select", "database", "database", "51423")

	b.click(`[data-action-id=version]`)
	b.typeIn(`[data-action-id=version]`, kb.ArrowDown+kb.Enter)
	did("a static select by keyboard", "version", "version", "8.2")

	b.typeIn(`[data-action-id=reason]`, "before the sale")
	b.click(`input[data-action-id=path][data-value=recreate]`)
	did("a text, when left", "reason", "reason", "before the sale")
	did("a radio button", "path", "path", "recreate")
	b.click(`input[data-action-id=checks][data-value=tell]`)
	did("a checkbox", "checks", "checks", []any{"tell"})
	b.click(`[data-action-id=tags]`)
	b.click(`[data-testid=option][data-value=us]`)
	did("a multi select", "tags", "tags", []any{"us"})
	b.click(`[data-testid=option][data-value=gold]`)
	did("a second choice", "tags", "tags", []any{"us", "gold"})
	b.set(`[data-action-id=day]`, "2026-10-01")
	did("a date", "when", "day", "2026-10-01")
	b.set(`[data-action-id=time]`, "07:15")
	did("a time", "when", "time", "07:15")
	b.set(`[data-action-id=start]`, "2026-10-01T08:00")
	did("a date and time", "start", "start", eval[float64](b, `new Date('2026-10-01T08:00').getTime() / 1000`))
	b.click(`[data-action-id=shards]`)
	b.click(`[data-testid=option][data-value="2"]`)
	did("a select beside a section", "alias", "shards", "2")

	b.click(`[data-testid=modal-submit]`)
	got := lastSent(t, f, "/hooks/slack/submit", 1)
	values := got["values"].(object)
	for key, want := range map[string]any{
		"database/database": "51423", "version/version": "8.2", "reason/reason": "before the sale", "path/path": "recreate",
		"when/day": "2026-10-01", "when/time": "07:15", "mail/mail": nil, "alias/shards": "2",
	} {
		if values[key] != want {
			t.Errorf("submitted %s = %v, want %v", key, values[key], want)
		}
	}
	if diff := cmp.Diff([]any{"us", "gold"}, values["tags/tags"]); diff != "" {
		t.Errorf("submitted tags (-want +got):\n%s", diff)
	}
}

// testModalErrors puts every refusal where it belongs.
func testModalErrors(t *testing.T, w *browser) {
	answer := object{}
	b, f := show(t, w, func(f *fake) {
		f.open(decode(t, cannedModal))
		f.answer["POST /hooks/slack/submit"] = func(object) (int, any) { return 200, answer }
	})
	b.see(`[data-testid=modal]`)
	b.click(`[data-testid=modal-submit]`)
	b.text(`[data-testid=block-error][data-block-id=database]`, "Please complete this required field.")
	b.text(`[data-testid=block-error][data-block-id=version]`, "Please complete this required field.")
	if got := f.sent("/hooks/slack/submit"); len(got) != 0 {
		t.Fatalf("an incomplete form was sent: %v", got)
	}
	b.click(`[data-action-id=database]`)
	b.click(`[data-testid=option][data-value="51424"]`)
	b.until(`document.querySelector('[data-testid=block-error][data-block-id=database]').textContent === ''`)
	b.click(`[data-action-id=version]`)
	b.click(`[data-testid=option][data-value="7.4"]`)
	b.typeIn(`[data-action-id=reason]`, "x")

	answer = object{"acked": true, "response_action": "errors", "errors": object{"reason": "Say a little more <b>please</b>."}, "error": ""}
	b.click(`[data-testid=modal-submit]`)
	b.text(`[data-testid=block-error][data-block-id=reason]`, "Say a little more <b>please</b>.")

	answer = object{"acked": false, "response_action": "", "errors": object{}, "error": "operation_timeout"}
	b.click(`[data-testid=modal-submit]`)
	b.text(`[data-testid=modal-error]`, "We had some trouble connecting. Try again?")

	b.click(`[data-testid=modal-close]`)
	wantBody(t, "Cancel", lastSent(t, f, "/hooks/slack/close", 1), object{"user": "ann", "view_id": "V1", "all": false})
	b.click(`[data-testid=modal-dismiss]`)
	wantBody(t, "✕", lastSent(t, f, "/hooks/slack/close", 2), object{"user": "ann", "view_id": "V1", "all": true})
}

// testTextSurvivesRefresh types while everything around is drawn again.
func testTextSurvivesRefresh(t *testing.T, w *browser) {
	b, f := show(t, w, func(f *fake) { f.open(decode(t, cannedModal)) })
	b.see(`[data-testid=modal]`)
	b.click(`[data-action-id=version]`)
	b.click(`[data-testid=option][data-value="8.2"]`)
	b.typeIn(`[data-action-id=reason]`, "half a ")

	// The bot updates the view: a new block before, a new label on the very field.
	updated := decode(t, cannedModal)
	updated["hash"] = "2.b"
	list := updated["blocks"].([]any)
	for _, raw := range list {
		if block := raw.(object); block["block_id"] == "reason" {
			block["label"] = object{"type": "plain_text", "text": "Why now"}
		}
	}
	notice := object{"type": "section", "block_id": "notice", "text": object{"type": "mrkdwn", "text": "A backup is running."}}
	updated["blocks"] = append([]any{notice}, list...)
	f.open(updated)
	b.see(`[data-testid=modal] [data-block-id=notice]`)
	b.text(`[data-testid=modal] [data-block-id=reason] .label`, "Why now")

	// Keys go to whatever has the focus: it must still be the field.
	for _, key := range "sentence" {
		b.do("type on", chromedp.KeyEvent(string(key)))
	}
	if got := eval[string](b, `document.querySelector('[data-action-id=reason]').value`); got != "half a sentence" {
		t.Errorf("the field holds %q after a refresh, want the text to go on where it was", got)
	}
	if got := eval[string](b, `document.querySelector('[data-action-id=version]').value`); got != "8.2" {
		t.Errorf("the select shows %q after a refresh, want the choice kept", got)
	}

	// The same in the composer, while messages arrive.
	f.open()
	b.gone(`[data-testid=modal]`)
	b.typeIn(`[data-testid=composer]`, "I was ")
	f.change(func(s object) {
		room := s["channels"].([]any)[0].(object)
		room["messages"] = append(room["messages"].([]any), object{"ts": "1790000700.000100", "user": "U0BOB", "text": "news"})
	})
	b.see(`[data-ts="1790000700.000100"]`)
	b.do("type on", chromedp.KeyEvent("h"), chromedp.KeyEvent("e"), chromedp.KeyEvent("r"), chromedp.KeyEvent("e"))
	if got := eval[string](b, `document.querySelector('[data-testid=composer]').value`); got != "I was here" {
		t.Errorf("the composer holds %q, want the text to go on", got)
	}
}

// testHostileText draws a text full of markup in every place there is.
func testHostileText(t *testing.T, w *browser) {
	gallery := hostileEverywhere(decode(t, []byte(`{"g":`+cannedGallery+`}`))["g"], "")
	f := newFake(t)
	f.state = hostileEverywhere(f.state, "").(object)
	modal := hostileEverywhere(decode(t, cannedModal), "").(object)
	b := w.tab(t)
	url := f.serve(t, mustJSON(gallery))
	b.open(url + "/#area=chat&as=ann&thread=" + cardTS)
	b.see(`[data-testid=message][data-ts="` + cardTS + `"]`)
	f.open(modal)
	b.see(`[data-testid=modal]`)
	b.text(`[data-testid=modal] header`, `<img src=x onerror="window.pwned=1">`)
	for _, area := range []string{"cloud", "faults", "cards", "calls"} {
		b.click(chromedp.CSS(`[data-testid=area-` + area + `]`))
		b.until(`document.querySelector('#area-` + area + ` .room-head')`)
	}
	b.see(`[data-testid=call]`)
	if got := eval[int](b, `window.pwned || 0`); got != 0 {
		t.Errorf("a hostile text ran as script %d", got)
	}
	if got := eval[int](b, `document.querySelectorAll('script:not([src]), img[onerror], [onmouseover], img[src="x"]').length`); got != 0 {
		t.Errorf("%d elements were made from a hostile text, want none", got)
	}
}

// testStack puts a modal over another and shows what came with the state.
func testStack(t *testing.T, w *browser) {
	second := object{"id": "V2", "type": "modal", "title": object{"type": "plain_text", "text": "Sure?"}, "submit": object{"type": "plain_text", "text": "Yes"},
		"errors": object{"name": "That is another name."}, "blocks": []any{object{"type": "input", "block_id": "name",
			"label": object{"type": "plain_text", "text": "Name"}, "element": object{"type": "plain_text_input", "action_id": "name"}}}}
	b, f := show(t, w, func(f *fake) { f.open(decode(t, cannedModal)) })
	b.typeIn(`[data-testid=modal] [data-action-id=reason]`, "kept")
	b.click(`[data-testid=area-cloud]`) // the side bar stays free
	b.see(`[data-testid=database]`)
	b.click(`[data-testid=area-chat]`)
	f.open(decode(t, cannedModal), second)
	b.see(`[data-testid=modal][data-view-id=V2]`)
	b.text(`[data-testid=modal] [data-testid=block-error]`, "That is another name.")
	b.typeIn(`[data-testid=modal] [data-action-id=name]`, "cache-prod"+kb.Enter) // Enter submits
	wantBody(t, "the upper modal", lastSent(t, f, "/hooks/slack/submit", 1), object{"user": "ann", "view_id": "V2", "values": object{"name/name": "cache-prod"}})
	f.open(decode(t, cannedModal))
	b.see(`[data-testid=modal][data-view-id=V1]`)
	if got := eval[string](b, `document.querySelector('[data-action-id=reason]').value`); got != "kept" {
		t.Errorf("the lower modal holds %q, want the text typed before", got)
	}
	f.open()
	b.gone(`[data-testid=modal]`)
	b.click(`[data-testid=person-carol]`)
	b.until(`document.querySelector('[data-testid=person-carol]').getAttribute('aria-checked') === 'true'`)
}

// testDialogKeyboard uses a dialog that only tells something, by keyboard.
func testDialogKeyboard(t *testing.T, w *browser) {
	b, f := show(t, w, func(f *fake) {
		f.answer["POST /hooks/slack/close"] = func(object) (int, any) {
			f.open()
			return 200, acked
		}
	})
	tell := object{"id": "V7", "type": "modal", "title": object{"type": "plain_text", "text": "Breaking changes"}, "close": object{"type": "plain_text", "text": "Close"},
		"blocks": []any{object{"type": "section", "block_id": "told", "text": object{"type": "mrkdwn", "text": "SORT is slower."}}}}
	approve := `[data-ts="` + cardTS + `"] [data-action-id=approve]`
	eval[bool](b, `(() => { document.querySelector(`+quote(approve)+`).focus(); return true; })()`)
	f.open(tell)
	b.see(`[data-testid=modal]`)
	const inside = `document.querySelector('[data-testid=modal]').contains(document.activeElement)`
	b.until(inside)
	for range 3 {
		b.do("press Tab", chromedp.KeyEvent(kb.Tab))
		if !eval[bool](b, inside) {
			t.Fatal("Tab left the dialog")
		}
	}
	b.click(`[data-testid=modal] [data-block-id=told]`) // no control: Escape must still be heard
	b.do("press Escape", chromedp.KeyEvent(kb.Escape))
	b.gone(`[data-testid=modal]`)
	wantBody(t, "Escape", lastSent(t, f, "/hooks/slack/close", 1), object{"user": "ann", "view_id": "V7", "all": false})
	b.until(`document.activeElement === document.querySelector(` + quote(approve) + `)`)
}

// testStoredFirst submits a form out of a field.
func testStoredFirst(t *testing.T, w *browser) {
	var order []string
	b, f := show(t, w, func(f *fake) {
		f.open(object{"id": "V8", "type": "modal", "title": object{"type": "plain_text", "text": "Deny"}, "submit": object{"type": "plain_text", "text": "Deny"},
			"blocks": []any{object{"type": "input", "block_id": "why", "label": object{"type": "plain_text", "text": "Why"},
				"element": object{"type": "plain_text_input", "action_id": "why", "multiline": true}}}})
		note := func(what string, then func()) func(object) (int, any) {
			return func(object) (int, any) {
				f.mu.Lock()
				order = append(order, what)
				f.mu.Unlock()
				then()
				return 200, acked
			}
		}
		f.answer["POST /hooks/slack/action"] = note("store", func() { time.Sleep(100 * time.Millisecond) })
		f.answer["POST /hooks/slack/submit"] = note("submit", func() { f.open() })
	})
	b.typeIn(`[data-action-id=why]`, "not today")
	b.do("press Ctrl+Enter", chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.gone(`[data-testid=modal]`)
	b.do("let the page settle", chromedp.Sleep(300*time.Millisecond))
	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff([]string{"store", "submit"}, order); diff != "" {
		t.Errorf("what the page sent (-want +got):\n%s", diff)
	}
}

// testLinks keeps what a browser may open and nothing else.
func testLinks(t *testing.T, w *browser) {
	b, f := show(t, w, nil)
	for _, row := range []struct{ text, href, shown string }{
		{"<https://example.com/a?b=1&amp;c=2|docs>", "https://example.com/a?b=1&c=2", "docs"},
		{"<mailto:a@example.com|mail>", "mailto:a@example.com", "mail"},
		{"see http://example.com/x.", "http://example.com/x", "http://example.com/x"},
		{"<javascript:alert(1)|click>", "", "click"},
		{"<data:text/html,x|click>", "", "click"},
		{"<file:///etc/passwd>", "", "file:///etc/passwd"},
	} {
		f.change(func(s object) {
			room := s["channels"].([]any)[0].(object)
			room["messages"] = []any{object{"ts": "1790000900.000100", "user": "U0BOB", "text": row.text}}
		})
		b.text(`[data-ts="1790000900.000100"] .text`, row.shown)
		if got := eval[string](b, `document.querySelector('[data-ts="1790000900.000100"] .text a')?.href ?? ''`); got != row.href {
			t.Errorf("%s leads to %q, want %q", row.text, got, row.href)
		}
	}
}

// testPermalink follows a link to a message without leaving the page.
func testPermalink(t *testing.T, w *browser) {
	b, f := show(t, w, nil)
	f.change(func(s object) {
		room := s["channels"].([]any)[0].(object)
		link := "<" + eval[string](b, "location.origin") + "/archives/C0REDISOPS/p1790000320000100?thread_ts=" + cardTS + "&amp;cid=C0REDISOPS|card>"
		room["messages"] = append(room["messages"].([]any), object{"ts": "1790000700.000100", "user": "UBOT", "text": link})
	})
	b.click(`[data-ts="1790000700.000100"] .text a`)
	b.see(`[data-testid=thread] [data-testid=message][data-ts="1790000320.000100"]`)
}

// testMrkdwn reads the renderer's HTML.
func testMrkdwn(t *testing.T, w *browser) {
	b, _ := show(t, w, nil)
	for _, row := range []struct{ text, html string }{
		{"*bold* _italic_ ~gone~ `code`", "<strong>bold</strong> <em>italic</em> <s>gone</s> <code>code</code>"},
		{"*bold with `code` in it*", "<strong>bold with <code>code</code> in it</strong>"},
		{"snake_case_name 2*3*4 ~5", "snake_case_name 2*3*4 ~5"},
		{"`*not bold* &lt;b&gt;`", "<code>*not bold* &lt;b&gt;</code>"},
		{"a &amp;lt; b", "a &amp;lt; b"},
		{"<b>raw</b>", `<span class="dead-link" title="Link refused: only http, https and mailto">b</span>raw<span class="dead-link" title="Link refused: only http, https and mailto">/b</span>`},
		{"&gt; quoted *b*\nnot", "<blockquote>quoted <strong>b</strong></blockquote>not"},
		{"```\nline *1*\n```after", "<pre>line *1*</pre>after"},
		{"<@U0BOB> <#C0REDISOPS> <!subteam^S0DBA> <!here>", `<span class="mention">@Bob Stone</span> <span class="mention">#redis-ops</span> <span class="mention">@dba</span> <span class="mention">@here</span>`},
		{"<!date^1790000000^{date_num}|fallback>", "<time>2026-09-21</time>"},
		{"<!date^1790000000^{nonsense}|fallback>", "<time>fallback</time>"},
		{":rocket: :no_such_thing: 10:20:30", "<svg>rocket</svg> :no_such_thing: 10:20:30"},
	} {
		got := eval[string](b, `(async () => {
			const { mrkdwn } = await import('/assets/mrkdwn.js');
			const box = document.createElement('div');
			box.append(...mrkdwn(`+quote(row.text)+`));
			for (const run of box.querySelectorAll('.run')) run.replaceWith(...run.childNodes);
			for (const svg of box.querySelectorAll('svg')) svg.outerHTML = '<svg>' + svg.getAttribute('aria-label').replaceAll(':', '') + '</svg>';
			for (const n of box.querySelectorAll('[data-user]')) n.removeAttribute('data-user');
			for (const n of box.querySelectorAll('time')) n.removeAttribute('title');
			return box.innerHTML;
		})()`)
		if diff := cmp.Diff(row.html, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.text, diff)
		}
	}
}

// testAreas uses the panels beside the chat.
func testAreas(t *testing.T, w *browser) {
	b, f := show(t, w, nil)
	b.click(`[data-testid=area-cloud]`)
	b.click(`[data-testid=database][data-name=orders-prod]`)
	b.see(`[data-testid=database-detail]`)
	b.click(`[data-testid=console-backup-on]`)
	wantBody(t, "the console", lastSent(t, f, "/hooks/cloud/database", 1), object{"id": 51424.0, "set": object{"backup_path": "s3://acme-backups/orders-prod"}})
	b.click(`[data-testid=console-keys]`)
	b.text(`[data-testid=key][data-key="user:2"]`, "<script>window.pwned=2</script>")
	b.click(`[data-testid=cloud-tab-backups]`)
	b.see(`[data-testid=backup-uri]`)
	b.click(`[data-testid=cloud-tab-ledger]`)
	b.text(`[data-testid=ledger-row]`, "/v1/subscriptions/100/databases/51423/backup")

	b.click(`[data-testid=area-faults]`)
	b.click(`[data-testid=fault][data-fault=upgrade_failed]`)
	wantBody(t, "a switch turned on", lastSent(t, f, "/hooks/cloud/faults", 1), object{"fault": "upgrade_failed", "match": ""})
	b.click(`[data-testid=fault][data-fault=ack_ignored]`)
	wantBody(t, "a switch turned off", lastSent(t, f, "/hooks/slack/faults", 1), object{"fault": "ack_ignored", "match": "block_actions", "times": 0.0})
	b.click(`[data-testid=clock-9h]`)
	wantBody(t, "the clock", lastSent(t, f, "/hooks/clock", 1), object{"advance": "9h"})
	b.click(`[data-testid=disconnect-refresh_requested]`)
	wantBody(t, "a disconnect", lastSent(t, f, "/hooks/slack/disconnect", 1), object{"reason": "refresh_requested"})
	b.click(`[data-testid=admin-archived-on]`)
	wantBody(t, "an archived channel", lastSent(t, f, "/hooks/slack/channel", 1), object{"channel": "redis-ops", "set": object{"archived": true}})
	b.click(`[data-testid=admin-empty-off]`)
	wantBody(t, "a group filled again", lastSent(t, f, "/hooks/slack/group", 1), object{"group": "dba", "set": object{"users": []any{"bob", "carol"}}})

	b.click(`[data-testid=area-cards]`)
	b.see(`[data-testid=card][data-kind=modal]`)
	b.click(`[data-testid=card] [data-action-id=approve]`)
	b.click(`[data-testid=area-calls]`)
	b.text(`[data-testid=call][data-method="views.open"]`, "expired_trigger_id")
	b.click(`[data-testid=calls-tab-envelopes]`)
	b.text(`[data-testid=envelope][data-type=slash_commands]`, "1.2 ms")

	b.click(`[data-testid=room-home]`)
	wantBody(t, "the Home tab", lastSent(t, f, "/hooks/slack/home", 1), object{"user": "ann"})
	if got := f.sent("/hooks/slack/action"); len(got) != 0 {
		t.Errorf("a card of the gallery was sent: %v", got)
	}
}

// testGuide leads somebody who has never seen the bot.
func testGuide(t *testing.T, w *browser) {
	b, f := show(t, w, func(f *fake) {
		f.change(func(s object) { s["channels"].([]any)[0].(object)["messages"] = []any{} })
	})
	b.text(`[data-testid=guide-text]`, "You are Ann Lee. Type /redis-upgrade")
	b.click(`[data-testid=guide-type]`)
	if got := eval[string](b, `document.querySelector('[data-testid=composer]').value`); strings.TrimSpace(got) != "/redis-upgrade" {
		t.Errorf("the hint typed %q", got)
	}
	// card puts the newest message of the story there.
	card := func(kind, state string, elements ...any) {
		f.change(func(s object) {
			room := s["channels"].([]any)[0].(object)
			room["messages"] = append(room["messages"].([]any), object{"ts": fmt.Sprintf("17900020%02d.000100", len(room["messages"].([]any))), "user": "UBOT", "text": "a card",
				"metadata": object{"event_type": "redis_upgrade", "event_payload": object{"kind": kind, "state": state}},
				"blocks":   []any{object{"type": "actions", "block_id": "actions", "elements": elements}}})
		})
	}
	revert := object{"type": "button", "action_id": "revert", "text": object{"type": "plain_text", "text": "Revert…"}}
	card("upgrade", "done", revert)
	b.text(`[data-testid=guide-text]`, "as Dan (on-call) click Revert…")
	b.click(`[data-testid=guide-dan]`)
	b.text(`[data-testid=guide-text]`, "you are Dan (on-call), click Revert…")
	card("revert", "proposed")
	b.text(`[data-testid=guide-text]`, "Dan (on-call) counts as one of the two")
	b.see(`[data-testid=guide-bob]`)
	card("revert", "done")
	b.text(`[data-testid=guide-text]`, "Back on the old version")
	card("revert", "failed")
	b.text(`[data-testid=guide-text]`, "The revert failed. Its card in the thread says what to do.")
}

// say adds messages of one person to the channel at once.
func say(f *fake, user string, ts ...string) {
	f.change(func(s object) {
		room := s["channels"].([]any)[0].(object)
		for _, t := range ts {
			room["messages"] = append(room["messages"].([]any), object{"ts": t, "user": user, "text": strings.Repeat("news\n", 8)})
		}
	})
}

// testFollow reads while messages arrive close together.
func testFollow(t *testing.T, w *browser) {
	b, f := show(t, w, nil)
	const feed = `document.querySelector('[data-testid=feed]')`
	const atEnd = feed + `.scrollHeight - ` + feed + `.scrollTop - ` + feed + `.clientHeight < 4`
	at := func(n int) string { return fmt.Sprintf("17900010%02d.000100", n) }
	seen := func(n int) { b.see(chromedp.CSS(`[data-testid=feed] [data-ts="` + at(n) + `"]`)) }
	b.until(atEnd)
	for n := 0; n < 20; n += 2 {
		say(f, "UBOT", at(n))
		seen(n) // the next arrives in the midst of what the page does about this one
		say(f, "UBOT", at(n+1))
	}
	seen(19)
	b.until(atEnd)

	eval[bool](b, `(() => { `+feed+`.scrollTop = 0; return true; })()`)
	b.until(`!` + feed + `.classList.contains('at-end')`)
	say(f, "U0BOB", at(20))
	b.see(`[data-testid=feed-new]`)
	if got := eval[float64](b, feed+`.scrollTop`); got > 1 {
		t.Errorf("somebody who reads older messages was taken to %v", got)
	}
	b.click(`[data-testid=feed-new]`)
	b.until(atEnd)
	b.until(`document.querySelector('[data-testid=feed-new]').hidden`)

	eval[bool](b, `(() => { `+feed+`.scrollTop = 0; return true; })()`)
	b.until(`!` + feed + `.classList.contains('at-end')`)
	say(f, "U0ANN", at(21))
	seen(21)
	b.until(atEnd)
}

// testFaultsOn shows that something was broken on purpose, and where.
func testFaultsOn(t *testing.T, w *browser) {
	b, _ := show(t, w, nil)
	b.text(`[data-testid=faults-on]`, "2 faults on")
	b.click(`[data-testid=faults-on]`)
	b.see(`[data-testid=fault][data-fault=upgrade_failed]`)
	b.typeIn(`[data-testid=fault-find]`, "no such thing")
	b.text(`[data-testid=faults-none-slack]`, "No fault of Slack has “no such thing”")
	b.text(`[data-testid=faults-none-cloud]`, "No fault of Redis Cloud")
}

// testSmallWindow looks for what is covered or squeezed at 900 by 700.
func testSmallWindow(t *testing.T, w *browser) {
	b, _ := show(t, w, nil)
	b.do("shrink the window", chromedp.EmulateViewport(900, 700))
	b.click(`[data-testid=open-thread][data-ts="` + cardTS + `"]`)
	b.see(`[data-testid=thread] [data-action-id=approve]`)
	// own tells whether what css finds can be clicked in its middle.
	own := func(css string) {
		t.Helper()
		b.until(`(() => {
			const el = document.querySelector(` + quote(css) + `), r = el?.getBoundingClientRect();
			return r && r.right <= innerWidth && el.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2));
		})()`)
	}
	own(`[data-testid=thread-close]`)
	own(`[data-testid=guide-text]`)
	if got := eval[float64](b, `document.querySelector('[data-testid=guide]').offsetHeight`); got > 100 {
		t.Errorf("the guide is %v high", got)
	}
	b.click(`[data-testid=person-carol]`)
	b.click(`[data-testid=thread-close]`)
	b.until(`document.querySelector('[data-testid=composer]').clientHeight > 20`)

	b.click(`[data-testid=area-cloud]`)
	b.click(`[data-testid=database][data-name=orders-prod]`)
	own(`[data-testid=database-detail-close]`)
	own(`[data-testid=database][data-name=cache-prod] .status`)
	b.click(`[data-testid=database-detail-close]`)
	b.until(`document.querySelector('[data-testid=database-detail]').hidden`)

	b.click(`[data-testid=area-faults]`)
	b.see(`[data-testid=fault]`)
	if got := eval[int](b, `[...document.querySelectorAll('.fault')].filter((f) => f.querySelector('.fault-main').getBoundingClientRect().right > f.querySelector('.fault-how').getBoundingClientRect().left
		|| f.querySelector('.fault-main').scrollWidth > f.querySelector('.fault-main').clientWidth).length`); got > 0 {
		t.Errorf("the texts of %d faults run under their inputs", got)
	}
}

// testPhone walks through the areas at 390 by 844: nothing is wider than the window,
// and what one acts with is in reach.
func testPhone(t *testing.T, w *browser) {
	b, _ := show(t, w, nil)
	b.do("hold a phone", chromedp.EmulateViewport(390, 844))
	for _, area := range []string{"chat", "cloud", "faults", "cards", "calls"} {
		b.click(chromedp.CSS(`[data-testid=area-` + area + `]`))
		b.until(`!document.querySelector('#area-` + area + `').hidden`)
		if got := eval[float64](b, `Math.max(document.documentElement.scrollWidth, document.querySelector('#stage').scrollWidth)`); got > 390 {
			t.Errorf("%s is %v wide", area, got)
		}
		if got := eval[float64](b, `document.querySelector('#stage').clientWidth`); got < 380 {
			t.Errorf("%s has %v to stand in", area, got)
		}
	}
	b.click(`[data-testid=area-chat]`)
	b.click(`[data-testid=person-bob]`)
	b.click(`[data-testid=open-thread][data-ts="` + cardTS + `"]`)
	b.see(`[data-testid=thread] [data-action-id=approve]`)
	b.until(`(() => {
		const el = document.querySelector('[data-testid=thread] [data-action-id=approve]');
		el.scrollIntoView({ block: 'center' });
		const r = el.getBoundingClientRect();
		return r.right <= innerWidth && el.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2));
	})()`)
}

// testManyTabs opens more tabs than a browser has connections to one host: each
// follows every change, and each can act.
func testManyTabs(t *testing.T, w *browser) {
	first, f := show(t, w, nil)
	url := strings.SplitN(eval[string](first, `location.href`), "#", 2)[0]
	tabs := []*tab{first}
	for range 6 {
		b := w.tab(t)
		b.open(url + "#area=chat&as=ann")
		b.see(`[data-testid=channel]`)
		tabs = append(tabs, b)
	}
	f.change(func(s object) {
		room := s["channels"].([]any)[0].(object)
		room["messages"] = append(room["messages"].([]any), object{"ts": "1790000700.000100", "user": "U0BOB", "text": "news"})
	})
	for _, b := range tabs {
		b.see(`[data-ts="1790000700.000100"]`)
		b.text(`.side-foot`, "connected")
	}
	f.mu.Lock()
	if f.events != 1 {
		t.Errorf("%d tabs opened %d event streams, want one", len(tabs), f.events)
	}
	f.mu.Unlock()
	tabs[6].typeIn(`[data-testid=composer]`, "still here"+kb.Enter)
	lastSent(t, f, "/hooks/slack/message", 1)
}

// testRestart lets the sandbox answer nothing for a moment and come back without
// the form, as a new one would.
func testRestart(t *testing.T, w *browser) {
	var down atomic.Bool
	b, f := show(t, w, func(f *fake) {
		f.open(decode(t, cannedModal))
		f.answer["GET /hooks/slack/state"] = func(object) (int, any) {
			if down.Load() {
				return 503, object{"error": "the bot is starting; try again in a moment"}
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			raw, _ := json.Marshal(f.state)
			return 200, json.RawMessage(raw)
		}
	})
	b.see(`[data-testid=modal]`)
	b.typeIn(`[data-action-id=reason]`, "before the sale")
	down.Store(true)
	f.open()
	b.text(`#notice`, "the bot is starting")
	down.Store(false)
	b.gone(`[data-testid=modal]`)
	b.text(`#notice`, "the open form is gone")
	b.text(`#notice`, "You had typed: “before the sale”")

	// A form that the bot takes away while all is well is no news.
	b.click(`#notice button`)
	f.open(decode(t, cannedModal))
	b.see(`[data-testid=modal]`)
	f.open()
	b.gone(`[data-testid=modal]`)
	if text := eval[string](b, `document.querySelector('#notice').textContent`); text != "" {
		t.Errorf("a closed form is mourned: %q", text)
	}
}

// testBack walks through places with the browser's own buttons.
func testBack(t *testing.T, w *browser) {
	b, _ := show(t, w, nil)
	b.click(`[data-testid=area-cloud]`)
	b.click(`[data-testid=area-calls]`)
	b.click(`[data-testid=person-bob]`)
	back := func(area string) {
		t.Helper()
		eval[bool](b, `(history.back(), true)`)
		b.until(`!document.querySelector('#area-` + area + `').hidden`)
	}
	back("cloud")
	back("chat")
	b.until(`document.querySelector('[data-testid=person-bob]').ariaChecked === 'true'`)
	b.click(`[data-testid=open-thread][data-ts="` + cardTS + `"]`)
	b.see(`[data-testid=thread]`)
	eval[bool](b, `(history.back(), true)`)
	b.until(`document.querySelector('[data-testid=thread]').hidden`)

	eval[bool](b, `(location.hash = '#area=nowhere&as=carol', true)`)
	b.until(`document.querySelector('[data-testid=person-carol]').ariaChecked === 'true'`)
	b.see(`[data-testid=channel]`)
}

// testLongChannel asks for a part of the messages, and for more on demand.
func testLongChannel(t *testing.T, w *browser) {
	b, f := show(t, w, func(f *fake) {
		f.change(func(s object) { s["channels"].([]any)[0].(object)["older"] = 300 })
	})
	ask := func(key string) string {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.asked.Get(key)
	}
	eventually(t, "a state of 200 messages", func() bool { return ask("last") == "200" })
	b.click(`[data-testid=open-thread][data-ts="` + cardTS + `"]`)
	eventually(t, "a state with the open thread", func() bool { return ask("thread") == cardTS })
	b.click(`[data-testid=older]`)
	eventually(t, "a state of more messages", func() bool { return ask("last") == "1000" })
}
