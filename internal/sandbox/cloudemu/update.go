package cloudemu

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	updateTask = 13 * time.Second
	updateTime = 30 * time.Second
	maxSources = 32
)

func (s *Server) putDatabase(r *request) answer {
	command := "databaseUpdateRequest"
	if r.fixed {
		command = "fixedDatabaseUpdateRequest"
	}
	return s.submit(r, http.StatusOK, &task{command: command, work: updateTask, run: func(t *task) *domainError {
		d, refused := s.locateActive(r)
		if refused != nil {
			return refused
		}
		if refused := s.updatable(r, d); refused != nil {
			return refused
		}
		t.found(d)
		if r.body.bool("dryRun", false) {
			t.response["resource"] = plan(d)
			return nil
		}
		d.status = statusChanging
		s.after(updateTime, func() { s.endUpdate(d, r.body) })
		return nil
	}})
}

func (s *Server) updatable(r *request, d *database) *domainError {
	b := r.body
	if d.activeActive() {
		return refuse("UPDATING_SINGLE_REGION_DATABASE_NOT_ALLOWED_WITH_ACTIVE_ACTIVE_SUBSCRIPTION")
	}
	if b.has("name") {
		if refused := checkName(d.sub, b.str("name"), d); refused != nil {
			return refused
		}
	}
	noDefault := !b.bool("enableDefaultUser", !d.noDefault)
	switch {
	case b.has("password") && noDefault:
		return refuse("NOT_ALLOWED_TO_UPDATE_A_DATABASE_PASSWORD_WHEN_DEFAULT_USER_IS_DISABLED")
	case b.has("enableDefaultUser") && d.protocol == "memcached":
		return refuse("DATABASE_MEMCACHED_CONTAINS_REDIS_DEFAULT_USER")
	case b.has("regexRules") && d.hashing == "redis_oss":
		return refuse("DATABASE_REGEX_RULES_CHANGES_BLOCKED")
	case b.has("regexRules") && len(b.strings("regexRules")) == 0:
		return refuse("DATABASE_INVALID_REGEX_RULES")
	}
	if refused := checkSize(b, d.sub); refused != nil {
		return refused
	}
	if refused := checkRAM(b, d.sub); refused != nil {
		return refused
	}
	if refused := checkVersionOptions(b, d.version); refused != nil {
		return refused
	}
	if refused := s.checkSettings(b, d.protocol); refused != nil {
		return refused
	}
	return s.checkReplica(b, d, d.version)
}

// checkSettings checks what creates and updates have in common.
func (s *Server) checkSettings(b fields, protocol string) *domainError {
	for _, name := range []string{"sourceIp", "sourceIps"} {
		for _, ip := range b.strings(name) {
			if _, err := parseRule(ip); err != nil {
				return refuse("DATABASE_INVALID_SIP").because("Source IP %q is not valid", ip)
			}
		}
	}
	for _, a := range b.objects("alerts") {
		if a.int("value") < 0 {
			return refuse("DATABASE_INVALID_ALERT_VALUE")
		}
	}
	switch {
	case b.has("password") && protocol == "memcached":
		return refuse("DATABASE_MEMCACHED_CONTAINS_REDIS_PASSWORD")
	case b.has("password") && strings.TrimSpace(b.str("password")) == "":
		return refuse("DATABASE_PASSWORD_IS_BLANK")
	case len(b.str("password")) > 128:
		return refuse("DATABASE_PASSWORD_IS_TOO_LONG")
	case b.bool("useExternalEndpointForOSSClusterApi", false) && !b.bool("supportOSSClusterApi", true):
		return refuse("DATABASE_EXTERNAL_ENDPOINT_WITHOUT_OSS_CLUSTER")
	case b.has("remoteBackup") && b.has("periodicBackupPath"):
		return refuse("DATABASE_INVALID_TOO_MANY_BACKUP_SPECIFICATIONS")
	case b.str("periodicBackupPath") != "" && storageType(b.str("periodicBackupPath")) == "":
		return refuse("DATABASE_INVALID_BACKUP_PATH")
	}
	return checkRemoteBackup(b.object("remoteBackup"))
}

var intervals = []string{"every-24-hours", "every-12-hours", "every-6-hours", "every-4-hours", "every-2-hours", "every-1-hours"}

func checkRemoteBackup(b fields) *domainError {
	if b == nil || !b.bool("active", false) {
		return nil
	}
	kind := storageType(b.str("storagePath"))
	switch {
	case !slices.Contains(intervals, b.str("interval")):
		return refuse("DATABASE_INVALID_BACKUP_INTERVAL")
	case !slices.Contains([]string{"aws-s3", "google-blob-storage", "azure-blob-storage", "ftp"}, b.str("storageType")):
		return refuse("DATABASE_INVALID_BACKUP_STORAGE_TYPE")
	case kind == "" || kind != b.str("storageType"):
		return refuse("DATABASE_INVALID_BACKUP_PATH")
	case !b.has("timeUTC"):
		return nil
	case !slices.Contains(intervals[:2], b.str("interval")):
		return refuse("DATABASE_INVALID_BACKUP_INTERVAL_AND_TIME_UTC_MISMATCH")
	}
	if _, err := time.Parse("15:04", b.str("timeUTC")); err != nil {
		return refuse("DATABASE_INVALID_BACKUP_TIME_UTC")
	}
	return nil
}

