package bench

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// bareURL, when it is set, makes this test binary the bare program that starts
// are compared with.
const bareURL = "BENCH_BARE_SLACK_URL"

func TestMain(m *testing.M) {
	if url := os.Getenv(bareURL); url != "" {
		api := slack.New(botToken, slack.OptionAppLevelToken(appToken), slack.OptionAPIURL(url))
		client := socketmode.New(api)
		go func() {
			for range client.Events {
			}
		}()
		fmt.Println(client.RunContext(context.Background()))
		return
	}
	os.Exit(m.Run())
}

// BenchmarkStart starts the production binary again and again and measures
// from exec to the first hello of Slack (connected), and to a 200 of /readyz,
// which needs the list of databases too (ready; a small account). The bare
// program is slack-go's socket client and nothing else. It also weighs the binary.
func BenchmarkStart(b *testing.B) {
	binary := build(b, "cmd/bot")
	weight, err := os.Stat(binary)
	must(b, err)
	self, err := os.Executable()
	must(b, err)
	cloudURL, addr := startCloud(b, fleet(2, 10)), startRedis(b, "everysec")

	var ours, ready, bare samples
	for b.Loop() {
		for range 20 {
			connected, all := startOnce(b, cloudURL, addr, binary)
			ours.add(connected)
			ready.add(all)
			bare.add(startBare(b, self))
		}
	}
	compare(b, &ours, &bare)
	b.ReportMetric(millis(ours.at(99)), "connected-worst-ms")
	b.ReportMetric(millis(ready.at(50)), "ready-p50-ms")
	b.ReportMetric(float64(weight.Size())/1e6, "binary-MB")
}

// startOnce starts the bot with an empty memory and ends it again.
func startOnce(b *testing.B, cloudURL, addr, binary string) (connected, ready time.Duration) {
	dialRedis(b, addr).FlushAll(context.Background())
	w := newWorkspace(b)
	cfg := config(w, cloudURL, addr)
	cfg.HealthAddr = freeAddr(b)
	env := append(cfg.Environ(), "PATH="+os.Getenv("PATH"))
	start := time.Now()
	p := run(b, env, func(line string) { b.Log(line) }, binary)
	connected = w.connected(b, start)
	eventually(b, "a ready bot", 30*time.Second, func() bool { return answers("http://" + cfg.HealthAddr + "/readyz") })
	ready = time.Since(start)
	p.stop()
	return connected, ready
}

func startBare(b *testing.B, self string) time.Duration {
	w := newWorkspace(b)
	start := time.Now()
	p := run(b, []string{bareURL + "=" + w.url + "/slack/api/"}, func(string) {}, self)
	connected := w.connected(b, start)
	p.cmd.Process.Kill()
	p.stop()
	return connected
}

// connected waits for the first socket and returns how long ago the start was then.
func (w *workspace) connected(b *testing.B, start time.Time) time.Duration {
	for time.Since(start) < 30*time.Second {
		if w.srv.Connected() > 0 {
			return time.Since(start)
		}
		time.Sleep(500 * time.Microsecond)
	}
	b.Fatal("no socket")
	return 0
}
