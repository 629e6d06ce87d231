package cloud

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Outcome is the state of a backup or an import in one of four words, because
// Redis Cloud's own are not specified. The zero value says that the task told
// nothing about it.
type Outcome string

const (
	Ok      Outcome = "ok"      // finished well
	Bad     Outcome = "bad"     // finished badly
	Running Outcome = "running" // not finished, or a word nobody knows
	Never   Outcome = "never"   // there was none
)

// Backup is the latest backup of a database. A word of success is only to be
// believed with a time newer than the one read before.
type Backup struct {
	Status Outcome
	Raw    string            // the status as it came
	At     time.Time         // of the latest backup; zero if none
	Reason string            // why it failed; of a failed task, its code
	Params map[string]string // details of Reason
}

// StartBackup backs a database up: to path, or to its own destination when
// path is "". The task ends before the backup does; see AskBackup.
//
// API: Databases - Pro, backupDatabase; - Essentials, backupDatabase_1.
func (c *Changes) StartBackup(ctx context.Context, ref Ref, path string) (Task, error) {
	body := map[string]any{}
	if path != "" {
		body["adhocBackupPath"] = path
	}
	in := call{what: "backup", on: ref.String(), method: http.MethodPost, path: ref.path("backup"),
		body: body, secrets: secretsOf(path)}
	return c.sendTask(ctx, in)
}

// AskBackup asks for the state of the latest backup. The answer is in the
// result of the task, once it has ended: see BackupOf. The task waits in the
// account's queue like any other.
//
// API: Databases - Pro, getDatabaseBackupStatus; - Essentials,
// getDatabaseBackupStatus_1.
func (c *Client) AskBackup(ctx context.Context, ref Ref) (Task, error) {
	return c.askTask(ctx, get("backup status", ref.String(), ref.path("backup")))
}

// BackupOf reads the state of a backup from an ended task of AskBackup. A task
// that has not ended, or failed, says nothing: its Status is "" and Reason is
// the task's code. Ask again where Task.Err is Retryable.
func BackupOf(t Task) Backup {
	w, told := lastOf(t)
	b := Backup{Raw: string(w.Status), At: w.BackupAt.Time, Reason: redactText(string(w.Reason))}
	switch {
	case t.Failed():
		return Backup{Reason: t.Err.Code}
	case !told:
		return Backup{}
	}
	b.Status, b.Params = outcomeOf(b.Raw, b.At), w.params()
	return b
}

// wireLast is the result of a backup's or an import's status task.
type wireLast struct {
	Status   text   `json:"status"`
	BackupAt moment `json:"lastBackupTime"`
	ImportAt moment `json:"lastImportTime"`
	Reason   text   `json:"failureReason"`
	Params   list[struct {
		Key   text `json:"key"`
		Value text `json:"value"`
	}] `json:"failureReasonParams"`
}

// params are the details of a failure.
func (w wireLast) params() map[string]string {
	var out map[string]string
	for _, p := range w.Params {
		if out == nil {
			out = make(map[string]string)
		}
		out[string(p.Key)] = redactText(string(p.Value))
	}
	return out
}

// lastOf decodes the result of an ended task; told is false where there is none.
func lastOf(t Task) (w wireLast, told bool) {
	if !t.Ended() || t.Failed() {
		return w, false
	}
	if len(t.Result) == 0 {
		return w, true // no result at all reads like {}: never
	}
	return w, decode(t.Result, &w) == nil
}

// outcomeOf maps a status word, whose vocabulary is not specified.
func outcomeOf(raw string, at time.Time) Outcome {
	switch strings.ToLower(raw) {
	case "success", "succeeded", "completed":
		return Ok
	case "failed", "error":
		return Bad
	case "", "idle":
		if at.IsZero() {
			return Never
		}
	}
	return Running
}

// secretsOf returns what of a set of addresses must never be shown: the whole
// address where it carries credentials, and what stands before its host.
func secretsOf(uris ...string) []string {
	var out []string
	for _, u := range uris {
		if RedactURI(u) == u {
			continue
		}
		out = append(out, u)
		_, rest, _ := strings.Cut(u, "://")
		at := strings.LastIndexByte(rest, '@')
		if at <= 0 {
			continue
		}
		user := rest[:at]
		out = append(out, user)
		if _, password, found := strings.Cut(user, ":"); found && password != "" {
			out = append(out, password)
		}
	}
	return out
}
