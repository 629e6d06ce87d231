package chaos

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain takes away what the tests built. Most tests wait most of the time, for
// leases and time-outs, so many may run at once on few processors.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set("8")
	}
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built holds both programs, built once, without the race detector: their size
// and speed are those of production.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// program is the path of a built command of ours.
func program(t testing.TB, name string) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "chaos-"); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", built.dir+string(filepath.Separator), "../../cmd/sandbox", "../../cmd/bot")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("build the programs: %v", built.err)
	}
	return filepath.Join(built.dir, name)
}

// process is one program that a test started; it ends with the test.
type process struct {
	t      testing.TB
	name   string
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended

	mu  sync.Mutex
	log bytes.Buffer // under mu: standard error
	out bytes.Buffer // under mu: standard output
}

// start runs a program with exactly this environment.
func start(t testing.TB, name, path string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: exec.Command(path, args...), exited: make(chan struct{})}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &locked{&p.mu, &p.out}, &locked{&p.mu, &p.log}
	// A test that is itself killed leaves nothing behind.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() { p.cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said at last:\n%s", filepath.Base(name), tail(p.said(), 25))
		}
		if dir := os.Getenv("CHAOS_LOGS"); dir != "" {
			_ = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.log", filepath.Base(name), p.cmd.Process.Pid)), []byte(p.said()), 0o600)
		}
	})
	return p
}

// locked is a buffer that the test may read while the program writes.
type locked struct {
	mu *sync.Mutex
	to io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

// said is the log so far.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (p *process) printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // one that has ended hears nothing

// kill ends the process without a chance to say goodbye.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.exited
}

// ends waits for the process and returns its exit code, -1 after a signal.
func (p *process) ends(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		p.t.Fatalf("%s did not end within %s; it said:\n%s", p.name, within, tail(p.said(), 30))
		return -1
	}
}

// running reports whether it has not ended.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// freePort is a port that was free a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// widened is a wait as a safety net: what is written at the call is what to
// expect on an idle machine, and a busy one must not fail for being slow.
func widened(within time.Duration) time.Duration { return 3 * within }

// until waits for something; a safety net, not a measurement.
func until(t testing.TB, within time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(widened(within)); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// replica is one cmd/bot.
type replica struct {
	*process
	health string // host:port
}

// bot starts a replica among the world's emulators; later settings win.
func (w *world) bot(name string, settings ...string) *replica {
	w.t.Helper()
	r := &replica{health: "127.0.0.1:" + freePort(w.t)}
	env := append(append(append([]string{}, w.env...), "HEALTH_ADDR="+r.health, "LOG_LEVEL=info"), settings...)
	r.process = start(w.t, name, program(w.t, "bot"), env)
	return r
}

// ready asks a replica whether it can work; problems is what it says if not.
func (r *replica) ready() (ok bool, problems string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+r.health+"/readyz", nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode == http.StatusOK, string(body)
}

// awaitReady waits until a replica says that it can work.
func (r *replica) awaitReady(within time.Duration) {
	r.t.Helper()
	for deadline := time.Now().Add(widened(within)); ; time.Sleep(20 * time.Millisecond) {
		ok, problems := r.ready()
		if ok {
			return
		}
		if !r.running() || time.Now().After(deadline) {
			r.t.Fatalf("%s is not ready after %s: %s; it said:\n%s", r.name, within, problems, tail(r.said(), 30))
		}
	}
}

// awaitRed waits until a replica says that it cannot work, and why.
func (r *replica) awaitRed(within time.Duration, why string) time.Duration {
	r.t.Helper()
	began := time.Now()
	until(r.t, within, r.name+" says that it is not ready: "+why, func() bool {
		ok, problems := r.ready()
		return !ok && strings.Contains(problems, why)
	})
	return time.Since(began)
}

// environ reads NAME=value lines.
func environ(text string) []string {
	var out []string
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if strings.Contains(lines.Text(), "=") {
			out = append(out, lines.Text())
		}
	}
	return out
}
