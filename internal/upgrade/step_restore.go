package upgrade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/words"
)

// capture tests the gates once more, reads password, source IPs, roles and tags
// right before the door is closed (older ones could bring back what was revoked
// meanwhile), seals the secrets, and opens them once as a test.
func (e *Engine) capture(ctx context.Context, l *lease) (answer, error) {
	s := l.s
	_, db, g, err := e.compare(ctx, s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("capture settings: %w", err)
	case g.stop != nil && (g.stop.passes || g.stop.Code == NotAllowed) && e.now().Sub(s.Updated) < e.cfg.Patience:
		e.calls.ObserveWithActor(ctx, l, g.stop.Text, s.Plan.Ref())
		return later(e.cfg.Poll), nil
	case g.stop != nil:
		return e.untouched(ctx, l, g.stop.Error())
	}
	if err := e.entitled(ctx, s); errors.Is(err, errNoWord) {
		return nil, err
	} else if err != nil {
		return e.askAgain(ctx, l, sentence(err))
	}
	w, err := e.captured(ctx, s, db)
	if err != nil {
		return nil, err
	}
	return e.learn(ctx, l, "Settings saved. Blocking client access (source IPs).", func(r *RevertWork) { r.Was = w })
}

func (e *Engine) captured(ctx context.Context, s Session, db cloud.Database) (*Captured, error) {
	password, err := e.sealer.Seal(db.Security.Password.Reveal(), s.ID, s.Plan.Database, "password")
	if err != nil {
		return nil, err
	}
	destination, err := e.sealer.Seal(db.Backup.Destination.Raw(), s.ID, s.Plan.Database, "destination")
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(db) // secrets marshal as "[secret]"
	if err != nil {
		return nil, fmt.Errorf("capture settings: %w", err)
	}
	tags, err := e.cloud.Tags(ctx, s.Plan.Ref())
	if err != nil && !errors.Is(err, cloud.ErrNotFound) && denied(err) == nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	roles, err := e.rolesNaming(ctx, s.Plan.Ref())
	if err != nil {
		return nil, err
	}
	return &Captured{Database: raw, Password: password, Destination: destination, SourceIPs: db.Security.SourceIPs, Tags: tags, Roles: roles}, nil
}

func (e *Engine) password(s Session) (string, error) {
	return e.sealer.Open(s.Revert.Was.Password, s.ID, s.Plan.Database, "password")
}

// recreateBody is the captured database on its original version, closed.
func (e *Engine) recreateBody(s Session) (cloud.Create, error) {
	var db cloud.Database
	if err := json.Unmarshal(s.Revert.Was.Database, &db); err != nil {
		return cloud.Create{}, fmt.Errorf("captured settings: %w", err)
	}
	password, err := e.password(s)
	if err != nil {
		return cloud.Create{}, err
	}
	destination, err := e.sealer.Open(s.Revert.Was.Destination, s.ID, s.Plan.Database, "destination")
	if err != nil {
		return cloud.Create{}, err
	}
	db.Security.Password, db.Backup.Destination = cloud.Secret(password), cloud.URI(destination)
	c := e.createBody(s, db)
	c.SourceIPs = closedDoor
	return c, nil
}

// buildsTheSame reports whether what was captured now would be put back like
// what the record holds.
func (e *Engine) buildsTheSame(s Session, now *Captured) (bool, error) {
	was := s.Revert.Was
	then, err := e.recreateBody(s)
	if err != nil {
		return false, err
	}
	work := *s.Revert
	work.Was, s.Revert = now, &work
	anew, err := e.recreateBody(s)
	return err == nil && reflect.DeepEqual(then, anew) && sameStored(was.Tags, now.Tags) && sameStored(was.Roles, now.Roles), err
}

// sameStored compares as the record holds it, where an empty list is none.
func sameStored[T any](a, b []T) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}

// wipingSettings puts back what flushes the database; next comes after that.
func (e *Engine) wipingSettings(ctx context.Context, l *lease, ref cloud.Ref, next func() (answer, error)) (answer, error) {
	s := l.s
	var was cloud.Database
	if err := json.Unmarshal(s.Revert.Was.Database, &was); err != nil {
		return nil, err
	}
	if was.HashingPolicy != "custom" || s.Call != nil && s.Call.Key == callImport {
		return next()
	}
	same := func(db cloud.Database) bool { return slices.Equal(db.RegexRules, was.RegexRules) }
	change := func(Session) (cloud.Update, error) { return cloud.Update{RegexRules: &was.RegexRules}, nil }
	return e.insist(ctx, l, e.updateCall(callRules, "sharding rules of "+s.Plan.Name, ref, change, same), means{
		stopped: func(g gate) (answer, error) { return e.stuck(ctx, l, g.stop.Error()) },
		failed: func(c *Call) (answer, error) {
			return e.stuck(ctx, l, "The sharding rules could not be set: "+c.Error)
		},
		done: next,
	})
}

