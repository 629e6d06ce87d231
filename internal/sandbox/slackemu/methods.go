package slackemu

// grantedScopes are the bot scopes of the installed app: those that its
// manifest asks for, which a test holds against manifest.yml.
func grantedScopes() []string {
	return []string{
		"commands", "chat:write", "app_mentions:read", "users:read", "usergroups:read", "im:write",
		"channels:read", "groups:read",
	}
}

// methodTable is every method that exists, with tier, scopes and arguments.
// https://docs.slack.dev/reference/methods
func methodTable() map[string]method {
	read := []string{"channels:read", "groups:read", "im:read", "mpim:read"}
	history := []string{"channels:history", "groups:history", "im:history", "mpim:history"}
	write := []string{"chat:write"}
	const said = "channel text blocks attachments metadata thread_ts mrkdwn parse link_names unfurl_links unfurl_media " +
		"reply_broadcast as_user username icon_emoji icon_url markdown_text client_msg_id"
	const page = "limit cursor"
	rows := []method{
		{"apps.connections.open", tier3, nil, true, "", (*Server).connectionsOpen},
		{"auth.test", special, nil, false, "", (*Server).authTest},
		{"team.info", tier3, []string{"team:read"}, false, "team domain", (*Server).teamInfo},
		{"bots.info", tier3, []string{"users:read"}, false, "bot", (*Server).botsInfo},

		{"views.open", tier4, nil, false, "trigger_id interactivity_pointer view", (*Server).viewsOpen},
		{"views.push", tier4, nil, false, "trigger_id interactivity_pointer view", (*Server).viewsPush},
		{"views.update", tier4, nil, false, "view view_id external_id hash", (*Server).viewsUpdate},
		{"views.publish", tier4, nil, false, "user_id view hash", (*Server).viewsPublish},
		{"blocks.validate", tier4, nil, false, "blocks view message", (*Server).blocksValidate},

		{"chat.postMessage", special, write, false, said, (*Server).chatPostMessage},
		{"chat.update", tier3, write, false, said + " ts file_ids", (*Server).chatUpdate},
		{"chat.delete", tier3, write, false, "channel ts as_user", (*Server).chatDelete},
		{"chat.postEphemeral", tier4, write, false, said + " user", (*Server).chatPostEphemeral},
		{"chat.scheduleMessage", tier3, write, false, said + " post_at", (*Server).chatScheduleMessage},
		{"chat.deleteScheduledMessage", tier3, write, false, "channel scheduled_message_id as_user", (*Server).chatDeleteScheduledMessage},
		{"chat.scheduledMessages.list", tier3, write, false, page + " channel oldest latest", (*Server).chatScheduledMessagesList},
		{"chat.getPermalink", special, nil, false, "channel message_ts", (*Server).chatGetPermalink},

		{"conversations.info", tier3, read, false, "channel include_locale include_num_members", (*Server).conversationsInfo},
		{"conversations.list", tier2, read, false, page + " exclude_archived types", (*Server).conversationsList},
		{"conversations.members", tier4, read, false, page + " channel", (*Server).conversationsMembers},
		{"conversations.open", tier3, []string{"im:write", "mpim:write"}, false, "channel users return_im prevent_creation", (*Server).conversationsOpen},
		{"conversations.join", tier3, []string{"channels:join"}, false, "channel", (*Server).conversationsJoin},
		{"conversations.history", tier3, history, false, page + " channel latest oldest inclusive include_all_metadata", (*Server).conversationsHistory},
		{"conversations.replies", tier3, history, false, page + " channel ts latest oldest inclusive include_all_metadata", (*Server).conversationsReplies},

		{"users.info", tier4, []string{"users:read"}, false, "user include_locale", (*Server).usersInfo},
		{"users.list", tier2, []string{"users:read"}, false, page + " include_locale", (*Server).usersList},
		{"usergroups.list", tier2, []string{"usergroups:read"}, false, "include_count include_disabled include_users", (*Server).usergroupsList},
		{"usergroups.users.list", tier2, []string{"usergroups:read"}, false, "usergroup include_disabled", (*Server).usergroupsUsersList},

		{"reactions.add", tier3, []string{"reactions:write"}, false, "channel name timestamp", (*Server).reactionsAdd},
		{"reactions.remove", tier2, []string{"reactions:write"}, false, "channel name timestamp file file_comment", (*Server).reactionsRemove},
		{"files.getUploadURLExternal", tier4, []string{"files:write"}, false, "filename length alt_text alt_txt snippet_type", (*Server).filesGetUploadURL},
		{"files.completeUploadExternal", tier4, []string{"files:write"}, false, "files channel_id channels initial_comment thread_ts blocks", (*Server).filesCompleteUpload},
	}
	table := make(map[string]method, len(rows))
	for _, m := range rows {
		table[m.name] = m
	}
	return table
}
