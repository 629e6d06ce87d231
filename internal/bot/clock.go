package bot

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/redis-upgrade/bot/internal/session"
)

// clockApart is by how much two clocks may differ that are kept right.
const clockApart = 5 * time.Second

// clockTrouble says what is wrong with the clocks. Nothing is decided
// by them, but people read dates, and whoever sets a clock by an hour should hear
// that it is noticed.
func clockTrouble(c session.Clock) (problems []string) {
	if c.Recent {
		problems = append(problems, fmt.Sprintf("Redis' clock was set, or another server answers, less than a minute ago (%d times so far): "+
			"waits and leases go on as if it had not been; keep its machine's clock right (NTP)", c.Steps))
	}
	if c.Known && c.Skew.Abs() > clockApart {
		problems = append(problems, fmt.Sprintf("this machine's clock is %s ahead of Redis': keep both right (NTP)", c.Skew.Round(time.Second)))
	}
	return problems
}

// clocks logs what is wrong with the clocks, once until it changes.
func (h *health) clocks(was bool) bool {
	c := h.store.Clock()
	problems := clockTrouble(c)
	is := len(problems) > 0
	if is != was {
		h.log.Warn("clocks", "right", !is, "problems", problems, "ahead_of_redis", c.Skew, "store_ahead_of_redis", c.Offset)
	}
	return is
}

// clocks tells metrics how the clocks stand.
type clocks struct{ store *session.Store }

var (
	skewGauge   = gauge("clock_ahead_of_redis_seconds", "By how much this machine's clock is ahead of Redis'.")
	offsetGauge = gauge("time_ahead_of_redis_seconds", "By how much the time that all replicas go by is ahead of Redis' clock: what is left of its steps; the same at every replica.")
	stepsGauge  = gauge("redis_clock_steps", "How often Redis' clock was set, or a server with another clock answered, so far; the same at every replica.")
)

// Describe implements prometheus.Collector.
func (c clocks) Describe(to chan<- *prometheus.Desc) {
	to <- skewGauge
	to <- offsetGauge
	to <- stepsGauge
}

// Collect implements prometheus.Collector. Before Redis has answered there is
// nothing to tell.
func (c clocks) Collect(to chan<- prometheus.Metric) {
	is := c.store.Clock()
	if !is.Known {
		return
	}
	to <- prometheus.MustNewConstMetric(skewGauge, prometheus.GaugeValue, is.Skew.Seconds())
	to <- prometheus.MustNewConstMetric(offsetGauge, prometheus.GaugeValue, is.Offset.Seconds())
	to <- prometheus.MustNewConstMetric(stepsGauge, prometheus.GaugeValue, float64(is.Steps))
}
