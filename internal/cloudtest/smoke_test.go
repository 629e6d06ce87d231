package cloudtest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/memnet"
)

var smoke = flag.Bool("smoke", false, "read the account whose keys are in REDIS_CLOUD_API_KEY and REDIS_CLOUD_SECRET_KEY (make smoke)")

// TestSmoke reads a real account. It changes nothing, and could not: see guard.
func TestSmoke(t *testing.T) {
	key, secret := os.Getenv("REDIS_CLOUD_API_KEY"), os.Getenv("REDIS_CLOUD_SECRET_KEY")
	switch {
	case !*smoke:
		t.Skip("reads a real account: only with -smoke (make smoke)")
	case key == "" || secret == "":
		t.Fatal("make smoke needs REDIS_CLOUD_API_KEY and REDIS_CLOUD_SECRET_KEY; a key whose owner is Viewer is enough")
	}
	base := os.Getenv("REDIS_CLOUD_API_URL")
	if base == "" {
		base = cloud.DefaultURL
	}
	if err := readAccount(t.Context(), os.Stdout, base, key, secret); err != nil {
		t.Error(err)
	}
}

// TestSmokeAgainstTheEmulator keeps the tool working where there is no account.
func TestSmokeAgainstTheEmulator(t *testing.T) {
	w := newWire(t, driven())
	var out bytes.Buffer
	must(t, readAccount(t.Context(), &out, w.server.URL+"/cloud/v1", accountKey, secretKey))
	for _, want := range []string{"account", "shop", "full", "6.2 → 7.2, 7.4, 8.2, 8.4, 8.6", "trial", "environment=production", "app (", "changed nothing"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &out)
		}
	}
	for _, hidden := range []string{accountKey, secretKey, "the-same"} {
		if strings.Contains(out.String(), hidden) {
			t.Errorf("it says a secret:\n%s", &out)
		}
	}
	for _, x := range w.exchanges() {
		if x.request.Method != http.MethodGet || strings.HasSuffix(x.request.URL.Path, "/backup") || strings.HasSuffix(x.request.URL.Path, "/import") {
			t.Errorf("it sent %s", x.call())
		}
	}
	var ledger []any
	hook(t, w.emu, "GET", "ledger", nil, &ledger)
	if len(ledger) > 0 {
		t.Errorf("it changed something: %v", ledger)
	}
}

func TestTheGuardLetsReadsThroughOnly(t *testing.T) {
	w := newWire(t, driven())
	g, err := newGuard(w.server.URL + "/cloud/v1")
	must(t, err)
	defer g.close()
	c, err := g.client(accountKey, secretKey)
	must(t, err)
	defer c.Close()
	changes, err := cloud.NewChanges(g.config(accountKey, secretKey))
	must(t, err)
	must(t, drop(c.Account(t.Context())))
	ref, before := w.ref("full"), len(w.exchanges())
	for call, err := range map[string]error{
		"upgrade": drop(changes.StartUpgrade(w.change(), ref, "7.4")),
		"backup":  drop(changes.StartBackup(w.change(), ref, "")),
		"delete":  drop(changes.Delete(w.change(), ref)),
		"update":  drop(changes.Update(w.change(), ref, cloud.Update{SourceIPs: &[]string{"10.0.0.0/8"}})),
		"dry run": drop(changes.DryRun(w.change(), cloud.Pro, ref.Subscription, cloud.Create{Name: "x"})),
		"tags":    changes.SetTags(w.change(), ref, nil),
		// GETs that make a task, which would stand in the account's queue.
		"status of backup": drop(c.AskBackup(t.Context(), ref)),
		"status of import": drop(c.AskImport(t.Context(), ref)),
	} {
		if err == nil || !strings.Contains(err.Error(), "guard") {
			t.Errorf("%s: %v", call, err)
		}
	}
	if n := len(w.exchanges()); n != before {
		t.Errorf("%d requests got through", n-before)
	}
}

// guard stands between the client and Redis Cloud, inside this process: the
// client's only connections are pipes to it, and it passes on nothing but
// plain reads. What the client would do wrong, it could not do.
type guard struct {
	lis  *memnet.Listener
	web  *http.Server
	base *url.URL // ends in /v1
	pass http.RoundTripper

	mu    sync.Mutex
	reads int // guarded by mu
}

func newGuard(base string) (*guard, error) {
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil {
		return nil, errors.New("REDIS_CLOUD_API_URL is not an address")
	}
	if !strings.HasSuffix(u.Path, "/v1") {
		u.Path += "/v1"
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme != "https" && (ip == nil || !ip.IsLoopback()) {
		return nil, errors.New("REDIS_CLOUD_API_URL must be https, except for loopback")
	}
	g := &guard{lis: memnet.Listen(), base: u, pass: http.DefaultTransport}
	g.web = &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = g.web.Serve(g.lis) }()
	return g, nil
}

func (g *guard) close() {
	_ = g.web.Close()
}

// client is one whose requests all go through the guard.
func (g *guard) client(key, secret string) (*cloud.Client, error) {
	return cloud.New(g.config(key, secret))
}

func (g *guard) config(key, secret string) cloud.Config {
	return cloud.Config{URL: "http://127.0.0.1/v1", Key: key, Secret: secret, Dial: g.lis.Dial}
}

func (g *guard) passed() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reads
}

