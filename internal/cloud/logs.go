package cloud

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// LogEntry is one line of the account's system log. Text is free text.
type LogEntry struct {
	ID         int
	At         time.Time
	Originator string
	APIKey     string // the key's name
	Type       string
	Resource   string
	ResourceID int
	Text       string
}

// LogQuery narrows Logs; zero fields do not.
type LogQuery struct {
	Offset, Limit int // Limit 1-1000, default 100
	From, To      time.Time
	Resource      int // a database's or subscription's id
}

// Logs returns a page of the account's system log, newest first.
//
// API: Account, getAccountSystemLogs.
func (c *Client) Logs(ctx context.Context, q LogQuery) ([]LogEntry, error) {
	type wire struct {
		Entries list[struct {
			ID         number `json:"id"`
			At         moment `json:"time"`
			Originator text   `json:"originator"`
			APIKey     text   `json:"apiKeyName"`
			Type       text   `json:"type"`
			Resource   text   `json:"resource"`
			ResourceID number `json:"resourceId"`
			Text       text   `json:"description"`
		}] `json:"entries"`
	}
	in := get("system log", "", "/logs")
	in.query = q.values()
	w, err := readInto[wire](ctx, c, in)
	if err != nil {
		return nil, err
	}
	entries := make([]LogEntry, 0, len(w.Entries))
	for _, e := range w.Entries {
		entries = append(entries, LogEntry{
			ID: e.ID.int(), At: e.At.Time, Originator: string(e.Originator), APIKey: string(e.APIKey),
			Type: string(e.Type), Resource: string(e.Resource), ResourceID: e.ResourceID.int(), Text: c.scrub(string(e.Text), nil),
		})
	}
	return entries, nil
}

func (q LogQuery) values() url.Values {
	v := url.Values{}
	for name, n := range map[string]int{"offset": q.Offset, "limit": q.Limit, "resourceId": q.Resource} {
		if n > 0 {
			v.Set(name, strconv.Itoa(n))
		}
	}
	for name, t := range map[string]time.Time{"startTime": q.From, "endTime": q.To} {
		if !t.IsZero() {
			v.Set(name, t.UTC().Format(time.RFC3339))
		}
	}
	return v
}
