package cloudemu

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// How long the parts of a create take, at speed 1.
const (
	createTask = 19 * time.Second
	draftTime  = 10 * time.Second
	createTime = 100 * time.Second // pending
	namingTime = 10 * time.Second  // dynamic endpoints
)

func (s *Server) postDatabase(r *request) answer {
	command, status := "databaseCreateRequest", http.StatusAccepted
	if r.fixed {
		command, status = "fixedDatabaseCreateRequest", http.StatusOK
	}
	return s.submit(r, status, &task{command: command, work: createTask, run: func(t *task) *domainError {
		u, refused := s.activeSubscription(r)
		if refused != nil {
			return refused
		}
		version, refused := s.creatableHere(r, u)
		if refused != nil {
			return refused
		}
		d := s.newDatabase(u, r, version)
		if r.body.bool("dryRun", false) {
			t.response["resource"] = plan(d)
			return nil
		}
		if refused := s.tooManyPending(); refused != nil {
			return refused
		}
		s.provision(d, r.call())
		t.found(d)
		return nil
	}})
}

// creatableHere checks a create against its subscription and says which
// version the database will have.
func (s *Server) creatableHere(r *request, u *subscription) (string, *domainError) {
	if u.multi {
		return "", refuse("ACTIVE_ACTIVE_DATABASE_MISSING_DATABASE_CONFIGURATION")
	}
	if u.fixed && len(u.databases) > 0 {
		return "", refuse("FIXED_DATABASE_FIXED_SUBSCRIPTION_REACHED_MAX_DATABASES_COUNT")
	}
	version, refused := s.versionFor(r)
	if refused != nil {
		return "", refused
	}
	b := r.body
	dry := b.bool("dryRun", false)
	for _, check := range []func() *domainError{
		func() *domainError { return checkName(u, b.str("name"), nil) },
		func() *domainError { return s.checkPort(u, b, r.call(), dry) },
		func() *domainError { return checkSize(b, u) },
		func() *domainError { return checkRAM(b, u) },
		func() *domainError { return checkModules(b, version) },
		func() *domainError { return checkVersionOptions(b, version) },
		func() *domainError { return s.checkSettings(b, b.strOr("protocol", defaultProtocol(u))) },
		func() *domainError { return s.checkReplica(b, nil, version) },
	} {
		if refused := check(); refused != nil {
			return "", refused
		}
	}
	return version, nil
}

// versionFor is the version of a create: the one asked for, if new databases can have it.
func (s *Server) versionFor(r *request) (string, *domainError) {
	list := s.creatable(r.fixed, r.call())
	if !r.body.has("redisVersion") {
		for _, v := range list {
			if v.def {
				return v.version, nil
			}
		}
	}
	version := r.body.str("redisVersion")
	if _, known := findRelease(version); !known {
		return "", refuse("DATABASE_REDIS_VERSION_INVALID_VALUE").because("Redis version %q is not valid", version)
	}
	if !slices.ContainsFunc(list, func(v release) bool { return v.version == version }) {
		return "", refuse("DATABASE_REDIS_VERSION_IS_NOT_SUPPORTED").because("Redis version %s cannot be used for new databases", version)
	}
	return version, nil
}

// checkName checks a name; self is the database that is being renamed.
func checkName(u *subscription, name string, self *database) *domainError {
	if len(name) > 40 {
		return refuse("DATABASE_NAME_TOO_LONG")
	}
	if !validName(name) {
		return refuse("DATABASE_INVALID_NAME")
	}
	for _, d := range u.databases {
		if d != self && strings.EqualFold(d.name, name) {
			return refuse("DATABASE_NAME_EXISTS")
		}
	}
	return nil
}

func (s *Server) checkPort(u *subscription, b fields, call string, dry bool) *domainError {
	if !b.has("port") {
		return nil
	}
	port := b.int("port")
	if port < 10000 || port > 19999 {
		return refuse("DATABASE_PORT_INVALID_VALUE")
	}
	taken := slices.ContainsFunc(u.databases, func(d *database) bool { return d.port == port })
	if taken || !dry && s.fire("port_taken", call) {
		return refuse("DATABASE_PORT_IS_UNAVAILABLE")
	}
	return nil
}

