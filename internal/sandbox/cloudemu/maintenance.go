package cloudemu

import (
	"net/http"
	"slices"
	"time"
)

const windowsTask = 1800 * time.Millisecond

// getWindows is 404 while the subscription is busy.
func (s *Server) getWindows(r *request) answer {
	u := s.subscription(false, r.id("s"))
	if u == nil || u.state() != statusActive {
		return s.refusal(r, http.StatusNotFound, "Maintenance windows were not found")
	}
	return ok(u.windows)
}

func (s *Server) putWindows(r *request) answer {
	return s.submit(r, http.StatusOK, &task{
		command: "subscriptionMaintenanceWindowsUpdateRequest", work: windowsTask,
		run: func(t *task) *domainError {
			u, refused := s.activeSubscription(r)
			if refused != nil {
				return refused
			}
			if refused := checkWindows(r.body); refused != nil {
				return refused
			}
			t.response["resourceId"], t.resource = u.id, u.path()
			u.windows = obj{"mode": r.body.str("mode")}
			if r.body.str("mode") == "manual" {
				u.windows["timeZone"] = "America/New_York"
				u.windows["windows"] = r.body["windows"]
			}
			return nil
		},
	})
}

var weekdays = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

func checkWindows(b fields) *domainError {
	list := b.objects("windows")
	switch {
	case b.str("mode") == "manual" && len(list) == 0:
		return refuse("MAINTENANCE_WINDOW_MANUAL_MODE_WITH_NO_MAINTENANCE_WINDOWS")
	case b.str("mode") == "automatic" && len(list) > 0:
		return refuse("MAINTENANCE_WINDOW_AUTOMATIC_MODE_WITH_MAINTENANCE_WINDOWS")
	case len(list) > 7:
		return refuse("MAINTENANCE_WINDOW_GREATER_THAN_MAXIMUM_ALLOWABLE_MAINTENANCE_WINDOWS_PROVIDED")
	}
	for _, w := range list {
		days := w.strings("days")
		distinct := slices.Compact(slices.Sorted(slices.Values(days)))
		switch {
		case w.int("startHour") < 0 || w.int("startHour") > 23:
			return refuse("MAINTENANCE_WINDOW_INVALID_START_HOUR")
		case w.int("durationInHours") < 4 || w.int("durationInHours") > 24:
			return refuse("MAINTENANCE_WINDOW_INVALID_DURATION_IN_HOURS")
		case len(days) == 0, slices.ContainsFunc(days, func(d string) bool { return !slices.Contains(weekdays, d) }):
			return refuse("MAINTENANCE_WINDOW_INVALID_DAYS")
		case len(distinct) != len(days):
			return refuse("MAINTENANCE_WINDOW_DUPLICATE_DAYS")
		}
	}
	return nil
}
