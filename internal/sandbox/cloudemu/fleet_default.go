package cloudemu

// DefaultFleet is the account that the sandbox starts with: one database for
// each case that an upgrade can meet.
func DefaultFleet() Fleet {
	production := map[string]string{"environment": "production"}
	staging := map[string]string{"environment": "staging"}
	return Fleet{
		Subscriptions: []FleetSubscription{
			{Name: "shop-us", Region: "us-east-1", Databases: []FleetDatabase{
				{Name: "cache-prod", Version: "7.2", Port: 12001, SizeGB: 2, Tags: production,
					BackupPath: "s3://acme-backups/cache-prod", BackupAge: "2h",
					Keys: 400, KeyPrefix: "cart"},
				{Name: "orders-prod", Version: "6.2", Port: 12002, Shards: 2, SizeGB: 5, Tags: production,
					Keys: 600, KeyPrefix: "order"},
				{Name: "catalog-prod", Version: "7.2", Port: 12003, SizeGB: 3, Tags: production,
					BackupPath: "s3://acme-backups/catalog-prod", BackupAge: "5h",
					Keys: 500, KeyPrefix: "product"},
				{Name: "legacy-mc", Protocol: "memcached", Version: "7.4", Port: 12004, Tags: production,
					Persistence: "none", Keys: 50, KeyPrefix: "page"},
			}},
			{Name: "search-us", Region: "us-west-2", Databases: []FleetDatabase{
				{Name: "search-prod", Version: "7.4", Port: 13001, Shards: 3, SizeGB: 20, Tags: production,
					Modules:    []string{"RediSearch", "RedisJSON"},
					BackupPath: "s3://acme-backups/search-prod", BackupAge: "1h",
					Keys: 900, KeyPrefix: "doc"},
				{Name: "catalog-replica", Version: "7.2", Port: 13002, SizeGB: 3, Tags: production,
					ReplicaOf: "catalog-prod", Keys: 500, KeyPrefix: "product",
					BackupPath: "s3://acme-backups/catalog-replica", BackupAge: "5h"},
			}},
			{Name: "customers-eu", Region: "eu-west-1", Databases: []FleetDatabase{
				{Name: "sessions-eu", Version: "8.2", Port: 14001, SizeGB: 4, NoAutoMinor: true, DynamicEndpoints: true,
					Tags:       map[string]string{"environment": "production", "team": "identity"},
					BackupPath: "s3://acme-backups/sessions-eu", BackupAge: "8h",
					Keys: 300, KeyPrefix: "session"},
				{Name: "latest-prod", Version: "8.6", Port: 14002, Tags: production,
					BackupPath: "s3://acme-backups/latest-prod", BackupAge: "20h",
					Keys: 200, KeyPrefix: "feature"},
			}},
			{Name: "standby-us", Region: "us-east-1", Databases: []FleetDatabase{
				{Name: "reports-staging", Version: "7.4", Port: 15001, Tags: staging, NoReplication: true,
					Persistence: "none", BackupPath: "s3://acme-backups/reports-staging",
					Keys: 100, KeyPrefix: "report"},
			}},
			{Name: "global", Region: "us-east-1", ActiveActive: true, Regions: []string{"us-east-1", "eu-west-1"},
				Databases: []FleetDatabase{
					{Name: "global-aa", Version: "7.2", Port: 16001, Tags: production, Keys: 200, KeyPrefix: "geo"},
				}},
			{Name: "trial-plan", Plan: "essentials", Region: "us-east-1", Databases: []FleetDatabase{
				{Name: "trial", Version: "7.4", Protocol: "stack", SizeGB: 0.03, NoReplication: true,
					Persistence: "none", Keys: 40, KeyPrefix: "try"},
			}},
		},
		Roles: []FleetRole{
			{Name: "shop-app", Rule: "Full-Access", Databases: []string{"cache-prod", "orders-prod", "catalog-prod"}},
			{Name: "analytics", Rule: "Read-Only", Databases: []string{"cache-prod", "search-prod", "reports-staging"}},
		},
	}
}
