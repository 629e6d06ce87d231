package cloud

import (
	"context"
	"net/http"
)

// Update changes settings of a database; nil fields stay as they are.
type Update struct {
	Name         *string
	SourceIPs    *[]string // who may connect; ["127.0.0.1/32"] closes the door
	DefaultUser  *bool     // not together with Password
	Password     *Secret
	TLS          *bool
	RemoteBackup *RemoteBackup // Essentials takes the path only
	RegexRules   *[]string     // wipes the data
	Replica      *[]SyncSource // a pointer to none detaches; attaching wipes the data
	Alerts       *[]Alert
	AutoMinor    *bool // Pro only
	Persistence  *string
	Eviction     *string
}

// Update changes settings of a database.
//
// API: Databases - Pro, updateDatabase; - Essentials, PUT of the database.
func (c *Changes) Update(ctx context.Context, ref Ref, u Update) (Task, error) {
	in := call{what: "database update", on: ref.String(), method: http.MethodPut, path: ref.path(), secrets: u.secrets()}
	body := u.wire(ref.Plan)
	switch {
	case len(body) == 0:
		return Task{}, refuse(in, "nothing to change")
	case u.DefaultUser != nil && u.Password != nil:
		return Task{}, refuse(in, "default user and password cannot change in one request")
	case u.Password != nil && *u.Password == "":
		return Task{}, refuse(in, "the password is empty")
	case ref.Plan == Essentials && u.RemoteBackup != nil && (!u.RemoteBackup.Active || u.RemoteBackup.Path == ""):
		return Task{}, refuse(in, "Essentials can only set a backup path")
	}
	in.body = body
	return c.sendTask(ctx, in)
}

func (u Update) secrets() []string {
	var out []string
	if u.Password != nil {
		out = append(out, u.Password.Reveal())
	}
	if u.RemoteBackup != nil {
		out = append(out, secretsOf(u.RemoteBackup.Path.Raw())...)
	}
	if u.Replica != nil {
		for _, s := range *u.Replica {
			out = append(out, secretsOf(s.Endpoint.Raw())...)
		}
	}
	return out
}

func (u Update) wire(plan Plan) fields {
	b := fields{}
	set(b, "name", u.Name)
	set(b, "enableDefaultUser", u.DefaultUser)
	set(b, "enableTls", u.TLS)
	set(b, "dataPersistence", u.Persistence)
	set(b, "dataEvictionPolicy", u.Eviction)
	if plan != Essentials {
		set(b, "autoMinorVersionUpgrade", u.AutoMinor)
	}
	if u.SourceIPs != nil {
		b[sourceIPField(plan)] = notNil(*u.SourceIPs)
	}
	if u.RegexRules != nil {
		b["regexRules"] = notNil(*u.RegexRules)
	}
	if u.Password != nil {
		b["password"] = u.Password.Reveal()
	}
	if u.RemoteBackup != nil {
		b.backup(plan, *u.RemoteBackup)
	}
	if u.Alerts != nil {
		b["alerts"] = wireAlerts(*u.Alerts)
	}
	switch {
	case u.Replica == nil:
	case len(*u.Replica) == 0:
		b["replicaOf"] = []string{} // said explicitly: leaving it out keeps the sources
	default:
		b["replica"] = wireReplica(*u.Replica)
	}
	return b
}

// set adds what a pointer points at, if it does.
func set[T any](b fields, name string, v *T) {
	if v != nil {
		b[name] = *v
	}
}

// notNil makes no entries an empty list rather than null.
func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