// stepRestoring verifies the import, puts default user, tags and roles back,
// and opens the door last.
func (e *Engine) stepRestoring(ctx context.Context, l *lease) (answer, error) {
	s := l.s
	ref, err := cloud.ParseRef(s.Revert.NewRef)
	if err != nil {
		return nil, err
	}
	if len(s.Revert.After) == 0 {
		return e.verifyImport(ctx, l, ref)
	}
	var was cloud.Database
	if err := json.Unmarshal(s.Revert.Was.Database, &was); err != nil {
		return nil, err
	}
	for _, setting := range []struct {
		name string
		put  func(restored) (answer, error)
	}{
		{"default user", func(p restored) (answer, error) { return e.putDefaultUser(ctx, l, ref, was, p) }},
		{"tags", func(p restored) (answer, error) { return e.putTags(ctx, l, ref, p) }},
		{"roles", func(p restored) (answer, error) { return e.putRoles(ctx, l, ref, p) }},
	} {
		if slices.Contains(s.Revert.After, setting.name) {
			continue
		}
		return setting.put(func(loose string) (answer, error) {
			return e.learn(ctx, l, "", func(w *RevertWork) {
				w.After = append(w.After, setting.name)
				w.leave(loose)
			})
		})
	}
	return e.openDoor(ctx, l, ref)
}

// restored notes that a setting is put back, or what a person has to do in its place:
// the door opens all the same.
type restored func(loose string) (answer, error)

// orLoose is what the end of a call means that puts a setting back; sorry begins what a
// person is told where it could not be.
func (p restored) orLoose(sorry string) means {
	return means{
		stopped: func(g gate) (answer, error) { return p(sorry + g.stop.Text) },
		failed:  func(c *Call) (answer, error) { return p(sorry + c.Error) },
		done:    func() (answer, error) { return p("") },
	}
}

// verifyImport reads the recreated database back before anybody is let in.
func (e *Engine) verifyImport(ctx context.Context, l *lease, ref cloud.Ref) (answer, error) {
	s := l.s
	db, err := e.cloud.Database(ctx, ref)
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return e.failRevert(ctx, l, "Somebody deleted the new database. "+remains(s))
	case err != nil:
		return nil, err
	case db.Failed():
		return e.stuck(ctx, l, "Redis Cloud shows the new database as "+db.Status)
	case !db.Active():
		return later(e.cfg.Poll), nil
	case !sameVersion(db.Version, s.Plan.To):
		return e.stuck(ctx, l, fmt.Sprintf("The recreated database reads %s, not %s", db.Version, s.Plan.To))
	case db.Port != s.Revert.Snapshot.Port:
		return e.stuck(ctx, l, fmt.Sprintf("The recreated database is on port %d, not %d", db.Port, s.Revert.Snapshot.Port))
	}
	note := fmt.Sprintf("Verified: version %s, port %d, import reported as succeeded.", db.Version, db.Port)
	return e.learn(ctx, l, note, func(w *RevertWork) { w.After = append(w.After, "verified") })
}

// putDefaultUser sets the password that the database had, in place of the one by which
// it is known as ours, and then switches the default user off where it was.
func (e *Engine) putDefaultUser(ctx context.Context, l *lease, ref cloud.Ref, was cloud.Database, back restored) (answer, error) {
	if !slices.Contains(l.s.Revert.After, "password") {
		return e.putPassword(ctx, l, ref)
	}
	if was.Security.DefaultUser {
		return back("")
	}
	off := false
	same := func(db cloud.Database) bool { return !db.Security.DefaultUser }
	change := func(Session) (cloud.Update, error) { return cloud.Update{DefaultUser: &off}, nil }
	o := e.updateCall(callDefaultUser, "default user of "+l.s.Plan.Name, ref, change, same)
	return e.persist(ctx, l, o, back.orLoose("the default user could not be disabled: "))
}

