package commands

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// desk is a Handler over a real engine, a real inventory and an emulated
// Redis Cloud. Slack, sockets and the inbox write down what happens, in order.
type desk struct {
	t       testing.TB
	ctx     context.Context
	h       *Handler
	engine  *upgrade.Engine
	store   *session.Store
	index   *inventory.Index
	memory  *miniredis.Miniredis
	inbox   *inbox
	threads map[string]string // channel/ts → session
	people  map[string]approvals.Voter
	slow    time.Duration // how long Slack takes to say who somebody is
	gate    atomic.Pointer[chan struct{}]
	asked   atomic.Int64   // calls to Redis Cloud
	changes *cloud.Changes // Redis Cloud, as somebody else changes it

	mu     sync.Mutex // guards the rest
	log    []string   // what happened, in order: "ack", "record", "views.open Upgrade a database" …
	acks   []string   // payloads of acknowledgements, as JSON
	told   []private1 // private answers
	views  []slack.ModalViewRequest
	spoil  func(method string) error // makes Slack calls fail, hang or panic
	homes  []slack.HomeTabViewRequest
	hash   int  // of the modal, as Slack counts its changes
	mute   bool // acknowledgements are not heard
	envlps int
}

// private1 is one private answer.
type private1 struct{ user, channel, thread, text string }

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t, ctx: t.Context(), memory: miniredis.RunT(t), threads: map[string]string{}, people: map[string]approvals.Voter{}}
	for _, v := range []approvals.Voter{{ID: "ann", Member: true}, {ID: "bob", Member: true, Approver: true}, {ID: "carol", Member: true, Approver: true},
		{ID: "dan", Member: true, OnCall: true}, {ID: "eve", Member: true}, {ID: "guest", Guest: true}} {
		v.Name, v.Known = v.ID, true
		d.people[v.ID] = v
	}
	d.inbox = &inbox{desk: d, kept: map[string][]byte{}, failed: map[string]int{}, picks: map[string]int64{}}
	emu := cloudemu.New(cloudemu.Config{Now: time.Now, Speed: func() float64 { return 1000 }, Seed: 3})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		if gate := d.gate.Load(); gate != nil { // Redis Cloud answers when it is closed
			select {
			case <-*gate:
			case <-r.Context().Done():
				return
			}
		}
		emu.API().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	rdb := redis.NewClient(&redis.Options{Addr: d.memory.Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { rdb.Close() })
	account := cloud.Config{URL: server.URL + "/cloud/v1", Key: "sandbox-account-key", Secret: "sandbox-secret-key", RetryBase: time.Millisecond}
	client, err := cloud.New(account)
	if err != nil {
		t.Fatal(err)
	}
	if d.changes, err = cloud.NewChanges(account); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	quiet := slog.New(slog.DiscardHandler)
	d.index = inventory.New(inventory.Config{Cloud: client, Redis: rdb, Log: quiet})
	if err := d.index.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealer, err := upgrade.NewSealer(rand.Reader, []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	d.store = session.New(rdb, session.Config{SealKey: []byte("seal"), Lives: upgrade.Lives(), Retention: time.Hour})
	cfg := upgrade.Config{Mode: upgrade.ModeFull, Upgrades: approvals.Upgrade(1), Reverts: approvals.Revert(2), Poll: 4 * time.Millisecond,
		StatusEvery: time.Second, SendTimeout: time.Second, Grace: time.Second, Lease: time.Second, Workers: 1}
	sender, err := calls.New(cfg.Calls(), account, client, func(cloud.Ref) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	d.engine = upgrade.New(cfg, upgrade.Parts{Store: d.store, Cloud: client, Calls: sender, Inventory: d.index, Roles: d, Sealer: sealer, Log: quiet})
	d.h = d.handler()
	t.Cleanup(d.h.Wait)
	return d
}

// handler is one more replica at the same desk.
func (d *desk) handler() *Handler {
	return New(Config{Command: "/redis-upgrade", Bot: "UBOT", Channel: botChannel, Workers: 8, Policy: view.Policy{Upgrades: approvals.Upgrade(1), Reverts: approvals.Revert(2), Approvers: "<!subteam^S0DBA>", OnCall: "on-call", Engine: d.engine}},
		Parts{Engine: d.engine, Inventory: d.index, Roles: d, Inbox: d.inbox, Threads: d, Slack: d, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

func (d *desk) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, fmt.Sprintf(format, args...))
}

// happened is what happened since it was last asked, once all is answered.
func (d *desk) happened() []string {
	d.h.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.log
	d.log = nil
	return out
}

// answers are the private answers so far.
func (d *desk) answers() []private1 {
	d.h.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.told)
}

func (d *desk) lastAck() string {
	d.h.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.acks) == 0 {
		return "none"
	}
	return d.acks[len(d.acks)-1]
}

// Ack implements Acker.
func (d *desk) Ack(_ socketmode.Request, payload ...any) error {
	raw := "[]"
	if len(payload) > 0 {
		b, err := json.Marshal(payload[0])
		if err != nil {
			return err
		}
		raw = string(b)
	}
	d.mu.Lock()
	mute := d.mute
	d.mu.Unlock()
	if mute {
		return errors.New("the socket is closed")
	}
	d.note("ack")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.acks = append(d.acks, raw)
	return nil
}

// Voter implements upgrade.Roles.
func (d *desk) Voter(ctx context.Context, user string) (approvals.Voter, error) {
	if d.slow > 0 {
		select {
		case <-ctx.Done():
			return approvals.Voter{ID: user}, ctx.Err()
		case <-time.After(d.slow):
		}
	}
	v, ok := d.people[user]
	if !ok {
		return approvals.Voter{ID: user}, errors.New("slack could not say who this is")
	}
	return v, nil
}

func (d *desk) Under(ctx context.Context, user string, _ approvals.Policy) (approvals.Voter, error) {
	return d.Voter(ctx, user)
}

// SessionAt and CardOf implement Threads.
func (d *desk) SessionAt(_ context.Context, channel, ts string) (string, error) {
	return d.threads[channel+"/"+ts], nil
}

func (d *desk) CardOf(_ context.Context, id string) (string, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for where, session := range d.threads {
		if session == id {
			channel, ts, _ := strings.Cut(where, "/")
			return channel, ts, nil
		}
	}
	return "", "", nil
}

func (d *desk) ThreadOf(ctx context.Context, id string) (string, string, error) {
	return d.CardOf(ctx, id)
}

func (d *desk) calling(ctx context.Context, method string) error {
	if err := ctx.Err(); err != nil {
		return err // what is said in the name of work that is over is not said
	}
	d.note("%s", method)
	d.mu.Lock()
	spoil := d.spoil
	d.mu.Unlock()
	if spoil == nil {
		return nil
	}
	return spoil(strings.Fields(method)[0])
}

func (d *desk) shown(v slack.ModalViewRequest) (*slack.ViewResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.views = append(d.views, v)
	d.hash++
	return &slack.ViewResponse{View: slack.View{ID: "V1", Hash: strconv.Itoa(d.hash)}}, nil
}

// The Slack interface.
func (d *desk) OpenViewContext(ctx context.Context, _ string, v slack.ModalViewRequest) (*slack.ViewResponse, error) {
	if err := d.calling(ctx, "views.open "+v.Title.Text); err != nil {
		return nil, err
	}
	return d.shown(v)
}

func (d *desk) UpdateViewContext(ctx context.Context, v slack.ModalViewRequest, _, hash, _ string) (*slack.ViewResponse, error) {
	if err := d.calling(ctx, "views.update "+v.Title.Text); err != nil {
		return nil, err
	}
	d.mu.Lock()
	now := strconv.Itoa(d.hash)
	d.mu.Unlock()
	if hash != "" && hash != now {
		return nil, slack.SlackErrorResponse{Err: "hash_conflict"}
	}
	return d.shown(v)
}

func (d *desk) PublishViewContext(ctx context.Context, req slack.PublishViewContextRequest) (*slack.ViewResponse, error) {
	d.mu.Lock()
	d.homes = append(d.homes, req.View)
	d.mu.Unlock()
	return &slack.ViewResponse{}, d.calling(ctx, "views.publish")
}

func (d *desk) PostMessageContext(ctx context.Context, channel string, o ...slack.MsgOption) (string, string, error) {
	if err := d.calling(ctx, "chat.postMessage"); err != nil {
		return "", "", err
	}
	return channel, "1.1", d.tell(channel, channel, o)
}

func (d *desk) PostEphemeralContext(ctx context.Context, channel, user string, o ...slack.MsgOption) (string, error) {
	if err := d.calling(ctx, "chat.postEphemeral"); err != nil {
		return "", err
	}
	return "1.1", d.tell(user, channel, o)
}

func (d *desk) GetPermalinkContext(ctx context.Context, p *slack.PermalinkParameters) (string, error) {
	return "https://acme.slack.com/archives/" + p.Channel + "/p" + p.Ts, d.calling(ctx, "chat.getPermalink")
}

func (d *desk) tell(user, channel string, o []slack.MsgOption) error {
	_, values, err := slack.UnsafeApplyMsgOptions("", channel, "", o...)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, private1{user, channel, values.Get("thread_ts"), values.Get("text")})
	return nil
}

