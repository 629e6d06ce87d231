package cloudemu

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener over in-memory connections.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func TestSlowAndDroppedAnswersOverInMemoryPipes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Now: time.Now, Seed: 1})
		p := pipes{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: s.API()}
		go func() {
			if err := server.Serve(p); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			p.conns <- theirs
			return ours, nil
		}}
		get := func() error {
			req, err := http.NewRequest("GET", "http://cloud/cloud/v1/tasks", nil)
			if err != nil {
				return err
			}
			req.Header.Set("x-api-key", "sandbox-account-key")
			req.Header.Set("x-api-secret-key", "sandbox-secret-key")
			res, err := (&http.Client{Transport: transport}).Do(req)
			if err == nil {
				err = res.Body.Close()
			}
			return err
		}
		s.switchFault("slow", 1, "")
		begin := time.Now()
		if err := get(); err != nil || time.Since(begin) != 20*time.Second {
			t.Errorf("slow answer after %v: %v", time.Since(begin), err)
		}
		s.switchFault("drop_before_accept", -1, "")
		if err := get(); err == nil {
			t.Error("a dropped call was answered")
		}
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}
