package cloudemu

import (
	"fmt"
	"net/http"
	"strings"
)

// domainError is a refusal inside a task.
type domainError struct {
	kind   string // as in the API's enum
	status int
	text   string
}

// domainStatus holds the statuses and texts that differ from the default,
// which is 400 and the words of the kind.
var domainStatus = map[string]domainError{
	"SUBSCRIPTION_NOT_ACTIVE":   {status: http.StatusForbidden, text: "Cannot preform any actions for subscription that is not in an active state"},
	"SUBSCRIPTION_NOT_FOUND":    {status: http.StatusNotFound, text: "Subscription was not found"},
	"DATABASE_NOT_FOUND":        {status: http.StatusNotFound, text: "Database was not found"},
	"DATABASE_NOT_ACTIVE":       {status: http.StatusForbidden, text: "Cannot perform any actions for database that is not in an active state"},
	"DATABASE_IS_NOT_ACTIVE":    {status: http.StatusForbidden, text: "Database is not active"},
	"DATABASE_BACKUP_DISABLED":  {status: http.StatusBadRequest, text: "Database backup is disabled"},
	"DATABASE_NAME_EXISTS":      {status: http.StatusConflict, text: "Database name already exists in the subscription"},
	"DATABASE_IMPORT_FAILED":    {status: http.StatusConflict, text: "An import of this database is already running"},
	"DATABASE_BACKUP_FAILED":    {status: http.StatusConflict, text: "A backup of this database is already running"},
	"ACL_ROLE_NOT_FOUND":        {status: http.StatusNotFound, text: "ACL role was not found"},
	"GENERAL_ERROR":             {status: http.StatusInternalServerError, text: "An unexpected error occurred"},
	"CLUSTER_UNDER_MAINTENANCE": {status: http.StatusForbidden, text: "The cluster is under maintenance"},
	"DATABASE_UPGRADE_IS_ALREADY_RUNNING": {status: http.StatusConflict,
		text: "A version upgrade of this database is already running"},
	"TOO_MANY_PENDING_SUBSCRIPTIONS": {status: http.StatusForbidden,
		text: "Too many subscriptions of the account are in a pending state"},
}

// refuse makes the domain error of a kind.
func refuse(kind string) *domainError {
	e := domainStatus[kind]
	e.kind = kind
	if e.status == 0 {
		e.status = http.StatusBadRequest
	}
	if e.text == "" {
		words := strings.ToLower(strings.ReplaceAll(kind, "_", " "))
		e.text = strings.ToUpper(words[:1]) + words[1:]
	}
	return &e
}

// because replaces the text of a refusal.
func (e *domainError) because(format string, args ...any) *domainError {
	e.text = fmt.Sprintf(format, args...)
	return e
}

func (e *domainError) body() obj {
	name := strings.ToUpper(strings.ReplaceAll(http.StatusText(e.status), " ", "_"))
	return obj{"type": e.kind, "status": fmt.Sprintf("%d %s", e.status, name), "description": e.text}
}
