package cloudemu

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	backupTask       = 3 * time.Second
	backupTime       = time.Minute
	backupStatusTask = 2500 * time.Millisecond
	maxBackups       = 4 // at once in a cluster
)

// backupState is what GET …/backup tells. An empty status: never backed up.
type backupState struct {
	status string
	at     time.Time // of the latest good one
	reason string
	adhoc  bool // made although remote backup is off
}

// backupFile is one stored object: the dump of one shard, with its keys.
type backupFile struct {
	uri      string
	database int
	name     string
	at       time.Time
	version  string
	format   int
	shard    int // 1 … shards
	shards   int
	set      string // the same for all files of one backup
	corrupt  bool
	keys     map[string]string
}

func (s *Server) postBackup(r *request) answer {
	return s.submit(r, http.StatusOK, &task{command: "databaseBackupRequest", work: backupTask, run: func(t *task) *domainError {
		d, path, refused := s.backable(r)
		if refused != nil {
			return refused
		}
		t.found(d)
		s.beginBackup(d, path, r.call())
		return nil
	}})
}

// backable checks a backup and says where it will go.
func (s *Server) backable(r *request) (*database, string, *domainError) {
	d, refused := s.locate(r)
	if refused != nil {
		return nil, "", refused
	}
	if refused := s.backupRegion(d, r.body.str("regionName"), "BACKUP"); refused != nil {
		return nil, "", refused
	}
	adhoc := r.body.str("adhocBackupPath")
	switch {
	case d.protocol == "memcached", d.sub.fixed && !d.sub.backups:
		return nil, "", refuse("DATABASE_BACKUP_NOT_SUPPORTED")
	case d.status != statusActive:
		return nil, "", refuse("DATABASE_NOT_ACTIVE")
	case d.remote.path == "" && (adhoc == "" || !s.fire("adhoc_backup", r.call())):
		return nil, "", refuse("DATABASE_BACKUP_DISABLED")
	case adhoc != "" && storageType(adhoc) == "":
		return nil, "", refuse("DATABASE_INVALID_BACKUP_PATH")
	case d.lastBackup.status == "exporting":
		return nil, "", refuse("DATABASE_BACKUP_FAILED")
	case d.sub.runningBackups() >= maxBackups:
		return nil, "", refuse("DATABASE_GENERAL_ERROR_BACKUP").because("Too many backups are running in the cluster")
	}
	return d, or(adhoc, d.remote.path), nil
}

func (u *subscription) runningBackups() int {
	n := 0
	for _, d := range u.databases {
		if d.lastBackup.status == "exporting" {
			n++
		}
	}
	return n
}

// backupRegion checks that a region is named where, and only where, it must be.
func (s *Server) backupRegion(d *database, region, what string) *domainError {
	if !d.activeActive() {
		if region != "" {
			return refuse(what + "_REGION_NAME_IS_NOT_ALLOWED_WITH_SINGLE_REGION_SUBSCRIPTION")
		}
		return nil
	}
	if region == "" {
		return refuse("ACTIVE_ACTIVE_" + what + "_MISSING_REGION_NAME")
	}
	for _, known := range d.sub.regions {
		if known == region {
			return nil
		}
	}
	return refuse("ACTIVE_ACTIVE_INVALID_" + what + "_REGION_NAME")
}

// beginBackup takes the keys as they are now; the files appear when it ends.
func (s *Server) beginBackup(d *database, path, call string) {
	adhoc := d.remote.path == ""
	d.lastBackup.status, d.lastBackup.reason, d.lastBackup.adhoc = "exporting", "", adhoc
	files := s.dump(d, path, s.clock)
	reason := ""
	for _, f := range []string{"no_permission", "wrong_file_path", "general_error"} {
		if reason == "" && s.fire("backup_"+f, call) {
			reason = strings.ReplaceAll(f, "_", "-")
		}
	}
	s.after(backupTime, func() {
		if reason != "" {
			d.lastBackup.status, d.lastBackup.reason = "failed", reason
			s.log("Database", d.id, "Backup of "+d.name+" failed: "+reason)
			return
		}
		for _, f := range files {
			s.objects[f.uri] = f
		}
		d.lastBackup = backupState{status: "success", at: s.clock, adhoc: adhoc}
		s.log("Database", d.id, "Backup of "+d.name+" succeeded")
	})
}

