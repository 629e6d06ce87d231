package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// pageSize is the largest page of databases, and the one always asked for
// because the default is not documented.
const pageSize = 100

// Databases returns all databases of a subscription, without passwords. An
// empty subscription is an empty list; an unknown one is ErrNotFound. Two
// databases changing places while pages are read can hide one until next time.
//
// API: Databases - Pro, getSubscriptionDatabases; - Essentials,
// getFixedSubscriptionDatabases.
func (c *Client) Databases(ctx context.Context, plan Plan, subscription int) ([]Database, error) {
	in := get("databases", fmt.Sprintf("%s/%d", plan, subscription), plan.subscription(subscription, "databases"))
	all := []Database{}
	seen := map[int]bool{}
	for offset := 0; ; {
		page, total, err := c.databasePage(ctx, in, offset)
		switch {
		case errors.Is(err, ErrNotFound) && offset > 0:
			return all, nil // Pro answers 404 past the end
		case errors.Is(err, ErrNotFound):
			// … and for an empty subscription, just as for an unknown one.
			if _, err := c.Subscription(ctx, plan, subscription); err != nil {
				return nil, err
			}
			return all, nil
		case err != nil:
			return nil, err
		}
		before := len(all)
		for i := range page {
			if id := page[i].ID.int(); id > 0 && !seen[id] {
				seen[id] = true
				all = append(all, page[i].database(plan, subscription))
			}
		}
		offset += len(page)
		if offset > maxElements {
			return nil, in.fail(errTooMany)
		}
		if len(all) == before || len(page) < pageSize && total <= offset {
			return all, nil
		}
	}
}

// databasePage reads one page. Pro wraps an array of subscriptions around it,
// Essentials one object. total is numberOfDatabases, 0 where not given.
func (c *Client) databasePage(ctx context.Context, in call, offset int) (page []wireDatabase, total int, err error) {
	type wire struct {
		Subscription list[struct {
			Total     number             `json:"numberOfDatabases"`
			Databases list[wireDatabase] `json:"databases"`
		}] `json:"subscription"`
	}
	in.query = url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(pageSize)}}
	w, err := readInto[wire](ctx, c, in)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range w.Subscription {
		page = append(page, s.Databases...)
		total += s.Total.int()
	}
	return page, total, nil
}

// Database returns one database, with its password where the API gives it.
// ErrNotFound once it is deleted.
//
// API: Databases - Pro and - Essentials, getSubscriptionDatabaseByID.
func (c *Client) Database(ctx context.Context, ref Ref) (Database, error) {
	in := get("database", ref.String(), ref.path())
	w, err := readInto[wireDatabase](ctx, c, in)
	if err != nil {
		return Database{}, err
	}
	if w.ID.int() != ref.Database {
		return Database{}, in.fail(fmt.Errorf("answer is about database %d", w.ID.int()))
	}
	return w.database(ref.Plan, ref.Subscription), nil
}

// Delete deletes a database and its data; the subscription stays. Irreversible.
// It is gone when Database answers ErrNotFound.
//
// API: Databases - Pro, deleteDatabaseById; - Essentials, deleteFixedDatabaseByID_1.
func (c *Changes) Delete(ctx context.Context, ref Ref) (Task, error) {
	return c.sendTask(ctx, call{what: "deletion", on: ref.String(), method: http.MethodDelete, path: ref.path()})
}
