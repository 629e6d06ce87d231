package bot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/commands"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/slacksocket"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// metrics are what dashboards and alerts read at /metrics. What happens here is
// counted here; what all replicas share (sessions, queues) every replica tells
// alike, so take the maximum of those, not the sum. docs/operations.md explains
// each and says which are worth an alert.
type metrics struct {
	registry *prometheus.Registry
	payloads *prometheus.CounterVec
	acks     *prometheus.HistogramVec
	cloud    *prometheus.CounterVec
	slack    *prometheus.CounterVec
	ended    *prometheus.CounterVec
	lasted   *prometheus.HistogramVec
	refused  chan struct{} // Slack has refused the bot token in some call
}

const namespace = "redis_upgrade"

func newMetrics(version string) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		payloads: counter("payloads_total", "Payloads from Slack, by envelope type; undecodable: acknowledged, and not understood.", "type"),
		acks: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "acknowledgement_seconds",
			Help:    "From a payload's arrival to its acknowledgement; Slack waits three seconds.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 1.5, 3}}, []string{"type"}),
		cloud: counter("cloud_requests_total", "Requests to Redis Cloud, by method and HTTP status; none: no answer came.", "method", "status"),
		slack: counter("slack_requests_total", "Requests to Slack's Web API, by method, HTTP status (none: no answer came) and Slack's own error.", "method", "status", "error"),
		ended: counter("ended_total", "Sessions that this replica brought to their end, by kind and outcome; failed-after-delete: the database may still be missing.", "kind", "outcome"),
		lasted: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "session_seconds", Help: "From a session's request to its end, waits for people included.",
			Buckets: []float64{60, 300, 900, 1800, 3600, 2 * 3600, 4 * 3600, 12 * 3600, 24 * 3600, 72 * 3600}}, []string{"kind", "outcome"}),
		refused: make(chan struct{}, 1),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "Always 1; which build this is.",
		ConstLabels: prometheus.Labels{"version": cmp.Or(version, "unknown"), "go": runtime.Version()}})
	build.Set(1)
	for _, kind := range upgrade.Kinds() { // known from the start, so that the first one shows as an increase
		for _, outcome := range outcomes(kind) {
			m.ended.WithLabelValues(string(kind), outcome)
		}
	}
	m.registry.MustRegister(build, m.ended, m.lasted, m.payloads, m.acks, m.cloud, m.slack,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// lostDatabase is the outcome of a revert that failed after its delete.
const lostDatabase = "failed-after-delete"

// outcomes are how sessions of a kind end.
func outcomes(k upgrade.Kind) []string {
	var out []string
	for _, state := range k.Ends() {
		out = append(out, string(state))
	}
	if k.Destroys() {
		out = append(out, lostDatabase)
	}
	return out
}

// moved counts what has ended; see session.Config.Moved.
func (m *metrics) moved(before, after session.Record) {
	if before.Ended || !after.Ended {
		return
	}
	outcome := after.State
	if s, err := upgrade.Decode(after); err == nil && s.NotBack() {
		outcome = lostDatabase
	}
	m.ended.WithLabelValues(after.Kind, outcome).Inc()
	m.lasted.WithLabelValues(after.Kind, outcome).Observe(after.Updated.Sub(after.Created).Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// status is an HTTP status as a label.
func status(code int) string {
	if code == 0 {
		return "none"
	}
	return strconv.Itoa(code)
}

// answered counts an answer of Redis Cloud; see cloud.Config.Seen.
func (m *metrics) answered(method string, code int) {
	m.cloud.WithLabelValues(method, status(code)).Inc()
}

// around counts requests to Slack by the last part of their path, which is the
// method's name, and by the error that Slack answers with status 200.
func (m *metrics) around(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		method := path.Base(req.URL.Path)
		resp, err := next.RoundTrip(req)
		code, said := 0, ""
		if err == nil {
			code, said = resp.StatusCode, saidError(resp)
		}
		m.slack.WithLabelValues(method, status(code), said).Inc()
		if said != "" && slacksocket.Remedy(errors.New(said)) != "" && method != "auth.test" && method != "apps.connections.open" {
			select {
			case m.refused <- struct{}{}:
			default:
			}
		}
		return resp, err
	})
}

// saidError is the error in an answer of Slack, "" when there is none. The body
// can be read again.
func saidError(resp *http.Response) string {
	const most = 64 << 10 // no error is larger
	head, err := io.ReadAll(io.LimitReader(resp.Body, most))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), failing{err}, resp.Body), resp.Body}
	var answer struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if json.Unmarshal(head, &answer) != nil || answer.OK || answer.Error == "" {
		return ""
	}
	if !errorCode.MatchString(answer.Error) {
		return "other"
	}
	return answer.Error
}

// errorCode is what Slack's errors look like; anything else is no label.
var errorCode = regexp.MustCompile(`^[a-z][a-z0-9_]{1,60}$`)

