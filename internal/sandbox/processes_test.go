package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/sandbox/scenario"
)

// need finds a program. Without it the test is skipped, unless CI=true says that
// nothing may be.
func need(t *testing.T, program, install string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: %s", program, install)
	}
	t.Skipf("%s is missing: %s", program, install)
	return ""
}

// process is a program that a test started, and ends when the test ends.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	mu   sync.Mutex
	log  bytes.Buffer // what it wrote to standard error; owned by mu
	done chan error
}

// Write collects standard error.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// launch starts a program whose standard output goes to out, if out is not nil.
func launch(t *testing.T, env []string, out func(line string), path string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: filepath.Base(path), cmd: exec.Command(path, args...), done: make(chan error, 1)}
	p.cmd.Env, p.cmd.Stderr = env, p
	var lines *bufio.Scanner
	if out != nil {
		pipe, err := p.cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		lines = bufio.NewScanner(pipe)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	go func() {
		for lines != nil && lines.Scan() {
			out(lines.Text())
		}
		p.done <- p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.end(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, p.said())
		}
	})
	return p
}

// end sends a signal and waits until the program is gone; ending one that is
// gone already does nothing.
func (p *process) end(signal os.Signal) error {
	if err := p.cmd.Process.Signal(signal); errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(15 * time.Second):
		p.cmd.Process.Kill()
		return fmt.Errorf("%s did not end within 15 s of %s", p.name, signal)
	}
}

// startRedis runs a real redis-server on a free port and returns its URL.
func startRedis(t *testing.T) string {
	t.Helper()
	path := need(t, "redis-server", "on Debian: apt-get install redis-server")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	launch(t, os.Environ(), nil, path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			conn.Close()
			return "redis://127.0.0.1:" + port
		}
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
}

// build compiles both programs and returns their folder.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", dir, "github.com/redis-upgrade/bot/cmd/bot", "github.com/redis-upgrade/bot/cmd/sandbox")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

// startEmulators runs cmd/sandbox without a bot and returns the environment that
// it prints, and its URL.
func startEmulators(t *testing.T, dir, redis string) (p *process, env []string, url string) {
	t.Helper()
	var mu sync.Mutex
	complete := make(chan struct{})
	p = launch(t, append(os.Environ(), "SLACK_BOT_TOKEN=xoxb-real-and-secret"), func(line string) {
		mu.Lock()
		defer mu.Unlock()
		env = append(env, line)
		if name, value, _ := strings.Cut(line, "="); name == "SLACK_API_URL" {
			url = strings.TrimSuffix(value, "/slack/api/")
		} else if name == "LOG_FORMAT" { // the last one
			close(complete)
		}
	}, filepath.Join(dir, "sandbox"), "-bot=false", "-redis", redis, "-listen", "127.0.0.1:0", "-speed", fmt.Sprint(scenarioSpeed))
	select {
	case <-complete:
	case <-time.After(20 * time.Second):
		t.Fatal("the sandbox prints no environment")
	}
	mu.Lock()
	defer mu.Unlock()
	return p, append([]string{}, env...), url
}

// TestTwoProcessesOnARealRedis is the other way to run the sandbox: emulators
// here, the production binary there, a real server between them.
func TestTwoProcessesOnARealRedis(t *testing.T) {
	redis := startRedis(t)
	dir := build(t)
	for _, name := range []string{"upgrade", "revert"} {
		t.Run(name, func(t *testing.T) {
			emulators, env, url := startEmulators(t, dir, redis)
			// Emulators forget and Redis does not, so each run has keys of its own.
			env = append(env, "REDIS_PREFIX=test-"+name, "PATH="+os.Getenv("PATH"))
			bot := launch(t, env, nil, filepath.Join(dir, "bot"))
			waitForSocket(t, url)
			p := scenario.Player{URL: url, Log: t.Logf, Patience: patience}
			if err := p.Play(t.Context(), scenarios(t)[name]); err != nil {
				t.Error(err)
			}
			if err := bot.end(syscall.SIGTERM); err != nil {
				t.Errorf("the bot ended with %v", err)
			}
			if err := emulators.end(os.Interrupt); err != nil {
				t.Errorf("the sandbox ended with %v", err)
			}
		})
	}
}

// waitForSocket waits until the bot answers: hooks without an embedded bot do
// not wait for one.
func waitForSocket(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		_, answer := ask(t, "POST", url+"/hooks/slack/command", `{"user":"ann","channel":"redis-ops","text":"list"}`)
		response, _ := answer["response"].(map[string]any)
		if text, _ := response["text"].(string); strings.Contains(text, "cache-prod") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the bot never answered")
}
