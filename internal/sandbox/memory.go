package sandbox

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// memoryAddr is what the in-memory Redis is called where it has no socket.
const memoryAddr = "127.0.0.1:6379"

// memory is the in-memory Redis.
type memory struct {
	server *miniredis.Miniredis
	url    string
}

// startMemory starts a server on a free port of this machine, or without one
// if it will be dialled through pipes.
func startMemory(clock *Clock, piped bool) (*memory, error) {
	m := &memory{server: miniredis.NewMiniRedis(), url: "redis://" + memoryAddr}
	if piped {
		conn, err := m.server.Dial() // brings it up
		if err != nil {
			return nil, fmt.Errorf("start the in-memory Redis: %w", err)
		}
		conn.Close()
	} else {
		if err := m.server.StartAddr("127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("start the in-memory Redis: %w", err)
		}
		m.url = "redis://" + m.server.Addr()
	}
	m.server.ClockTTL(true)
	m.follow(clock)
	return m, m.server.Server().Register("CONFIG", config)
}

// settings are what the server says of itself. A sandbox forgets by intention, so
// the bot shall not warn of it.
var settings = map[string]string{"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "always"}

// config answers CONFIG GET for the settings that the bot asks for.
func config(c *server.Peer, _ string, args []string) {
	if len(args) != 2 || !strings.EqualFold(args[0], "GET") {
		c.WriteError("ERR the in-memory Redis knows CONFIG GET <name> only")
		return
	}
	value, known := settings[strings.ToLower(args[1])]
	if !known {
		c.WriteMapLen(0)
		return
	}
	c.WriteMapLen(1)
	c.WriteBulk(strings.ToLower(args[1]))
	c.WriteBulk(value)
}

// follow lets the server's time be the sandbox's whenever a script begins: time
// in Redis matters to scripts only (queues, turns, budgets). Commands within a
// script must not be touched, because the server is locked while it runs.
func (m *memory) follow(clock *Clock) {
	m.server.Server().SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		if command == "EVAL" || command == "EVALSHA" {
			m.server.SetTime(clock.Now().UTC())
		}
		return false
	})
}

// dial leads the bot to the in-memory server or through the pipes.
func (m *memory) dial(pipes func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if m != nil && addr == memoryAddr {
			return m.server.Dial()
		}
		return pipes(ctx, network, addr)
	}
}

func (m *memory) close() {
	if m != nil {
		m.server.Close()
	}
}