// failing gives the error with which a body broke off; nil: it did not.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// arrived counts a payload; its acknowledgement is timed.
func (m *metrics) arrived(evt socketmode.Event, to commands.Acker) commands.Acker {
	kind := "undecodable"
	if evt.Type != socketmode.EventTypeErrorBadMessage {
		kind = evt.Request.Type
	}
	m.payloads.WithLabelValues(kind).Inc()
	return &timed{Acker: to, since: time.Now(), seconds: m.acks.WithLabelValues(kind)}
}

type timed struct {
	commands.Acker
	since   time.Time
	seconds prometheus.Observer
	once    sync.Once
}

// Ack implements commands.Acker.
func (t *timed) Ack(req socketmode.Request, payload ...any) error {
	err := t.Acker.Ack(req, payload...)
	if err == nil {
		t.once.Do(func() { t.seconds.Observe(time.Since(t.since).Seconds()) })
	}
	return err
}

// state is what is read when somebody asks: this replica's condition, and the
// work that all replicas share.
type state struct{ b *Bot }

var (
	gauge = func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	readyGauge    = gauge("ready", "1 while this replica can take a payload and act on it, as /readyz says.")
	socketsGauge  = gauge("sockets", "Connections to Slack of this replica that have said hello.")
	ageGauge      = gauge("inventory_age_seconds", "Age of the list of databases.")
	sessionsGauge = gauge("sessions", "Sessions that have not ended, by kind and state; the same at every replica.", "kind", "state")
	degradedGauge = gauge("degraded", "1 for what has to be mended although this replica works: the channel, the groups, approvers, settings of Redis, sessions that are not believed; /readyz says how.", "what")
	pausedGauge   = gauge("paused", "1 while somebody holds back all changing calls; the same at every replica.")
	unknownGauge  = gauge("unknown_calls", "Sessions whose call to Redis Cloud has no answer that can be found, so that people have to decide; the same at every replica.")
	doubtedGauge  = gauge("distrusted_sessions", "Sessions that this replica last found not to be believed: their record, journal and lock do not belong together, and nothing is sent for them; take the maximum.")
	waitingGauge  = gauge("queue_waiting", "Members of a queue whose time has come and that nobody has claimed; the same at every replica.", "queue")
	lateGauge     = gauge("queue_late_seconds", "How long the first of them has been waiting.", "queue")
)

// Describe implements prometheus.Collector.
func (s state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{readyGauge, socketsGauge, ageGauge, degradedGauge, pausedGauge, sessionsGauge, unknownGauge, doubtedGauge, waitingGauge, lateGauge} {
		to <- d
	}
}

// Collect implements prometheus.Collector. While Redis is away, what it holds
// is left out.
func (s state) Collect(to chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ready, sockets := s.b.health.condition()
	tell(readyGauge, map[bool]float64{true: 1}[ready])
	tell(socketsGauge, float64(sockets))
	for what, why := range s.b.health.partly() {
		tell(degradedGauge, map[bool]float64{true: 1}[why != ""], what)
	}
	tell(doubtedGauge, float64(len(s.b.engine.Distrusted())))
	if s.b.inventory.Ready() {
		tell(ageGauge, s.b.inventory.Age().Seconds())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answers := false
	for name, queue := range s.b.store.Queues() {
		if waiting, late, err := queue.Waiting(ctx); err == nil {
			answers = true
			tell(waitingGauge, float64(waiting), name)
			tell(lateGauge, late.Seconds(), name)
		}
	}
	if !answers {
		return
	}
	tell(pausedGauge, map[bool]float64{true: 1}[s.b.engine.PausedBy(ctx) != ""])
	if counts, err := s.b.store.Counts(ctx); err == nil {
		sessions(counts, tell)
	}
}

func sessions(counts []session.Count, tell func(*prometheus.Desc, float64, ...string)) {
	type place struct{ kind, state string }
	in, unknown := map[place]int{}, 0
	for _, c := range counts {
		if !upgrade.State(c.State).Known() || !slices.Contains(upgrade.Kinds(), upgrade.Kind(c.Kind)) {
			c.Kind, c.State = session.Other, session.Other // whoever has Redis can write any word there
		}
		in[place{c.Kind, c.State}] += c.Sessions
		if c.Also == upgrade.CountedUnknown {
			unknown += c.Sessions
		}
	}
	for at, n := range in {
		tell(sessionsGauge, float64(n), at.kind, at.state)
	}
	tell(unknownGauge, float64(unknown))
}

// recountEvery is how often one replica holds the counts of sessions against the
// sessions: what moves them keeps them, but a key may be lost or put back.
const recountEvery = 10 * time.Minute

// recount does that until ctx ends.
func (b *Bot) recount(ctx context.Context) error {
	tick := time.NewTicker(recountEvery / 10)
	defer tick.Stop()
	for {
		wrong, err := b.store.Recount(ctx, recountEvery)
		switch {
		case err != nil && ctx.Err() == nil:
			b.log.Info("cannot count sessions; trying again", "error", err)
		case wrong > 0:
			b.log.Info("counts of open sessions were put right", "wrong", wrong)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
