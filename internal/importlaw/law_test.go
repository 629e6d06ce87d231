package importlaw

// law is the package map: for every package of ours the packages of ours that it
// may import, and in one sentence what it is for. Paths are relative to the module;
// "internal/" is left out on both sides.
var law = map[string]row{
	"cmd/bot":     {may: "bot", is: "environment in, run until a signal, exit code out"},
	"cmd/sandbox": {may: "sandbox", is: "the same bot among emulators, with a page to try it"},

	"bot": {
		may: "slacksocket commands thread view upgrade calls approvals inventory people releases cloud session",
		is:  "the one place that knows every part: configuration, wiring, health",
	},
	"slacksocket": {is: "receives what people do in Slack: two Socket Mode connections per replica"},
	"commands":    {may: "view upgrade inventory people", is: "answers somebody who just acted"},
	"thread":      {may: "view upgrade session", is: "draws what must arrive: every card and thread"},
	"view":        {may: "upgrade approvals inventory releases cloud words", is: "pure functions from values to Block Kit"},
	"view/samples": {
		may: "view upgrade approvals inventory cloud",
		is:  "what people can see, drawn from made-up values, for the sandbox's gallery",
	},
	"upgrade":   {may: "calls session approvals inventory cloud releases words", is: "upgrades and reverts: their transitions, steps and preflight"},
	"calls":     {may: "session cloud words", is: "carries a changing call from plan to end; the one place from which one leaves"},
	"words":     {is: "instants and durations in sentences for people"},
	"inventory": {may: "cloud releases", is: "what we own: the index, its refresh, search, replica graph"},
	"approvals": {is: "who may decide, how many, until when"},
	"session":   {is: "durable state machine in Redis"},
	"people":    {is: "who someone is in Slack"},
	"releases":  {is: "Redis versions and what changes between two of them"},
	"cloud":     {is: "the Redis Cloud REST API"},

	"sandbox":          {may: "bot view/samples sandbox/slackemu sandbox/cloudemu sandbox/web", is: "starts emulators, in-memory Redis, page and bot"},
	"sandbox/slackemu": {is: "speaks Slack's wire protocol from its own types"},
	"sandbox/cloudemu": {is: "speaks Redis Cloud's wire protocol from its own types"},
	"sandbox/web":      {may: "sandbox/slackemu sandbox/cloudemu", is: "the page"},
	"sandbox/scenario": {is: "whole conversations as text, played through the hooks"},

	"chaos":     {is: "proves reliability with real processes"},
	"cloudtest": {is: "proves that Redis Cloud's client and emulator agree with the published API"},
	"bench":     {is: "benchmarks of the whole product; nothing but tests"},
	"memnet":    {is: "a network in memory, for tests alone"},
	"importlaw": {is: "this test"},
}

type row struct{ may, is string }

// modules says where a module of others may appear. One that is missing here may
// appear nowhere outside of tests. "*" is everywhere.
var modules = map[string]string{
	"github.com/slack-go/slack":            "commands thread view view/samples people slacksocket bot",
	"github.com/redis/go-redis/v9":         "session inventory bot",
	"github.com/go-resty/resty/v2":         "cloud",
	"github.com/kelseyhightower/envconfig": "bot",
	"github.com/alicebob/miniredis/v2":     "sandbox",
	"github.com/gorilla/websocket":         "slacksocket sandbox/slackemu", // the two ends of Socket Mode
	"github.com/prometheus/client_golang":  "bot",
	"go.yaml.in/yaml/v3":                   "releases bot sandbox sandbox/cloudemu", // versions, POLICY_FILE, -fleet FILE
	"golang.org/x/sync":                    "*",
	"golang.org/x/time":                    "*",
}

// notInProduction must not be linked into cmd/bot, by whatever way.
var notInProduction = []string{
	module + "/internal/sandbox",
	module + "/internal/memnet",
	module + "/internal/view/samples",
	"github.com/alicebob/miniredis",
	"testing",
	"net/http/httptest",
}
