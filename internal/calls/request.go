package calls

import (
	"context"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Request is one request that changes Redis Cloud. Its constructors are all there are.
type Request struct {
	ref   cloud.Ref // the database that it changes; of a create, one of its subscription
	fresh bool      // it changes no database that is there
	send  func(context.Context, *cloud.Changes) (cloud.Task, error)
}

// Backup takes a backup at the destination that the database's settings name.
func Backup(ref cloud.Ref) Request {
	return Request{ref: ref, send: func(ctx context.Context, c *cloud.Changes) (cloud.Task, error) { return c.StartBackup(ctx, ref, "") }}
}

// Upgrade moves a database to a newer version.
func Upgrade(ref cloud.Ref, to string) Request {
	return Request{ref: ref, send: func(ctx context.Context, c *cloud.Changes) (cloud.Task, error) { return c.StartUpgrade(ctx, ref, to) }}
}

// Create makes a database in the subscription of parent.
func Create(parent cloud.Ref, body cloud.Create) Request {
	return Request{ref: parent, fresh: true, send: func(ctx context.Context, c *cloud.Changes) (cloud.Task, error) {
		return c.Create(ctx, parent.Plan, parent.Subscription, body)
	}}
}

// Update changes settings of a database.
func Update(ref cloud.Ref, u cloud.Update) Request {
	return Request{ref: ref, send: func(ctx context.Context, c *cloud.Changes) (cloud.Task, error) { return c.Update(ctx, ref, u) }}
}

// Delete deletes a database and its data.
func Delete(ref cloud.Ref) Request {
	return Request{ref: ref, send: func(ctx context.Context, c *cloud.Changes) (cloud.Task, error) { return c.Delete(ctx, ref) }}
}

// Import overwrites a database with backup files.
func Import(ref cloud.Ref, uris []string) Request {
	return Request{ref: ref, send: func(ctx context.Context, c *cloud.Changes) (cloud.Task, error) {
		return c.StartImport(ctx, ref, cloud.SourceTypeOf(uris[0]), uris)
	}}
}

// Tags replaces the tags of a database. It is synchronous: its task has no id.
func Tags(ref cloud.Ref, tags []cloud.Tag) Request {
	return Request{ref: ref, send: func(ctx context.Context, c *cloud.Changes) (cloud.Task, error) {
		return cloud.Task{}, c.SetTags(ctx, ref, tags)
	}}
}

// Role changes an ACL role, to bind it to the database ref.
func Role(ref cloud.Ref, role cloud.Role) Request {
	return Request{ref: ref, send: func(ctx context.Context, c *cloud.Changes) (cloud.Task, error) { return c.UpdateRole(ctx, role) }}
}
