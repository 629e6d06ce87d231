package cloud

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"
)

// DefaultURL is the only production address of the API.
const DefaultURL = "https://api.redislabs.com/v1"

const (
	defaultReadTimeout = 15 * time.Second
	defaultRetryBase   = time.Second
	defaultUserAgent   = "redis-upgrade-bot"

	readTries    = 10       // of one read, the first included
	maxBackoff   = 60       // of RetryBase
	maxBody      = 32 << 20 // bytes of one answer; a page of 100 databases has some 200 KiB
	dialTimeout  = 10 * time.Second
	tlsTimeout   = 10 * time.Second
	idleLifetime = 60 * time.Second
)

// Limiter is met by the budget that all replicas share.
type Limiter interface {
	// Wait blocks until cost requests may be made, or fails without spending.
	Wait(ctx context.Context, cost int) error
	// Pause keeps everybody away from the API for d.
	Pause(ctx context.Context, d time.Duration)
}

// Config says how to reach Redis Cloud. It prints without Key and Secret.
type Config struct {
	URL       string // base address with or without /v1; empty: DefaultURL; https unless loopback
	Key       string // account key, sent as x-api-key; required
	Secret    string // user key, sent as x-api-secret-key; required
	UserAgent string // empty: redis-upgrade-bot

	// Dial opens connections; nil: net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS is for a private certificate authority; nil: the system's.
	TLS *tls.Config
	// Now decides about ages (a Retry-After date); nil: time.Now. Send
	// deadlines never use it: they go by the wall clock of the machine.
	Now func() time.Time
	// Seen is told of every answer, retries included, and with status 0 of every
	// request without one; nil: nobody. It must not block.
	Seen func(method string, status int)
	// Limiter is asked before every request, retries included; nil: none.
	Limiter Limiter
	// ReadTimeout bounds one attempt of a read; 0: 15 s.
	ReadTimeout time.Duration
	// RetryBase is the first pause between attempts of a read; the others
	// double up to 60 times as much; 0: 1 s.
	RetryBase time.Duration
	// Jitter returns a random duration in [0, n), n > 0, for those pauses;
	// nil: math/rand.
	Jitter func(n time.Duration) time.Duration
	// Log gets one debug line per request and a warning per retry; nil: none.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.UserAgent == "" {
		c.UserAgent = defaultUserAgent
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.ReadTimeout <= 0 {
		c.ReadTimeout = defaultReadTimeout
	}
	if c.RetryBase <= 0 {
		c.RetryBase = defaultRetryBase
	}
	if c.Jitter == nil {
		c.Jitter = rand.N[time.Duration]
	}
	if c.Seen == nil {
		c.Seen = func(string, int) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// String describes the configuration without its keys.
func (c Config) String() string {
	return fmt.Sprintf("cloud.Config{URL:%s Key:%s Secret:%s}", RedactURI(c.URL), Secret(c.Key), Secret(c.Secret))
}

// Format prints String for every verb and flag.
func (c Config) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// MarshalJSON marshals String.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// LogValue is String, for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// core is what reads and changes share.
type core struct {
	base      string
	secrets   []string // the keys, for the scrubber
	now       func() time.Time
	limiter   Limiter
	retryBase time.Duration
	jitter    func(n time.Duration) time.Duration
	seen      func(method string, status int)
	log       *slog.Logger
}

// newCore checks the configuration and completes it.
func newCore(cfg Config) (core, Config, error) {
	base, err := baseURL(cfg.URL)
	if err := errors.Join(err, checkKey("Key", cfg.Key), checkKey("Secret", cfg.Secret)); err != nil {
		return core{}, cfg, fmt.Errorf("configure Redis Cloud client: %w", err)
	}
	cfg = cfg.withDefaults()
	return core{
		base:      base,
		secrets:   []string{cfg.Key, cfg.Secret},
		now:       cfg.Now,
		limiter:   cfg.Limiter,
		retryBase: cfg.RetryBase,
		jitter:    cfg.Jitter,
		seen:      cfg.Seen,
		log:       cfg.Log,
	}, cfg, nil
}

// Client reads from one account and cannot change anything there: it sends
// nothing but GET. Two of its reads, AskBackup and AskImport, make a task. It is
// safe for concurrent use and prints without its keys.
type Client struct {
	core
	rc *resty.Client // keeps connections, repeats
}

// New checks the configuration and builds a client; it opens no connection.
func New(cfg Config) (*Client, error) {
	core, cfg, err := newCore(cfg)
	if err != nil {
		return nil, err
	}
	c := &Client{core: core}
	c.rc = c.newResty(cfg, readTransport(cfg))
	c.repeat(c.rc.SetTimeout(cfg.ReadTimeout))
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.rc.GetClient().CloseIdleConnections() }

// String names the client without its keys.
func (c Client) String() string { return "cloud.Client{" + c.base + "}" }

// Format prints String for every verb and flag.
func (c Client) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// MarshalJSON marshals String.
func (c Client) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// LogValue is String, for slog.
func (c Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Changes changes one account: it has every method that sends anything but GET,
// and none that reads. It is safe for concurrent use, holds no connections and
// prints without its keys.
type Changes struct {
	core
	rc *resty.Client // one connection per request, never repeats
}

// NewChanges checks the configuration and builds what may change the account;
// it opens no connection.
func NewChanges(cfg Config) (*Changes, error) {
	core, cfg, err := newCore(cfg)
	if err != nil {
		return nil, err
	}
	c := &Changes{core: core}
	c.rc = c.newResty(cfg, changeTransport(cfg))
	return c, nil
}

// String names the account's address without the keys.
func (c Changes) String() string { return "cloud.Changes{" + c.base + "}" }

// Format prints String for every verb and flag.
func (c Changes) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// MarshalJSON marshals String.
func (c Changes) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// LogValue is String, for slog.
func (c Changes) LogValue() slog.Value { return slog.StringValue(c.String()) }

// newResty sets what reads and changes share. Redirects are never followed:
// the keys would travel along.
func (c *core) newResty(cfg Config, transport http.RoundTripper) *resty.Client {
	hc := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return resty.NewWithClient(hc).
		SetLogger(silent{}).
		SetBaseURL(c.base).
		SetHeader("x-api-key", cfg.Key).
		SetHeader("x-api-secret-key", cfg.Secret).
		SetHeader("Accept", "application/json").
		SetHeader("Content-Type", "application/json"). // wanted on every request, also without a body
		SetHeader("User-Agent", cfg.UserAgent).
		SetResponseBodyLimit(maxBody).
		OnBeforeRequest(c.spend).
		OnAfterResponse(c.check).
		OnError(c.unanswered)
}

func readTransport(cfg Config) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         cfg.Dial,
		TLSClientConfig:     cfg.TLS.Clone(),
		TLSHandshakeTimeout: tlsTimeout,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     idleLifetime,
	}
}

// changeTransport sends one request per connection, over HTTP/1.1: HTTP/2
// would repeat refused streams by itself.
func changeTransport(cfg Config) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         fenced(cfg.Dial),
		TLSClientConfig:     cfg.TLS.Clone(),
		TLSHandshakeTimeout: tlsTimeout,
		DisableKeepAlives:   true,
		DisableCompression:  true,
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
}

// baseURL checks the address and completes it to end in /v1.
func baseURL(raw string) (string, error) {
	if raw == "" {
		raw = DefaultURL
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "", errors.New("URL: not an address") // its text could hold a password
	}
	switch {
	case u.User != nil:
		return "", errors.New("URL: must not contain credentials")
	case u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("URL: must have neither query nor fragment")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
	default:
		return "", errors.New("URL: must be https (http only for loopback)")
	}
	base := strings.TrimRight(u.String(), "/")
	if !strings.HasSuffix(base, "/v1") {
		base += "/v1"
	}
	return base, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// checkKey refuses what cannot travel in a header, without showing it.
func checkKey(name, key string) error {
	if key == "" {
		return fmt.Errorf("%s: missing", name)
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("%s: contains a character that no key has (a blank or line end?)", name)
		}
	}
	return nil
}

// silent is resty's logger: what is worth saying, this package says itself.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
