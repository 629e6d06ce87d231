// Package web is the sandbox's browser page: a chat in which the built-in
// people use the bot, the emulated cloud beside it, a switch for every bad
// day, and a gallery of all cards.
//
// The page is plain HTML, CSS and ES modules under assets/, embedded in the
// binary, with no build step and nothing loaded from elsewhere. It knows only
// the hooks (docs/sandbox.md), the same ones that end-to-end tests drive, so a
// click in the page and a line in a test take one path. It never computes what
// the bot would say: state is fetched, drawn, and fetched again whenever
// /events says that something changed.
//
// Outside strings become text nodes, never HTML, and the content security
// policy forbids inline scripts, so a hostile database name stays a name.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"net/url"
)

//go:embed assets
var assets embed.FS

// Config says what the page stands on. The zero value serves a page that can
// only say that nothing answers.
type Config struct {
	// Hooks answers everything under /hooks/. Nil leaves those paths to an
	// outer mux.
	Hooks http.Handler

	// Events subscribes to changes: one poke for every change of anything the
	// hooks show, and a function that ends the subscription. Pokes may be
	// dropped while one is pending. Nil means that the page polls.
	Events func() (<-chan struct{}, func())

	// Gallery is the JSON list behind the "Cards" area:
	// [{"name","note","kind":"message"|"modal"|"home","blocks":[…]|"view":{…}}].
	// Nil means an empty list.
	Gallery []byte

	// Speed is how many times faster emulated minutes pass, told to the page
	// with every event. Nil means 1.
	Speed func() float64
}

// policy lets the page run its own modules only. Pictures may come from
// anywhere, because image blocks name their own addresses.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"connect-src 'self'; img-src 'self' data: https: http:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// Handler serves the page at /, its files under /assets/, the change stream at
// /events, links to messages under /archives/, and the hooks under /hooks/ when the configuration holds them. It is
// safe for concurrent use.
func Handler(c Config) http.Handler {
	files, err := fs.Sub(assets, "assets")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return handler(c, files)
}

// handler is Handler over any copy of the page's files.
func handler(c Config, files fs.FS) http.Handler {
	if c.Speed == nil {
		c.Speed = func() float64 { return 1 }
	}
	if c.Gallery == nil {
		c.Gallery = []byte("[]")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "page.html")
	})
	mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(files)))
	mux.HandleFunc("GET /assets/gallery.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(c.Gallery)
	})
	mux.HandleFunc("GET /archives/{channel}/{message}", permalink)
	mux.Handle("GET /events", &stream{subscribe: c.Events, speed: c.Speed})
	if c.Hooks != nil {
		mux.Handle("/hooks/", c.Hooks)
	}
	return guard(mux)
}

// permalink leads from the address that chat.getPermalink hands out to the page
// at that message's thread.
// https://docs.slack.dev/reference/methods/chat.getPermalink
func permalink(w http.ResponseWriter, r *http.Request) {
	place := url.Values{"area": {"chat"}, "room": {r.PathValue("channel")}}
	if thread := r.URL.Query().Get("thread_ts"); thread != "" {
		place.Set("thread", thread)
	}
	http.Redirect(w, r, "/#"+place.Encode(), http.StatusFound)
}

// guard sets the headers that every answer of the page carries. Files are
// never cached: a rebuilt sandbox must not meet yesterday's modules.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
