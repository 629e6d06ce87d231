package slacksocket

import "strings"

// Remedy says what to mend where Slack refuses a token and trying again cannot
// help by itself; "" for every other error.
func Remedy(err error) string {
	hints := map[string]string{
		"invalid_auth": "is the token complete, and of this workspace?", "not_authed": "the token is missing",
		"account_inactive": "the app was removed from the workspace: install it again", "token_revoked": "make a new token and set it",
		"token_expired": "token rotation is on: switch it off in the app's settings", "not_allowed_token_type": "SLACK_BOT_TOKEN and SLACK_APP_TOKEN may be mixed up",
		"missing_scope": "install the app again with the scopes of manifest.yml; the app token needs connections:write", "forbidden_team": "the app may not be used in this workspace",
		"forbidden":               "Slack forbids this app the use of Socket Mode: is it switched on in the app's settings, and is the app allowed in this workspace?",
		"access_denied":           "an administrator of the workspace has to allow the app",
		"team_access_not_granted": "an administrator of the organisation has to grant the app access to this workspace",
		"ekm_access_denied":       "an administrator has suspended the app's access (Enterprise Key Management)",
		"org_login_required":      "the workspace is being moved to an organisation; try again when that is done",
	}
	if err == nil {
		return ""
	}
	for code, hint := range hints {
		if err.Error() == code || strings.HasSuffix(err.Error(), ": "+code) {
			return hint
		}
	}
	return ""
}