// checkReplica checks the sources of an Active-Passive target. self is nil for a create.
func (s *Server) checkReplica(b fields, self *database, version string) *domainError {
	sources := replicaSources(b)
	if len(sources) > maxSources {
		return refuse("DATABASE_REPLICAS_OVER_LIMIT")
	}
	if b.has("replica") && b.has("replicaOf") {
		return refuse("DATABASE_INVALID_REPLICA")
	}
	for _, src := range sources {
		if !strings.HasPrefix(src.endpoint, "redis://") && !strings.HasPrefix(src.endpoint, "rediss://") {
			return refuse("DATABASE_REPLICA_OF_BAD_URI")
		}
		from := s.resolve(src.endpoint)
		switch {
		case from == nil:
		case from == self || self != nil && slices.Contains(s.replicasOf(self), from):
			return refuse("DATABASE_REPLICA_CYCLE")
		case !atLeast(version, from.version):
			return refuse("DATABASE_REPLICA_OF_VERSION_NOT_COMPATIBLE").
				because("Source %s has version %s, newer than %s", from.name, from.version, version)
		}
	}
	return nil
}

// replicaSources reads either form of the setting.
func replicaSources(b fields) []syncSource {
	list := []syncSource{}
	for _, o := range b.object("replica").objects("syncSources") {
		list = append(list, syncSource{o.str("endpoint"), o.bool("encryption", false)})
	}
	for _, endpoint := range b.strings("replicaOf") {
		list = append(list, syncSource{endpoint: endpoint})
	}
	return list
}

// endUpdate makes the new settings real. Rules of hashing and replica sources
// wipe the data.
func (s *Server) endUpdate(d *database, b fields) {
	d.apply(b)
	if b.has("regexRules") {
		d.hashing, d.regex = "custom", b.strings("regexRules")
		d.keys.wipe()
	}
	if d.status == statusChanging {
		d.status = statusActive
	}
	s.touch(d)
	s.addresses = nil
	if b.has("replica") || b.has("replicaOf") {
		s.followSources(d)
	}
	s.resync(d)
}

// followSources wipes a database that got sources and fills it from them.
func (s *Server) followSources(d *database) {
	if len(d.sources) == 0 {
		return
	}
	d.keys.wipe()
	for _, src := range d.sources {
		if from := s.resolve(src.endpoint); from != nil && atLeast(d.version, from.version) {
			for key, value := range from.keys.all {
				d.keys.set(key, value)
			}
		}
	}
}

// apply sets what creates and updates have in common.
func (d *database) apply(b fields) {
	d.name = b.strOr("name", d.name)
	d.resp = b.strOr("respVersion", d.resp)
	d.persist = b.strOr("dataPersistence", d.persist)
	d.eviction = b.strOr("dataEvictionPolicy", d.eviction)
	d.replicated = b.bool("replication", d.replicated)
	d.oss = b.bool("supportOSSClusterApi", d.oss)
	d.ossExtern = b.bool("useExternalEndpointForOSSClusterApi", d.ossExtern)
	d.autoMinor = b.bool("autoMinorVersionUpgrade", d.autoMinor)
	d.tls = b.bool("enableTls", d.tls)
	d.noDefault = !b.bool("enableDefaultUser", !d.noDefault)
	d.password = b.strOr("password", d.password)
	d.factor = b.strOr("queryPerformanceFactor", d.factor)
	if b.has("ramPercentage") {
		d.ramPercent = b.int("ramPercentage")
	}
	if b.has("datasetSizeInGb") || b.has("memoryLimitInGb") {
		d.datasetGB, d.memoryGB = b.num("datasetSizeInGb"), b.num("memoryLimitInGb")
	}
	if t := b.object("throughputMeasurement"); t != nil {
		d.by, d.throughput = t.str("by"), t.int("value")
	}
	if list, sent := b["clientTlsCertificates"].([]any); sent {
		d.certs = len(list) // strings or objects: the description says objects, Redis's own client sends strings for Pro
	}
	if b.has("replica") || b.has("replicaOf") {
		d.sources = replicaSources(b)
	}
	if b.has("alerts") {
		d.alerts = []alert{}
		for _, a := range b.objects("alerts") {
			d.alerts = append(d.alerts, alert{a.str("name"), a.int("value")})
		}
	}
	d.applySourceIPs(b)
	d.applyBackup(b)
	if d.protocol == "memcached" {
		d.password = ""
	}
}

// applySourceIPs sets the allow list. An empty one does not close the door: it
// means the default, everybody.
func (d *database) applySourceIPs(b fields) {
	for _, name := range []string{"sourceIp", "sourceIps"} {
		if b.has(name) {
			d.sourceIPs = b.strings(name)
			if len(d.sourceIPs) == 0 {
				d.sourceIPs = []string{"0.0.0.0/0"}
			}
		}
	}
}

func (d *database) applyBackup(b fields) {
	if b.has("periodicBackupPath") {
		d.remote = remoteBackup{path: b.str("periodicBackupPath"), interval: "every-24-hours"}
	}
	if r := b.object("remoteBackup"); r != nil {
		d.remote = remoteBackup{}
		if r.bool("active", false) {
			d.remote = remoteBackup{r.str("storagePath"), r.str("interval"), r.str("timeUTC")}
		}
	}
}
