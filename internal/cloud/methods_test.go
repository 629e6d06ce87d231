package cloud

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	closed, off, newPassword = []string{"127.0.0.1/32"}, false, Secret("pw-1234")
	aa                       = RoleDatabase{Subscription: 126, Database: 2, Name: "not sent", Regions: []string{"us-east-1"}}
)

// changes is every changing call and its wire form.
var changes = []struct {
	sentence string
	do       func(context.Context, *Changes) error
	want     string // METHOD path body
}{
	{"upgrade Pro", func(ctx context.Context, c *Changes) error { return drop(c.StartUpgrade(ctx, orders, "7.4")) },
		`POST /subscriptions/1206/databases/51055/upgrade {"targetRedisVersion":"7.4"}`},
	{"upgrade Essentials", func(ctx context.Context, c *Changes) error { return drop(c.StartUpgrade(ctx, cache, "8.2")) },
		`POST /fixed/subscriptions/111728/databases/51055029/upgrade {"targetRedisVersion":"8.2"}`},
	{"back up to the own place", func(ctx context.Context, c *Changes) error { return drop(c.StartBackup(ctx, orders, "")) },
		`POST /subscriptions/1206/databases/51055/backup {}`},
	{"back up elsewhere", func(ctx context.Context, c *Changes) error { return drop(c.StartBackup(ctx, orders, "s3://b/p")) },
		`POST /subscriptions/1206/databases/51055/backup {"adhocBackupPath":"s3://b/p"}`},
	{"import", func(ctx context.Context, c *Changes) error {
		return drop(c.StartImport(ctx, orders, "aws-s3", []string{"s3://b/1", "s3://b/2"}))
	}, `POST /subscriptions/1206/databases/51055/import {"sourceType":"aws-s3","importFromUri":["s3://b/1","s3://b/2"]}`},
	{"delete", func(ctx context.Context, c *Changes) error { return drop(c.Delete(ctx, orders)) },
		`DELETE /subscriptions/1206/databases/51055 `},
	{"create", func(ctx context.Context, c *Changes) error {
		return drop(c.Create(ctx, Pro, 1206, Create{Name: "n", Version: "7.2"}))
	}, `POST /subscriptions/1206/databases {"name":"n","redisVersion":"7.2","replication":false,"enableTls":false,"supportOSSClusterApi":false}`},
	{"dry run", func(ctx context.Context, c *Changes) error { return drop(c.DryRun(ctx, Pro, 1206, Create{Name: "n"})) },
		`POST /subscriptions/1206/databases {"name":"n","dryRun":true,"replication":false,"enableTls":false,"supportOSSClusterApi":false}`},
	{"close the door of Pro", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, orders, Update{SourceIPs: &closed}))
	}, `PUT /subscriptions/1206/databases/51055 {"sourceIp":["127.0.0.1/32"]}`},
	{"close the door of Essentials", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, cache, Update{SourceIPs: &closed}))
	}, `PUT /fixed/subscriptions/111728/databases/51055029 {"sourceIps":["127.0.0.1/32"]}`},
	{"switch the default user off", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, orders, Update{DefaultUser: &off}))
	}, `PUT /subscriptions/1206/databases/51055 {"enableDefaultUser":false}`},
	{"set the password", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, orders, Update{Password: &newPassword}))
	}, `PUT /subscriptions/1206/databases/51055 {"password":"pw-1234"}`},
	{"detach says so explicitly", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, orders, Update{Replica: &[]SyncSource{}}))
	}, `PUT /subscriptions/1206/databases/51055 {"replicaOf":[]}`},
	{"attach", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, orders, Update{Replica: &[]SyncSource{{Endpoint: "redis://u:p@h:1", Encryption: true}}}))
	}, `PUT /subscriptions/1206/databases/51055 {"replica":{"syncSources":[{"endpoint":"redis://u:p@h:1","encryption":true}]}}`},
	{"turn backups on for Pro", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, orders, Update{RemoteBackup: &RemoteBackup{true, "every-24-hours", "02:00", "gs://b"}}))
	}, `PUT /subscriptions/1206/databases/51055 {"remoteBackup":{"active":true,"interval":"every-24-hours","timeUTC":"02:00","storageType":"google-blob-storage","storagePath":"gs://b"}}`},
	{"a short interval has no time of day", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, orders, Update{RemoteBackup: &RemoteBackup{true, "every-4-hours", "02:00", "ftp://h/"}}))
	}, `PUT /subscriptions/1206/databases/51055 {"remoteBackup":{"active":true,"interval":"every-4-hours","storageType":"ftp","storagePath":"ftp://h/"}}`},
	{"turn backups on for Essentials", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, cache, Update{RemoteBackup: &RemoteBackup{Active: true, Path: "s3://b"}}))
	}, `PUT /fixed/subscriptions/111728/databases/51055029 {"periodicBackupPath":"s3://b"}`},
	{"turn backups off", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, orders, Update{RemoteBackup: &RemoteBackup{}}))
	}, `PUT /subscriptions/1206/databases/51055 {"remoteBackup":{"active":false}}`},
	{"regex rules", func(ctx context.Context, c *Changes) error {
		return drop(c.Update(ctx, orders, Update{RegexRules: &[]string{"(?<tag>.*)"}}))
	}, `PUT /subscriptions/1206/databases/51055 {"regexRules":["(?<tag>.*)"]}`},
	{"tags", func(ctx context.Context, c *Changes) error {
		return c.SetTags(ctx, orders, []Tag{{"environment", "production"}})
	}, `PUT /subscriptions/1206/databases/51055/tags {"tags":[{"key":"environment","value":"production"}]}`},
	{"no tags", func(ctx context.Context, c *Changes) error { return c.SetTags(ctx, orders, nil) },
		`PUT /subscriptions/1206/databases/51055/tags {"tags":[]}`},
	{"role", func(ctx context.Context, c *Changes) error {
		return drop(c.UpdateRole(ctx, Role{ID: 395, Name: "r", Rules: []RoleRule{{Name: "Full-Access", Databases: []RoleDatabase{aa}}, {Name: "Read"}}}))
	}, `PUT /acl/roles/395 {"name":"r","redisRules":[{"ruleName":"Full-Access","databases":[{"subscriptionId":126,"databaseId":2,"regions":["us-east-1"]}]},{"ruleName":"Read","databases":[]}]}`},
	{"resume traffic", func(ctx context.Context, c *Changes) error { return c.ResumeTraffic(ctx, orders) },
		`POST /subscriptions/1206/databases/51055/traffic/resume `},
	{"redirect", func(ctx context.Context, c *Changes) error {
		return drop(c.Redirect(ctx, RedirectRequest{Source: 1, Target: 2, Type: "public", DuplicateACLs: true}))
	}, `POST /endpoint-redirections {"sourceDatabaseId":1,"targetDatabaseId":2,"endpointTargetType":"public","duplicateACLs":true,"migrationProtection":true}`},
	{"redirect back", func(ctx context.Context, c *Changes) error { return drop(c.RevertRedirect(ctx, "550e8400-e29b")) },
		`POST /endpoint-redirections/550e8400-e29b/revert `},
}

