package slackemu

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxConns        = 10
	pingEvery       = 8 * time.Second
	silenceAllowed  = 60 * time.Second // without any frame or pong
	writeAllowed    = 10 * time.Second
	warningTime     = 10 * time.Second // between "warning" and the end
	refreshTime     = ackDeadline      // between "refresh_requested" and the end, for what is still owed
	usualLife       = 18060 * time.Second
	debugLife       = 360 * time.Second // with debug_reconnects=true
	socketWriteSize = 32 << 10
)

// conn is one socket of the app.
// https://docs.slack.dev/apis/events-api/using-socket-mode/
type conn struct {
	s      *Server
	id     int
	ws     *websocket.Conn
	base   string // address the app used, for URLs in payloads
	out    chan frame
	closed chan struct{}
	once   sync.Once
	live   bool // said hello and not gone; owned by Server.mu
	warned bool // will close soon: others are preferred; owned by Server.mu
	ending bool // takes no payloads any more, but acknowledgements; owned by Server.mu
}

// frame is something to write. One with an end closes the socket that much
// later.
type frame struct {
	data []byte
	end  bool
	in   time.Duration
}

// cut closes the socket without a close frame.
func (c *conn) cut() {
	c.once.Do(func() {
		close(c.closed)
		c.ws.Close()
	})
}

// connectionsOpen is https://docs.slack.dev/reference/methods/apps.connections.open
func (s *Server) connectionsOpen(c *call) (object, error) {
	ticket := s.newUUID()
	s.tickets[ticket] = true
	return object{"url": "ws" + strings.TrimPrefix(c.base, "http") + "/slack/link/?ticket=" + ticket + "&app_id=" + appID}, nil
}

// serveLink is the socket itself: it lasts until either side ends it.
func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.mu.Lock()
	known := s.tickets[q.Get("ticket")]
	delete(s.tickets, q.Get("ticket")) // good for one connection
	s.mu.Unlock()
	if !known {
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	up := s.upgrader
	up.WriteBufferSize = socketWriteSize
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	life := usualLife
	if q.Get("debug_reconnects") == "true" {
		life = debugLife
	}
	c := &conn{s: s, ws: ws, base: baseURL(r), out: make(chan frame, 64), closed: make(chan struct{})}
	if !s.enter(c, life) {
		ws.Close()
		return
	}
	defer s.wg.Done()
	c.read()
	s.leave(c)
}

// enter takes a socket in: hello, or a polite refusal when there are too many.
// It returns false when the server is closing.
func (s *Server) enter(c *conn, life time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begin() {
		return false
	}
	s.wg.Add(1) // the writer
	s.connSeq++
	c.id = s.connSeq
	full := len(s.conns)-s.ending() >= maxConns
	s.conns = append(s.conns, c)
	go c.write(life)
	switch {
	case full:
		c.out <- disconnectFrame("too_many_websockets", 0)
	case s.takeFault("no_hello") != nil:
	default:
		hello, _ := json.Marshal(object{
			"type": "hello", "num_connections": len(s.conns) - s.ending(), "connection_info": object{"app_id": appID},
			"debug_info": object{"host": "applink-sandbox-1", "build_number": 1, "approximate_connection_time": life.Seconds()},
		})
		c.out <- frame{data: hello}
		c.live = true
	}
	s.changed()
	return true
}

// leave forgets a closed socket and what can no longer be acknowledged.
func (s *Server) leave(c *conn) {
	c.cut()
	s.mu.Lock()
	defer s.mu.Unlock()
	c.live = false
	s.conns = slices.DeleteFunc(s.conns, func(other *conn) bool { return other == c })
	for id, env := range s.waiting {
		if env.conn == c {
			delete(s.waiting, id)
		}
	}
	s.changed()
}

// ending counts the sockets that only wait for what they are owed. mu is held.
func (s *Server) ending() int {
	n := 0
	for _, c := range s.conns {
		if c.ending {
			n++
		}
	}
	return n
}

// liveConns are the sockets among which payloads are dealt. mu is held.
func (s *Server) liveConns() []*conn {
	var fresh, warned []*conn
	for _, c := range s.conns {
		switch {
		case !c.live:
		case c.warned:
			warned = append(warned, c)
		default:
			fresh = append(fresh, c)
		}
	}
	if len(fresh) > 0 {
		return fresh
	}
	return warned
}

// read takes frames until the socket ends.
func (c *conn) read() {
	alive := func() { c.ws.SetReadDeadline(time.Now().Add(silenceAllowed)) }
	alive()
	c.ws.SetPongHandler(func(string) error { alive(); return nil })
	c.ws.SetPingHandler(func(data string) error {
		alive()
		if c.s.silent() {
			return nil
		}
		c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeAllowed))
		return nil
	})
	for {
		kind, data, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		alive()
		if kind == websocket.TextMessage {
			c.s.acknowledge(c, data)
		}
	}
}

// write sends frames and pings, and recycles the socket at the end of its
// life, until the socket ends.
func (c *conn) write(life time.Duration) {
	defer c.s.wg.Done()
	defer c.cut()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	warn := time.NewTimer(life - warningTime)
	defer warn.Stop()
	end := time.NewTimer(life)
	defer end.Stop()
	for {
		select {
		case <-c.closed:
			return
		case <-end.C:
			return
		case <-warn.C:
			c.s.disconnect(c, "warning")
		case <-ping.C:
			if !c.s.silent() {
				c.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-sandbox-1"), time.Now().Add(writeAllowed))
			}
		case f := <-c.out:
			if !c.send(f, end) {
				return
			}
		}
	}
}

// send writes one frame; false ends the socket.
func (c *conn) send(f frame, end *time.Timer) bool {
	if f.data != nil {
		c.ws.SetWriteDeadline(time.Now().Add(writeAllowed))
		if err := c.ws.WriteMessage(websocket.TextMessage, f.data); err != nil {
			return false
		}
	}
	if f.end {
		end.Reset(f.in)
	}
	return true
}

// disconnectFrame tells the app why its socket ends, and ends it.
func disconnectFrame(reason string, in time.Duration) frame {
	data, _ := json.Marshal(object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "applink-sandbox-1"}})
	return frame{data: data, end: true, in: in}
}

// disconnect announces the end of one socket. After a warning it still gets
// payloads if there is no other; after a request to refresh it can only
// acknowledge what it has; after anything else it is gone at once.
func (s *Server) disconnect(c *conn, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.live {
		return
	}
	var in time.Duration
	switch reason {
	case "warning":
		in, c.warned = warningTime, true
	case "refresh_requested":
		in, c.live, c.ending = refreshTime, false, true
	default:
		c.live = false
	}
	select {
	case c.out <- disconnectFrame(reason, in):
	default: // the app does not read; it will notice the end
		go c.cut()
	}
	s.changed()
}
