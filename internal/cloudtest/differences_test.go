package cloudtest

import (
	"strings"
	"testing"
)

// difference is a reason for which reality is known to differ from the
// published description. Both client and emulator follow reality.
type difference struct {
	op   string // operation as published; all that begin with it where it ends in *
	part string // request, response, path or query
	at   string // places, separated by blanks
	what string // part of what the check says
	why  string
}

func (d difference) key(at string) string { return d.op + " " + d.part + " " + at + " " + d.what }

// explain finds the row of a finding; the key names row and place.
func explain(f finding) (key string, explained bool) {
	for _, d := range differences {
		prefix, open := strings.CutSuffix(d.op, "*")
		if f.op != d.op && !(open && strings.HasPrefix(f.op, prefix)) || f.part != d.part || !strings.Contains(f.what, d.what) {
			continue
		}
		for _, at := range strings.Fields(d.at) {
			if at == f.at {
				return d.key(at), true
			}
		}
	}
	return f.String(), false
}

// in writes each place under a prefix.
func in(prefix, places string) string {
	return prefix + strings.Join(strings.Fields(places), " "+prefix)
}

const (
	proDatabase        = "GET /v1/subscriptions/{subscriptionId}/databases/{databaseId}"
	proDatabases       = "GET /v1/subscriptions/{subscriptionId}/databases"
	essentialsDatabase = "GET /v1/fixed/subscriptions/{subscriptionId}/databases/{databaseId}"
	essentialsList     = "GET /v1/fixed/subscriptions/{subscriptionId}/databases"
)

// differences is the written list. A place that nothing needs any more fails
// the conformance test.
var differences = []difference{
	{"GET /v1/tasks/{taskId}", "response", "response.error", "got object, want string",
		"declared as one of 604 words; every answer on record is an object {type, status, description}. The fault string_error gives the declared form."},
	{"GET /v1/tasks", "response", "links", undeclared,
		"the list of tasks is declared without links, which every other list has; clients must not depend on them."},
	{proDatabase, "response", "autoMinorVersionUpgrade queryPerformanceFactor ramPercentage redisVersionCompliance", undeclared,
		"a Pro database is declared as {databaseId, links} and shown by an example that lacks these; Redis's own Go client reads them."},
	{proDatabase, "response", "backup", undeclared,
		"neither declared nor in the example; recorded answers have it, and it is the only place that tells the backup destination."},
	{proDatabase, "response", "activeActiveRedis crdbDatabases globalAlerts globalDataPersistence globalEnableDefaultUser globalSourceIp", undeclared,
		"Active-Active databases come from the same URL in a form of their own, of which the description says nothing."},
	{proDatabases, "response", in("subscription[].databases[].", "autoMinorVersionUpgrade queryPerformanceFactor redisVersionCompliance backup"), undeclared,
		"the elements of the list are what the single GET gives, without the password; see there."},
	{essentialsDatabase, "response", "replica replicaOf", undeclared,
		"the target side of Active-Passive; recorded answers have both, null where there is none."},
	{essentialsDatabase, "response", in("backup.", "destination interval status"), undeclared,
		"the example shows backups switched off; recorded answers with backups have these."},
	{essentialsDatabase, "response", in("security.", "enableTls sslClientAuthentication tlsClientAuthentication"), undeclared,
		"the example leaves them out; recorded answers have them."},
	{essentialsList, "response", in("subscription.databases[].", "activatedOn lastModified privateEndpoint publicEndpoint redisVersionCompliance "+
		"replica replicaOf replicaAsSourceEndpoints supportOSSClusterApi useExternalEndpointForOSSClusterApi backup.destination backup.interval backup.status "+
		"security.enableTls security.sslClientAuthentication security.tlsClientAuthentication"), undeclared,
		"the list is described by an example of two databases in draft; its elements are what the single GET gives."},
	{"POST /v1/subscriptions/{subscriptionId}/databases", "request", "clientTlsCertificates[]", "got string, want object",
		"declared as objects; Redis's own Go client sends strings for Pro, and the tests against the real service pass with them."},
	{"POST /v1/endpoint-redirections*", "response", "errorMessage endpoints[].errorMessage revertedAt", "got null, want string",
		"declared as strings that are not nullable, and null in the published example until there is something to say."},
	{"POST /v1/endpoint-redirections", "response", "completedAt", "got null, want string",
		"null until the redirection is completed; see above."},
	{"GET /v1/endpoint-redirections/{redirectionId}", "response", "errorMessage endpoints[].errorMessage revertedAt", "got null, want string",
		"null until there is something to say; see above."},
}

