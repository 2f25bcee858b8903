// What the files of the API share: the request with its principal, the answers, the handlers. Private to the module.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "control/control.h"
#include "wire/wire.h"

namespace pratique::control {

// A request whose sender is known and may ask this.
struct Call {
  http::Request& request;
  const identity::Principal& who;

  // Of reviewers and admins: they see every submission.
  bool sees_all() const { return who.has(identity::Role::Reviewer) || who.has(identity::Role::Admin); }
};

// An error and what to do about it; the status only where the kind's own does not say it.
struct Failure {
  Error error;
  std::string next = "";
  std::optional<int> status = std::nullopt;
};

http::Response answer(const Json& json, int status = 200);
http::Response answer_page(std::string html);
http::Response answer_failure(const Failure& failure);
// The body as a JSON object. Invalid for anything else; Limit beyond 64 KiB.
Result<Json> read_object(http::Request& request);
Result<std::string> text_member(const Json& body, std::string_view key);
Result<std::set<identity::Role>> roles_member(const Json& body);
std::vector<std::string> words_of(const std::set<identity::Role>& roles);
// A number in the query, at most `max`; Invalid for anything that is none.
Result<std::size_t> read_number(const http::Request& request, std::string_view name, std::size_t fallback,
                                std::size_t max);

// What a route does, and who may ask for it. docs/formats/api.md prints the table.
enum class Who { SignedIn, Reviewer, Admin };
// Changes come from our own clients, which say application/json. A form or script of another site cannot without asking
// first (and we never say yes), so a browser that remembers a password is no way in.
// An account is changed with the password only: a registry token, which lives for minutes, must not become a new
// password, which lives for ever.
enum class Kind { Read, Change, Account };

struct Route {
  std::string_view method;
  std::string_view pattern;
  Kind kind;
  Who who;
  Result<http::Response> (Control::Impl::*handler)(Call&);
};
std::span<const Route> routes();

// What nobody signs in for.
struct OpenRoute {
  std::string_view method;
  std::string_view pattern;
  http::Response (Control::Impl::*handler)(http::Request&);
};
std::span<const OpenRoute> open_routes();

struct Control::Impl {
  using Outcome = Result<http::Response>;

  // -- submissions.cc
  Outcome list_submissions(Call& call);
  Outcome show_submission(Call& call);
  Outcome show_report(Call& call);
  Outcome show_page(Call& call);
  Outcome approve(Call& call);
  Outcome reject(Call& call);
  Outcome list_waivers(Call& call);
  Outcome add_waiver(Call& call);

  // -- bases.cc
  Outcome list_bases(Call& call);
  Outcome register_base(Call& call);
  Outcome star_base(Call& call);
  Outcome remove_base(Call& call);
  Outcome import_bases(Call& call);
  Outcome serve_base_list();
  Outcome serve_base_record();
  // What to do where the base it is built on is starred by now; empty otherwise.
  std::vector<std::string> base_steps(const gate::Submission& submission);

  // -- policies.cc
  Outcome test_policy(Call& call);
  Outcome explain(Call& call);

  // -- control.cc
  http::Response show_version(http::Request& request);

  // -- people.cc
  Outcome show_self(Call& call);
  Outcome list_users(Call& call);
  Outcome add_user(Call& call);
  Outcome set_password(Call& call);
  Outcome set_roles(Call& call);
  Outcome disable_user(Call& call);
  Outcome enable_user(Call& call);
  Outcome rotate_key(Call& call);

  // -- sign_in.cc
  http::Response show_sign_in(http::Request& request);
  http::Response sign_in_with_oidc(http::Request& request);
  http::Response sign_in_workload(http::Request& request);
  // Reads the body for `handle`, and slows down addresses that guess.
  Outcome guard_guessing(http::Request& request, const std::function<Outcome(const Json&)>& handle);

  // -- api_keys.cc
  Outcome list_api_keys(Call& call);
  Outcome issue_api_key(Call& call);
  Outcome revoke_api_key(Call& call);

  // -- requests.cc
  Outcome ask_for_access(Call& call);
  Outcome list_requests(Call& call);
  Outcome show_request(Call& call);
  Outcome grant_request(Call& call);
  Outcome deny_request(Call& call);
  Outcome revoke_request(Call& call);
  Outcome close_request(Call& call);
  Outcome collect_credentials(Call& call);
  // Without signing in: who holds a one-time link stands for its requester.
  http::Response show_link(http::Request& request);
  http::Response open_link(http::Request& request);
  wire::AccessRequest present(const grants::Request& request) const;
  wire::AccessCredentials present(const grants::Credentials& credentials, const http::Request& request) const;
  std::string origin(const http::Request& request) const;
  Result<grants::Request> visible_request(const Call& call);
  // The asker's own staging repository: the one asked for, or the only one there is.
  Result<std::string> own_repository(const identity::Principal& who, std::string_view asked) const;

  // -- aws_session.cc
  Outcome issue_account_keys(Call& call);

  // -- records.cc
  Outcome show_journal(Call& call);
  Outcome verify_journal(Call& call);
  Outcome show_admission(Call& call);
  Outcome add_run(Call& call);

  // -- upkeep.cc
  Outcome start_collection(Call& call);
  Outcome show_collection(Call& call);
  Outcome start_scrub(Call& call);
  Outcome show_scrub(Call& call);
  Outcome show_usage(Call& call);

  // -- present.cc
  std::string host(const http::Request& request) const;  // "gate.example.org": what references begin with
  wire::Submission present(const gate::Submission& submission, const http::Request& request) const;
  std::vector<std::string> next_steps(const gate::Submission& submission, const http::Request& request) const;
  scan::ReportContext report_context(const gate::Submission& submission, const http::Request& request) const;

  // NotFound alike for what does not exist and what is not for this person to know.
  Result<gate::Submission> visible_submission(const Call& call);
  Result<wire::UserInfo> user_info(std::string_view name);

  struct Workload {
    WorkloadRule rule;
    std::unique_ptr<signin::Provider> provider;
  };
  std::unique_ptr<signin::Provider> make_provider(signin::Provider::Settings settings);

  Impl(const Parts& parts, Options given)
      : registry(parts.registry),
        identity(parts.identity),
        grants(parts.grants),
        api_keys(parts.api_keys),
        gate(parts.gate),
        journal(parts.journal),
        clock(parts.clock),
        external(parts.external),
        options(std::move(given)) {
    if (!options.oidc.issuer.empty())
      oidc = make_provider({.issuer = options.oidc.issuer, .audience = options.oidc.client_id});
    for (const auto& rule : options.workloads)
      workloads.push_back(
          {rule, make_provider({.issuer = rule.issuer, .audience = rule.audience, .keys_url = rule.keys_url})});
  }
  registry::Registry& registry;
  identity::Identity& identity;
  grants::Grants& grants;
  signin::ApiKeys& api_keys;
  gate::Gate& gate;
  journal::Journal& journal;
  const Clock& clock;
  signin::ExternalUsers& external;
  const Options options;
  http::Client client{{.stall_timeout = std::chrono::milliseconds(10'000), .body_bytes_max = 1 << 20}};
  std::unique_ptr<signin::Provider> oidc;  // null where there is none
  std::vector<Workload> workloads;
};

}  // namespace pratique::control