// inbox keeps payloads in memory and can be away.
type inbox struct {
	desk   *desk
	mu     sync.Mutex // guards the rest
	kept   map[string][]byte
	failed map[string]int
	picks  map[string]int64
	seen   []string
	away   bool
	delay  time.Duration // of recording
}

// Receive implements Inbox.
func (i *inbox) Receive(ctx context.Context, envelope string, payload []byte) (Claim, bool, error) {
	time.Sleep(i.delay)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.away {
		return nil, false, session.ErrUnavailable
	}
	i.desk.note("record")
	fresh := !slices.Contains(i.seen, envelope)
	if fresh {
		i.seen, i.kept[envelope] = append(i.seen, envelope), payload
	}
	return &claim{i, envelope, payload, 0}, fresh, nil
}

// Withdraw implements Inbox.
func (i *inbox) Withdraw(_ context.Context, envelope string) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, recorded := i.kept[envelope]
	delete(i.kept, envelope)
	return recorded, nil
}

// Abandoned implements Inbox: here everything that is left is.
func (i *inbox) Abandoned(_ context.Context, max int) ([]Claim, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []Claim
	for envelope, payload := range i.kept {
		if len(out) < max {
			out = append(out, &claim{i, envelope, payload, 0})
		}
	}
	return out, nil
}

// Newest implements Inbox.
func (i *inbox) Newest(_ context.Context, name string, n int64) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if n < i.picks[name] {
		return false, nil
	}
	i.picks[name] = n
	return true, nil
}

// Seen implements Inbox.
func (i *inbox) Seen(_ context.Context, event string) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if slices.Contains(i.seen, event) {
		return false, nil
	}
	i.seen = append(i.seen, event)
	return true, nil
}

func (i *inbox) left() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.kept)
}

type claim struct {
	inbox    *inbox
	envelope string
	payload  []byte
	receipt  int64
}

func (c *claim) Payload() []byte                    { return c.payload }
func (c *claim) Receipt() int64                     { return c.receipt }
func (c *claim) Keep(context.Context) (stop func()) { return func() {} }
func (c *claim) Leave(context.Context) error        { return nil }

func (c *claim) Failed(context.Context) (int, error) {
	c.inbox.mu.Lock()
	defer c.inbox.mu.Unlock()
	c.inbox.failed[c.envelope]++
	return c.inbox.failed[c.envelope], nil
}

func (c *claim) Done(context.Context) error {
	c.inbox.mu.Lock()
	defer c.inbox.mu.Unlock()
	delete(c.inbox.kept, c.envelope)
	return nil
}