// TestChangesOnTheWire holds method, path, body and headers of every changing call.
func TestChangesOnTheWire(t *testing.T) {
	for _, tt := range changes {
		method, rest, _ := strings.Cut(tt.want, " ")
		path, body, _ := strings.Cut(rest, " ")
		both := strings.TrimSuffix(received, "}") + `,"redirectionId":"550e8400"}`
		c, f := serve(t, map[string]string{method + " " + path: both})
		if err := tt.do(sendable(t), c.Changes); err != nil {
			t.Errorf("%s: %v", tt.sentence, err)
		}
		got := f.requests()
		if len(got) != 1 || got[0].Method != method || got[0].Path != "/v1"+path {
			t.Errorf("%s: sent %+v", tt.sentence, got)
			continue
		}
		sameJSON(t, got[0].Body, body)
		for header, want := range map[string]string{"X-Api-Key": testKey, "X-Api-Secret-Key": testSecret,
			"Content-Type": "application/json", "Accept": "application/json", "User-Agent": defaultUserAgent,
			"Idempotency-Key": "", "X-Idempotency-Key": ""} {
			if got[0].Header.Get(header) != want {
				t.Errorf("%s: header %s = %q", tt.sentence, header, got[0].Header.Get(header))
			}
		}
	}
}

// drop keeps the error of a call.
func drop[T any](_ T, err error) error { return err }

