package cloudemu

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-upgrade/bot/internal/memnet"
)

func TestSlowAndDroppedAnswersOverInMemoryPipes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Now: time.Now, Seed: 1})
		lis := memnet.Listen()
		server := &http.Server{Handler: s.API()}
		go func() {
			if err := server.Serve(lis); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}()
		transport := &http.Transport{DialContext: lis.Dial}
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
