package cloudtest

// The calls at which faults strike, as world.around counts them.
const (
	readDatabase = "GET /databases/#"          // 1st: the proposal reads; 2nd: an approved upgrade is checked
	sendBackup   = "POST /databases/#/backup"  // of an upgrade the backup, of a revert the safety backup
	sendUpgrade  = "POST /databases/#/upgrade" // once
	sendUpdate   = "PUT /databases/#"          // of a revert, 1st: the door closes; 2nd: it opens
	sendCreate   = "POST /databases"           // of a revert, 1st: rehearsal; 2nd: dry run; 3rd: the database
	sendImport   = "POST /databases/#/import"  // of a revert, 1st: rehearsal; 2nd: the database
	sendDelete   = "DELETE /databases/#"       // of a revert, 1st: rehearsal; 2nd: the database
)

// fate says how a life ends that meets a fault, and why that is right.
type fate struct {
	life  life
	fault string // name, then its match if it has one
	at    string // right before which call it strikes; "": the first read
	nth   int    // of those calls; 0: the first
	times int    // 0: once; -1: it stays on; outage: it stays on for three hours
	also  string // another fault that strikes together with it, once
	end   string // as ending prints it
	why   string
}

// outage is the times of a fault that stays on for three hours.
const outage = -3

// Reasons that many rows share.
const (
	again    = "an answer that it did not happen; it is sent again under a new intent"
	absent   = "no answer; the barrier and the read-back prove that it did not happen, so it is planned once more"
	adopted  = "no answer; the read-back shows that it happened, so it is adopted and never sent again"
	stop     = "repeating does not help: it says what is missing, and nothing was done"
	insist   = "while there is no database a refusal is tried again for an hour, whatever it says"
	lost     = "the database is gone: the failure has a name, and says where both backups are"
	unmet    = "nothing in this life meets it"
	shape    = "only the form of answers changes"
	nameless = "no answer, and an import is never sent twice: on-call says what happened"
)

