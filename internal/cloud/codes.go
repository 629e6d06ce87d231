package cloud

import "strings"

// passing holds every code of Redis Cloud after which the same request may
// succeed with nobody doing anything, and what passes. Any other code, known or
// not, is a fact for people: waiting for it to go away would be waiting without
// end. GENERAL_ERROR is one of those, for it says nothing about another try.
var passing = map[string]string{
	"SUBSCRIPTION_NOT_ACTIVE":                             "the subscription is changing",
	"SUBSCRIPTION_CONTAINS_NON_ACTIVE_DATABASE":           "another database of the subscription is changing",
	"DATABASE_SUBSCRIPTION_IN_PENDING_STATUS":             "the subscription is changing",
	"DATABASE_NOT_ACTIVE":                                 "the database is changing",
	"DATABASE_IS_NOT_ACTIVE":                              "the database is changing",
	"CLUSTER_COMMUNICATION_ERROR":                         "Redis Cloud cannot reach the cluster",
	"CLUSTER_UNDER_MAINTENANCE":                           underMaintenance,
	"DATABASE_CLUSTER_IS_IN_MAINTENANCE":                  underMaintenance,
	"TOO_MANY_PENDING_SUBSCRIPTIONS":                      "three subscriptions of the account are changing",
	"ACL_ROLE_IS_IN_PENDING_STATUS_AND_CANNOT_BE_UPDATED": "the ACL role is changing",
}

const underMaintenance = "Redis maintains the cluster"

// Passing reports whether a code only asks for patience, and what passes, in
// words for people. Codes that end in _MAINTENANCE do, also unknown ones.
func Passing(code string) (what string, passes bool) {
	if what, passes = passing[code]; !passes && strings.HasSuffix(code, "_MAINTENANCE") {
		return underMaintenance, true
	}
	return what, passes
}

func retryableCode(code string) bool {
	_, passes := Passing(code)
	return passes
}