func TestRefusedBeforeSending(t *testing.T) {
	c, f := serve(t, nil)
	on, empty := true, Secret("")
	ctx := sendable(t)
	for sentence, err := range map[string]error{
		"no deadline":                       drop(c.StartUpgrade(t.Context(), orders, "7.4")),
		"a deadline gone by":                drop(c.StartUpgrade(WithSendDeadline(t.Context(), time.Now().Add(-time.Second)), orders, "7.4")),
		"no such database":                  drop(c.Delete(ctx, Ref{Plan: Pro})),
		"no such plan":                      drop(c.Delete(ctx, Ref{"gold", 1, 1})),
		"no version":                        drop(c.StartUpgrade(ctx, orders, "")),
		"no files":                          drop(c.StartImport(ctx, orders, "aws-s3", nil)),
		"no name":                           drop(c.Create(ctx, Pro, 1, Create{})),
		"a dry run would create Essentials": drop(c.DryRun(ctx, Essentials, 1, Create{Name: "n"})),
		"nothing to change":                 drop(c.Update(ctx, orders, Update{})),
		"password with default user":        drop(c.Update(ctx, orders, Update{DefaultUser: &on, Password: &empty})),
		"an empty password":                 drop(c.Update(ctx, orders, Update{Password: &empty})),
		"Essentials cannot stop backups":    drop(c.Update(ctx, cache, Update{RemoteBackup: &RemoteBackup{}})),
		"a redacted address read back":      drop(c.StartBackup(ctx, orders, URI("ftp://u:p@h/").Redacted())),
		"a redirection id that is a path":   drop(c.RevertRedirect(ctx, "../subscriptions/1")),
		"no role":                           drop(c.UpdateRole(ctx, Role{})),
	} {
		var notSent *NotSent
		if !errors.As(err, &notSent) || !DidNotHappen(err) {
			t.Errorf("%s: got %v, want NotSent", sentence, err)
		}
	}
	if got := f.requests(); len(got) != 0 {
		t.Errorf("sent %+v", got)
	}
}

