package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// The words of Task.Status.
const (
	TaskInitialized = "initialized"            // queued
	TaskReceived    = "received"               // queued
	TaskProcessing  = "processing-in-progress" // a worker is on it
	TaskCompleted   = "processing-completed"   // accepted and planned, not done
	TaskBroke       = "processing-error"       // see Err
)

// Task is Redis Cloud's receipt for asynchronous work. Its end says that the
// work was planned; whether it is done is seen at the thing itself. Tasks of
// an account are processed one after another.
type Task struct {
	ID          string // UUID
	Command     string // what was asked; informative only
	Status      string // as it came
	Description string
	At          time.Time       // last change of status
	Resource    int             // response.resourceId: the database (or subscription)
	Additional  int             // response.additionalResourceId: the subscription of a database
	Result      json.RawMessage // response.resource, passwords blanked; nil if absent
	Err         *TaskError      // non-nil exactly when the task failed
}

// Ended reports whether the task's status will not change any more.
func (t Task) Ended() bool { return t.Failed() || strings.EqualFold(t.Status, TaskCompleted) }

// Failed reports whether the task ended in an error: nothing happened.
func (t Task) Failed() bool { return t.Err != nil }

type wireTask struct {
	ID          text   `json:"taskId"`
	Command     text   `json:"commandType"`
	Status      text   `json:"status"`
	Description text   `json:"description"`
	At          moment `json:"timestamp"`
	Response    struct {
		Resource   number          `json:"resourceId"`
		Additional number          `json:"additionalResourceId"`
		Result     json.RawMessage `json:"resource"`
		Error      json.RawMessage `json:"error"`
		Info       text            `json:"additionalInfo"`
	} `json:"response"`
}

// task turns the wire form into a Task, its texts scrubbed.
func (w wireTask) task(scrub func(string) string) Task {
	t := Task{
		ID: string(w.ID), Command: string(w.Command), Status: string(w.Status), Description: scrub(string(w.Description)),
		At: w.At.Time, Resource: w.Response.Resource.int(), Additional: w.Response.Additional.int(),
		Result: blank(w.Response.Result, scrub), Err: errorMember(w.Response.Error),
	}
	if t.Err == nil && strings.EqualFold(t.Status, TaskBroke) {
		t.Err = &TaskError{Text: t.Description}
	}
	if t.Err != nil {
		t.Err.Code = clip(scrub(t.Err.Code))
		t.Err.Text = clip(scrub(sentence(t.Err.Text, string(w.Response.Info))))
	}
	return t
}

// decodeTask reads one task.
func decodeTask(body []byte, scrub func(string) string) (Task, error) {
	var w wireTask
	if err := decode(body, &w); err != nil {
		return Task{}, err
	}
	return w.task(scrub), nil
}

// blank returns a copy of a result in which no password is left. A dry run
// may echo what it was given.
func blank(raw json.RawMessage, scrub func(string) string) json.RawMessage {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	out, err := json.Marshal(blankValue(v, scrub))
	if err != nil {
		return nil
	}
	return out
}

func blankValue(v any, scrub func(string) string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if lower := strings.ToLower(k); strings.Contains(lower, "password") || strings.Contains(lower, "secret") {
				v[k] = redacted
			} else {
				v[k] = blankValue(inner, scrub)
			}
		}
	case []any:
		for i := range v {
			v[i] = blankValue(v[i], scrub)
		}
	case string:
		return scrub(v)
	}
	return v
}

// Task returns one task. ErrNotFound right after the task was made only means
// that the task service has not heard of it yet: ask again a few times.
//
// API: Tasks, getTaskById.
func (c *Client) Task(ctx context.Context, id string) (Task, error) {
	return c.askTask(ctx, get("task", id, item("/tasks", id)))
}

// askTask performs a read whose answer is a task.
func (c *Client) askTask(ctx context.Context, in call) (Task, error) {
	w, err := readInto[wireTask](ctx, c, in)
	if err != nil {
		return Task{}, err
	}
	return w.task(c.scrubber(nil)), nil
}

// Tasks returns the account's tasks of the last ten days, newest change first.
// Do not rely on it for history: the reference promises running ones only.
//
// API: Tasks, getAllTasks.
func (c *Client) Tasks(ctx context.Context) ([]Task, error) {
	in := get("task list", "", "/tasks")
	body, err := c.read(ctx, in)
	if err != nil {
		return nil, err
	}
	wire, err := decodeTasks(body)
	if err != nil {
		return nil, in.fail(err)
	}
	tasks := make([]Task, 0, len(wire))
	for _, w := range wire {
		tasks = append(tasks, w.task(c.scrubber(nil)))
	}
	return tasks, nil
}

// decodeTasks takes {"tasks":[…]} and a bare array. Of a list that is too long
// it takes the first, which are the newest.
func decodeTasks(body []byte) (list[wireTask], error) {
	var w struct {
		Tasks list[wireTask] `json:"tasks"`
	}
	var err error
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '[' {
		err = decode(body, &w.Tasks)
	} else {
		err = decode(body, &w)
	}
	if err != nil && !errors.Is(err, errTooMany) {
		return nil, err
	}
	return w.Tasks, nil
}
