package scenario

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// database is one as the hooks show it.
type database struct {
	ID        int               `json:"id"`
	Name      string            `json:"name"`
	Version   string            `json:"redis_version"`
	Status    string            `json:"status"`
	Port      int               `json:"port"`
	Endpoint  string            `json:"endpoint"`
	Keys      int               `json:"keys"`
	Digest    string            `json:"digest"`
	SourceIPs []string          `json:"source_ips"`
	Open      bool              `json:"open"`
	Tags      map[string]string `json:"tags"`
}

// noted is what "note DATABASE" remembers.
type noted struct {
	database
	keys map[string]string
}

// meet learns the names of all databases there are now.
func (p *play) meet(ctx context.Context) error {
	_, err := p.databases(ctx)
	return err
}

func (p *play) databases(ctx context.Context) ([]database, error) {
	var all []database
	err := p.get(ctx, "/hooks/cloud/databases", nil, &all)
	for _, d := range all {
		p.names[d.ID] = d.Name
	}
	return all, err
}

func (p *play) database(ctx context.Context, name string) (database, error) {
	all, err := p.databases(ctx)
	if err != nil {
		return database{}, err
	}
	for _, d := range all {
		if d.Name == name {
			return d, nil
		}
	}
	return database{}, fmt.Errorf("    there is no database %s", name)
}

func (p *play) keys(ctx context.Context, name string) (map[string]string, error) {
	var answer struct {
		Keys map[string]string `json:"keys"`
	}
	err := p.get(ctx, "/hooks/cloud/keys", url.Values{"name": {name}}, &answer)
	return answer.Keys, err
}

func (p *play) runs(ctx context.Context, args []string) error {
	return p.until(ctx, func() (bool, string, error) {
		d, err := p.database(ctx, args[0])
		return d.Version == args[1], d.Version + " (" + d.Status + ")", err
	})
}

func (p *play) note(ctx context.Context, args []string) error {
	d, err := p.database(ctx, args[0])
	if err != nil {
		return err
	}
	keys, err := p.keys(ctx, args[0])
	p.noted[args[0]] = noted{d, keys}
	return err
}

// remembered is what was noted of a database, and what it is now.
func (p *play) remembered(ctx context.Context, name string) (noted, database, error) {
	was, ok := p.noted[name]
	if !ok {
		return was, database{}, fmt.Errorf("    nothing was noted; write: note %s", name)
	}
	now, err := p.database(ctx, name)
	return was, now, err
}

