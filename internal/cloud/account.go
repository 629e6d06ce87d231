package cloud

import (
	"context"
	"time"
)

// Account is what the keys open.
type Account struct {
	ID         int
	Name       string
	KeyName    string // the user key's name
	OwnerName  string // the key's owner, whose role decides what is allowed
	OwnerEmail string
	AllowedIPs []string // from where the key may be used
	SeenFrom   string   // the address Redis Cloud sees us at
	KeyCreated time.Time
}

// Account returns the account behind the keys; the cheapest check of them.
//
// API: Account, getCurrentAccount.
func (c *Client) Account(ctx context.Context) (Account, error) {
	type wire struct {
		Account struct {
			ID   number `json:"id"`
			Name text   `json:"name"`
			Key  struct {
				Name  text `json:"name"`
				Owner struct {
					Name  text `json:"name"`
					Email text `json:"email"`
				} `json:"owner"`
				AllowedIPs list[text] `json:"allowedSourceIps"`
				SeenFrom   text       `json:"httpSourceIp"`
				Created    moment     `json:"createdTimestamp"`
			} `json:"key"`
		} `json:"account"`
	}
	w, err := readInto[wire](ctx, c, get("account", "", "/"))
	if err != nil {
		return Account{}, err
	}
	a := w.Account
	return Account{
		ID: a.ID.int(), Name: string(a.Name),
		KeyName: string(a.Key.Name), OwnerName: string(a.Key.Owner.Name), OwnerEmail: string(a.Key.Owner.Email),
		AllowedIPs: textsOf(a.Key.AllowedIPs), SeenFrom: string(a.Key.SeenFrom), KeyCreated: a.Key.Created.Time,
	}, nil
}
