package scenario

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Player plays files against one sandbox. The zero value of everything but URL
// works.
type Player struct {
	// URL is the sandbox's address, without a slash at the end.
	URL string
	// Client reaches it. Default http.DefaultClient.
	Client *http.Client
	// Patience is how long a sentence that looks waits to become true. Default
	// 30 s.
	Patience time.Duration
	// Look is the time between two looks. Default 15 ms.
	Look time.Duration
	// Log hears every line before it is played. Default: nobody.
	Log func(format string, args ...any)
}

// play is one run of one file.
type play struct {
	Player
	card  string            // ts of "the card"
	actor string            // who acted last
	marks map[string]string // by person: the last message before their latest act
	names map[int]string    // every database id ever seen
	noted map[string]noted  // by database
	speed float64           // before time slowed down
}

// Play runs the file to its end or its first failure, which names file and
// line. The sandbox's bot must be ready or become so within the patience.
func (p Player) Play(ctx context.Context, f File) error {
	p.Client = cmp.Or(p.Client, http.DefaultClient)
	p.Patience = cmp.Or(p.Patience, 30*time.Second)
	p.Look = cmp.Or(p.Look, 15*time.Millisecond)
	if p.Log == nil {
		p.Log = func(string, ...any) {}
	}
	run := &play{Player: p, marks: map[string]string{}, names: map[int]string{}, noted: map[string]noted{}}
	err := run.until(ctx, func() (bool, string, error) {
		err := run.meet(ctx)
		return err == nil, fmt.Sprint(err), nil
	})
	if err != nil {
		return fmt.Errorf("%s: the sandbox at %s does not answer: %w", f.Name, p.URL, err)
	}
	for _, l := range f.lines {
		p.Log("%s:%d: %s", f.Name, l.number, l.text)
		if err := l.do.do(run, ctx, l.args); err != nil {
			return fmt.Errorf("%s:%d: %s\n%w", f.Name, l.number, l.text, err)
		}
	}
	return nil
}

// until looks until it is true. have says what is there instead.
func (p *play) until(ctx context.Context, look func() (ok bool, have string, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	for {
		ok, have, err := look()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("    not so after %s; there is: %s", p.Patience, have)
		case <-time.After(p.Look):
		}
	}
}

// get reads a hook.
func (p *play) get(ctx context.Context, path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return p.ask(ctx, http.MethodGet, path, nil, into)
}

// post drives a hook.
func (p *play) post(ctx context.Context, path string, body map[string]any, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return p.ask(ctx, http.MethodPost, path, raw, into)
}

func (p *play) ask(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, p.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("    %s %s: %s: %s", method, path, resp.Status, bytes.TrimSpace(raw))
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("    %s %s: %w", method, path, err)
	}
	return nil
}
