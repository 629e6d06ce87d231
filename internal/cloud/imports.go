package cloud

import (
	"context"
	"net/http"
	"time"
)

// StartImport replaces all data of a database by the files at uris: one for
// every shard of the backup, no folders, no wildcards. sourceType is what
// SourceTypeOf says of them. The task ends before the import does.
//
// API: Databases - Pro, importDatabase; - Essentials, importDatabase_1.
func (c *Changes) StartImport(ctx context.Context, ref Ref, sourceType string, uris []string) (Task, error) {
	in := call{what: "import", on: ref.String(), method: http.MethodPost, path: ref.path("import"),
		body:    map[string]any{"sourceType": sourceType, "importFromUri": uris},
		secrets: secretsOf(uris...)}
	if sourceType == "" || len(uris) == 0 {
		return Task{}, refuse(in, "needs a source type and at least one file")
	}
	return c.sendTask(ctx, in)
}

// AskImport asks for the state of the latest import; see AskBackup.
//
// API: Databases - Pro, getDatabaseImportStatus; - Essentials,
// getDatabaseImportStatus_1.
func (c *Client) AskImport(ctx context.Context, ref Ref) (Task, error) {
	return c.askTask(ctx, get("import status", ref.String(), ref.path("import")))
}

// ImportOf reads the state of an import from an ended task of AskImport; see
// BackupOf for tasks that say nothing.
func ImportOf(t Task) Import {
	return lastOf(t, func(w wireLast) time.Time { return w.ImportAt.Time })
}
