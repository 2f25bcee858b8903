// STS: who am I; keys for a role; keys for oneself.
//
// The role "<user>-ECRUploadRole" is what the staff's script assumes for a user: keys that push into that user's
// staging repository. A session buys no session that outlives it, or it would never end.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "control/aws_impl.h"

namespace pratique::control {

namespace {

using aws::Reason;
using aws::Refusal;
using identity::Role;
using Answered = std::variant<std::string, Refusal>;

constexpr std::string_view kUploadRole = "-ECRUploadRole";
constexpr std::string_view kIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t kIdCharacters = 17;
// Role chaining ends at an hour, as with AWS.
constexpr seconds kChainedMax{3'600};

// "AROA…", "AIDA…": the same for the same name, as AWS's ids are.
std::string stable_id(std::string_view prefix, std::string_view name) {
  std::string id(prefix);
  const auto sum = sha256(as_bytes(format("{}:{}", prefix, name)));
  for (std::size_t i = 0; i < kIdCharacters; ++i) id += kIdAlphabet[static_cast<unsigned>(sum[i]) & 31u];
  return id;
}

std::string component_of(std::string_view user) {
  return identity::escape_user_name(user);
}

Refusal refusal_of(const Error& error) {
  if (error.kind() == ErrorKind::Unavailable || error.kind() == ErrorKind::Corrupt) return {Reason::Internal, ""};
  return {Reason::AccessDenied, printable(error.message(), 500)};
}

aws::Credentials credentials_of(const identity::SessionKeys& keys) {
  return {keys.access_key_id, keys.secret, keys.session_token, keys.expires};
}

}  // namespace

aws::CallerIdentity AwsApi::Impl::identity_of(const identity::Session& session) const {
  const auto component = component_of(session.user);
  if (session.repository.empty())
    return {.arn = format("arn:aws:iam::{}:user/{}", options.account, component),
            .user_id = stable_id("AIDA", component),
            .account = options.account};
  const auto role = component + std::string(kUploadRole);
  return {.arn = format("arn:aws:sts::{}:assumed-role/{}/{}", options.account, role, component),
          .user_id = format("{}:{}", stable_id("AROA", role), component),
          .account = options.account};
}

Answered AwsApi::Impl::answer_sts(AwsCall& call, const aws::StsRequest& asked) {
  if (const auto* role = std::get_if<aws::AssumeRole>(&asked)) return assume_role(call, *role);
  if (const auto* token = std::get_if<aws::GetSessionToken>(&asked)) return session_token(call, *token);
  return aws::sts_answer(identity_of(*call.session), call.id);
}

// For those who answer requests for access; for themselves only administrators, who may everything anyway.
Answered AwsApi::Impl::assume_role(AwsCall& call, const aws::AssumeRole& asked) {
  const auto resource = format("arn:aws:iam::{}:role/{}", asked.role.account, asked.role.role);
  const Refusal denied_words{Reason::AccessDenied,
                             format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                                    identity_of(*call.session).arn, resource)};
  const std::string_view role = asked.role.role;
  if (!call.who().push_only().empty() || !call.sees_all() || asked.role.account != options.account ||
      !role.ends_with(kUploadRole))
    return denied_words;
  const auto component = role.substr(0, role.size() - kUploadRole.size());
  auto user = identity::unescape_user_name(component);
  if (!user.ok() || (*user == call.who().name() && !call.who().has(Role::Admin))) return denied_words;
  const auto& spaces = registry.namespaces();
  auto space = std::ranges::find(spaces, registry::Mode::Staging, &registry::Namespace::mode);
  if (space == spaces.end()) return denied_words;
  auto keys = identity.issue_session({.user = *user,
                                      .repository = format("{}/{}", space->name, component),
                                      .lifetime = std::min(asked.lifetime, kChainedMax),
                                      .by = call.who().name(),
                                      .address = call.request.peer});
  // Who exists is not told apart from who may be acted for.
  if (!keys.ok()) return keys.error().kind() == ErrorKind::NotFound ? denied_words : refusal_of(keys.error());
  return aws::sts_answer(credentials_of(*keys), format("{}:{}", stable_id("AROA", role), asked.session_name),
                         format("arn:aws:sts::{}:assumed-role/{}/{}", options.account, role, asked.session_name),
                         call.id);
}

Answered AwsApi::Impl::session_token(AwsCall& call, const aws::GetSessionToken& asked) {
  if (!call.who().push_only().empty())
    return Refusal{Reason::AccessDenied, "Cannot call GetSessionToken with session credentials"};
  const auto left = std::chrono::duration_cast<seconds>(call.session->expires - clock.now());
  if (left < identity::kSessionLifetimeMin)
    return Refusal{Reason::AccessDenied, "Cannot call GetSessionToken with credentials that end within 15 minutes"};
  auto keys = identity.issue_session({.user = call.who().name(),
                                      .repository = "",
                                      .lifetime = std::min({asked.lifetime, left, identity::kSessionLifetimeMax}),
                                      .by = call.who().name(),
                                      .address = call.request.peer});
  if (!keys.ok()) return refusal_of(keys.error());
  return aws::sts_answer(credentials_of(*keys), call.id);
}

}  // namespace pratique::control