// store puts a backup of d into the bucket at once.
func (s *Server) store(d *database, path string, at time.Time) {
	for _, f := range s.dump(d, path, at) {
		s.objects[f.uri] = f
	}
}

// dump makes the files of a backup: one for each shard, with the keys of its slots.
func (s *Server) dump(d *database, path string, at time.Time) []*backupFile {
	at = at.UTC().Truncate(time.Second)
	for s.objects[fileName(d, path, at, 0)] != nil {
		at = at.Add(time.Second) // at high speed two backups fall into one second
	}
	files := make([]*backupFile, d.shards)
	for i := range files {
		files[i] = &backupFile{
			uri: fileName(d, path, at, i), database: d.id, name: d.name, at: at, version: d.version,
			format: formatOf(d.version), shard: i + 1, shards: d.shards,
			set:  fmt.Sprintf("%d-%s-%s", d.id, at.Format("20060102-150405"), path),
			keys: map[string]string{},
		}
	}
	for key, value := range d.keys.all {
		files[shardOf(key, d.shards)].keys[key] = value
	}
	return files
}

// fileName is the observed form: time and shard number cannot be computed by a client.
func fileName(d *database, path string, at time.Time, i int) string {
	name := d.name[:min(len(d.name), 30)]
	return fmt.Sprintf("%s/bk%s-%d-%s-%d_of_%d-%d-%d-%d.rdb.gz", strings.TrimRight(path, "/"),
		at.Format("20060102-150405"), d.id, name, i+1, d.shards, d.firstShard+i, i*slots/d.shards, (i+1)*slots/d.shards-1)
}

func (s *Server) getBackup(r *request) answer {
	return s.submit(r, http.StatusOK, &task{command: "databaseBackupStatusRequest", work: backupStatusTask, run: func(t *task) *domainError {
		d, refused := s.locate(r)
		if refused != nil {
			return refused
		}
		if refused := s.backupRegion(d, r.query.Get("regionName"), "BACKUP_STATUS"); refused != nil {
			return refused
		}
		if d.sub.fixed && !d.sub.backups || d.protocol == "memcached" {
			return refuse("DATABASE_BACKUP_NOT_SUPPORTED")
		}
		if d.remote.path == "" && !d.lastBackup.adhoc {
			return refuse("DATABASE_BACKUP_DISABLED")
		}
		t.found(d)
		t.response["resource"] = s.backupBody(d)
		s.dropTime(t, "success", "lastBackupTime")
		return nil
	}})
}

// dropTime takes the time out of the status of something that succeeded.
func (s *Server) dropTime(t *task, good, field string) {
	body, _ := t.response["resource"].(obj)
	if body["status"] == good && s.fire("status_no_time", t.call) {
		delete(body, field)
	}
}

func (s *Server) backupBody(d *database) obj {
	body := obj{}
	if d.lastBackup.status != "" {
		body["status"] = d.lastBackup.status
	}
	if !d.lastBackup.at.IsZero() {
		body["lastBackupTime"] = s.stamp(d.lastBackup.at)
	}
	if d.lastBackup.reason != "" {
		body["failureReason"] = d.lastBackup.reason
	}
	return body
}

// storageType tells the kind of storage of a backup path; empty: none fits.
func storageType(path string) string {
	scheme, rest, found := strings.Cut(path, "://")
	if !found || rest == "" {
		return ""
	}
	switch scheme {
	case "s3":
		return "aws-s3"
	case "gs":
		return "google-blob-storage"
	case "abs":
		return "azure-blob-storage"
	case "ftp", "ftps":
		return "ftp"
	}
	return ""
}
