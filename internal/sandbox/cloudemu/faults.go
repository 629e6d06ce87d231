package cloudemu

import (
	"strconv"
	"strings"
	"time"
)

// faultKind is one unkindness that can be switched on. takes names what may
// follow the path in its match; empty: nothing.
type faultKind struct{ name, does, takes string }

// The arguments of faults.
const (
	takesTime    = "how long"      // 45s, 10m; emulated
	takesError   = "code and text" // DATABASE_BACKUP_NOT_SUPPORTED Not on this plan
	takesName    = "database"      // a name or an id
	takesVersion = "Redis version" // 8.6
)

// faultKinds lists every fault. Those without a word on how they are counted
// use up one of their times per call they hit.
var faultKinds = []faultKind{
	{"rate_limit", "429 with X-Rate-Limit-Remaining: 0", ""},
	{"rate_limit_no_header", "429 without X-Rate-Limit-Remaining", ""},
	{"error_500", "500, and the request was not processed", ""},
	{"error_500_after_accept", "500 to a changing call that was processed", ""},
	{"error_503", "503, and the request was not processed", ""},
	{"html_401", "401 with an HTML body, as bad keys get it", ""},
	{"forbidden_403", "403: source IP not allowed for the key", ""},
	{"timeout_408", "408: request body not received in time", ""},
	{"conflict_409", "409", ""},
	{"precondition_412", "412: the feature flag of this flow is off", ""},
	{"slow", "the request is processed at once, the answer comes 20 emulated seconds (or how long is named) later", takesTime},
	{"slow_accept", "the request is processed only 20 emulated seconds (or how long is named) after it arrived", takesTime},
	{"hang", "the connection stays open and nothing is answered or processed, until the client gives up", ""},
	{"drop_after_accept", "a changing call is processed and the connection closed without an answer (reads too, if match begins with GET)", ""},
	{"drop_before_accept", "the connection is closed and the request not processed", ""},
	{"foreign_create", "a create is not processed and its connection closed, and somebody creates a database of that name and port by hand: " +
		"open, with keys and a password of its own, of the newest version (or the one named)", takesVersion},
	{"task_404", "GET of a task answers 404", ""},
	{"task_stuck", "a new task stays received behind another task of the account: 10 emulated minutes each, or until switched off", ""},
	{"task_error", "a task of a changing call ends with GENERAL_ERROR (or the code and text named) and does nothing", takesError},
	{"status_task_error", "a task of GET backup or GET import ends with GENERAL_ERROR (or the code and text named)", takesError},
	{"status_no_time", "the status of a backup or an import that succeeded has no time", ""},
	{"wrong_resource", "a task of a changing call that did its work names another database (or the one named)", takesName},
	{"string_error", "response.error of a task is a string", ""},
	{"unknown_status", "databases, and tasks that have not ended, have a status word nobody has seen before", ""},
	{"old_links", "answers carry _links in place of links", ""},
	{"list_404", "a page of the database list answers 404", ""},
	{"no_password", "GET of a database leaves out the password", ""},
	{"no_dynamic_endpoints", "databases have no dynamicEndpoints", ""},
	{"upgrade_failed", "an accepted upgrade ends as failed, at the old version", ""},
	{"upgrade_failed_late", "GET of an accepted upgrade reads failed from the middle on, while the database goes on and arrives", ""},
	{"upgrade_recovery_pending", "an accepted upgrade passes in-progress-recovery-pending for 3 emulated minutes", ""},
	{"upgrade_status_404", "GET of the upgrade answers 404", ""},
	{"subscription_busy", "a task finds its subscription not active", ""},
	{"maintenance", "a task of a changing call ends with CLUSTER_UNDER_MAINTENANCE", ""},
	{"auto_minor", "right after a GET of a database Redis moves it to the next minor version", ""},
	{"backup_no_permission", "a backup ends failed with no-permission", ""},
	{"backup_wrong_file_path", "a backup ends failed with wrong-file-path", ""},
	{"backup_general_error", "a backup ends failed with general-error", ""},
	{"adhoc_backup", "adhocBackupPath works although remote backup is off", ""},
	{"import_download_error", "an import ends failed with download-error, data untouched", ""},
	{"import_file_corrupted", "an import ends failed with file-corrupted, data gone", ""},
	{"import_general_error", "an import ends failed with general-error, data gone", ""},
	{"import_file_larger_than_mem_limit", "an import ends failed with file-larger-than-mem-limit, data gone", ""},
	{"import_key_too_long", "an import ends failed with key-too-long, data gone", ""},
	{"import_invalid_bulk_length", "an import ends failed with invalid-bulk-length, data gone", ""},
	{"import_out_of_memory", "an import ends failed with out-of-memory, data gone", ""},
	{"port_taken", "a create that names a port finds it still taken (dry runs do not)", ""},
	{"version_gone", "versions below 8.0 are no longer creatable (per create or read of redis-versions)", ""},
	{"create_failed", "an accepted create ends in the status creation-failed", ""},
}

