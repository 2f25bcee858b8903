// The action of every command; each file here holds one command or one group.
#pragma once

#include "cli/command.h"

namespace pratique::cli {

Result<int> serve_command(const Context& context);
Result<int> scan_command(const Context& context);
Result<int> lint_command(const Context& context);
Result<int> init_command(const Context& context);
Result<int> base_list_command(const Context& context);
Result<int> base_register_command(const Context& context);
Result<int> base_star_command(const Context& context);
Result<int> base_unstar_command(const Context& context);
Result<int> base_remove_command(const Context& context);
Result<int> base_import_command(const Context& context);
Result<int> base_export_command(const Context& context);
Result<int> policy_show_command(const Context& context);
Result<int> policy_check_command(const Context& context);
Result<int> policy_schema_command(const Context& context);
Result<int> policy_test_command(const Context& context);
Result<int> policy_explain_command(const Context& context);
Result<int> db_update_command(const Context& context);
Result<int> db_build_command(const Context& context);
Result<int> db_status_command(const Context& context);
Result<int> login_command(const Context& context);
Result<int> request_command(const Context& context);
Result<int> requests_command(const Context& context);
Result<int> credentials_command(const Context& context);
Result<int> close_command(const Context& context);
Result<int> grant_command(const Context& context);
Result<int> deny_command(const Context& context);
Result<int> revoke_command(const Context& context);
Result<int> rotate_key_command(const Context& context);
Result<int> api_key_create_command(const Context& context);
Result<int> api_key_list_command(const Context& context);
Result<int> api_key_revoke_command(const Context& context);
Result<int> aws_credentials_command(const Context& context);
Result<int> aws_setup_command(const Context& context);
Result<int> submit_command(const Context& context);
Result<int> status_command(const Context& context);
Result<int> report_command(const Context& context);
Result<int> review_list_command(const Context& context);
Result<int> review_approve_command(const Context& context);
Result<int> review_reject_command(const Context& context);
Result<int> review_waive_command(const Context& context);
Result<int> review_waivers_command(const Context& context);
Result<int> pull_command(const Context& context);
Result<int> run_command(const Context& context);
Result<int> jobs_command(const Context& context);
Result<int> logs_command(const Context& context);
Result<int> stop_command(const Context& context);
Result<int> wait_command(const Context& context);
Result<int> rehearse_command(const Context& context);
Result<int> ces_run_command(const Context& context);
Result<int> ces_pull_command(const Context& context);
Result<int> docker_command(const Context& context);
Result<int> user_add_command(const Context& context);
Result<int> user_list_command(const Context& context);
Result<int> user_password_command(const Context& context);
Result<int> user_roles_command(const Context& context);
Result<int> user_disable_command(const Context& context);
Result<int> user_enable_command(const Context& context);
Result<int> gc_command(const Context& context);
Result<int> scrub_command(const Context& context);
Result<int> quota_command(const Context& context);
Result<int> journal_show_command(const Context& context);
Result<int> journal_verify_command(const Context& context);
Result<int> config_show_command(const Context& context);
Result<int> config_reference_command(const Context& context);
Result<int> doctor_command(const Context& context);
Result<int> man_command(const Context& context);
Result<int> completion_command(const Context& context);
Result<int> version_command(const Context& context);

// --config, --data and --listen.
ServeOptions serve_options(const Arguments& arguments);

}  // namespace pratique::cli