func TestDryRunNeedsNoDeadline(t *testing.T) {
	c, f := serve(t, map[string]string{"POST /subscriptions/1/databases": received})
	if _, err := c.DryRun(t.Context(), Pro, 1, Create{Name: "n"}); err != nil || len(f.requests()) != 1 {
		t.Errorf("err %v, requests %d", err, len(f.requests()))
	}
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// reads is every read, a recorded answer and what it becomes.
var reads = []struct {
	route, body string
	do          func(context.Context, *Client) (any, error)
	want        any
}{
	{"GET /", `{"account":{"id":1001,"name":"Redis","createdTimestamp":"2018-12-23T15:15:31Z","key":{"name":"capi-api-key-name","accountId":1001,"accountName":"Redis","allowedSourceIps":["0.0.0.0/0"],"createdTimestamp":"2018-12-23T00:00:00Z","owner":{"name":"CAPI user","email":"capi.user@redis.com"},"userAccountId":1,"httpSourceIp":"79.0.0.173"}}}`,
		func(ctx context.Context, c *Client) (any, error) { return c.Account(ctx) },
		Account{1001, "Redis", "capi-api-key-name", "CAPI user", "capi.user@redis.com", []string{"0.0.0.0/0"}, "79.0.0.173", date(2018, 12, 23)}},
	{"GET /subscriptions", `{"accountId":1001,"subscriptions":[{"id":1206,"name":"prod","status":"active","deploymentType":"single-region","publicEndpointAccess":true,"memoryStorage":"ram","numberOfDatabases":6,"cloudDetails":[{"provider":"AWS","cloudAccountId":1,"regions":[{"region":"us-east-1","networking":[{"deploymentCIDR":"10.0.0.0/24","subnetId":"subnet-009c"}]}]}]},{"id":7,"deploymentType":"active-active","status":"pending","publicEndpointAccess":false}]}`,
		func(ctx context.Context, c *Client) (any, error) { return c.Subscriptions(ctx) },
		[]Subscription{
			{ID: 1206, Name: "prod", Status: "active", Plan: Pro, MemoryStorage: "ram", Databases: 6, Provider: "AWS", Region: "us-east-1",
				Regions: []string{"us-east-1"}, Networks: []string{"10.0.0.0/24"}, PublicAccess: true,
				SupportsPersistence: true, SupportsBackups: true, SupportsReplication: true, SupportsClustering: true},
			{ID: 7, Status: "pending", Plan: Pro, ActiveActive: true,
				SupportsPersistence: true, SupportsBackups: true, SupportsReplication: true, SupportsClustering: true},
		}},
	{"GET /fixed/subscriptions", `{"subscriptions":[{"id":151367,"name":"fixed-sub-2","status":"active","planId":98276,"planName":"Standard 1GB","size":1,"sizeMeasurementUnit":"GB","provider":"AWS","region":"us-west-1","maximumDatabases":1,"connections":1024,"cidrAllowRules":8,"supportDataPersistence":true,"supportInstantAndDailyBackups":true,"supportReplication":true,"creationDate":"20-Nov-2022","supportClustering":false}]}`,
		func(ctx context.Context, c *Client) (any, error) { return c.EssentialsSubscriptions(ctx) },
		[]Subscription{{ID: 151367, Name: "fixed-sub-2", Status: "active", Plan: Essentials, Provider: "AWS", Region: "us-west-1",
			Regions: []string{"us-west-1"}, PublicAccess: true, PlanName: "Standard 1GB", Size: 1, SizeUnit: "GB", MaximumDatabases: 1,
			CIDRs: 8, SupportsPersistence: true, SupportsBackups: true, SupportsReplication: true}}},
	{"GET /subscriptions/1206/databases/51055/available-target-versions", `{"targets":[{"redisVersion":"7.4"},{"redisVersion":"8.2"}]}`,
		func(ctx context.Context, c *Client) (any, error) { return c.TargetVersions(ctx, orders) }, []string{"7.4", "8.2"}},
	{"GET /subscriptions/redis-versions?subscriptionId=1206", `{"redisVersions":[{"version":"6.2","eolDate":"2027-04-01","isPreview":false,"isDefault":false},{"version":"7.4","isPreview":false,"isDefault":true}]}`,
		func(ctx context.Context, c *Client) (any, error) { return c.CreatableVersions(ctx, Pro, 1206) },
		[]Version{{"6.2", date(2027, 4, 1), false, false}, {"7.4", time.Time{}, false, true}}},
	{"GET /fixed/redis-versions?subscriptionId=9", `{"redisVersions":[{"version":"8.0","isPreview":true}]}`,
		func(ctx context.Context, c *Client) (any, error) { return c.CreatableVersions(ctx, Essentials, 9) },
		[]Version{{"8.0", time.Time{}, true, false}}},
	{"GET /subscriptions/1206/databases/51055/upgrade", `{"databaseId":51055,"targetRedisVersion":"7.4","progress":142.5,"upgradeStatus":"in-progress"}`,
		func(ctx context.Context, c *Client) (any, error) { return c.UpgradeStatus(ctx, orders) }, Upgrade{"7.4", 100, UpgradeRunning}},
	{"GET /subscriptions/1206/databases/51055/tags", `{"accountId":1,"links":[]}`,
		func(ctx context.Context, c *Client) (any, error) { return c.Tags(ctx, orders) }, []Tag{}},
	{"GET /fixed/subscriptions/111728/databases/51055029/tags", `{"tags":[{"key":"environment","value":"production","createdAt":"x"}]}`,
		func(ctx context.Context, c *Client) (any, error) { return c.Tags(ctx, cache) }, []Tag{{"environment", "production"}}},
	{"GET /acl/roles", `{"roles":[{"id":395,"name":"r","redisRules":[{"ruleId":7,"ruleName":"Full-Access","databases":[{"subscriptionId":126,"databaseId":1,"databaseName":"x"}]}],"users":[],"status":"active"}]}`,
		func(ctx context.Context, c *Client) (any, error) { return c.Roles(ctx) },
		[]Role{{395, "r", "active", []RoleRule{{7, "Full-Access", []RoleDatabase{{126, 1, "x", nil}}}}}}},
	{"GET /subscriptions/1206/maintenance-windows", `{"mode":"manual","timeZone":"Etc/UTC","windows":[{"days":["Monday"],"startHour":3,"durationInHours":8}],"skipStatus":{"remainingSkips":0,"currentSkipEnd":"2024-05-21T00:00:00Z"}}`,
		func(ctx context.Context, c *Client) (any, error) { return c.MaintenanceWindows(ctx, 1206) },
		Maintenance{"manual", "Etc/UTC", []MaintenanceWindow{{[]string{"Monday"}, 3, 8}}, date(2024, 5, 21)}},
	{"GET /subscriptions/1206/databases/51055/traffic", `{"bdbId":51055,"trafficStatus":"stopped","canResume":true,"resumeInProgress":false,"stopReason":"redirect","resumeEligibleAt":"2024-05-21T00:00:00Z"}`,
		func(ctx context.Context, c *Client) (any, error) { return c.Traffic(ctx, orders) },
		Traffic{"stopped", "redirect", true, false, date(2024, 5, 21)}},
	{"GET /endpoint-redirections/550e8400-e29b-41d4-a716-446655440000", `{"redirectionId":"550e8400-e29b-41d4-a716-446655440000","status":"initiated","sourceDatabaseId":51404231,"targetDatabaseId":51404232,"isRevert":false,"duplicateACLs":true,"startedAt":"2024-05-01T00:00:00Z","completedAt":null,"revertedAt":null,"errorMessage":null,"endpoints":[{"sourceEndpointName":"redis-12345","targetEndpointName":"redis-12346","sourceEndpointType":"public","targetEndpointType":"public","errorMessage":null}]}`,
		func(ctx context.Context, c *Client) (any, error) {
			return c.Redirection(ctx, "550e8400-e29b-41d4-a716-446655440000")
		},
		Redirection{ID: "550e8400-e29b-41d4-a716-446655440000", Status: RedirectInitiated, Source: 51404231, Target: 51404232,
			Started: date(2024, 5, 1), Endpoints: []RedirectedEndpoint{{"redis-12345", "redis-12346", "public", "public", ""}}}},
	{"GET /logs?limit=2&resourceId=51055&startTime=2022-10-12T00%3A00%3A00Z", `{"entries":[{"id":2900349,"time":"2022-10-12T00:00:00Z","originator":"o","apiKeyName":"k","resource":"r","resourceId":51055,"type":"Account","description":"d"},{"id":1}]}`,
		func(ctx context.Context, c *Client) (any, error) {
			return c.Logs(ctx, LogQuery{Limit: 2, Resource: 51055, From: date(2022, 10, 12)})
		},
		[]LogEntry{{2900349, date(2022, 10, 12), "o", "k", "Account", "r", 51055, "d"}, {ID: 1}}},
	{"GET /subscriptions/1206/databases/51055/certificate", `{"publicCertificatePEMString":"-----BEGIN"}`,
		func(ctx context.Context, c *Client) (any, error) { return c.Certificate(ctx, orders) }, "-----BEGIN"},
	{"GET /database-modules", `{"modules":[{"name":"RedisJSON","capabilityName":"JSON","parameters":[]}]}`,
		func(ctx context.Context, c *Client) (any, error) { return c.DatabaseModules(ctx) }, []Module{{"RedisJSON", "JSON", ""}}},
	{"GET /subscriptions/1206/databases/51055/backup", `{"taskId":"a-1","status":"received"}`,
		func(ctx context.Context, c *Client) (any, error) { return c.AskBackup(ctx, orders) }, Task{ID: "a-1", Status: TaskReceived}},
	{"GET /subscriptions/1206/databases/51055/import", `{"taskId":"a-1","status":"received"}`,
		func(ctx context.Context, c *Client) (any, error) { return c.AskImport(ctx, orders) }, Task{ID: "a-1", Status: TaskReceived}},
	{"GET /tasks/a-1", `{"taskId":"a-1","status":"received"}`,
		func(ctx context.Context, c *Client) (any, error) { return c.Task(ctx, "a-1") }, Task{ID: "a-1", Status: TaskReceived}},
	{"GET /tasks", `{"tasks":[{"taskId":"a-1","status":"received"}]}`,
		func(ctx context.Context, c *Client) (any, error) { return c.Tasks(ctx) }, []Task{{ID: "a-1", Status: TaskReceived}}},
	{"GET /tasks", `[{"taskId":"a-1","status":"received"}]`,
		func(ctx context.Context, c *Client) (any, error) { return c.Tasks(ctx) }, []Task{{ID: "a-1", Status: TaskReceived}}},
}

// TestReads holds what each read makes of a recorded answer.
func TestReads(t *testing.T) {
	for _, tt := range reads {
		c, _ := serve(t, map[string]string{tt.route: tt.body})
		got, err := tt.do(t.Context(), c.Client)
		if err != nil {
			t.Errorf("%s: %v", tt.route, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.route, diff)
		}
	}
}

func TestUpgradeStatusNone(t *testing.T) {
	const route = "GET /subscriptions/1206/databases/51055/upgrade"
	for sentence, a := range map[string]answer{
		"404":                         {status: 404},
		"the workflow code with 400":  {status: 400, body: `{"response":{"error":"DATABASE_UPGRADE_WORKFLOW_NOT_FOUND"}}`},
		"the workflow code with 200":  {body: `{"response":{"error":{"type":"DATABASE_UPGRADE_WORKFLOW_NOT_FOUND","status":"404 NOT_FOUND"}}}`},
		"an empty object":             {body: `{}`},
		"only the id of the database": {body: `{"databaseId":51055}`},
	} {
		c, _ := serveAnswers(t, map[string][]answer{route: {a}})
		if _, err := c.UpgradeStatus(t.Context(), orders); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, want not found", sentence, err)
		}
	}
	c, _ := serve(t, map[string]string{route: `{"response":{"error":"GENERAL_ERROR"}}`})
	var task *TaskError
	if _, err := c.UpgradeStatus(t.Context(), orders); !errors.As(err, &task) || errors.Is(err, ErrNotFound) {
		t.Errorf("another error: %v", err)
	}
}