func TestEveryDifferenceHasAReason(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range differences {
		for _, at := range strings.Fields(d.at) {
			if key := d.key(at); len(d.why) < 20 || seen[key] {
				t.Errorf("doubled or without a reason: %s", key)
			} else {
				seen[key] = true
			}
		}
	}
}

// TestTheCheckSeesMistakes makes sure that silence means agreement: each row is
// an exchange that is wrong in one way.
func TestTheCheckSeesMistakes(t *testing.T) {
	s := loadSpec(t)
	const upgrade = "/v1/subscriptions/1/databases/2/upgrade"
	const task = `{"taskId":"50ec6172-8475-4ef6-8b3c-d61e688d8fe5","status":"received","timestamp":"2024-04-15T09:08:04.222268Z"}`
	for _, tt := range []struct {
		sentence, method, path, body string
		status                       int
		answer                       string
		want                         string // part of the only finding; "": none
	}{
		{"nothing is wrong", "POST", upgrade, `{"targetRedisVersion":"7.4"}`, 200, task, ""},
		{"a path that does not exist", "POST", "/v1/upgrade", `{}`, 200, task, "path : undeclared"},
		{"a method that does not exist", "PUT", upgrade, `{}`, 200, task, "path : undeclared"},
		{"an id that is a word", "GET", "/v1/subscriptions/x/databases/2/upgrade", "", 200, `{}`, `path subscriptionId: is "x"`},
		{"a query that nobody knows", "GET", upgrade + "?color=red", "", 200, `{}`, "query color: undeclared"},
		{"a query of the wrong type", "GET", "/v1/subscriptions/1/databases?offset=first", "", 200, `{}`, `query offset: is "first"`},
		{"a query that is required", "GET", "/v1/fixed/redis-versions", "", 200, `{}`, "query subscriptionId: required and missing"},
		{"a body that is required", "POST", upgrade, "", 200, task, "required"},
		{"a field that is required", "POST", upgrade, `{}`, 200, task, "missing property 'targetRedisVersion'"},
		{"a field that nobody knows", "POST", upgrade, `{"targetRedisVersion":"7.4","dryRun":true}`, 200, task, "request dryRun: undeclared"},
		{"a field of the wrong type", "POST", upgrade, `{"targetRedisVersion":7.4}`, 200, task, "want string"},
		{"a body where none belongs", "DELETE", "/v1/subscriptions/1/databases/2", `{}`, 200, task, "request : undeclared"},
		{"a status that is not declared", "POST", upgrade, `{"targetRedisVersion":"7.4"}`, 202, task, "status 202 is not declared"},
		{"an answer without a body", "POST", upgrade, `{"targetRedisVersion":"7.4"}`, 200, "", "no body"},
		{"an answer with a body that should have none", "POST", "/v1/subscriptions/1/databases/2/traffic/resume", "", 204, `{}`, "response : undeclared"},
		{"an answer with a field that nobody knows", "GET", upgrade, "", 200, `{"eta":5}`, "response eta: undeclared"},
		{"an unknown word", "GET", upgrade, "", 200, `{"upgradeStatus":"nearly"}`, "upgradeStatus: value must be one of"},
		{"a time that is none", "GET", "/v1/tasks/1", "", 200, `{"timestamp":"yesterday"}`, "date-time"},
		{"an id beyond 32 bits", "GET", upgrade, "", 200, `{"databaseId":99999999999}`, "32-bit"},
		{"an unknown field deep inside", "GET", proDatabasePath, "", 200, `{"clustering":{"shards":1}}`, "response clustering.shards: undeclared"},
	} {
		_, found := s.check(t, exchangeOf(tt.method, tt.path, tt.body, tt.status, tt.answer))
		switch {
		case tt.want == "" && len(found) > 0, tt.want != "" && (len(found) != 1 || !strings.Contains(found[0].String(), tt.want)):
			t.Errorf("%s: found %v, want %q", tt.sentence, found, tt.want)
		}
	}
}

const proDatabasePath = "/v1/subscriptions/1/databases/2"
