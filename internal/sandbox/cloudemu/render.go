package cloudemu

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// standardRegex are the rules of the standard hashing policy.
var standardRegex = []string{`.*\{(?<tag>.*)\}.*`, `(?<tag>.*)`}

func (s *Server) listDatabases(r *request) answer {
	u := s.subscription(r.fixed, r.id("s"))
	if u == nil {
		return empty(http.StatusNotFound)
	}
	offset, errOffset := pageNumber(r, "offset", 0)
	limit, errLimit := pageNumber(r, "limit", 100)
	if errOffset != nil || errLimit != nil || limit == 0 {
		return s.refusal(r, http.StatusBadRequest, "offset and limit must be non-negative integers")
	}
	page := []obj{}
	for i := offset; i < len(u.databases) && i < offset+limit; i++ {
		page = append(page, s.databaseBody(r, u.databases[i], false))
	}
	if len(page) == 0 && !u.fixed {
		return s.refusal(r, http.StatusNotFound, "No databases were found")
	}
	group := obj{"subscriptionId": u.id, "numberOfDatabases": len(u.databases), "databases": page, "links": []obj{}}
	body := obj{"accountId": s.account.id, "links": []obj{r.link("self", u.path()+"/databases")}}
	if u.fixed {
		body["subscription"] = group
	} else {
		body["subscription"] = []obj{group}
	}
	return ok(body)
}

func pageNumber(r *request, name string, fallback int) (int, error) {
	text := r.query.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err
}

func (s *Server) getDatabase(r *request) answer {
	d, missing := s.read(r)
	if d == nil {
		return missing
	}
	body := s.databaseBody(r, d, true)
	if next, has := nextMinor(d.version); has && d.status == statusActive && s.fire("auto_minor", r.call()) {
		d.setVersion(next)
		s.touch(d)
		s.log("Database", d.id, "Automatic minor version upgrade of "+d.name+" to "+next)
	}
	return ok(body)
}

// databaseBody writes a database. Only the single GET tells the password.
func (s *Server) databaseBody(r *request, d *database, single bool) obj {
	body := obj{
		"databaseId": d.id, "name": d.name, "protocol": d.protocol, "status": d.status, "redisVersion": d.version,
		"memoryStorage": d.sub.memoryStorage(), "replication": d.replicated, "dataEvictionPolicy": d.eviction, "modules": moduleBodies(d.modules),
		"links": []obj{},
	}
	if single {
		body["links"] = []obj{r.link("self", d.path())}
	}
	if d.activeActive() {
		s.multiFields(body, d)
		return body
	}
	s.commonFields(body, d, single)
	if d.sub.fixed {
		s.fixedFields(body, d, single)
	} else {
		s.proFields(body, d, single)
	}
	return body
}

// commonFields are those of Pro and Essentials databases.
func (s *Server) commonFields(body obj, d *database, single bool) {
	body["provider"], body["region"] = d.sub.provider, d.sub.region
	body["redisVersionCompliance"] = compliance(d.version)
	body["respVersion"] = d.resp
	body["memoryUsedInMb"] = d.usedMB()
	body["supportOSSClusterApi"], body["useExternalEndpointForOSSClusterApi"] = d.oss, d.ossExtern
	body["dataPersistence"] = d.persist
	body["replica"] = nil
	if len(d.sources) > 0 {
		list := []obj{}
		for _, src := range d.sources {
			list = append(list, obj{"endpoint": src.endpoint, "encryption": src.encryption})
		}
		body["replica"] = obj{"syncSources": list}
	}
	alerts := []obj{}
	for _, a := range d.alerts {
		alerts = append(alerts, obj{"name": a.name, "value": a.value, "defaultValue": 80})
	}
	body["alerts"] = alerts
	if !d.published() {
		return
	}
	body["activatedOn"], body["lastModified"] = s.stamp(d.activated), s.stamp(d.modified)
	body["publicEndpoint"], body["privateEndpoint"] = d.publicEndpoint(), d.privateEndpoint()
	if d.dynamic.public != "" {
		body["dynamicEndpoints"] = obj{
			"public":  fmt.Sprintf("%s:%d", d.dynamic.public, d.port),
			"private": fmt.Sprintf("%s:%d", d.dynamic.private, d.port),
		}
	}
}

func (s *Server) proFields(body obj, d *database, single bool) {
	body["autoMinorVersionUpgrade"] = d.autoMinor
	if d.datasetGB > 0 {
		body["datasetSizeInGb"] = d.datasetGB
	} else {
		body["memoryLimitInGb"] = d.memoryGB
	}
	body["throughputMeasurement"] = obj{"by": d.by, "value": d.throughput}
	body["queryPerformanceFactor"] = d.factor
	if d.sub.flash {
		body["ramPercentage"] = d.ramPercent
	}
	body["clustering"] = obj{"numberOfShards": d.shards, "regexRules": regexBodies(d), "hashingPolicy": d.hashing}
	security := d.securityBody(single)
	security["enableDefaultUser"] = !d.noDefault
	body["security"] = security
	body["backup"] = obj{
		"enableRemoteBackup": d.remote.path != "", "interval": d.remote.interval,
		"timeUTC": d.remote.time, "destination": d.remote.path,
	}
}

