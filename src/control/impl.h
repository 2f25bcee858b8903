// What the files of the API share: the request with its principal, the answers, the handlers. Private to the module.
#pragma once

#include <optional>
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
// A number in the query, at most `max`; Invalid for anything that is none.
Result<std::size_t> read_number(const http::Request& request, std::string_view name, std::size_t fallback,
                                std::size_t max);

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

  // -- people.cc
  Outcome show_self(Call& call);
  Outcome list_users(Call& call);
  Outcome add_user(Call& call);
  Outcome set_password(Call& call);
  Outcome set_roles(Call& call);
  Outcome disable_user(Call& call);
  Outcome enable_user(Call& call);

  // -- records.cc
  Outcome show_journal(Call& call);
  Outcome verify_journal(Call& call);
  Outcome show_admission(Call& call);

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

  registry::Registry& registry;
  identity::Identity& identity;
  gate::Gate& gate;
  journal::Journal& journal;
  const Clock& clock;
  const Options options;
};

}  // namespace pratique::control
