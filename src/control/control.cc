#include "control/control.h"

#include <algorithm>
#include <array>

#include "base/format.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

using identity::Principal;
using identity::Role;

using Impl = Control::Impl;
constexpr std::array kRoutes = std::to_array<Route>({
    {"GET", "/api/v1/whoami", Kind::Read, Who::SignedIn, &Impl::show_self},
    {"GET", "/api/v1/submissions", Kind::Read, Who::SignedIn, &Impl::list_submissions},
    {"GET", "/api/v1/submissions/{id}", Kind::Read, Who::SignedIn, &Impl::show_submission},
    {"GET", "/api/v1/submissions/{id}/report", Kind::Read, Who::SignedIn, &Impl::show_report},
    {"GET", "/api/v1/submissions/{id}/explain", Kind::Read, Who::SignedIn, &Impl::explain},
    {"POST", "/api/v1/policy/test", Kind::Change, Who::Reviewer, &Impl::test_policy},
    {"GET", "/api/v1/bases", Kind::Read, Who::SignedIn, &Impl::list_bases},
    {"POST", "/api/v1/bases", Kind::Change, Who::Admin, &Impl::register_base},
    {"POST", "/api/v1/bases/star", Kind::Change, Who::Admin, &Impl::star_base},
    {"POST", "/api/v1/bases/remove", Kind::Change, Who::Admin, &Impl::remove_base},
    {"POST", "/api/v1/bases/import", Kind::Change, Who::Admin, &Impl::import_bases},
    {"POST", "/api/v1/submissions/{id}/approve", Kind::Change, Who::Reviewer, &Impl::approve},
    {"POST", "/api/v1/submissions/{id}/reject", Kind::Change, Who::Reviewer, &Impl::reject},
    {"GET", "/api/v1/waivers", Kind::Read, Who::Reviewer, &Impl::list_waivers},
    {"POST", "/api/v1/waivers", Kind::Change, Who::Reviewer, &Impl::add_waiver},
    {"GET", "/api/v1/users", Kind::Read, Who::Admin, &Impl::list_users},
    {"POST", "/api/v1/users", Kind::Account, Who::Admin, &Impl::add_user},
    {"PUT", "/api/v1/users/{name}/password", Kind::Account, Who::SignedIn, &Impl::set_password},
    {"PUT", "/api/v1/users/{name}/roles", Kind::Account, Who::Admin, &Impl::set_roles},
    {"POST", "/api/v1/users/{name}/disable", Kind::Account, Who::Admin, &Impl::disable_user},
    {"POST", "/api/v1/users/{name}/enable", Kind::Account, Who::Admin, &Impl::enable_user},
    {"GET", "/api/v1/requests", Kind::Read, Who::SignedIn, &Impl::list_requests},
    {"POST", "/api/v1/requests", Kind::Change, Who::SignedIn, &Impl::ask_for_access},
    {"GET", "/api/v1/requests/{id}", Kind::Read, Who::SignedIn, &Impl::show_request},
    {"POST", "/api/v1/requests/{id}/grant", Kind::Change, Who::Reviewer, &Impl::grant_request},
    {"POST", "/api/v1/requests/{id}/deny", Kind::Change, Who::Reviewer, &Impl::deny_request},
    {"POST", "/api/v1/requests/{id}/revoke", Kind::Change, Who::Reviewer, &Impl::revoke_request},
    {"POST", "/api/v1/requests/{id}/close", Kind::Change, Who::SignedIn, &Impl::close_request},
    {"POST", "/api/v1/requests/{id}/credentials", Kind::Account, Who::SignedIn, &Impl::collect_credentials},
    {"GET", "/api/v1/api-keys", Kind::Read, Who::SignedIn, &Impl::list_api_keys},
    {"POST", "/api/v1/api-keys", Kind::Account, Who::SignedIn, &Impl::issue_api_key},
    {"POST", "/api/v1/api-keys/{id}/revoke", Kind::Account, Who::SignedIn, &Impl::revoke_api_key},
    {"POST", "/api/v1/keys/rotate", Kind::Account, Who::Admin, &Impl::rotate_key},
    {"POST", "/api/v1/aws/keys", Kind::Account, Who::SignedIn, &Impl::issue_account_keys},
    {"GET", "/api/v1/journal", Kind::Read, Who::Reviewer, &Impl::show_journal},
    {"GET", "/api/v1/journal/verify", Kind::Read, Who::Reviewer, &Impl::verify_journal},
    {"GET", "/api/v1/admissions", Kind::Read, Who::SignedIn, &Impl::show_admission},
    {"POST", "/api/v1/upkeep/collection", Kind::Change, Who::Admin, &Impl::start_collection},
    {"GET", "/api/v1/upkeep/collection", Kind::Read, Who::Admin, &Impl::show_collection},
    {"POST", "/api/v1/upkeep/scrub", Kind::Change, Who::Admin, &Impl::start_scrub},
    {"GET", "/api/v1/upkeep/scrub", Kind::Read, Who::Admin, &Impl::show_scrub},
    {"GET", "/api/v1/upkeep/usage", Kind::Read, Who::Admin, &Impl::show_usage},
    {"POST", "/api/v1/runs", Kind::Change, Who::SignedIn, &Impl::add_run},
    {"GET", "/reports/{id}", Kind::Read, Who::SignedIn, &Impl::show_page},
});

