package cloud

import "context"

// DatabaseModules returns the modules the account's databases can have.
//
// API: Account, getSupportedDatabaseModules.
func (c *Client) DatabaseModules(ctx context.Context) ([]Module, error) {
	type wire struct {
		Modules list[wireModule] `json:"modules"`
	}
	w, err := readInto[wire](ctx, c, get("database modules", "", "/database-modules"))
	if err != nil {
		return nil, err
	}
	modules := make([]Module, 0, len(w.Modules))
	for _, m := range w.Modules {
		modules = append(modules, Module{string(m.Name), string(m.Capability), string(m.Version)})
	}
	return modules, nil
}