// fates is every fault that the emulator has × both lives, some at more than
// one place. A changed end is a changed design, and shows here.
var fates = []fate{
	// The HTTP level, at the upgrade call.
	{upgrading, "rate_limit", sendUpgrade, 1, 0, "", "done", again},
	{upgrading, "rate_limit_no_header", sendUpgrade, 1, 0, "", "done", again},
	{upgrading, "error_500", sendUpgrade, 1, 0, "", "done", absent},
	{upgrading, "error_500_after_accept", sendUpgrade, 1, 0, "", "done", adopted},
	{upgrading, "error_503", sendUpgrade, 1, 0, "", "done", absent},
	{upgrading, "html_401", sendUpgrade, 1, 0, "", "blocked, done", "it says what is missing; once that is there, people check again"},
	{upgrading, "html_401", readDatabase, 2, 0, "", "blocked, done", "nothing was sent yet, so it waits for people; then the keys are right again"},
	{upgrading, "forbidden_403", sendUpgrade, 1, 0, "", "blocked, done", "it says what is missing; once that is there, people check again"},
	{upgrading, "timeout_408", sendUpgrade, 1, 0, "", "done", again},
	{upgrading, "conflict_409", sendUpgrade, 1, 0, "", "failed", stop},
	{upgrading, "precondition_412", sendUpgrade, 1, 0, "", "blocked, done", "it says what is missing; once that is there, people check again"},
	{upgrading, "slow", sendUpgrade, 1, 0, "", "done", adopted},
	{upgrading, "slow_accept", sendUpgrade, 1, 0, "", "done", "the request is accepted after the send deadline and is found when the call is read back"},
	{upgrading, "drop_after_accept", sendUpgrade, 1, 0, "", "done", adopted},
	{upgrading, "drop_before_accept", sendUpgrade, 1, 0, "", "done", absent},
	{upgrading, "error_503", readDatabase, 2, 5, "", "done", "reads are repeated"},
	{upgrading, "rate_limit", readDatabase, 1, 3, "", "done", "reads are repeated"},
	{upgrading, "error_503", readDatabase, 2, outage, "", "done", "nothing was sent; it goes on when Redis Cloud is back, within the approval's time"},
	{upgrading, "drop_before_accept", sendUpgrade, 1, outage, "", "done", "the intent waits until it can be read back"},
	{upgrading, "forbidden_403", readDatabase, 2, outage, "", "blocked, expired", "checked again it is still forbidden; the approval lapses, and nothing runs late"},
	// Tasks.
	{upgrading, "task_404", sendUpgrade, 1, 5, "", "done", "a young task is waited for"},
	{upgrading, "task_stuck", sendUpgrade, 1, 0, "", "done", "it waits in Redis Cloud's queue behind others"},
	{upgrading, "task_error", sendUpgrade, 1, 0, "", "failed", "GENERAL_ERROR says nothing about another try, so people decide on a new session; nothing was upgraded"},
	{upgrading, "task_error", sendBackup, 1, 0, "", "blocked, done", "the backup did not happen; mended and checked again, it does"},
	{upgrading, "string_error", sendUpgrade, 1, 0, "maintenance", "done", "the code is read from a string too, and this one passes by itself"},
	{upgrading, "subscription_busy", sendUpgrade, 1, 0, "", "done", again},
	{upgrading, "maintenance", sendUpgrade, 1, 0, "", "done", again},
	{upgrading, "unknown_status", readDatabase, 1, 0, "", "refused", "in transition as far as anybody knows: ask again later"},
	{upgrading, "unknown_status", readDatabase, 2, 0, "", "done", "in transition when it was checked, which is waited for"},
	{upgrading, "unknown_status", sendUpgrade, 1, 6, "", "done", "a word nobody knows is a transition, never a failure"},
	{upgrading, "old_links", "", 0, -1, "", "done", shape},
	{upgrading, "list_404", "", 0, -1, "", "done", unmet},
	{upgrading, "no_password", "", 0, -1, "", "done", "an upgrade needs no password"},
	{upgrading, "no_dynamic_endpoints", "", 0, -1, "", "done", shape},
	{upgrading, "hang", sendUpgrade, 1, 0, "", "done", absent},
	{upgrading, "foreign_create", "", 0, -1, "", "done", unmet},
	{upgrading, "status_task_error / SUBSCRIPTION_NOT_ACTIVE", sendBackup, 1, 3, "", "done", "the state of a backup is asked for again"},
	{upgrading, "status_no_time", sendBackup, 1, 0, "", "done", "the next answer has a time"},
	{upgrading, "wrong_resource", sendUpgrade, 1, 0, "", "done", "what an upgrade's task names is not used"},
	{upgrading, "upgrade_failed_late", "", 0, 0, "", "done", "judged when the database is at rest, and it has arrived"},
	// The upgrade itself.
	{upgrading, "upgrade_failed", "", 0, 0, "", "failed", "Redis Cloud says so, and the version read back is the old one"},
	{upgrading, "upgrade_recovery_pending", "", 0, 0, "", "done", "still running, shown as recovering"},
	{upgrading, "upgrade_status_404", "", 0, -1, "", "done", "database, version and subscription say it without the status"},
	{upgrading, "auto_minor", readDatabase, 1, 0, "", "asked again, done", "the version moved after the card was drawn, so the approval is void"},
	{upgrading, "auto_minor", readDatabase, 2, 0, "", "asked again, done", "the version moved after the check, so the upgrade call is not sent"},
	{upgrading, "version_gone", readDatabase, 1, 0, "", "done", "the card said that there is no way back, and people approved that"},
	{upgrading, "version_gone", readDatabase, 2, -1, "", "asked again, done", "the way back that was approved is gone; until then another reader could have met it"},
	// Backups and imports.
	{upgrading, "backup_no_permission", "", 0, 0, "", "blocked, done", "no upgrade without a backup; mended and checked again"},
	{upgrading, "backup_wrong_file_path", "", 0, 0, "", "blocked, done", "no upgrade without a backup; mended and checked again"},
	{upgrading, "backup_general_error", "", 0, 0, "", "blocked, done", "no upgrade without a backup; mended and checked again"},
	{upgrading, "adhoc_backup", "", 0, -1, "", "done", unmet},
	{upgrading, "import_download_error", "", 0, -1, "", "done", unmet},
	{upgrading, "import_file_corrupted", "", 0, -1, "", "done", unmet},
	{upgrading, "import_general_error", "", 0, -1, "", "done", unmet},
	{upgrading, "import_file_larger_than_mem_limit", "", 0, -1, "", "done", unmet},
	{upgrading, "import_key_too_long", "", 0, -1, "", "done", unmet},
	{upgrading, "import_invalid_bulk_length", "", 0, -1, "", "done", unmet},
	{upgrading, "import_out_of_memory", "", 0, -1, "", "done", unmet},
	{upgrading, "port_taken", "", 0, -1, "", "done", unmet},
	{upgrading, "create_failed", "", 0, -1, "", "done", unmet},

	// The HTTP level, at the calls of a revert that cannot be taken back.
	{reverting, "rate_limit", sendDelete, 2, 0, "", "done", again},
	{reverting, "rate_limit_no_header", sendCreate, 3, 0, "", "done", again},
	{reverting, "rate_limit", sendImport, 2, 0, "", "done", "a 429 is an answer: the import was not accepted, and may be sent"},
	{reverting, "error_500", sendDelete, 2, 0, "", "done", absent},
	{reverting, "error_500", sendImport, 2, 0, "", "unknown, failed", nameless},
	{reverting, "error_500_after_accept", sendCreate, 3, 0, "", "done", adopted},
	{reverting, "error_503", sendCreate, 3, 0, "", "done", absent},
	{reverting, "html_401", sendDelete, 2, 0, "", "failed", stop},
	{reverting, "html_401", sendCreate, 3, 0, "", "done", insist},
	{reverting, "forbidden_403", sendCreate, 3, outage, "", "done", "reads are forbidden too, so it waits; then the create is accepted at once"},
	{reverting, "forbidden_403", sendDelete, 2, 0, "", "failed", stop},
	{reverting, "timeout_408", sendCreate, 3, 0, "", "done", again},
	{reverting, "conflict_409", sendDelete, 2, 0, "", "failed", stop},
	{reverting, "precondition_412", sendImport, 2, 0, "", "done", insist},
	{reverting, "slow", sendDelete, 2, 0, "", "done", adopted},
	{reverting, "slow_accept", sendCreate, 3, 0, "", "done", "the request is accepted after the send deadline and is found when the call is read back"},
	{reverting, "drop_after_accept", sendDelete, 2, 0, "", "done", adopted},
	{reverting, "drop_after_accept", sendImport, 2, 0, "", "done", adopted},
	{reverting, "drop_before_accept", sendDelete, 2, 0, "", "done", absent},
	{reverting, "drop_before_accept", sendImport, 1, 0, "", "unknown, failed", nameless},
	{reverting, "error_503", sendCreate, 3, outage, "", "done", "past its delete a revert waits for Redis Cloud as long as that takes"},
	{reverting, "rate_limit", sendDelete, 2, outage, "", "done", "reads are refused too, so nothing is sent until they are not; two people's decision still holds then"},
	// Tasks.
	{reverting, "task_404", sendDelete, 2, 5, "", "done", "a young task is waited for"},
	{reverting, "task_stuck", sendCreate, 3, 0, "", "done", "it waits in Redis Cloud's queue behind others"},
	{reverting, "task_error", sendDelete, 2, 0, "", "failed", "an answer that nothing was deleted; the door opens again"},
	{reverting, "task_error", sendCreate, 3, 0, "", "done", insist},
	{reverting, "task_error", sendCreate, 3, outage, "", "failed", lost},
	{reverting, "string_error", sendDelete, 2, 0, "maintenance", "done", "the code is read from a string too, and this one passes by itself"},
	{reverting, "subscription_busy", sendDelete, 2, 0, "", "done", again},
	{reverting, "maintenance", sendCreate, 3, 0, "", "done", again},
	{reverting, "unknown_status", readDatabase, 1, 0, "", "refused", "in transition as far as anybody knows: ask again later"},
	{reverting, "unknown_status", sendCreate, 3, 6, "", "done", "a word nobody knows is a transition, never a failure"},
	{reverting, "old_links", "", 0, -1, "", "done", shape},
	{reverting, "list_404", "", 0, 0, "", "done", "a 404 of an existing subscription reads as empty; the create itself would refuse a taken name"},
	{reverting, "no_password", "", 0, -1, "", "refused", "it could not be created with the same password, so nothing is begun"},
	{reverting, "no_password", sendCreate, 2, -1, "", "failed", "not told any more when the settings are captured: it ends before the door is closed"},
	{reverting, "no_dynamic_endpoints", "", 0, -1, "", "done", shape},
	{reverting, "hang", sendDelete, 2, 0, "", "done", absent},
	{reverting, "foreign_create /fixed", "", 0, -1, "", "done", unmet},
	{reverting, "status_task_error / SUBSCRIPTION_NOT_ACTIVE", sendImport, 2, 3, "", "done", "the state of an import is asked for again"},
	{reverting, "status_no_time", "", 0, 0, "", "done", "the next answer has a time"},
	{reverting, "wrong_resource", sendDelete, 2, 0, "", "done", "the delete is read back at the database that it was about"},
	{reverting, "wrong_resource", sendCreate, 1, 0, "", "done", "what a create's task names is proved by the password that the session drew"},
	{reverting, "wrong_resource", sendCreate, 3, 0, "", "done", "what a create's task names is proved by the password that the session drew"},
	{reverting, "foreign_create", sendCreate, 3, 0, "", "unknown, failed", "a database of that name without the password of the session is for people; while it stands, none can be created"},
	{reverting, "upgrade_failed_late", "", 0, -1, "", "done", unmet},
	// What an upgrade meets.
	{reverting, "upgrade_failed", "", 0, -1, "", "done", unmet},
	{reverting, "upgrade_recovery_pending", "", 0, -1, "", "done", unmet},
	{reverting, "upgrade_status_404", "", 0, -1, "", "done", unmet},
	{reverting, "auto_minor", readDatabase, 1, 0, "", "failed", "the version is not the one whose revert was approved; nothing was changed"},
	// Backups and imports.
	{reverting, "backup_no_permission", sendUpdate, 1, 0, "", "failed", "no delete without a safety backup; the door opens again"},
	{reverting, "backup_wrong_file_path", sendUpdate, 1, 0, "", "failed", "no delete without a safety backup; the door opens again"},
	{reverting, "backup_general_error", sendUpdate, 1, 0, "", "failed", "no delete without a safety backup; the door opens again"},
	{reverting, "adhoc_backup", "", 0, -1, "", "done", "remote backup is on, so no ad hoc path is used"},
	{reverting, "import_download_error", "", 0, 0, "", "failed", "the rehearsal finds it; nothing was changed"},
	{reverting, "import_file_corrupted", "", 0, 0, "", "failed", "the rehearsal finds it; nothing was changed"},
	{reverting, "import_general_error", "", 0, 0, "", "failed", "the rehearsal finds it; nothing was changed"},
	{reverting, "import_file_larger_than_mem_limit", "", 0, 0, "", "failed", "the rehearsal finds it; nothing was changed"},
	{reverting, "import_key_too_long", "", 0, 0, "", "failed", "the rehearsal finds it; nothing was changed"},
	{reverting, "import_invalid_bulk_length", "", 0, 0, "", "failed", "the rehearsal finds it; nothing was changed"},
	{reverting, "import_out_of_memory", "", 0, 0, "", "failed", "the rehearsal finds it; nothing was changed"},
	{reverting, "import_general_error", sendDelete, 2, 0, "", "failed", lost},
	// Creation.
	{reverting, "port_taken", sendDelete, 2, 2, "", "done", "the port is free some minutes after the delete; it is asked for again until then"},
	{reverting, "version_gone", "", 0, -1, "", "refused", "the original version cannot be created any more, so nothing is begun"},
	{reverting, "version_gone", sendUpdate, 1, -1, "", "failed", "withdrawn after the dry run and found right before the delete; the door opens again"},
	{reverting, "version_gone", sendDelete, 2, 0, "", "done", insist},
	{reverting, "version_gone", sendDelete, 2, -1, "", "failed", lost},
	{reverting, "create_failed", "", 0, 0, "", "failed", "the rehearsal finds it; nothing was changed"},
	{reverting, "create_failed", sendDelete, 2, 0, "", "failed", lost},
}
