package cloud

import (
	"cmp"
	"slices"
	"strings"
)

// wireDatabase takes the forms of Pro, Essentials and Active-Active at once.
type wireDatabase struct {
	ID            number `json:"databaseId"`
	Name          text   `json:"name"`
	Protocol      text   `json:"protocol"`
	Provider      text   `json:"provider"`
	Region        text   `json:"region"`
	Status        text   `json:"status"`
	Version       text   `json:"redisVersion"`
	Compliance    text   `json:"redisVersionCompliance"`
	RESP          text   `json:"respVersion"`
	AutoMinor     *flag  `json:"autoMinorVersionUpgrade"`
	MemoryLimitGB number `json:"memoryLimitInGb"`
	DatasetSizeGB number `json:"datasetSizeInGb"`
	UsedMB        number `json:"memoryUsedInMb"`
	PlanLimit     number `json:"planMemoryLimit"` // Essentials, in PlanUnit
	PlanDataset   number `json:"planDatasetSize"` // Essentials, in PlanUnit
	PlanUnit      text   `json:"memoryLimitMeasurementUnit"`
	MemoryStorage text   `json:"memoryStorage"`
	RAMPercentage number `json:"ramPercentage"`
	OSSCluster    flag   `json:"supportOSSClusterApi"`
	ExternalOSS   flag   `json:"useExternalEndpointForOSSClusterApi"`
	Persistence   text   `json:"dataPersistence"`
	Replication   flag   `json:"replication"`
	Eviction      text   `json:"dataEvictionPolicy"`
	Throughput    struct {
		By    text   `json:"by"`
		Value number `json:"value"`
	} `json:"throughputMeasurement"`
	QueryPerformance text      `json:"queryPerformanceFactor"`
	Activated        moment    `json:"activatedOn"`
	Modified         moment    `json:"lastModified"`
	Public           text      `json:"publicEndpoint"`
	Private          text      `json:"privateEndpoint"`
	Dynamic          wireNames `json:"dynamicEndpoints"`
	AsSource         wireNames `json:"replicaAsSourceEndpoints"`
	Replica          struct {
		Sources list[wireSource] `json:"syncSources"`
	} `json:"replica"`
	ReplicaOf struct {
		Endpoints list[text] `json:"endpoints"`
	} `json:"replicaOf"`
	Clustering struct {
		Shards  number         `json:"numberOfShards"`
		Enabled flag           `json:"enabled"`
		Rules   list[wireRule] `json:"regexRules"`
		Policy  text           `json:"hashingPolicy"`
	} `json:"clustering"`
	Security wireSecurity     `json:"security"`
	Modules  list[wireModule] `json:"modules"`
	Alerts   list[wireAlert]  `json:"alerts"`
	Backup   wireBackup       `json:"backup"`

	ActiveActive      flag             `json:"activeActiveRedis"`
	Regions           list[wireRegion] `json:"crdbDatabases"`
	GlobalPersistence text             `json:"globalDataPersistence"`
	GlobalPassword    text             `json:"globalPassword"`
	GlobalSourceIPs   list[text]       `json:"globalSourceIp"`
	GlobalDefaultUser *flag            `json:"globalEnableDefaultUser"`
	GlobalAlerts      list[wireAlert]  `json:"globalAlerts"`
}

type wireNames struct {
	Public  text `json:"public"`
	Private text `json:"private"`
}

type wireSource struct {
	Endpoint   text `json:"endpoint"`
	Encryption flag `json:"encryption"`
}

type wireRule struct {
	Ordinal number `json:"ordinal"`
	Pattern text   `json:"pattern"`
}

type wireModule struct {
	Name       text `json:"name"`
	Capability text `json:"capabilityName"`
	Version    text `json:"version"`
}

type wireAlert struct {
	Name  text   `json:"name"`
	Value number `json:"value"`
}

// wireSecurity: Pro says enableDefaultUser, Essentials defaultUserEnabled.
type wireSecurity struct {
	EnableDefaultUser  *flag      `json:"enableDefaultUser"`
	DefaultUserEnabled *flag      `json:"defaultUserEnabled"`
	Password           text       `json:"password"`
	SSLClientAuth      flag       `json:"sslClientAuthentication"`
	TLSClientAuth      flag       `json:"tlsClientAuthentication"`
	TLS                flag       `json:"enableTls"`
	SourceIPs          list[text] `json:"sourceIps"`
}

// wireBackup: Pro says enableRemoteBackup, Essentials remoteBackupEnabled.
type wireBackup struct {
	Enable      flag `json:"enableRemoteBackup"`
	Enabled     flag `json:"remoteBackupEnabled"`
	Interval    text `json:"interval"`
	TimeUTC     text `json:"timeUTC"`
	Destination text `json:"destination"`
}

type wireRegion struct {
	Provider   text   `json:"provider"`
	Region     text   `json:"region"`
	Public     text   `json:"publicEndpoint"`
	Private    text   `json:"privateEndpoint"`
	UsedMB     number `json:"memoryUsedInMb"`
	Compliance text   `json:"redisVersionCompliance"`
}

