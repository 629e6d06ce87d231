package cloud

import (
	"context"
	"fmt"
	"time"
)

// Maintenance says when Redis does its own maintenance in a subscription. A
// manual upgrade ignores it; it is a hint at off-peak hours.
type Maintenance struct {
	Mode     string // manual, automatic
	TimeZone string // of the windows: the deployment region's
	Windows  []MaintenanceWindow
	SkipsEnd time.Time // maintenance is put off until then; zero if it is not
}

// MaintenanceWindow repeats every week.
type MaintenanceWindow struct {
	Days     []string // English names
	Start    int      // hour, 0-23, in TimeZone
	Duration int      // hours
}

// MaintenanceWindows returns the maintenance settings of a Pro subscription.
// ErrNotFound can also mean that the subscription is busy. Essentials has a
// fixed window, 00:00-06:00 region time, and no call for it.
//
// API: Subscriptions - Pro, getSubscriptionMaintenanceWindows.
func (c *Client) MaintenanceWindows(ctx context.Context, subscription int) (Maintenance, error) {
	type wire struct {
		Mode     text `json:"mode"`
		TimeZone text `json:"timeZone"`
		Windows  list[struct {
			Days     list[text] `json:"days"`
			Start    number     `json:"startHour"`
			Duration number     `json:"durationInHours"`
		}] `json:"windows"`
		Skip struct {
			End moment `json:"currentSkipEnd"`
		} `json:"skipStatus"`
	}
	in := get("maintenance windows", fmt.Sprintf("pro/%d", subscription), Pro.subscription(subscription, "maintenance-windows"))
	w, err := readInto[wire](ctx, c, in)
	if err != nil {
		return Maintenance{}, err
	}
	m := Maintenance{Mode: string(w.Mode), TimeZone: string(w.TimeZone), SkipsEnd: w.Skip.End.Time}
	for _, win := range w.Windows {
		m.Windows = append(m.Windows, MaintenanceWindow{textsOf(win.Days), win.Start.int(), win.Duration.int()})
	}
	return m, nil
}