// putPassword gives the database back the password that its clients know. Without it
// nobody could connect, so a failure ends the revert before the door opens.
func (e *Engine) putPassword(ctx context.Context, l *lease, ref cloud.Ref) (answer, error) {
	real, err := e.password(l.s)
	if err != nil && !errors.Is(err, ErrSeal) { // that waits in persist, and says so
		return nil, err
	}
	password := cloud.Secret(real)
	same := func(db cloud.Database) bool { return db.Security.Password == password }
	change := func(Session) (cloud.Update, error) { return cloud.Update{Password: &password}, nil }
	sorry := "The password of the default user could not be put back: "
	return e.insist(ctx, l, e.updateCall(callPassword, "password of "+l.s.Plan.Name, ref, change, same), means{
		stopped: func(g gate) (answer, error) {
			if g.stop.Code == NotFound {
				return e.failRevert(ctx, l, "Somebody deleted the new database. "+remains(l.s))
			}
			return e.stuck(ctx, l, sorry+g.stop.Text)
		},
		failed: func(c *Call) (answer, error) { return e.stuck(ctx, l, sorry+c.Error) },
		done: func() (answer, error) {
			return e.learn(ctx, l, "", func(w *RevertWork) { w.After = append(w.After, "password") })
		},
	})
}

// tagsCall puts the tags back. It is synchronous and replaces the whole list.
func (e *Engine) tagsCall(s Session, ref cloud.Ref) outside {
	same := func(ctx context.Context) (bool, error) {
		now, err := e.cloud.Tags(ctx, ref)
		return sameTags(now, s.Revert.Was.Tags), err
	}
	return outside{
		key: callTags, ref: ref, label: "tags of " + s.Plan.Name, needs: ModeFull, rush: true,
		ready: func(ctx context.Context, _ *lease) (Before, gate, error) {
			g, err := e.atRest(ctx, ref)
			return Before{Known: true}, g, err
		},
		request: func(_ context.Context, s Session) (calls.Request, error) {
			return calls.Tags(ref, s.Revert.Was.Tags), nil
		},
		effect: func(ctx context.Context, l *lease, _ cloud.Task) (calls.Verdict, error) {
			is, err := same(ctx)
			switch {
			case errors.Is(err, cloud.ErrNotFound) || denied(err) != nil:
				return calls.Verdict{Outcome: Broke, Text: "they cannot be read back: " + err.Error()}, nil
			case err != nil:
				return calls.Verdict{}, err
			case is:
				return calls.Verdict{Outcome: Happened}, nil
			case e.calls.Overdue(l.s.Call):
				return calls.Verdict{Outcome: Broke, Text: "Redis Cloud took them, but those read back are others"}, nil
			}
			return calls.Verdict{}, nil
		},
		trace: func(ctx context.Context, _ *lease) (calls.Finding, error) {
			is, err := same(ctx)
			switch {
			case errors.Is(err, cloud.ErrNotFound) || denied(err) != nil:
				return calls.Found, nil // effect ends it
			case err != nil:
				return "", err
			case is:
				return calls.Found, nil
			}
			return calls.NotFound, nil
		},
	}
}

// sameTags compares tags whatever their order.
func sameTags(a, b []cloud.Tag) bool {
	of := func(tags []cloud.Tag) map[string]string {
		out := map[string]string{}
		for _, t := range tags {
			out[t.Key] = t.Value
		}
		return out
	}
	return maps.Equal(of(a), of(b))
}

// putTags puts the tags back; what cannot be put back is left for a person.
func (e *Engine) putTags(ctx context.Context, l *lease, ref cloud.Ref, back restored) (answer, error) {
	if len(l.s.Revert.Was.Tags) == 0 {
		return back("")
	}
	return e.persist(ctx, l, e.tagsCall(l.s, ref), back.orLoose("the tags were not put back: "))
}

func (e *Engine) openDoor(ctx context.Context, l *lease, ref cloud.Ref) (answer, error) {
	return e.sourceIPs(ctx, l, callOpenDoor, ref, func(problem string) (answer, error) {
		return e.lastLook(ctx, l, ref, problem)
	})
}

// lastLook reads the database once more after the door was opened, or could not be
// opened for a problem: what is called done is.
func (e *Engine) lastLook(ctx context.Context, l *lease, ref cloud.Ref, problem string) (answer, error) {
	s := l.s
	db, err := e.cloud.Database(ctx, ref)
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return e.failRevert(ctx, l, "The data was back, but now the database does not exist any more: somebody deleted it. "+remains(s))
	case err != nil:
		return nil, fmt.Errorf("look at the database a last time: %w", err)
	case problem != "":
		return e.stuck(ctx, l, "The data is back, but client access could not be restored: "+problem+". Set the source IPs by hand")
	case !sameVersion(db.Version, s.Plan.To):
		return e.failRevert(ctx, l, fmt.Sprintf("Everything was restored, client access included, but %s reads %s now, not %s: somebody else changed it. %s",
			s.Plan.Name, db.Version, s.Plan.To, remains(s)))
	case db.Failed():
		return e.failRevert(ctx, l, fmt.Sprintf("Everything was restored, client access included, but %s reads status %s now. %s", s.Plan.Name, db.Status, remains(s)))
	case !db.Active():
		return later(e.cfg.StatusEvery), nil // not called done in transition
	}
	note := fmt.Sprintf("Done: %s is back on %s at %s with the data of %s. Its id is now %d (was %d).",
		s.Plan.Name, s.Plan.To, s.Revert.Endpoint, words.Instant(s.Revert.BackupAt), ref.Database, s.Plan.Ref().Database)
	theirs := foreignDoor(s, db)
	_, err = e.close(ctx, s, move{event: Finish, note: note}, func(b *Body) { b.Revert.leave(theirs) })
	return moved{}, err
}