func (w *wireDatabase) database(plan Plan, subscription int) Database {
	d := Database{
		Ref:  Ref{Plan: plan, Subscription: subscription, Database: w.ID.int()},
		Name: string(w.Name), Protocol: strings.ToLower(string(w.Protocol)), Status: string(w.Status),
		FullVersion:   firstOf(string(w.Compliance), string(w.Version)),
		UsedMB:        float64(w.UsedMB),
		MemoryStorage: strings.ToLower(string(w.MemoryStorage)), RAMPercentage: w.RAMPercentage.int(),
		Provider: string(w.Provider), Region: string(w.Region),
		Replication: bool(w.Replication), Eviction: string(w.Eviction),
		Persistence:      firstOf(string(w.Persistence), string(w.GlobalPersistence)),
		Throughput:       Throughput{By: string(w.Throughput.By), Value: w.Throughput.Value.int()},
		QueryPerformance: string(w.QueryPerformance), RESP: string(w.RESP),
		OSSCluster: bool(w.OSSCluster), ExternalOSS: bool(w.ExternalOSS), AutoMinor: boolOf(w.AutoMinor),
		PublicEndpoint: string(w.Public), PrivateEndpoint: string(w.Private),
		Dynamic: w.Dynamic.endpoints(), ReplicaSource: w.AsSource.endpoints(),
		Shards: w.Clustering.Shards.int(), HashingPolicy: string(w.Clustering.Policy),
		Backup:    w.Backup.settings(),
		Security:  w.security(),
		Activated: w.Activated.Time, Modified: w.Modified.Time,
		ActiveActive: bool(w.ActiveActive) || len(w.Regions) > 0,
	}
	d.Version = minor(firstOf(string(w.Version), string(w.Compliance)))
	d.Clustering = bool(w.Clustering.Enabled) || d.Shards > 1
	w.fillSize(&d)
	w.fillLists(&d)
	d.Port = portOf(d.PublicEndpoint, d.PrivateEndpoint, d.Dynamic.Public, d.Dynamic.Private)
	return d
}

// fillSize brings the plan's size of Essentials to GB.
func (w *wireDatabase) fillSize(d *Database) {
	unit := 1.0
	if strings.EqualFold(string(w.PlanUnit), "MB") {
		unit = 1.0 / 1024
	}
	d.MemoryLimitGB = cmp.Or(float64(w.MemoryLimitGB), float64(w.PlanLimit)*unit)
	d.DatasetSizeGB = cmp.Or(float64(w.DatasetSizeGB), float64(w.PlanDataset)*unit)
}

func (w *wireDatabase) fillLists(d *Database) {
	slices.SortStableFunc(w.Clustering.Rules, func(a, b wireRule) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	for _, r := range w.Clustering.Rules {
		d.RegexRules = append(d.RegexRules, string(r.Pattern))
	}
	for _, m := range w.Modules {
		d.Modules = append(d.Modules, Module{string(m.Name), string(m.Capability), string(m.Version)})
	}
	for _, a := range append(w.Alerts, w.GlobalAlerts...) {
		d.Alerts = append(d.Alerts, Alert{string(a.Name), a.Value.int()})
	}
	sources := w.Replica.Sources
	if len(sources) == 0 { // the older form of the same
		for _, e := range w.ReplicaOf.Endpoints {
			sources = append(sources, wireSource{Endpoint: e})
		}
	}
	for _, s := range sources {
		d.Replica = append(d.Replica, SyncSource{Endpoint: URI(s.Endpoint), Encryption: bool(s.Encryption)})
		d.SyncSources = append(d.SyncSources, withoutUser(string(s.Endpoint)))
	}
	for _, r := range w.Regions {
		d.Regions = append(d.Regions, Region{
			Provider: string(r.Provider), Region: string(r.Region),
			PublicEndpoint: string(r.Public), PrivateEndpoint: string(r.Private), UsedMB: float64(r.UsedMB),
		})
		d.UsedMB = max(d.UsedMB, float64(r.UsedMB))
		d.FullVersion = firstOf(d.FullVersion, string(r.Compliance))
	}
}

func (w *wireDatabase) security() Security {
	s := w.Security
	sec := Security{
		// Absent means that nobody switched it off.
		DefaultUser: true,
		Password:    Secret(firstOf(string(s.Password), string(w.GlobalPassword))),
		TLS:         bool(s.TLS),
		ClientAuth:  bool(s.SSLClientAuth || s.TLSClientAuth),
		SourceIPs:   textsOf(s.SourceIPs),
	}
	for _, given := range []*flag{s.EnableDefaultUser, s.DefaultUserEnabled, w.GlobalDefaultUser} {
		if given != nil {
			sec.DefaultUser = bool(*given)
			break
		}
	}
	if sec.SourceIPs == nil {
		sec.SourceIPs = textsOf(w.GlobalSourceIPs)
	}
	return sec
}

func (w wireBackup) settings() BackupSettings {
	return BackupSettings{
		Enabled: bool(w.Enable || w.Enabled), Interval: string(w.Interval),
		TimeUTC: string(w.TimeUTC), Destination: URI(w.Destination),
	}
}

func (w wireNames) endpoints() DynamicEndpoints {
	return DynamicEndpoints{Public: string(w.Public), Private: string(w.Private)}
}

func boolOf(f *flag) *bool {
	if f == nil {
		return nil
	}
	b := bool(*f)
	return &b
}
