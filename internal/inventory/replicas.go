package inventory

import "github.com/redis-upgrade/bot/internal/cloud"

// ReplicasOf returns the Active-Passive targets that ref feeds directly, sorted
// by name, from both plans. They must be upgraded before it
// (https://redis.io/docs/latest/operate/rc/databases/version-management/upgrade-version/).
// Targets in another account cannot be seen from here.
func (x *Index) ReplicasOf(ref cloud.Ref) []Entry {
	v := x.view.Load()
	i, ok := v.byRef[ref]
	if !ok {
		return nil
	}
	return v.pick(v.replicas[i], 0)
}

// SourcesOf returns what ref replicates from: databases of this account, and the
// host:port addresses of all others.
func (x *Index) SourcesOf(ref cloud.Ref) (known []Entry, external []string) {
	v := x.view.Load()
	i, ok := v.byRef[ref]
	if !ok {
		return nil, nil
	}
	seen := map[int]bool{i: true}
	for _, address := range v.entries[i].SyncSources {
		source, ok := v.byAddress[address]
		switch {
		case !ok:
			external = append(external, address)
		case !seen[source]:
			seen[source] = true
			known = append(known, v.entries[source])
		}
	}
	return known, external
}
