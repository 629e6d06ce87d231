package cloud

import (
	"fmt"
	"strconv"
	"strings"
)

// Plan says which of the two families of the API a subscription belongs to.
type Plan string

const (
	Pro        Plan = "pro"        // /subscriptions; also Active-Active
	Essentials Plan = "essentials" // /fixed/subscriptions
)

// path returns the path of the plan's subscriptions, "" for an unknown plan.
func (p Plan) path() string {
	switch p {
	case Pro:
		return "/subscriptions"
	case Essentials:
		return "/fixed/subscriptions"
	}
	return ""
}

// subscription returns the path of one subscription followed by the given
// parts, "" if there can be no such subscription.
func (p Plan) subscription(id int, parts ...string) string {
	if p.path() == "" || id <= 0 {
		return ""
	}
	return strings.Join(append([]string{p.path(), strconv.Itoa(id)}, parts...), "/")
}

// Ref addresses one database.
type Ref struct {
	Plan         Plan
	Subscription int
	Database     int
}

// String returns the written form, as in "pro/1206/51055".
func (r Ref) String() string {
	return fmt.Sprintf("%s/%d/%d", r.Plan, r.Subscription, r.Database)
}

// Valid reports whether r can address a database at all.
func (r Ref) Valid() bool {
	return r.Plan.path() != "" && r.Subscription > 0 && r.Database > 0
}

// ParseRef reads what Ref.String wrote.
func ParseRef(s string) (Ref, error) {
	parts := strings.Split(s, "/")
	if len(parts) == 3 {
		subscription, err1 := parseID(parts[1])
		database, err2 := parseID(parts[2])
		r := Ref{Plan(parts[0]), subscription, database}
		if err1 == nil && err2 == nil && r.Valid() {
			return r, nil
		}
	}
	return Ref{}, fmt.Errorf("parse database reference %q: want plan/subscription/database, like pro/1206/51055", s)
}

// parseID takes the canonical form only, so that two texts never mean one Ref.
func parseID(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32) // the API's ids are int32
	if err != nil || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("parse id %q", s)
	}
	return int(n), nil
}

// item returns the path of one thing with a UUID, "" for what cannot be one:
// ids come out of storage and into an address.
func item(collection, id string, parts ...string) string {
	for _, r := range id {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' {
			return ""
		}
	}
	if id == "" {
		return ""
	}
	return strings.Join(append([]string{collection, id}, parts...), "/")
}

// path returns the path of the database followed by the given parts, "" if
// there can be no such database.
func (r Ref) path(parts ...string) string {
	if !r.Valid() {
		return ""
	}
	return r.Plan.subscription(r.Subscription, append([]string{"databases", strconv.Itoa(r.Database)}, parts...)...)
}
