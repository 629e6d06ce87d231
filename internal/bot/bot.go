package bot

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// Command is the slash command, as manifest.yml names it.
const Command = "/redis-upgrade"

// Parts are the bot's ways to the outside. The zero value is the real world.
type Parts struct {
	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // Redis, HTTP and WebSocket
	Now  func() time.Time
	Rand io.Reader
	Log  *slog.Logger

	Version string // of this build, for the log and the metrics
}

func (p Parts) withDefaults(cfg Config) Parts {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Rand == nil {
		p.Rand = rand.Reader
	}
	if p.Log == nil {
		p.Log = cfg.Logger()
	}
	return p
}

// Bot is one replica.
type Bot struct {
	cfg   Config
	parts Parts
	log   *slog.Logger

	rdb       redis.UniversalClient
	store     *session.Store
	cloud     *cloud.Client
	slack     *slack.Client
	inventory *inventory.Index
	people    *roles
	engine    *upgrade.Engine
	policy    view.Policy
	health    *health
	metrics   *metrics
	slackPace pace
	addrs     []string // of the bot's own Redis
	resolve   func(ctx context.Context, host string) ([]netip.Addr, error)
	name      string // of this replica, among the others
}

// New wires a replica and opens nothing; Run starts it. The configuration must
// have been validated.
func New(cfg Config, parts Parts) (*Bot, error) { return assemble(cfg, parts, false) }

// assemble wires a replica, or (brief) what only looks once: it asks Redis without
// trying again, and Redis Cloud without the budget that the replicas share in Redis.
func assemble(cfg Config, parts Parts, brief bool) (*Bot, error) {
	parts = parts.withDefaults(cfg)
	b := &Bot{cfg: cfg, parts: parts, log: parts.Log, metrics: newMetrics(parts.Version), slackPace: productionPace}
	options, err := redisOptions(cfg.RedisURL)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	if parts.Dial != nil {
		options.Dialer = parts.Dial
	}
	options.ContextTimeoutEnabled = true
	var budget cloud.Limiter
	if brief {
		options.MaxRetries, options.DialerRetries, options.DialTimeout = -1, 1, redisTimeout
	}
	quietRedis()
	b.rdb = redis.NewUniversalClient(options)
	b.store = session.New(b.rdb, session.Config{
		Prefix: cfg.RedisPrefix, SealKey: []byte(cfg.SealKey), SealKeyOld: []byte(cfg.SealKeyOld),
		Rand: parts.Rand, Retention: cfg.Retention, Lives: upgrade.Lives(), Log: b.log, WaitReplicas: session.WaitWhereThereAre, Moved: b.metrics.moved, PutBack: b.putBack,
		Now: parts.Now, Steady: parts.Now,
	})
	if !brief {
		budget = newLimiter(b.store, cfg.RateWindow)
	}
	account := cloud.Config{
		URL: cfg.RedisCloudAPIURL, Key: cfg.RedisCloudAPIKey, Secret: cfg.RedisCloudSecretKey,
		Dial: parts.Dial, Now: parts.Now, Limiter: budget,
		RetryBase: cfg.RateWindow / 60, Log: b.log, Seen: b.metrics.answered,
	}
	if b.cloud, err = cloud.New(account); err != nil {
		return nil, err
	}
	b.addrs, b.resolve = options.Addrs, func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	b.slack = slackClient(cfg, parts, b.metrics.around)
	b.inventory = inventory.New(inventory.Config{
		Cloud: b.cloud, Redis: b.rdb, Prefix: cfg.RedisPrefix, Every: 5 * cfg.StatusInterval, TargetsTTL: 5 * cfg.StatusInterval,
		Now: b.store.Now, Allow: cfg.allowed(), StoreDatabase: cfg.storeDatabase(), StoreAddrs: options.Addrs, Log: b.log, Rand: parts.Rand,
	})
	sealer, err := upgrade.NewSealer(parts.Rand, []byte(cfg.SealKey), cfg.olderKeys()...)
	if err != nil {
		return nil, err
	}
	sender, err := calls.New(cfg.engine().Calls(), account, b.cloud, b.ownStore)
	if err != nil {
		return nil, err
	}
	b.name = replicaName(parts.Rand)
	b.people = &roles{cfg: cfg}
	b.engine = upgrade.New(cfg.engine(), upgrade.Parts{Store: b.store, Cloud: b.cloud, Calls: sender, Inventory: b.inventory, Roles: b.people, Sealer: sealer, Name: b.name, Log: b.log})
	b.policy = view.Policy{Upgrades: cfg.engine().Upgrades, Reverts: cfg.engine().Reverts, Approvers: cfg.approvers(), OnCall: cfg.onCall(), Engine: b.engine}
	b.health = newHealth(b.store, b.inventory, b.log)
	b.health.distrusted = b.engine.Distrusted
	b.metrics.registry.MustRegister(state{b}, clocks{b.store})
	return b, nil
}

// ownStore names a database that holds this bot's own state; "" for every other.
func (b *Bot) ownStore(ref cloud.Ref) string {
	if entry, ok := b.inventory.Get(ref); ok && entry.Store {
		return entry.Name
	}
	return ""
}

