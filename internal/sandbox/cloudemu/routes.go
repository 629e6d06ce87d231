package cloudemu

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// route is one operation of the API. {name} in a pattern stands for one path
// part; parts named like ids must be numbers.
type route struct {
	method  string
	pattern string
	shape   shape
	answer  func(*Server, *request) answer
}

// routes is the whole API. The first pattern that fits wins, so literal parts
// stand before {parts}. There is no route that deletes a subscription and none
// that flushes a database.
func routes() []route {
	const s, d = "/subscriptions/{s}", "/subscriptions/{s}/databases/{d}"
	list := []route{
		{"GET", "/", noBody, (*Server).getAccount},
		{"GET", "/tasks", noBody, (*Server).listTasks},
		{"GET", "/tasks/{task}", noBody, (*Server).getTask},
		{"GET", "/subscriptions/redis-versions", noBody, (*Server).getVersions},
		{"GET", "/fixed/redis-versions", noBody, (*Server).getVersions},
		{"GET", "/subscriptions", noBody, (*Server).listSubscriptions},
		{"GET", s, noBody, (*Server).getSubscription},
		{"GET", s + "/pricing", noBody, (*Server).getPricing},
		{"GET", s + "/databases", noBody, (*Server).listDatabases},
		{"GET", s + "/maintenance-windows", noBody, (*Server).getWindows},
		{"PUT", s + "/maintenance-windows", windowsBody, (*Server).putWindows},
		{"POST", s + "/databases", createBody, (*Server).postDatabase},
		{"PUT", d, updateBody, (*Server).putDatabase},
		{"POST", d + "/backup", backupBody, (*Server).postBackup},
		{"GET", d + "/certificate", noBody, (*Server).getCertificate},
		{"GET", "/fixed/subscriptions", noBody, (*Server).listSubscriptions},
		{"GET", "/fixed" + s, noBody, (*Server).getSubscription},
		{"GET", "/fixed" + s + "/databases", noBody, (*Server).listDatabases},
		{"POST", "/fixed" + s + "/databases", fixedCreateBody, (*Server).postDatabase},
		{"PUT", "/fixed" + d, fixedUpdateBody, (*Server).putDatabase},
		{"POST", "/fixed" + d + "/backup", fixedBackupBody, (*Server).postBackup},
		{"POST", "/endpoint-redirections", redirectBody, (*Server).postRedirection},
		{"GET", "/endpoint-redirections/{redirection}", noBody, (*Server).getRedirection},
		{"POST", "/endpoint-redirections/{redirection}/revert", noBody, (*Server).revertRedirection},
		{"GET", "/logs", noBody, (*Server).getLogs},
		{"GET", "/session-logs", noBody, (*Server).getSessionLogs},
		{"GET", "/database-modules", noBody, (*Server).getModules},
		{"GET", "/data-persistence", noBody, (*Server).getPersistence},
		{"GET", "/regions", noBody, (*Server).getRegions},
		{"GET", "/acl/roles", noBody, (*Server).listRoles},
		{"PUT", "/acl/roles/{role}", roleBody, (*Server).putRole},
	}
	for _, prefix := range []string{"", "/fixed"} {
		list = append(list, databaseRoutes(prefix+d)...)
	}
	return list
}

// databaseRoutes are the operations that Pro and Essentials share.
func databaseRoutes(d string) []route {
	return []route{
		{"GET", d, noBody, (*Server).getDatabase},
		{"DELETE", d, noBody, (*Server).deleteDatabase},
		{"GET", d + "/available-target-versions", noBody, (*Server).getTargets},
		{"POST", d + "/upgrade", upgradeBody, (*Server).postUpgrade},
		{"GET", d + "/upgrade", noBody, (*Server).getUpgrade},
		{"GET", d + "/backup", noBody, (*Server).getBackup},
		{"POST", d + "/import", importBody, (*Server).postImport},
		{"GET", d + "/import", noBody, (*Server).getImport},
		{"GET", d + "/traffic", noBody, (*Server).getTraffic},
		{"POST", d + "/traffic/resume", noBody, (*Server).resumeTraffic},
		{"GET", d + "/tags", noBody, (*Server).getTags},
		{"POST", d + "/tags", tagSpec, (*Server).postTag},
		{"PUT", d + "/tags", tagsBody, (*Server).putTags},
		{"PUT", d + "/tags/{key}", tagValueBody, (*Server).putTag},
		{"DELETE", d + "/tags/{key}", noBody, (*Server).deleteTag},
		{"GET", d + "/slow-log", noBody, (*Server).getSlowLog},
	}
}

// router finds routes. It is built once and never changes.
type router []route

// dispatch answers a call: 501 for what is not emulated, so that nobody takes it
// for something that is not there, 400 for a body of the wrong form, else what
// the route says.
func (list router) dispatch(s *Server, r *request) answer {
	for _, rt := range list {
		args, fits := match(rt.pattern, r.path)
		if !fits || rt.method != r.method {
			continue
		}
		r.args, r.fixed = args, strings.HasPrefix(rt.pattern, "/fixed")
		for _, name := range []string{"s", "d", "role"} {
			if text, has := args[name]; has && !isID(text) {
				return s.refusal(r, http.StatusBadRequest, "path parameter "+strconv.Quote(text)+" is not an integer")
			}
		}
		body, err := rt.shape.read(r.raw)
		if err != nil {
			return s.unsupported(r, err.Error())
		}
		r.body = body
		return rt.answer(s, r)
	}
	return s.refusal(r, http.StatusNotImplemented, r.call()+" is not emulated")
}

// match compares an escaped path that begins with /v1 to a pattern.
func match(pattern, path string) (map[string]string, bool) {
	want := strings.Split(strings.Trim(pattern, "/"), "/")
	got := strings.Split(strings.Trim(strings.TrimPrefix(path, "/v1"), "/"), "/")
	if len(want) != len(got) {
		return nil, false
	}
	args := map[string]string{}
	for i, part := range want {
		if name, isArg := strings.CutPrefix(part, "{"); isArg {
			text, err := url.PathUnescape(got[i])
			if err != nil || text == "" {
				return nil, false
			}
			args[strings.TrimSuffix(name, "}")] = text
		} else if part != got[i] {
			return nil, false
		}
	}
	return args, true
}

func isID(text string) bool {
	_, err := strconv.ParseInt(text, 10, 32)
	return err == nil
}