func (s *Server) fixedFields(body obj, d *database, single bool) {
	body["planMemoryLimit"], body["memoryLimitMeasurementUnit"] = 30, "MB"
	body["replicaOf"] = nil
	if d.published() {
		body["replicaAsSourceEndpoints"] = obj{"public": d.sourceEndpoint("public"), "private": d.sourceEndpoint("private")}
	}
	body["clustering"] = obj{"enabled": d.shards > 1, "regexRules": []obj{}, "hashingPolicy": d.hashing}
	security := d.securityBody(single)
	security["defaultUserEnabled"] = !d.noDefault
	body["security"] = security
	backup := obj{"remoteBackupEnabled": d.remote.path != "", "status": or(d.lastBackup.status, "idle")}
	if d.remote.path != "" {
		backup["interval"], backup["destination"] = d.remote.interval, d.remote.path
	}
	body["backup"] = backup
}

// multiFields are those of an Active-Active database.
func (s *Server) multiFields(body obj, d *database) {
	body["activeActiveRedis"] = true
	body["autoMinorVersionUpgrade"] = d.autoMinor
	body["globalDataPersistence"], body["globalSourceIp"] = d.persist, d.sourceIPs
	body["globalAlerts"], body["globalEnableDefaultUser"] = []obj{}, !d.noDefault
	regions := []obj{}
	for i, region := range d.sub.regions {
		host := fmt.Sprintf("mc%d-%d.%s-mz.ec2.cloud.rlrcp.com:%d", d.sub.cluster, i, region, d.port)
		regions = append(regions, obj{
			"provider": d.sub.provider, "region": region, "redisVersionCompliance": compliance(d.version), "respVersion": d.resp,
			"publicEndpoint":  fmt.Sprintf("redis-%d.%s", d.port, host),
			"privateEndpoint": fmt.Sprintf("redis-%d.internal.%s", d.port, host),
			"memoryLimitInGb": d.limitGB(), "datasetSizeInGb": d.limitGB(), "memoryUsedInMb": d.usedMB(),
			"readOperationsPerSecond": 1000, "writeOperationsPerSecond": 1000, "dataPersistence": d.persist, "alerts": []obj{},
			"security": obj{"enableDefaultUser": !d.noDefault, "enableTls": d.tls, "sourceIps": d.sourceIPs},
			"backup":   obj{"enableRemoteBackup": false, "interval": "", "timeUTC": ""},
			"links":    []obj{},
		})
	}
	body["crdbDatabases"] = regions
}

func (d *database) securityBody(single bool) obj {
	body := obj{
		"sslClientAuthentication": d.certs > 0, "tlsClientAuthentication": d.certs > 0,
		"enableTls": d.tls, "sourceIps": d.sourceIPs,
	}
	if single && d.password != "" && !d.hidden {
		body["password"] = d.password
	}
	return body
}

func regexBodies(d *database) []obj {
	list := []obj{}
	for i, pattern := range d.regex {
		list = append(list, obj{"ordinal": i, "pattern": pattern})
	}
	return list
}

// usedMB is a plausible number: an empty database takes some memory too.
func (d *database) usedMB() float64 { return 2 + float64(len(d.keys.all))/100 }

func (s *Server) listSubscriptions(r *request) answer {
	list := []obj{}
	for _, u := range s.subscriptions {
		if u.fixed == r.fixed {
			list = append(list, s.subscriptionBody(r, u))
		}
	}
	return ok(obj{"accountId": s.account.id, "subscriptions": list, "links": []obj{r.link("self", r.path)}})
}

func (s *Server) getSubscription(r *request) answer {
	u := s.subscription(r.fixed, r.id("s"))
	if u == nil {
		return s.refusal(r, http.StatusNotFound, "Subscription was not found")
	}
	return ok(s.subscriptionBody(r, u))
}

func (s *Server) subscriptionBody(r *request, u *subscription) obj {
	body := obj{
		"id": u.id, "name": u.name, "status": u.state(), "paymentMethodId": 2, "paymentMethodType": "credit-card",
		"links": []obj{r.link("self", u.path())},
	}
	if u.fixed {
		for name, value := range fixedPlan(u) {
			body[name] = value
		}
		return body
	}
	regions := u.regions
	kind := "active-active"
	if !u.multi {
		regions, kind = []string{u.region}, "single-region"
	}
	details := []obj{}
	for i, region := range regions {
		details = append(details, obj{
			"region": region, "networking": []obj{{"deploymentCIDR": fmt.Sprintf("10.%d.0.0/24", i), "subnetId": fmt.Sprintf("subnet-%08x", u.id)}},
			"preferredAvailabilityZones": []string{region + "a"}, "multipleAvailabilityZones": false,
		})
	}
	total := 0.0
	for _, d := range u.databases {
		total += d.limitGB()
	}
	body["deploymentType"], body["publicEndpointAccess"], body["memoryStorage"] = kind, true, u.memoryStorage()
	body["numberOfDatabases"], body["storageEncryption"] = len(u.databases), false
	body["cloudDetails"] = []obj{{"provider": u.provider, "cloudAccountId": 1, "totalSizeInGb": total, "regions": details, "links": []obj{}}}
	return body
}

// fixedPlan are the fields that only Essentials subscriptions have.
func fixedPlan(u *subscription) obj {
	return obj{
		"planId": u.planID, "planName": u.planName, "planType": "fixed", "size": 30, "sizeMeasurementUnit": "MB",
		"provider": u.provider, "region": u.region, "price": 0, "pricePeriod": "Month", "priceCurrency": "USD",
		"maximumDatabases": 1, "availability": "No replication", "connections": "30", "cidrAllowRules": 1,
		"supportDataPersistence": u.backups, "supportInstantAndDailyBackups": u.backups, "supportReplication": u.backups,
		"supportClustering": false, "customerSupport": "Basic", "creationDate": u.created.Format(time.RFC3339),
	}
}
