package cloudemu

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Status words of tasks.
const (
	taskReceived  = "received"
	taskWorking   = "processing-in-progress"
	taskCompleted = "processing-completed"
	taskError     = "processing-error"
)

var taskTexts = map[string]string{
	taskReceived:  "Task request received and is being queued for processing.",
	taskWorking:   "Task request is currently being processed.",
	taskCompleted: "Request processing completed successfully and its resources are now being provisioned / de-provisioned.",
	taskError:     "Task request failed during processing. See error information for failure details.",
}

// taskHistory is how long ended tasks can be read.
const taskHistory = 10 * 24 * time.Hour

// task is one asynchronous request of the account.
type task struct {
	id       string
	command  string
	status   string
	at       time.Time
	call     string
	work     time.Duration // emulated, from being taken up to the end
	run      func(*task) *domainError
	hidden   int // so many reads still answer 404
	foreign  bool
	blocker  bool // put in front by task_stuck
	stuck    bool // a blocker that stays until task_stuck is switched off
	entry    *ledgerEntry
	response obj // what the end will show
	resource string
}

// found sets the ids that the ended task names.
func (t *task) found(d *database) {
	t.response["resourceId"], t.response["additionalResourceId"] = d.id, d.sub.id
	t.resource = d.path()
}

// submit queues work and answers with the new task. A changing call (not a
// status read, not a dry run) goes into the ledger.
func (s *Server) submit(r *request, status int, t *task) answer {
	t.id, t.status, t.at, t.call = uuid(s.chance), taskReceived, s.clock, r.call()
	t.hidden, t.response, t.foreign = s.chance.IntN(3), obj{}, r.foreign
	if s.fire("task_stuck", t.call) {
		s.enqueue(&task{
			id: uuid(s.chance), command: "subscriptionUpdateRequest", status: taskReceived, at: s.clock,
			work: 10 * time.Minute, foreign: true, blocker: true, stuck: s.faults["task_stuck"] != nil && s.faults["task_stuck"].times < 0,
			response: obj{}, run: func(*task) *domainError { return nil },
		})
	}
	if r.method != http.MethodGet && !r.body.bool("dryRun", false) {
		t.entry = s.record(r, t.id)
	}
	s.enqueue(t)
	return answer{status: status, body: s.taskBody(r, t)}
}

func (s *Server) enqueue(t *task) {
	s.forgetTasks()
	s.tasks = append(s.tasks, t)
	s.taskByID[t.id] = t
	s.queue = append(s.queue, t)
	if len(s.queue) == 1 {
		s.takeUp(t)
	}
}

// takeUp lets the account's only worker begin with t.
func (s *Server) takeUp(t *task) {
	begin := min(t.work/4, 500*time.Millisecond)
	s.after(begin, func() {
		if t.status == taskReceived {
			t.status, t.at = taskWorking, s.clock
		}
	})
	if !t.stuck {
		s.after(max(t.work, begin), func() { s.finish(t) })
	}
}

// finish checks the request against the domain, begins its work if it is
// right, and lets the worker take up the next task.
func (s *Server) finish(t *task) {
	if len(s.queue) == 0 || s.queue[0] != t {
		return // ended before its time by unstick
	}
	refused := s.taskFault(t)
	if refused == nil {
		refused = t.run(t)
	}
	t.status, t.at = taskCompleted, s.clock
	if refused != nil {
		t.status = taskError
		t.response = obj{"error": refused.body()}
	}
	s.settle(t, refused)
	s.misname(t)
	s.queue = s.queue[1:]
	if len(s.queue) > 0 {
		s.takeUp(s.queue[0])
	}
}

// taskFault is what an injected fault makes of a task.
func (s *Server) taskFault(t *task) *domainError {
	fault := "task_error"
	if isStatus := strings.HasPrefix(t.call, "GET "); isStatus {
		fault = "status_task_error"
	}
	switch {
	case t.foreign:
	case s.fire("subscription_busy", t.call):
		return refuse("SUBSCRIPTION_NOT_ACTIVE")
	case t.entry != nil && s.fire("maintenance", t.call):
		return refuse("CLUSTER_UNDER_MAINTENANCE")
	case t.entry != nil || fault == "status_task_error":
		arg, hits := s.fireArg(fault, t.call)
		if !hits {
			return nil
		}
		code, text, _ := strings.Cut(arg, " ")
		refused := refuse(or(code, "GENERAL_ERROR"))
		refused.text = or(text, refused.text)
		return refused
	}
	return nil
}

// misname lets a task that did its work name another database than it should.
func (s *Server) misname(t *task) {
	right, named := t.response["resourceId"].(int)
	if !named || t.entry == nil {
		return
	}
	arg, hits := s.fireArg("wrong_resource", t.call)
	if !hits {
		return
	}
	other := s.named(arg)
	for _, u := range s.subscriptions {
		for _, d := range u.databases {
			if other == nil && d.id != right {
				other = d
			}
		}
	}
	if other != nil {
		t.found(other)
	}
}

// unstick ends the foreign tasks that task_stuck had put into the queue.
func (s *Server) unstick() {
	for len(s.queue) > 0 && s.queue[0].blocker {
		s.finish(s.queue[0])
	}
	s.queue = slices.DeleteFunc(s.queue, func(t *task) bool {
		if t.blocker {
			t.status, t.at = taskCompleted, s.clock
		}
		return t.blocker
	})
}

// forgetTasks drops what ended long ago.
func (s *Server) forgetTasks() {
	for len(s.tasks) > 0 {
		t := s.tasks[0]
		ended := t.status == taskCompleted || t.status == taskError
		if !ended || s.clock.Sub(t.at) < taskHistory {
			return
		}
		delete(s.taskByID, t.id)
		s.tasks = s.tasks[1:]
	}
}

func (s *Server) taskBody(r *request, t *task) obj {
	body := obj{
		"taskId": t.id, "commandType": t.command, "status": t.status, "description": taskTexts[t.status],
		"timestamp": t.at.UTC().Format(time.RFC3339Nano),
	}
	self := r.link("self", "/v1/tasks/"+t.id)
	switch {
	case t.status == taskReceived && r.method != http.MethodGet:
		body["links"] = []obj{r.link("task", "/v1/tasks/"+t.id)}
	case t.status == taskCompleted && t.resource != "":
		body["links"] = []obj{r.link("resource", t.resource), self}
	default:
		body["links"] = []obj{self}
	}
	if t.status == taskCompleted || t.status == taskError {
		body["response"] = t.response
	}
	return body
}

func (s *Server) getTask(r *request) answer {
	t := s.taskByID[r.args["task"]]
	if t == nil {
		return empty(http.StatusNotFound)
	}
	if t.hidden > 0 {
		t.hidden--
		return empty(http.StatusNotFound)
	}
	return ok(s.taskBody(r, t))
}

// listTasks gives the newest status change first.
func (s *Server) listTasks(r *request) answer {
	list := []obj{}
	sorted := slices.Clone(s.tasks)
	slices.SortStableFunc(sorted, func(a, b *task) int { return b.at.Compare(a.at) })
	for _, t := range sorted {
		list = append(list, s.taskBody(r, t))
	}
	return ok(obj{"tasks": list, "links": []obj{r.link("self", "/v1/tasks")}})
}
