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

// Last is the latest backup of a database, or the latest import into it. A word
// of success proves a work of one's own only with a time newer than the one read
// before, or after another status was read before. Ok with a zero At is an answer
// on record: it succeeded, and Redis Cloud does not say when. It is not Never.
type Last struct {
	Status Outcome
	Raw    string            // the status as it came
	At     time.Time         // when it ended; zero where Redis Cloud does not say, or there was none
	Reason string            // why it failed, such as no-permission; of a failed task, its code
	Params map[string]string // details of Reason
}

// Backup is what BackupOf reads, Import what ImportOf reads.
type (
	Backup = Last
	Import = Last
)

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
// the task's code. Ask again where Task.Err is Retryable, and only there.
func BackupOf(t Task) Backup {
	return lastOf(t, func(w wireLast) time.Time { return w.BackupAt.Time })
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

// lastOf reads an ended task; at picks the time of the kind of work.
func lastOf(t Task, at func(wireLast) time.Time) Last {
	if t.Failed() {
		return Last{Reason: t.Err.Code}
	}
	var w wireLast
	// No result at all reads like {}: never.
	if !t.Ended() || len(t.Result) > 0 && decode(t.Result, &w) != nil {
		return Last{}
	}
	l := Last{Raw: string(w.Status), At: at(w), Reason: redactText(string(w.Reason))}
	for _, p := range w.Params {
		if l.Params == nil {
			l.Params = make(map[string]string)
		}
		l.Params[string(p.Key)] = redactText(string(p.Value))
	}
	l.Status = l.outcome()
	return l
}

// outcome maps the status word, whose vocabulary is not specified.
func (l Last) outcome() Outcome {
	switch strings.ToLower(l.Raw) {
	case "success", "succeeded", "completed":
		return Ok
	case "failed", "error":
		return Bad
	case "", "idle":
		switch {
		case l.Reason != "":
			return Bad
		case l.At.IsZero():
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
