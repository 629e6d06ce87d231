package cloudemu

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	importTask       = 3 * time.Second
	importInit       = 10 * time.Second
	importTime       = time.Minute
	importStatusTask = 700 * time.Millisecond
	resyncTime       = time.Minute // until a source overwrites what was imported into its target
)

// importState is what GET …/import tells. An empty status: never imported.
type importState struct {
	status string
	at     time.Time
	reason string
	params []obj
}

func (s *Server) postImport(r *request) answer {
	return s.submit(r, http.StatusOK, &task{command: "databaseImportRequest", work: importTask, run: func(t *task) *domainError {
		d, refused := s.locateActive(r)
		if refused != nil {
			return refused
		}
		uris := r.body.strings("importFromUri")
		if refused := s.importable(d, r.body.str("sourceType"), uris); refused != nil {
			return refused
		}
		t.found(d)
		s.beginImport(d, uris, r.call())
		return nil
	}})
}

// importable checks the request itself; the files are looked into later.
func (s *Server) importable(d *database, kind string, uris []string) *domainError {
	sorted := slices.Sorted(slices.Values(uris))
	switch {
	case d.protocol == "memcached":
		return refuse("DATABASE_IMPORT_NOT_ALLOWED")
	case d.lastImport.running():
		return refuse("DATABASE_IMPORT_FAILED")
	case len(uris) == 0 || slices.Contains(uris, ""):
		return refuse("DATABASE_IMPORT_URI_NOT_PROVIDED")
	case len(slices.Compact(sorted)) != len(uris):
		return refuse("DUPLICATE_DATABASE_IMPORT_SOURCE_PATH")
	case kind == "redis" && len(uris) > 1:
		return refuse("DATABASE_IMPORT_MULTIPLE_REDIS_SOURCES")
	}
	for _, uri := range uris {
		source := importSources[kind]
		if !slices.ContainsFunc(source.schemes, func(p string) bool { return strings.HasPrefix(uri, p) && len(uri) > len(p) }) {
			return refuse(source.bad)
		}
		if kind == "redis" && s.resolve(uri) != nil {
			return refuse("DATABASE_IMPORT_FROM_NON_OSS")
		}
		if source.listed && s.objects[uri] == nil {
			return refuse("DATABASE_IMPORT_SOURCE_NOT_FOUND").because("Import source was not found: %s", cleanURI(uri))
		}
	}
	return nil
}

// importSources tells for each source type its schemes, the refusal for
// others, and whether Redis Cloud can see at once that a file is missing.
var importSources = map[string]struct {
	schemes []string
	bad     string
	listed  bool
}{
	"aws-s3":              {[]string{"s3://"}, "DATABASE_IMPORT_S3_BAD_URI", true},
	"google-blob-storage": {[]string{"gs://"}, "DATABASE_IMPORT_GCS_BAD_URI", true},
	"azure-blob-storage":  {[]string{"abs://"}, "DATABASE_IMPORT_AZURE_BAD_URI", true},
	"ftp":                 {[]string{"ftp://", "ftps://"}, "DATABASE_IMPORT_FTP_BAD_URI", false},
	"http":                {[]string{"http://", "https://"}, "DATABASE_IMPORT_HTTP_BAD_URI", false},
	"redis":               {[]string{"redis://"}, "DATABASE_IMPORT_REDIS_BAD_URI", false},
}

func (i importState) running() bool { return i.status == "initializing" || i.status == "importing" }

func (s *Server) beginImport(d *database, uris []string, call string) {
	d.lastImport = importState{status: "initializing", at: d.lastImport.at}
	d.status = statusImporting
	reason, params := s.importFault(call)
	s.after(importInit, func() { d.lastImport.status = "importing" })
	s.after(importInit+importTime, func() {
		keys := map[string]string{}
		if reason == "" {
			keys, reason, params = s.load(d, uris)
		}
		d.lastImport = importState{status: "succeeded", at: s.clock, reason: reason, params: params}
		switch {
		case reason == "":
			d.keys.replace(keys)
		case reason != "download-error":
			d.keys.wipe() // the old data was dropped before the file turned out bad
		}
		if reason != "" {
			d.lastImport.status = "failed"
		}
		if d.status == statusImporting {
			d.status = statusActive
		}
		s.afterContentChange(d)
		s.log("Database", d.id, "Import into "+d.name+" "+d.lastImport.status+" "+reason)
	})
}

// afterContentChange keeps Active-Passive pairs together: targets follow at
// once, and a target that was written to is overwritten by its source later.
func (s *Server) afterContentChange(d *database) {
	s.resync(d)
	for _, src := range d.sources {
		if from := s.resolve(src.endpoint); from != nil {
			s.after(resyncTime, func() { s.resync(from) })
		}
	}
}

// load reads the files of an import as a server of the database's version would.
func (s *Server) load(d *database, uris []string) (map[string]string, string, []obj) {
	keys := map[string]string{}
	missing := map[string]int{} // shards by set
	bytes, limit := 0, int(d.limitGB()*1e9)
	for _, uri := range uris {
		f := s.objects[uri]
		if f == nil {
			return nil, "download-error", nil
		}
		if f.corrupt || f.format > formatOf(d.version) {
			return nil, "file-corrupted", nil
		}
		if _, begun := missing[f.set]; !begun {
			missing[f.set] = f.shards
		}
		missing[f.set]--
		for key, value := range f.keys {
			keys[key] = value
		}
		bytes += size(f.keys)
	}
	for _, n := range missing {
		if n != 0 {
			return nil, "general-error", nil
		}
	}
	if bytes > limit {
		return nil, "file-larger-than-mem-limit", limitParams(limit, bytes)
	}
	return keys, "", nil
}

func limitParams(limit, expected int) []obj {
	return []obj{
		{"key": "bytes_configured_bdb_limit", "value": strconv.Itoa(limit)},
		{"key": "bytes_of_expected_dataset", "value": strconv.Itoa(expected)},
	}
}

// importFault is the reason with which an import was told to fail.
func (s *Server) importFault(call string) (string, []obj) {
	for _, k := range faultKinds {
		name, isImport := strings.CutPrefix(k.name, "import_")
		if !isImport || !s.fire(k.name, call) {
			continue
		}
		if name == "file_larger_than_mem_limit" {
			return "file-larger-than-mem-limit", limitParams(1234, 5678)
		}
		return strings.ReplaceAll(name, "_", "-"), nil
	}
	return "", nil
}

func (s *Server) getImport(r *request) answer {
	return s.submit(r, http.StatusOK, &task{command: "databaseImportStatusRequest", work: importStatusTask, run: func(t *task) *domainError {
		d, refused := s.locate(r)
		if refused != nil {
			return refused
		}
		t.found(d)
		body := obj{}
		if d.lastImport.status != "" {
			body["status"] = d.lastImport.status
		}
		if !d.lastImport.at.IsZero() {
			body["lastImportTime"] = s.stamp(d.lastImport.at)
		}
		if d.lastImport.reason != "" {
			body["failureReason"], body["failureReasonParams"] = d.lastImport.reason, d.lastImport.params
		}
		t.response["resource"] = body
		s.dropTime(t, "succeeded", "lastImportTime")
		return nil
	}})
}