func (c Config) allowed() []int {
	var out []int
	for _, id := range c.AllowSubscriptions {
		n, _ := strconv.Atoi(id) // validated
		out = append(out, n)
	}
	return out
}

func (c Config) olderKeys() [][]byte {
	if c.SealKeyOld == "" {
		return nil
	}
	return [][]byte{[]byte(c.SealKeyOld)}
}

// engine derives what is not configured from what is: all times scale together.
func (c Config) engine() upgrade.Config {
	return upgrade.Config{
		Mode: upgrade.Mode(c.Mode), Allow: c.allowed(), Destinations: c.BackupDestinations,
		Upgrades: c.rule(approvals.Upgrade(c.ApprovalsRequired)), Reverts: c.rule(approvals.Revert(c.RevertApprovalsRequired)),
		Soak: c.Soak, Poll: c.PollInterval, StatusEvery: c.StatusInterval, ProbeEvery: c.StatusInterval / 4,
		SendTimeout: c.SendTimeout, Grace: c.SettleGrace, Patience: 60 * c.StatusInterval, Disbelief: 60 * c.StatusInterval,
		Lease: c.Lease, Workers: 32,
	}
}

// rule is a policy with those who decide by it.
func (c Config) rule(p approvals.Policy) approvals.Policy {
	p.Approvers = slices.Concat(c.ApproverGroups, c.ApproverUsers)
	if c.OnCallGroup != "" {
		p.OnCall = []string{c.OnCallGroup}
	}
	return p
}

// approvers and onCall name people in cards.
func (c Config) approvers() string {
	var out []string
	for _, g := range c.ApproverGroups {
		out = append(out, "<!subteam^"+g+">")
	}
	for _, u := range c.ApproverUsers {
		out = append(out, "<@"+u+">")
	}
	return strings.Join(out, " ")
}

func (c Config) onCall() string {
	if c.OnCallGroup == "" {
		return "on-call"
	}
	return "<!subteam^" + c.OnCallGroup + ">"
}

// replicaName is the host's name, which a restart keeps, with a word of its own.
func replicaName(chance io.Reader) string {
	host, err := os.Hostname()
	if err != nil {
		host = "bot"
	}
	word := make([]byte, 4)
	if _, err := io.ReadFull(chance, word); err != nil {
		return "" // then the others do not hear of it, and threads say less
	}
	return fmt.Sprintf("%s-%x", host, word)
}

// Ready reports whether this replica has a socket and a Slack that knows it, its
// Redis and an inventory.
func (b *Bot) Ready() bool { return len(b.health.problems()) == 0 }

// Run works until ctx ends: then no payload is taken any more, what is begun
// is finished, and the answers on their way are written. The error is nil
// after a wanted end. Whatever Slack answers, or does not, work that was begun
// goes on.
func (b *Bot) Run(ctx context.Context) error {
	defer b.rdb.Close()
	defer b.cloud.Close()
	b.log.Info("bot starts", "version", cmp.Or(b.parts.Version, "unknown"), "mode", b.cfg.Mode, "subscriptions", b.cfg.scope(), "channel", b.cfg.SlackChannel,
		"approvers", b.cfg.deciders(), "approvals", b.cfg.ApprovalsRequired, "prefix", b.cfg.RedisPrefix)
	g, ctx := errgroup.WithContext(ctx)
	if b.cfg.HealthAddr != "" {
		g.Go(func() error { return b.health.serve(ctx, b.cfg.HealthAddr, b.metrics.handler()) })
	}
	g.Go(func() error { return b.health.watch(ctx, b.cfg.StatusInterval) })
	g.Go(func() error { return b.compareRules(ctx) })
	g.Go(func() error { return b.work(ctx) })
	g.Go(func() error { return b.whileAgreed(ctx, b.converse) })
	return unlessEnded(ctx, b.finish(ctx, g))
}

// work runs what moves sessions until ctx ends. It begins when Redis Cloud has said
// whose account this is: the sessions of another one are left alone.
func (b *Bot) work(ctx context.Context) error {
	if err := b.claimAccount(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.inventory.Run(ctx) })
	g.Go(func() error { return b.whileAgreed(ctx, b.engine.Run) })
	g.Go(func() error { return b.watchScope(ctx) })
	g.Go(func() error { return b.recount(ctx) })
	return g.Wait()
}

// farewell is how long an ending replica may finish what it has begun.
const farewell = 9 * time.Second

// finish waits for everything, and after the end of ctx for no longer than
// farewell: what is not finished by then is taken over like after a kill.
func (b *Bot) finish(ctx context.Context, g *errgroup.Group) error {
	ended := make(chan error, 1)
	go func() { ended <- g.Wait() }()
	late := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(farewell, func() { close(late) }) })
	defer stop()
	select {
	case err := <-ended:
		return err
	case <-late:
		b.log.Warn("not everything begun is finished; other replicas take it over")
		return context.Cause(ctx)
	}
}

func unlessEnded(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}
