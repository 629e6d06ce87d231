package bench

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// build makes a static, stripped binary, as `make build` does, and returns its path.
func build(b *testing.B, pkg string) string {
	b.Helper()
	out := filepath.Join(b.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "timetzdata", "-ldflags=-s -w", "-o", out, "./"+pkg)
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v\n%s", pkg, err, text)
	}
	return out
}

// process is a program that the benchmark started.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // and every line was handed on
}

// run starts a program with exactly this environment and hands every line of
// its output, standard error too, to line.
func run(b *testing.B, env []string, line func(string), name string, args ...string) *process {
	b.Helper()
	p := &process{cmd: exec.Command(name, args...), exited: make(chan struct{})}
	p.cmd.Env = env
	read, write := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = write, write
	must(b, p.cmd.Start())
	heard := make(chan struct{})
	go func() { p.cmd.Wait(); write.Close(); <-heard; close(p.exited) }()
	go func() {
		defer close(heard)
		lines := bufio.NewScanner(read)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			line(lines.Text())
		}
		io.Copy(io.Discard, read) // a line too long for us must not stop the program
	}()
	b.Cleanup(p.stop)
	return p
}

// stop asks the program to end and waits, not for ever.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(12 * time.Second):
		p.cmd.Process.Kill()
		<-p.exited
	}
}

// memory reads a line of /proc/<pid>/status, such as VmRSS, in MiB; 0 where
// there is no such file.
func (p *process) memory(name string) float64 {
	raw, _ := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	for text := range strings.Lines(string(raw)) {
		fields := strings.Fields(text)
		if len(fields) > 1 && fields[0] == name+":" {
			kb, _ := strconv.ParseFloat(fields[1], 64)
			return kb / 1024
		}
	}
	return 0
}

// emulators is cmd/sandbox -bot=false in a process of its own.
type emulators struct {
	url string
	env []string // for a bot
}

func startEmulators(b *testing.B, binary, redisAddr string, args ...string) *emulators {
	b.Helper()
	e := &emulators{}
	var mu sync.Mutex // guards e until the hooks answer
	args = append([]string{"-listen", "127.0.0.1:0", "-bot=false", "-redis", "redis://" + redisAddr}, args...)
	run(b, os.Environ(), func(line string) {
		mu.Lock()
		defer mu.Unlock()
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.ContainsAny(name, " :") {
			return
		}
		e.env = append(e.env, line)
		if name == "SLACK_API_URL" {
			e.url = strings.TrimSuffix(value, "/slack/api/")
		}
	}, binary, args...)
	eventually(b, "the emulators", 30*time.Second, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return e.url != "" && answers(e.url+"/hooks/cloud/faults")
	})
	return e
}

// answers reports whether a GET is answered with 200.
func answers(url string) bool {
	res, err := http.Get(url)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode == http.StatusOK
}

// get decodes what a hook shows.
func (e *emulators) get(b *testing.B, path string, into any) {
	b.Helper()
	res, err := http.Get(e.url + path)
	must(b, err)
	defer res.Body.Close()
	must(b, json.NewDecoder(res.Body).Decode(into))
}

// freeAddr is an address of this machine that nobody listens on.
func freeAddr(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	defer l.Close()
	return l.Addr().String()
}

// fetch is the text of a page.
func fetch(b *testing.B, url string) string {
	b.Helper()
	res, err := http.Get(url)
	if err != nil {
		return "" // not there yet
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(b, err)
	return string(text)
}
