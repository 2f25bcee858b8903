// The table of commands. Everything the program can be told to do is on this page.
#include "cli/commands/commands.h"

namespace pratique::cli {

namespace {

using Options = std::vector<Option>;

const Option kServer = {"--server", "URL", "the gate (default: $PRATIQUE_SERVER, else where `pratique login` went)"};
const Option kUser = {"-u,--user", "NAME", "sign in as (default: $PRATIQUE_USER, else what `pratique login` stored)"};
const Option kPasswordStdin = {"--password-stdin", "", "read the password from standard input"};
const Option kTextOrJson = {"--format", "text|json", "how to print", "text"};
const Option kJson = {"--json", "", "the same as --format json"};
const Option kNote = {"--note", "TEXT", "what the submitter and the journal are told"};
const Option kData = {"--data", "DIR", "the data directory (default: $PRATIQUE_DATA, else /var/lib/pratique for root)"};
const Option kConfig = {"--config", "FILE", "configuration in YAML (`pratique admin config reference`)"};
const Option kListen = {"--listen", "HOST:PORT", "where to listen (default: 127.0.0.1:5000)"};
const Option kDatabase = {"--db", "FILE", "the advisory database (default: advisories.db in the data directory)"};

Options remote(Options more = {}) {
  more.insert(more.end(), {kServer, kUser, kPasswordStdin});
  return more;
}

Options registry_source(Options more) {
  more.insert(more.end(), {{"--platform", "OS/ARCH", "which image of an index", "linux/amd64"},
                           {"--tls-verify", "true|false", "check registry certificates", "true"}});
  return more;
}

Options lint_options() {
  return {{"--profile", "general|gen3|tre", "whose rules", "general"},
          {"--format", "FORMAT", "table, json, sarif, github, hadolint or trivy", "table"},
          {"-o,--output", "FILE", "write the report there instead of standard output"},
          {"--fail-on", "LEVEL", "exit 3 from here on: error, warning, info, style or none", "error"},
          {"--block", "IDS", "these rules are errors here (repeatable)"},
          {"--enable", "IDS", "run these rules too, which are off by default (repeatable)"},
          {"--ignore", "IDS", "leave these rules out (repeatable)"},
          {"--ignore-file", "FILE", "lines \"ID reason\" (default: .pratiqueignore where there is one)"},
          {"--trusted-registry", "HOST", "base images may come from here only (repeatable)"},
          {"--require-label", "NAME[:KIND]", "text, time, semver, url, hash, spdx or email (repeatable)"},
          {"--strict-labels", "", "no other labels than those"},
          {"--fix", "", "rewrite what needs no thought, and show the difference"},
          {"--dry-run", "", "with --fix: only show the difference"},
          {"--explain", "ID", "print a rule's page"},
          {"--image", "TARGET", "check a built image instead: configuration, history, files, sources"},
          {"--lsp", "", "speak the language server protocol on standard input and output"},
          {"--problem-matcher", "", "print the problem matcher for GitHub workflows"}};
}

std::vector<Command> first_commands() {
  return {
      {"serve",
       "",
       "Run the gate: registry, inspection, decisions, API",
       0,
       0,
       {kConfig,
        kData,
        kListen,
        {"--check-config", "", "read and check everything a start would read, and start nothing"}},
       serve_command},
      {"scan", "TARGET", "Inspect an image or a root directory on this machine", 1, 1,
       registry_source({{"--format", "table|json|html", "how to report", "table"},
                        {"-o,--output", "FILE", "write the report there instead of standard output"},
                        {"--fail-on", "SEVERITY",
                         "exit 3 when a finding is this bad, worse or unrated, or something was not judged"},
                        {"--ignore-unfixed", "", "leave out findings that have no fix yet"},
                        {"--policy", "FILE|gen3|tre", "judge by this policy and exit 3 when it rejects"},
                        {"--no-cache", "", "read every layer again"},
                        kDatabase}),
       scan_command},
      {"lint", "DOCKERFILE...", "Check Dockerfiles", 0, 10'000, lint_options(), lint_command},
      {"init",
       "KIND [DIR]",
       "Write a Dockerfile, .dockerignore, CI workflow and policy to start from",
       0,
       2,
       {{"--name", "NAME", "of the image (default: the directory's)"},
        {"--list", "", "list the kinds"},
        {"--force", "", "overwrite files that are there"}},
       init_command},
      {"config", "DOCKERFILE...", "The same as lint", 0, 10'000, lint_options(), lint_command},
      {"db update",
       "",
       "Fetch advisory feeds and compile them",
       0,
       0,
       {{"--feeds", "NAMES", "only these, comma-separated (`pratique db update --list` names them)"},
        {"--mirror", "URL", "fetch <URL>/<name> instead of upstream"},
        {"--debian-mirror", "URL",
         "where the debian-archive feeds are (default: https://deb.debian.org/debian-security)"},
        {"--changelogs", "all|none|NAMES",
         "of which source packages in the debian-archive feeds to read the changelog for CVEs", "all"},
        {"--list", "", "list the feeds and their addresses"},
        kData,
        kDatabase},
       db_update_command},
      {"db build",
       "PATH...",
       "Compile local feed files, directories or archives",
       1,
       10'000,
       {{"--stream", "NAME", "the stream of feeds that do not say theirs, such as alpine:3.19"},
        {"--no-starter", "", "leave out the facts that come with the program"},
        kData,
        kDatabase},
       db_build_command},
      {"db status",
       "",
       "Say what the advisory database holds and how old it is",
       0,
       0,
       {kTextOrJson, kData, kDatabase},
       db_status_command},
  };
}

std::vector<Command> credential_commands() {
  return {
      {"login",
       "URL",
       "Sign in to a gate and remember it",
       1,
       1,
       {{"--oidc", "", "with the gate's identity provider, in a browser"}, kUser, kPasswordStdin},
       login_command},
      {"request", "", "Ask for credentials to push with", 0, 0,
       remote({{"--purpose", "TEXT", "what the image is for"},
               {"--delivery", "WHEN", "as-soon-as-possible, tomorrow-morning or afternoon", "as-soon-as-possible"},
               {"--yes", "", "yes, I know that the credentials end and that the push has to start before"},
               {"--lifetime", "SECONDS", "how long they last, 900 to 43200", "3600"},
               {"--repository", "NAME", "where there is more than one staging namespace"},
               {"--mail", "", "read the filled-in e-mail template from standard input"},
               {"--template", "", "print that template"},
               kTextOrJson}),
       request_command},
      {"requests", "[ID]", "Show requests for credentials, or one of them", 0, 1,
       remote({{"--state", "STATE", "only those: requested, granted, used, unused …"}, kTextOrJson}), requests_command},
      {"credentials", "ID", "Show granted credentials, once, as commands to paste", 1, 1,
       remote({{"--shell", "sh|cmd|powershell", "for which terminal", "sh"}, kTextOrJson}), credentials_command},
      {"close", "ID", "Close a request that is not needed any more", 1, 1, remote({kTextOrJson}), close_command},
      {"api-key create", "LABEL", "Make a key for a machine that works for you", 1, 1,
       remote({{"--role", "ROLE", "of your roles, what it may do (repeatable; default: submitter)"},
               {"--push-only", "", "it may push to your staging repository and do nothing else"},
               {"--days", "N", "for how long", "90"},
               kTextOrJson}),
       api_key_create_command},
      {"api-key list", "", "List your keys", 0, 0, remote({kTextOrJson}), api_key_list_command},
      {"api-key revoke", "ID", "End a key", 1, 1, remote({kTextOrJson}), api_key_revoke_command},
      {"aws-setup",
       "",
       "Make the AWS command line on this machine speak to a gate",
       0,
       0,
       {kServer,
        {"--region", "NAME", "the gate's region", "us-east-1"},
        {"--method", "alias|endpoints|env", "what to write", "alias"},
        {"--ca", "FILE", "trust these certificates (alias and env)"},
        {"--remove", "", "take out what was put in"},
        {"--dry-run", "", "only show what would be written"},
        kTextOrJson},
       aws_setup_command},
      {"aws-credentials", "", "Get temporary AWS-style keys of your own account", 0, 0,
       remote({{"--seconds", "N", "how long they live: 900 to 43200", "3600"},
               {"--format", "sh|process|json", "how to print", "sh"}}),
       aws_credentials_command},
  };
}

std::vector<Command> submission_commands() {
  return {
      {"submit", "IMAGE", "Push an image through the gate and wait for the verdict", 1, 1,
       registry_source(remote({{"--as", "NAME:TAG", "its name behind the gate (default: its own tag)"}, kTextOrJson})),
       submit_command},
      {"status", "[ID]", "Show your submissions, or one of them", 0, 1,
       remote({kTextOrJson, {"--state", "STATE", "only those: waiting, rejected, approved …"}}), status_command},
      {"report", "ID", "Print the inspection report of a submission", 1, 1,
       remote({{"--format", "text|json|html", "how to print", "text"}, {"-o,--output", "FILE", "write it there"}}),
       report_command},
      {"grant", "ID", "Grant a request for credentials; prints the one-time link", 1, 1, remote({kNote, kTextOrJson}),
       grant_command},
      {"deny", "ID", "Deny a request for credentials", 1, 1, remote({kNote, kTextOrJson}), deny_command},
      {"revoke", "ID", "Take granted credentials back, at once", 1, 1, remote({kNote, kTextOrJson}), revoke_command},
      {"review list", "", "List what waits for a reviewer", 0, 0, remote({kTextOrJson}), review_list_command},
      {"review approve", "ID", "Approve a waiting image", 1, 1,
       remote({kNote,
               {"--condition", "TEXT", "on this condition, which whoever runs it reads (repeatable)"},
               {"--days", "N", "for so many days (default, and at most: what the policy says)"},
               kTextOrJson}),
       review_approve_command},
      {"review reject", "ID", "Reject a waiting image", 1, 1, remote({kNote, kTextOrJson}), review_reject_command},
      {"review waive", "FINDING", "Accept a finding for a while, for a reason", 1, 1,
       remote({{"--package", "NAME", "only in this package"},
               {"--image", "REPOSITORY[:TAG]|DIGEST", "only in this image"},
               {"--reason", "TEXT", "why that is acceptable"},
               {"--days", "N", "for how long", "30"},
               kTextOrJson}),
       review_waive_command},
      {"review waivers", "", "List waivers", 0, 0, remote({kTextOrJson}), review_waivers_command},
      {"base list", "", "List the base images that may be built on", 0, 0, remote({kTextOrJson}), base_list_command},
      {"base register", "REPOSITORY:TAG", "Register what the gate's own registry holds as a base image", 1, 1,
       remote({{"--as", "REFERENCE", "what people write behind FROM (default: HOST/REPOSITORY:TAG)"},
               {"--keep", "N", "how many generations are accepted", "3"},
               kTextOrJson}),
       base_register_command},
      {"base star", "REFERENCE", "Mark a base image as unavailable for now", 1, 1,
       remote({{"--why", "TEXT", "what those who build on it are told"}, kTextOrJson}), base_star_command},
      {"base unstar", "REFERENCE", "Make it available again", 1, 1, remote({kTextOrJson}), base_unstar_command},
      {"base remove", "REFERENCE", "Accept images on it no longer", 1, 1, remote(), base_remove_command},
      {"base import", "LIST [RECORD]", "Read allowed_base_images.txt and approved_img_layers.json", 1, 2,
       remote({{"--replace", "", "remove what the list does not name"}, kTextOrJson}), base_import_command},
      {"base export", "[DIR]", "Write the two files", 0, 1, remote(), base_export_command},
      {"policy show", "[PROFILE|FILE]", "Print a policy's text", 0, 1, {}, policy_show_command},
      {"policy check", "FILE", "Read a policy and say what is wrong with it", 1, 1, {}, policy_check_command},
      {"policy schema", "", "Print the JSON Schema of policies", 0, 0, {}, policy_schema_command},
      {"policy test", "FILE", "Show what a policy would do to everything the gate holds", 1, 1, remote({kTextOrJson}),
       policy_test_command},
      {"policy explain", "ID|TARGET", "Show rule, setting and fact behind a decision", 1, 1,
       registry_source(
           remote({{"--policy", "FILE|gen3|tre", "of an image on this machine", "gen3"}, kTextOrJson, kDatabase})),
       policy_explain_command},
      {"pull", "IMAGE", "Fetch an approved image into an OCI layout, every byte verified", 1, 1,
       remote({{"-o,--output", "DIR", "the layout directory (default: the image's name)"}}), pull_command},
  };
}

std::vector<Command> last_commands() {
  return {
      {"admin user add", "NAME", "Add a local user", 1, 1,
       remote({{"--role", "ROLE", "submitter, reviewer, runner or admin (repeatable)"},
               {"--new-password-stdin", "", "read the new user's password from standard input (default: generate one)"},
               kTextOrJson}),
       user_add_command},
      {"admin user list", "", "List local users", 0, 0, remote({kTextOrJson}), user_list_command},
      {"admin user password", "NAME", "Set a user's password", 1, 1,
       remote({{"--new-password-stdin", "", "read it from standard input (default: generate one)"},
               {"--offline", "", "write to the data directory on this machine instead of asking the gate"},
               kData}),
       user_password_command},
      {"admin user roles", "NAME", "Replace a user's roles", 1, 1,
       remote({{"--role", "ROLE", "submitter, reviewer, runner or admin (repeatable)"}}), user_roles_command},
      {"admin user disable", "NAME", "Refuse a user from now on", 1, 1, remote(), user_disable_command},
      {"admin user enable", "NAME", "Let a disabled user in again", 1, 1, remote(), user_enable_command},
      {"admin config show",
       "",
       "Print what `pratique serve` would run with, and where each value comes from",
       0,
       0,
       {kConfig, kData, kListen, kTextOrJson},
       config_show_command},
      {"admin config reference",
       "",
       "Print every setting with its form, default and meaning",
       0,
       0,
       {{"--format", "markdown|man|yaml", "a page, a manual page, or a file to start from", "markdown"}},
       config_reference_command},
      {"admin gc", "", "Collect garbage now, beside pushes and pulls", 0, 0,
       remote({{"--dry-run", "", "only say what would go"}, kTextOrJson, kJson}), gc_command},
      {"admin scrub", "", "Re-read every blob now; say what is damaged and which images need it", 0, 0,
       remote({{"--status", "", "only say what is damaged by now"}, kTextOrJson, kJson}), scrub_command},
      {"admin quota", "", "Say what principals and namespaces use of their quotas", 0, 0, remote({kTextOrJson, kJson}),
       quota_command},
      {"admin man", "DIR", "Write the manual pages into a directory", 1, 1, {}, man_command},
      {"admin rotate-key", "", "Seal the secrets in the database under a new key", 0, 0, remote(), rotate_key_command},
      {"admin journal show", "", "Print or export what happened, oldest first", 0, 0,
       remote({{"--after", "N", "start behind this entry", "0"},
               {"--limit", "N", "at most this many", "100"},
               {"--by", "NAME", "only what this person did"},
               {"--event", "EVENT", "only this, or what begins so: \"access-*\""},
               {"--about", "SUBJECT", "only about this user or image"},
               {"--since", "TIME", "from this time on"},
               {"--until", "TIME", "before this time"},
               {"--format", "FORMAT", "text, json, jsonl (a line an entry) or syslog (RFC 5424)", "text"}}),
       journal_show_command},
      {"admin journal verify", "", "Recompute the journal's hash chain", 0, 0, remote({kTextOrJson}),
       journal_verify_command},
      {"doctor",
       "",
       "Say what is missing on this machine and in this shell",
       0,
       0,
       {kTextOrJson, kServer, kData, kDatabase},
       doctor_command},
      {"completion", "bash|zsh|fish", "Print a completion script", 1, 1, {}, completion_command},
      {"version", "", "Print the version", 0, 0, {kTextOrJson}, version_command},
  };
}

// In the order people meet them.
const std::vector<Command>& table() {
  static const std::vector<Command> kTable = [] {
    auto all = first_commands();
    for (auto& group : {credential_commands(), submission_commands(), running_commands(), last_commands()})
      all.insert(all.end(), group.begin(), group.end());
    return all;
  }();
  return kTable;
}

}  // namespace

std::span<const Command> commands() {
  return table();
}

}  // namespace pratique::cli
