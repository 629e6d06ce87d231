package cloud

import (
	"context"
	"net/http"
	"time"
)

// Import is the latest import into a database. A word of success is only to be
// believed with a time newer than the one read before.
type Import struct {
	Status Outcome
	Raw    string            // the status as it came
	At     time.Time         // of the latest import; zero if none
	Reason string            // why it failed, such as file-corrupted; of a failed task, its code
	Params map[string]string // details of Reason
}

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
	w, told := lastOf(t)
	switch {
	case t.Failed():
		return Import{Reason: t.Err.Code}
	case !told:
		return Import{}
	}
	i := Import{Raw: string(w.Status), At: w.ImportAt.Time, Reason: redactText(string(w.Reason))}
	i.Status, i.Params = outcomeOf(i.Raw, i.At), w.params()
	return i
}