// page writes databases from..to as a page of the Pro or Essentials list.
func page(plan Plan, total, from, to int) string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf(`{"databaseId":%d}`, i+1))
	}
	inner := fmt.Sprintf(`{"subscriptionId":1,"numberOfDatabases":%d,"databases":[%s]}`, total, strings.Join(all, ","))
	if plan == Pro {
		inner = "[" + inner + "]"
	}
	return `{"accountId":2,"subscription":` + inner + `}`
}

func TestDatabasesPaging(t *testing.T) {
	const pro, fixed = "GET /subscriptions/1/databases?limit=100&offset=", "GET /fixed/subscriptions/1/databases?limit=100&offset="
	for _, tt := range []struct {
		sentence string
		plan     Plan
		routes   map[string][]answer
		want     int // databases; -1: an error, -2: not found
	}{
		{"one short page", Pro, map[string][]answer{pro + "0": {{body: page(Pro, 2, 0, 2)}}}, 2},
		{"a full page, then 404", Pro, map[string][]answer{pro + "0": {{body: page(Pro, 100, 0, 100)}}}, 100},
		{"three pages", Pro, map[string][]answer{pro + "0": {{body: page(Pro, 250, 0, 100)}}, pro + "100": {{body: page(Pro, 250, 100, 200)}}, pro + "200": {{body: page(Pro, 250, 200, 250)}}}, 250},
		{"pages smaller than asked for", Pro, map[string][]answer{pro + "0": {{body: page(Pro, 25, 0, 10)}}, pro + "10": {{body: page(Pro, 25, 10, 20)}}, pro + "20": {{body: page(Pro, 25, 20, 25)}}}, 25},
		{"a server that ignores the offset", Pro, map[string][]answer{"GET /subscriptions/1/databases": {{body: page(Pro, 300, 0, 100)}}}, 100},
		{"a later page that fails is not the end", Pro, map[string][]answer{pro + "0": {{body: page(Pro, 0, 0, 100)}}, pro + "100": {{status: 403}}}, -1},
		{"Essentials ends with an empty page", Essentials, map[string][]answer{fixed + "0": {{body: page(Essentials, 0, 0, 100)}}, fixed + "100": {{body: page(Essentials, 0, 0, 0)}}}, 100},
		{"Essentials with one", Essentials, map[string][]answer{fixed + "0": {{body: page(Essentials, 1, 0, 1)}}}, 1},
		{"404 of an existing subscription is empty", Pro, map[string][]answer{"GET /subscriptions/1": {{body: `{"id":1,"status":"active"}`}}}, 0},
		{"404 of an unknown subscription is not found", Pro, nil, -2},
	} {
		c, _ := serveAnswers(t, tt.routes)
		got, err := c.Databases(t.Context(), tt.plan, 1)
		switch {
		case tt.want == -1 && (err == nil || errors.Is(err, ErrNotFound)),
			tt.want == -2 && !errors.Is(err, ErrNotFound),
			tt.want >= 0 && (err != nil || len(got) != tt.want):
			t.Errorf("%s: %d databases, error %v", tt.sentence, len(got), err)
		}
	}
}