// sourceIPs puts the captured source addresses back, unless somebody else has
// set some since the door was closed: what they let in or keep out is theirs.
func (e *Engine) sourceIPs(ctx context.Context, l *lease, key string, ref cloud.Ref, next func(problem string) (answer, error)) (answer, error) {
	want := l.s.Revert.Was.SourceIPs
	if c := l.s.Call; c == nil || c.Key != key {
		db, err := e.cloud.Database(ctx, ref)
		if err != nil && !errors.Is(err, cloud.ErrNotFound) {
			return nil, err
		}
		if err == nil && !sameAddresses(db.Security.SourceIPs, closedDoor) {
			return next("")
		}
	}
	same := func(db cloud.Database) bool { return sameAddresses(db.Security.SourceIPs, want) }
	change := func(Session) (cloud.Update, error) { return cloud.Update{SourceIPs: &want}, nil }
	return e.insist(ctx, l, e.updateCall(key, "restoration of client access to "+l.s.Plan.Name, ref, change, same), means{
		stopped: func(g gate) (answer, error) { return next(g.stop.Text) },
		failed:  func(c *Call) (answer, error) { return next(c.Error) },
		done:    func() (answer, error) { return next("") },
	})
}

// stepReopening opens the door again after giving up before the delete.
func (e *Engine) stepReopening(ctx context.Context, l *lease) (answer, error) {
	s := l.s
	if _, err := e.cloud.Database(ctx, s.Plan.Ref()); errors.Is(err, cloud.ErrNotFound) {
		return e.missing(ctx, l, s.Problem)
	} else if err != nil {
		return nil, fmt.Errorf("read the database: %w", err)
	}
	if s.Revert.Was == nil {
		return e.reopened(ctx, l)
	}
	return e.sourceIPs(ctx, l, callReopenDoor, s.Plan.Ref(), func(problem string) (answer, error) {
		if problem != "" {
			return e.failRevert(ctx, l, "Client access to "+s.Plan.Name+" could not be restored: "+problem+
				". Set its source IPs by hand to "+strings.Join(s.Revert.Was.SourceIPs, ", ")+".")
		}
		return e.reopened(ctx, l)
	})
}

// reopened ends a revert that was given up, or puts it to people once more.
func (e *Engine) reopened(ctx context.Context, l *lease) (answer, error) {
	s, door := l.s, "Client access is restored"
	db, err := e.cloud.Database(ctx, s.Plan.Ref())
	if errors.Is(err, cloud.ErrNotFound) {
		return e.missing(ctx, l, s.Problem)
	}
	if err != nil {
		return nil, fmt.Errorf("read the source addresses: %w", err)
	}
	if theirs := foreignDoor(s, db); theirs != "" {
		door = upperFirst(theirs)
	}
	switch {
	case s.CancelBy != "":
		return e.calledOff(ctx, l, door+". Nothing was deleted.")
	case s.Revert.AskAgain != "":
		return e.askAgain(ctx, l, door+"; nothing was deleted. "+s.Revert.AskAgain)
	}
	return e.failRevert(ctx, l, s.Problem+" "+door+"; nothing was deleted.")
}

// foreignDoor says which source addresses somebody else set while the door was
// closed; empty: the captured ones are there.
func foreignDoor(s Session, db cloud.Database) string {
	if s.Revert.Was == nil || sameAddresses(db.Security.SourceIPs, s.Revert.Was.SourceIPs) {
		return ""
	}
	return fmt.Sprintf("somebody set the source addresses to %s meanwhile, and they were left so; they were %s",
		strings.Join(db.Security.SourceIPs, ", "), strings.Join(s.Revert.Was.SourceIPs, ", "))
}

// sameAddresses compares lists of source addresses, whatever their order. None
// means everybody, and is shown as such.
func sameAddresses(a, b []string) bool {
	all := func(list []string) []string {
		if len(list) == 0 {
			return []string{"0.0.0.0/0"}
		}
		return slices.Sorted(slices.Values(list))
	}
	return slices.Equal(all(a), all(b))
}