// ServeHTTP passes a plain read on and refuses everything else.
func (g *guard) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	makesTask := strings.HasSuffix(req.URL.Path, "/backup") || strings.HasSuffix(req.URL.Path, "/import")
	if req.Method != http.MethodGet || makesTask || !strings.HasPrefix(req.URL.Path, "/v1") {
		http.Error(rw, "guard: not a plain read", http.StatusMethodNotAllowed)
		return
	}
	to := *g.base
	to.Path += strings.TrimPrefix(req.URL.Path, "/v1")
	to.RawQuery = req.URL.RawQuery
	out, err := http.NewRequestWithContext(req.Context(), http.MethodGet, to.String(), nil)
	if err != nil {
		http.Error(rw, "guard: bad address", http.StatusBadRequest)
		return
	}
	out.Header = req.Header.Clone()
	resp, err := g.pass.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler) // as the client would see it without the guard
	}
	defer resp.Body.Close()
	g.mu.Lock()
	g.reads++
	g.mu.Unlock()
	for name, values := range resp.Header {
		rw.Header()[name] = values
	}
	rw.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(rw, resp.Body)
}

// report prints what was read, and counts what could not be.
type report struct {
	out    io.Writer
	failed int
}

func (r *report) line(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// say prints one finding, or why there is none.
func (r *report) say(what string, err error, format string, args ...any) bool {
	if err != nil {
		r.failed++
		r.line("%-16s FAILED: %v", what, err)
		return false
	}
	r.line("%-16s %s", what, fmt.Sprintf(format, args...))
	return true
}

// readAccount reads what the bot reads of an account and prints it without
// secrets. The error counts what could not be read.
func readAccount(ctx context.Context, out io.Writer, base, key, secret string) error {
	g, err := newGuard(base)
	if err != nil {
		return err
	}
	defer g.close()
	c, err := g.client(key, secret)
	if err != nil {
		return err
	}
	defer c.Close()
	r := &report{out: out}
	account, err := c.Account(ctx)
	if !r.say("account", err, "%d %s; key %q of %s, seen from %s, allowed from %s",
		account.ID, account.Name, account.KeyName, account.OwnerName, account.SeenFrom, strings.Join(account.AllowedIPs, " ")) {
		return errors.New("without the account nothing else can be read")
	}
	pro, err := c.Subscriptions(ctx)
	if r.say("Pro", err, "%d subscriptions", len(pro)) {
		r.subscriptions(ctx, c, pro)
	}
	essentials, err := c.EssentialsSubscriptions(ctx)
	if r.say("Essentials", err, "%d subscriptions", len(essentials)) {
		r.subscriptions(ctx, c, essentials)
	}
	tasks, err := c.Tasks(ctx)
	running := slices.DeleteFunc(tasks, cloud.Task.Ended)
	r.say("tasks", err, "%d kept, %d not ended", len(tasks), len(running))
	roles, err := c.Roles(ctx)
	var named []string
	for _, role := range roles {
		named = append(named, fmt.Sprintf("%s (%s, %d rules)", role.Name, role.Status, len(role.Rules)))
	}
	r.say("roles", err, "%d: %s", len(roles), strings.Join(named, ", "))
	r.line("%d requests, all GET; changed nothing", g.passed())
	if r.failed > 0 {
		return fmt.Errorf("%d things could not be read", r.failed)
	}
	return nil
}

// mostShown bounds what is printed of one list.
const mostShown = 20

// subscriptions prints each subscription; of the first with databases it looks
// closer at one database.
func (r *report) subscriptions(ctx context.Context, c *cloud.Client, all []cloud.Subscription) {
	closer := false
	for i, s := range all {
		if i == mostShown {
			r.line("  … and %d more", len(all)-i)
			return
		}
		databases, err := c.Databases(ctx, s.Plan, s.ID)
		r.say("  "+s.Name, err, "%d, %s, %s %s, %d databases", s.ID, s.Status, s.Provider, s.Region, len(databases))
		for j, d := range databases {
			if j == mostShown {
				r.line("    … and %d more", len(databases)-j)
				break
			}
			r.line("    %-24s %d %s %s %s, backup %v, replica of %d", d.Name, d.Ref.Database, d.Protocol, d.Version, d.Status, d.Backup.Enabled, len(d.SyncSources))
		}
		if i := slices.IndexFunc(databases, upgradable); i >= 0 && !closer {
			closer = true
			r.database(ctx, c, databases[i])
		}
	}
}

func upgradable(d cloud.Database) bool { return d.Protocol != "memcached" && !d.ActiveActive }

// database reads one database as an upgrade would before it begins.
func (r *report) database(ctx context.Context, c *cloud.Client, listed cloud.Database) {
	d, err := c.Database(ctx, listed.Ref)
	if !r.say("    closer look", err, "%s at %s: %d shards, %.0f MB used, password told: %v", d.Name, d.PublicEndpoint, d.Shards, d.UsedMB, d.Security.Password != "") {
		return
	}
	targets, err := c.TargetVersions(ctx, d.Ref)
	r.say("    targets", err, "%s → %s", d.Version, strings.Join(targets, ", "))
	versions, err := c.CreatableVersions(ctx, d.Ref.Plan, d.Ref.Subscription)
	var creatable []string
	for _, v := range versions {
		creatable = append(creatable, v.Version)
	}
	r.say("    creatable", err, "%s", strings.Join(creatable, ", "))
	u, err := c.UpgradeStatus(ctx, d.Ref)
	if errors.Is(err, cloud.ErrNotFound) {
		r.line("    %-12s none in its history", "last upgrade")
	} else {
		r.say("    last upgrade", err, "to %s, %s", u.Target, u.Status)
	}
	tags, err := c.Tags(ctx, d.Ref)
	var pairs []string
	for _, tag := range tags {
		pairs = append(pairs, tag.Key+"="+tag.Value)
	}
	r.say("    tags", err, "%s", strings.Join(pairs, " "))
}