func checkSize(b fields, u *subscription) *domainError {
	switch {
	case b.has("datasetSizeInGb") && b.has("memoryLimitInGb"):
		return refuse("DATABASE_SIZE_LIMIT_INVALID_TOO_MANY_MEMORY_SPECIFICATIONS")
	case u.fixed && (b.has("datasetSizeInGb") || b.has("memoryLimitInGb")):
		return refuse("FIXED_DATABASE_MEMORY_LIMIT_IN_GB_AND_DATA_SET_SIZE_SUPPORTED_ONLY_FOR_PAY_AS_YOU_GO")
	case b.has("datasetSizeInGb") && b.num("datasetSizeInGb") < 0.1, b.has("memoryLimitInGb") && b.num("memoryLimitInGb") < 0.1:
		return refuse("DATABASE_SIZE_TOO_SMALL")
	case b.num("datasetSizeInGb") > 50000 || b.num("memoryLimitInGb") > 50000:
		return refuse("DATABASE_SIZE_TOO_BIG")
	}
	return nil
}

// defaultRAM is the share of RAM, in percent, where none is named.
const defaultRAM = 20

// checkRAM checks the share of RAM of a ram-and-flash database.
func checkRAM(b fields, u *subscription) *domainError {
	percent := b.int("ramPercentage")
	switch {
	case !b.has("ramPercentage"):
		return nil
	case !u.flash:
		return refuse("DATABASE_RAM_PERCENTAGE_NOT_SUPPORTED")
	case percent < 10 || percent > 50 || percent%10 != 0:
		return refuse("DATABASE_RAM_PERCENTAGE_IS_INVALID")
	}
	return nil
}

func checkModules(b fields, version string) *domainError {
	list := b.objects("modules")
	if len(list) == 0 {
		return nil
	}
	if atLeast(version, "8.0") {
		return refuse("DATABASE_EXPLICIT_MODULES_NOT_SUPPORTED_FOR_THIS_REDIS_VERSION")
	}
	seen := map[string]bool{}
	for _, m := range list {
		name := moduleName(m.str("name"))
		switch {
		case b.str("protocol") == "memcached":
			return refuse("DATABASE_MEMCACHED_CONTAINS_MODULES")
		case name == "":
			return refuse("DATABASE_INVALID_MODULE").because("Module %q does not exist", m.str("name"))
		case seen[name]:
			return refuse("DATABASE_MODULE_MUST_BE_DEFINED_ONCE")
		}
		seen[name] = true
	}
	return nil
}

// checkVersionOptions checks settings that only newer versions have.
func checkVersionOptions(b fields, version string) *domainError {
	switch {
	case strings.HasSuffix(b.str("dataEvictionPolicy"), "-lrm") && !atLeast(version, "8.6"):
		return refuse("DATABASE_EVICTION_POLICY_NOT_COMPATIBLE_WITH_REDIS_VERSION")
	case b.str("respVersion") == "resp3" && !atLeast(version, "7.2"):
		return refuse("DATABASE_RESP_VERSION_IS_NOT_SUPPORTED")
	}
	return nil
}

func defaultProtocol(u *subscription) string {
	if u.fixed {
		return "stack"
	}
	return "redis"
}