func (p *play) notedKeys(ctx context.Context, args []string) error {
	was, _, err := p.remembered(ctx, args[0])
	if err != nil {
		return err
	}
	now, err := p.keys(ctx, args[0])
	if err != nil {
		return err
	}
	var wrong []string
	for _, key := range slices.Sorted(maps.Keys(was.keys)) {
		if value, ok := now[key]; !ok {
			wrong = append(wrong, key+" is missing")
		} else if value != was.keys[key] {
			wrong = append(wrong, fmt.Sprintf("%s is %q and was %q", key, value, was.keys[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if _, ok := was.keys[key]; !ok {
			wrong = append(wrong, key+" is new")
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("    %d of %d keys differ: %s", len(wrong), len(was.keys), shown(strings.Join(wrong[:min(len(wrong), 10)], "\n")))
	}
	return nil
}

func (p *play) notedPlace(ctx context.Context, args []string) error {
	was, now, err := p.remembered(ctx, args[0])
	if err != nil {
		return err
	}
	place := func(d database) string {
		return fmt.Sprintf("port %d, endpoint %s, addresses %v, tags %v", d.Port, d.Endpoint, d.SourceIPs, d.Tags)
	}
	if place(was.database) != place(now) {
		return fmt.Errorf("    was: %s\n    is:  %s", place(was.database), place(now))
	}
	return nil
}

func (p *play) newID(ctx context.Context, args []string) error {
	was, now, err := p.remembered(ctx, args[0])
	if err == nil && was.ID == now.ID {
		err = fmt.Errorf("    it still has the id %d", now.ID)
	}
	return err
}

func (p *play) door(ctx context.Context, name string, open bool) error {
	return p.until(ctx, func() (bool, string, error) {
		d, err := p.database(ctx, name)
		return d.Open == open, fmt.Sprintf("%v", d.SourceIPs), err
	})
}

func (p *play) doorOpen(ctx context.Context, args []string) error { return p.door(ctx, args[0], true) }
func (p *play) doorClosed(ctx context.Context, args []string) error {
	return p.door(ctx, args[0], false)
}

// console acts as somebody in the cloud console.
func (p *play) console(ctx context.Context, name string, set object) error {
	return p.post(ctx, "/hooks/cloud/database", object{"name": name, "set": set}, &object{})
}

func (p *play) writesKey(ctx context.Context, args []string) error {
	return p.console(ctx, args[1], object{"keys": object{args[0]: "written by somebody"}})
}

func (p *play) deletes(ctx context.Context, args []string) error {
	return p.console(ctx, args[0], object{"delete": true})
}

func (p *play) upgrades(ctx context.Context, args []string) error {
	return p.console(ctx, args[0], object{"redis_version": args[1]})
}

// program is something that writes to a database.
type program struct {
	Name      string `json:"name"`
	Address   string `json:"address"`
	Connected bool   `json:"connected"`
	Refused   string `json:"refused"`
	Database  string `json:"database"`
}

// programs are those that are made for a database, whatever they reach now.
func (p *play) programs(ctx context.Context, name string) ([]program, error) {
	var all []program
	if err := p.get(ctx, "/hooks/cloud/applications", nil, &all); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(a program) bool { return a.Database != name && a.Name != name+"-app" })
	if len(all) == 0 {
		return nil, fmt.Errorf("    nothing writes to %s", name)
	}
	return all, nil
}

func (p *play) programsConnected(ctx context.Context, args []string) error {
	return p.until(ctx, func() (bool, string, error) {
		all, err := p.programs(ctx, args[0])
		i := slices.IndexFunc(all, func(a program) bool { return !a.Connected })
		if err != nil || i < 0 {
			return err == nil, "", err
		}
		return false, all[i].Name + ": " + all[i].Refused, nil
	})
}

func (p *play) cloudFault(ctx context.Context, args []string) error {
	return p.post(ctx, "/hooks/cloud/faults", object{"fault": args[0], "times": 1}, &object{})
}

func (p *play) slackFault(ctx context.Context, args []string) error {
	return p.post(ctx, "/hooks/slack/faults", object{"fault": args[0], "times": 1, "match": args[1]}, &object{})
}

func (p *play) pass(ctx context.Context, args []string) error {
	return p.post(ctx, "/hooks/clock", object{"advance": args[0]}, &object{})
}

// slowly is a speed at which a backup takes about 15 s.
const slowly = 4

// slow lowers the speed, if it is not low already, and remembers it.
func (p *play) slow(ctx context.Context, _ []string) error {
	var clock struct{ Speed float64 }
	if err := p.get(ctx, "/hooks/clock", nil, &clock); err != nil {
		return err
	}
	p.speed = clock.Speed
	return p.post(ctx, "/hooks/clock", object{"speed": min(clock.Speed, slowly)}, &object{})
}

func (p *play) quick(ctx context.Context, _ []string) error {
	if p.speed == 0 {
		return fmt.Errorf("    it was never slowed down")
	}
	return p.post(ctx, "/hooks/clock", object{"speed": p.speed}, &object{})
}

// backup is one backup: the files of all shards.
type backup struct {
	at     string
	digest string
	keys   int
	files  []string
}

// backups lists the backups of a database, oldest first.
func (p *play) backups(ctx context.Context, name string) ([]backup, error) {
	var all map[string][]struct {
		URI    string `json:"uri"`
		At     string `json:"at"`
		Keys   int    `json:"keys"`
		Digest string `json:"set_digest"`
	}
	if err := p.get(ctx, "/hooks/cloud/backups", nil, &all); err != nil {
		return nil, err
	}
	var out []backup
	for _, f := range all[name] {
		if len(out) == 0 || out[len(out)-1].at != f.At {
			out = append(out, backup{at: f.At, digest: f.Digest})
		}
		last := &out[len(out)-1]
		last.files, last.keys = append(last.files, f.URI), last.keys+f.Keys
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("    there is no backup of %s", name)
	}
	return out, nil
}

func (p *play) paste(ctx context.Context, person string, files []string) error {
	return p.writes(ctx, []string{person, "files", strings.Join(files, "\n")})
}

func (p *play) pastesNewest(ctx context.Context, args []string) error {
	all, err := p.backups(ctx, args[1])
	if err != nil {
		return err
	}
	return p.paste(ctx, args[0], all[len(all)-1].files)
}

func (p *play) pastesSome(ctx context.Context, args []string) error {
	all, err := p.backups(ctx, args[1])
	if err != nil {
		return err
	}
	return p.paste(ctx, args[0], all[len(all)-1].files[1:])
}

func (p *play) backupHolds(ctx context.Context, args []string) error {
	was, ok := p.noted[args[0]]
	if !ok {
		return fmt.Errorf("    nothing was noted; write: note %s", args[0])
	}
	all, err := p.backups(ctx, args[0])
	if err != nil {
		return err
	}
	have, want := all[len(all)-1], backup{keys: len(was.keys), digest: was.Digest}
	if have.keys != want.keys || have.digest != want.digest {
		return fmt.Errorf("    it holds %d keys (digest %s), noted were %d (%s)", have.keys, have.digest, want.keys, want.digest)
	}
	return nil
}