// faultState is a switched-on fault.
type faultState struct {
	times int    // left; -1: until switched off
	match string // as it was given: part and argument
	part  string // of "METHOD path"; empty: all
	arg   string // what follows it
}

func findFault(name string) (faultKind, bool) {
	for _, k := range faultKinds {
		if k.name == name {
			return k, true
		}
	}
	return faultKind{}, false
}

// splitMatch parts a match into the part of "METHOD path" and the argument
// behind it. A call has one blank, which a slash follows.
func splitMatch(match string) (part, arg string) {
	part, rest, _ := strings.Cut(strings.TrimSpace(match), " ")
	rest = strings.TrimSpace(rest)
	if strings.HasPrefix(rest, "/") {
		path, arg, _ := strings.Cut(rest, " ")
		return part + " " + path, strings.TrimSpace(arg)
	}
	return part, rest
}

// checkArg tells what is wrong with the argument of a fault; "" means nothing.
func (s *Server) checkArg(k faultKind, arg string) string {
	if arg == "" {
		return ""
	}
	switch k.takes {
	case "":
		return "takes nothing behind the path"
	case takesTime:
		if d, err := time.ParseDuration(arg); err != nil || d <= 0 {
			return "takes a duration such as 45s"
		}
	case takesVersion:
		if rank(arg) < 0 {
			return "takes a version; there is no " + strconv.Quote(arg)
		}
	case takesName:
		if s.named(arg) == nil {
			return "takes a database; there is no " + strconv.Quote(arg)
		}
	}
	return ""
}

// named finds a database of the account by id or name.
func (s *Server) named(text string) *database {
	id, _ := strconv.Atoi(text)
	for _, u := range s.subscriptions {
		for _, d := range u.databases {
			if d.name == text || d.id == id {
				return d
			}
		}
	}
	return nil
}

// fire tells whether a fault hits a call, and uses up one of its times.
func (s *Server) fire(name, call string) bool {
	_, hits := s.fireArg(name, call)
	return hits
}

// fireArg is fire for a fault that takes an argument.
func (s *Server) fireArg(name, call string) (arg string, hits bool) {
	if !s.due(name, call) {
		return "", false
	}
	arg = s.faults[name].arg
	if f := s.faults[name]; f.times > 0 {
		f.times--
		if f.times == 0 {
			delete(s.faults, name)
		}
	}
	return arg, true
}

// due tells whether a fault would hit a call.
func (s *Server) due(name, call string) bool {
	f := s.faults[name]
	return f != nil && strings.Contains(call, f.part) && !strings.HasPrefix(call, byOthers)
}

// meansReads tells whether a fault that normally spares reads was asked to hit them.
func (s *Server) meansReads(name string) bool {
	f := s.faults[name]
	return f != nil && strings.HasPrefix(f.match, "GET")
}

// switchFault sets a fault. Taking back task_stuck lets the queue move on.
func (s *Server) switchFault(name string, times int, match string) {
	delete(s.faults, name)
	if times != 0 {
		part, arg := splitMatch(match)
		s.faults[name] = &faultState{times: times, match: match, part: part, arg: arg}
	}
	if name == "task_stuck" && times == 0 {
		s.unstick()
	}
}