func TestReadsOfWhatCannotExist(t *testing.T) {
	c, f := serve(t, nil)
	for sentence, err := range map[string]error{
		"database":     drop(c.Database(t.Context(), Ref{})),
		"databases":    drop(c.Databases(t.Context(), "gold", 1)),
		"subscription": drop(c.Subscription(t.Context(), Pro, 0)),
		"task":         drop(c.Task(t.Context(), "")),
		"a task/..":    drop(c.Task(t.Context(), "..")),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
	if len(f.requests()) > 0 {
		t.Errorf("asked %+v", f.requests())
	}
}

func TestAnswerAboutAnother(t *testing.T) {
	c, _ := serve(t, map[string]string{"GET /subscriptions/1206/databases/51055": `{"databaseId":7}`, "GET /subscriptions/1206": `{}`})
	if _, err := c.Database(t.Context(), orders); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("database: %v", err)
	}
	if _, err := c.Subscription(t.Context(), Pro, 1206); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("subscription: %v", err)
	}
}

func TestRef(t *testing.T) {
	for _, want := range []Ref{orders, cache} {
		if got, err := ParseRef(want.String()); err != nil || got != want {
			t.Errorf("ParseRef(%q) = %v, %v", want, got, err)
		}
	}
	for _, bad := range []string{"", "pro/1", "gold/1/2", "pro/0/2", "pro/1/-2", "pro/01/2", "pro/+1/2", "pro/1/2/3", "pro/1/99999999999"} {
		if got, err := ParseRef(bad); err == nil {
			t.Errorf("ParseRef(%q) = %v", bad, got)
		}
	}
}