// newDatabase makes the database that a create describes, not yet in the account.
func (s *Server) newDatabase(u *subscription, r *request, version string) *database {
	b := r.body
	d := &database{
		sub: u, name: b.str("name"), version: version, protocol: b.strOr("protocol", defaultProtocol(u)),
		resp: b.strOr("respVersion", "resp2"), status: statusDraft, autoMinor: b.bool("autoMinorVersionUpgrade", true),
		ramPercent: defaultRAM, datasetGB: b.num("datasetSizeInGb"), memoryGB: b.num("memoryLimitInGb"), persist: "none", replicated: !u.fixed,
		eviction: "volatile-lru", by: "operations-per-second", throughput: 2500, factor: "Standard",
		hashing: "standard", regex: slices.Clone(standardRegex), sourceIPs: []string{"0.0.0.0/0"},
		alerts: []alert{}, firstShard: 1 + s.chance.IntN(90), password: password(s.chance), port: b.int("port"),
	}
	if !b.has("datasetSizeInGb") && !b.has("memoryLimitInGb") {
		d.datasetGB = 1
	}
	if d.port == 0 {
		d.port = freePort(s.chance, u)
	}
	for _, m := range b.objects("modules") {
		d.modules = append(d.modules, moduleName(m.str("name")))
	}
	switch b.str("shardingType") {
	case "custom-regex-rules":
		d.hashing = "custom"
	case "redis-oss-hashing":
		d.hashing, d.regex = "redis_oss", nil
	}
	d.apply(b)
	d.setVersion(version)
	d.shards = shardsFor(d)
	d.keys.wipe()
	return d
}

// shardsFor is how many shards size and throughput take.
func shardsFor(d *database) int {
	if d.by == "number-of-shards" {
		return max(1, d.throughput)
	}
	bySize := math.Ceil(d.limitGB() / 25)
	byRate := math.Ceil(float64(d.throughput) / 25000)
	return int(max(1, bySize, byRate))
}

// limitGB is how much data a database may hold.
func (d *database) limitGB() float64 {
	if d.datasetGB > 0 {
		return d.datasetGB
	}
	if d.replicated {
		return d.memoryGB / 2
	}
	return d.memoryGB
}

// plan is what a dry run answers in place of a database: what it would cost.
func plan(d *database) obj {
	price := priceOf(d)
	price["databaseName"] = d.name
	return obj{"pricing": []obj{price}}
}

// priceOf is the price of a database, made up.
func priceOf(d *database) obj {
	size, price := "micro", 0.027
	if d.limitGB() > 2.5 {
		size, price = "high-throughput", 0.124
	}
	return obj{
		"type": "Shards", "typeDetails": size, "quantity": d.shards, "quantityMeasurement": "shards",
		"pricePerUnit": price, "priceCurrency": "USD", "pricePeriod": "hour",
	}
}

// getPricing tells what a subscription costs now.
func (s *Server) getPricing(r *request) answer {
	u := s.subscription(r.fixed, r.id("s"))
	if u == nil {
		return s.refusal(r, http.StatusNotFound, "Subscription was not found")
	}
	list := []obj{}
	for _, d := range u.databases {
		price := priceOf(d)
		price["region"] = u.region
		list = append(list, price)
	}
	return ok(obj{"pricing": list})
}

// provision lets a new database come to life.
func (s *Server) provision(d *database, call string) {
	s.lastDatabase += 1 + s.chance.IntN(9)
	d.id = s.lastDatabase
	d.sub.databases = append(d.sub.databases, d)
	d.sub.hold()
	s.addresses = nil
	fails := s.fire("create_failed", call)
	s.after(draftTime, func() { d.status = statusPending })
	if fails {
		s.after(draftTime+createTime, func() {
			d.status = statusCreationError
			d.sub.release()
		})
		return
	}
	s.after(draftTime+createTime, func() { d.status = statusNaming })
	s.after(draftTime+createTime+namingTime, func() { s.activate(d) })
	s.after(draftTime+createTime+namingTime+settleTime, d.sub.release)
}

// activate is the moment from which a new database has endpoints.
func (s *Server) activate(d *database) {
	d.status = statusActive
	d.activated, d.modified = s.clock, s.clock
	if d.protocol != "memcached" {
		d.dynamic = dynamicNames{dynamicName(s.chance), dynamicName(s.chance)}
	}
	s.addresses = nil
	s.followSources(d)
	s.resync(d)
	s.log("Database", d.id, d.name+" is active")
}