constexpr std::array kOpenRoutes = std::to_array<OpenRoute>({
    // A client has to know whom it talks to before it signs in.
    {"GET", "/api/v1/version", &Impl::show_version},
    {"GET", "/api/v1/sign-in", &Impl::show_sign_in},
    {"POST", "/api/v1/sign-in/oidc", &Impl::sign_in_with_oidc},
    {"POST", "/api/v1/sign-in/workload", &Impl::sign_in_workload},
    {"GET", "/credentials/{link}", &Impl::show_link},
    {"POST", "/credentials/{link}", &Impl::open_link},
});

constexpr std::string_view kSignIn = "Sign in with a user name and password, for instance with `pratique login`.";

// Denied for missing, malformed or wrong credentials.
Result<Principal> authenticate(identity::Identity& identity, const http::Request& request) {
  auto header = request.headers.find("Authorization");
  if (!header) return denied("this needs credentials");
  auto parts = cut(trim(*header), " ");
  if (!parts) return denied("the Authorization header is malformed");
  auto credentials = trim(parts->second);
  if (equals_ignoring_case(parts->first, "Bearer")) return identity.authenticate_token(credentials);
  if (!equals_ignoring_case(parts->first, "Basic")) return denied("only Basic and Bearer credentials are understood");
  auto decoded = from_base64(credentials);
  auto pair = decoded.ok() ? cut(*decoded, ":") : std::nullopt;
  if (!pair) return denied("the Authorization header is malformed");
  return identity.authenticate(pair->first, pair->second, request.client);
}

Failure unauthenticated(const Error& error) {
  if (error.kind() != ErrorKind::Denied) return {error};
  return {error, std::string(kSignIn), 401};
}

// Reviewers and admins both may look; what only a reviewer may decide, the gate says.
Status check_role(const Principal& who, Who needed) {
  if (needed == Who::SignedIn || who.has(Role::Admin)) return {};
  if (needed == Who::Reviewer && who.has(Role::Reviewer)) return {};
  return denied(format("{} may not do this: it is for {}", printable(who.name()),
                       needed == Who::Admin ? "administrators" : "reviewers"));
}

bool is_by_password(const http::Request& request) {
  std::string header = request.headers.find("Authorization").value_or("");
  auto parts = cut(trim(header), " ");
  return parts && equals_ignoring_case(parts->first, "Basic");
}

bool is_json(const http::Request& request) {
  auto type = request.headers.find("Content-Type").value_or("");
  return equals_ignoring_case(trim(type.substr(0, type.find(';'))), "application/json");
}

std::string next_for(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::Denied:
      return "Ask the people who run this gate for the role you need.";
    case ErrorKind::NotFound:
      return "`pratique status` lists what you submitted.";
    case ErrorKind::Conflict:
      return "Look at its state again, for instance with `pratique status ID`.";
    case ErrorKind::Busy:
    case ErrorKind::Unavailable:
      return "Try again in a minute.";
    default:
      return "";
  }
}

http::Response serve(Impl& impl, const Route& route, http::Request& request) {
  auto who = authenticate(impl.identity, request);
  if (!who.ok()) return answer_failure(unauthenticated(who.error()));
  // Temporary keys, and tokens bought with them, push to one repository and do nothing else.
  if (!who->push_only().empty())
    return answer_failure({denied("these credentials are for pushing only"), std::string(kSignIn)});
  if (auto allowed = check_role(*who, route.who); !allowed.ok())
    return answer_failure({allowed.error(), next_for(allowed.error())});
  if (route.kind == Kind::Account && (who->is_narrowed() || !is_by_password(request)))
    return answer_failure({denied("this takes a person's password, not a token or key"), std::string(kSignIn)});
  if (route.kind != Kind::Read && !is_json(request))
    return answer_failure({invalid("a change is sent as JSON"), "Send Content-Type: application/json.", 415});
  Call call{request, *who};
  auto outcome = (impl.*route.handler)(call);
  if (!outcome.ok()) return answer_failure({outcome.error(), next_for(outcome.error())});
  return std::move(*outcome);
}

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

std::span<const OpenRoute> open_routes() {
  return kOpenRoutes;
}

Control::Control(const Parts& parts, Options options) : impl_(new Impl(parts, std::move(options))) {
  journal_user_changes(parts.identity, parts.journal);
}

Control::~Control() = default;

void Control::add_routes(http::Router& router) {
  for (const auto& route : kRoutes)
    router.add(route.method, route.pattern,
               [impl = impl_.get(), &route](http::Request& request) { return serve(*impl, route, request); });
  auto add_open = [&](std::string_view pattern, Impl::Outcome (Impl::*handler)()) {
    router.add("GET", pattern, [impl = impl_.get(), handler](http::Request&) {
      auto outcome = (impl->*handler)();
      return outcome.ok() ? std::move(*outcome) : answer_failure({outcome.error()});
    });
  };
  add_open("/bases/allowed_base_images.txt", &Impl::serve_base_list);
  add_open("/bases/approved_img_layers.json", &Impl::serve_base_record);
  for (const auto& route : kOpenRoutes)
    router.add(route.method, route.pattern,
               [impl = impl_.get(), &route](http::Request& request) { return (impl->*route.handler)(request); });
}

http::Response Control::Impl::show_version(http::Request&) {
  return answer(wire::Version{.program = "pratique", .version = options.version}.to_json());
}

}  // namespace pratique::control
