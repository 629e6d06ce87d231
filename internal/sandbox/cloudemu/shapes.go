package cloudemu

// Words that the API accepts.
var (
	persistences = []string{"none", "aof-every-1-second", "aof-every-write", "snapshot-every-1-hour", "snapshot-every-6-hours", "snapshot-every-12-hours"}
	evictions    = []string{"allkeys-lru", "allkeys-lfu", "allkeys-lrm", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-lrm", "volatile-random", "volatile-ttl", "noeviction"}
	alertNames   = []string{"dataset-size", "datasets-size", "throughput-higher-than", "throughput-lower-than", "latency", "syncsource-error", "syncsource-lag", "connections-limit"}
	sourceTypes  = []string{"http", "redis", "ftp", "aws-s3", "azure-blob-storage", "google-blob-storage"}
)

// Shapes of the request bodies, by schema of the OpenAPI. Read-only fields
// are not accepted.
var (
	noBody       = shape{}
	syncSources  = shape{fields: map[string]check{"endpoint": text, "encryption": flag, "serverCert": text}, required: []string{"endpoint"}}
	replicaSpec  = shape{fields: map[string]check{"syncSources": listOf(syncSources.object)}, required: []string{"syncSources"}}
	throughput   = shape{fields: map[string]check{"by": oneOf("operations-per-second", "number-of-shards"), "value": integer}, required: []string{"by", "value"}}
	localRate    = shape{fields: map[string]check{"region": text, "writeOperationsPerSecond": integer, "readOperationsPerSecond": integer}}
	backupConfig = shape{fields: map[string]check{"active": flag, "interval": text, "timeUTC": text, "storageType": text, "storagePath": text}}
	certificate  = shape{fields: map[string]check{"publicCertificatePEMString": text}, required: []string{"publicCertificatePEMString"}}
	alertSpec    = shape{fields: map[string]check{"name": oneOf(alertNames...), "value": integer}, required: []string{"name", "value"}}
	moduleSpec   = shape{fields: map[string]check{"name": text, "parameters": anyObject}, required: []string{"name"}}
	tagSpec      = shape{fields: map[string]check{"key": text, "value": text}, required: []string{"key", "value"}}
	windowSpec   = shape{fields: map[string]check{"startHour": integer, "durationInHours": integer, "days": listOf(text)}, required: []string{"days", "durationInHours", "startHour"}}
	roleDatabase = shape{fields: map[string]check{"subscriptionId": integer, "databaseId": integer, "regions": listOf(text)}, required: []string{"databaseId", "subscriptionId"}}
	roleRule     = shape{fields: map[string]check{"ruleName": text, "databases": listOf(roleDatabase.object)}, required: []string{"databases", "ruleName"}}

	upgradeBody     = shape{fields: map[string]check{"targetRedisVersion": text}, required: []string{"targetRedisVersion"}}
	backupBody      = shape{fields: map[string]check{"regionName": text, "adhocBackupPath": text}}
	fixedBackupBody = shape{fields: map[string]check{"adhocBackupPath": text}}
	importBody      = shape{fields: map[string]check{"sourceType": oneOf(sourceTypes...), "importFromUri": listOf(text)}, required: []string{"importFromUri", "sourceType"}}
	tagsBody        = shape{fields: map[string]check{"tags": listOf(tagSpec.object)}, required: []string{"tags"}}
	tagValueBody    = shape{fields: map[string]check{"value": text}, required: []string{"value"}}
	windowsBody     = shape{fields: map[string]check{"mode": oneOf("manual", "automatic"), "windows": listOf(windowSpec.object)}, required: []string{"mode"}}
	roleBody        = shape{fields: map[string]check{"name": text, "redisRules": listOf(roleRule.object)}}
	redirectBody    = shape{
		fields: map[string]check{"sourceDatabaseId": integer, "targetDatabaseId": integer,
			"endpointTargetType": oneOf("public", "private"), "duplicateACLs": flag, "migrationProtection": flag},
		required: []string{"endpointTargetType", "migrationProtection", "sourceDatabaseId", "targetDatabaseId"},
	}
)

// databaseFields are common to creates and updates, Pro and Essentials.
var databaseFields = map[string]check{
	"name": text, "memoryLimitInGb": number, "datasetSizeInGb": number, "respVersion": oneOf("resp2", "resp3"),
	"supportOSSClusterApi": flag, "useExternalEndpointForOSSClusterApi": flag,
	"dataPersistence": oneOf(persistences...), "dataEvictionPolicy": oneOf(evictions...), "replication": flag,
	"periodicBackupPath": text, "replicaOf": listOf(text), "replica": replicaSpec.object,
	"clientSslCertificate": text, "clientTlsCertificates": listOf(textOr(certificate.object)), "enableTls": flag,
	"password": text, "alerts": listOf(alertSpec.object),
}

var (
	createBody = shape{required: []string{"name"}, fields: with(databaseFields, map[string]check{
		"dryRun": flag, "protocol": oneOf("redis", "memcached"), "port": integer, "redisVersion": text,
		"autoMinorVersionUpgrade": flag, "throughputMeasurement": throughput.object,
		"localThroughputMeasurement": listOf(localRate.object), "averageItemSizeInBytes": integer, "ramPercentage": integer,
		"remoteBackup": backupConfig.object, "sourceIp": listOf(text), "saslUsername": text, "saslPassword": text,
		"modules": listOf(moduleSpec.object), "queryPerformanceFactor": text,
		"shardingType": oneOf("default-regex-rules", "custom-regex-rules", "redis-oss-hashing"),
	})}
	updateBody = shape{fields: with(databaseFields, map[string]check{
		"dryRun": flag, "autoMinorVersionUpgrade": flag, "throughputMeasurement": throughput.object, "ramPercentage": integer,
		"regexRules": listOf(text), "remoteBackup": backupConfig.object, "sourceIp": listOf(text), "saslUsername": text,
		"saslPassword": text, "enableDefaultUser": flag, "queryPerformanceFactor": text,
	})}
	fixedCreateBody = shape{required: []string{"name"}, fields: with(databaseFields, map[string]check{
		"protocol": oneOf("redis", "memcached", "stack"), "redisVersion": text, "enableDatabaseClustering": flag,
		"numberOfShards": integer, "sourceIps": listOf(text), "regexRules": listOf(text), "modules": listOf(moduleSpec.object),
	})}
	fixedUpdateBody = shape{fields: with(databaseFields, map[string]check{
		"enableDatabaseClustering": flag, "numberOfShards": integer, "sourceIps": listOf(text), "regexRules": listOf(text),
		"enableDefaultUser": flag,
	})}
)

func with(common, more map[string]check) map[string]check {
	all := map[string]check{}
	for name, c := range common {
		all[name] = c
	}
	for name, c := range more {
		all[name] = c
	}
	return all
}
