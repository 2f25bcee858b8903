// Who signed a request. The order matters: the key, its session token, the signature, the clock, the session's state,
// the address the signature was used from before. Nobody who cannot sign learns more than whether a key exists, which
// is no secret.
#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "control/aws_impl.h"

namespace pratique::control {

namespace {

using aws::Reason;
using aws::Refusal;
using aws::Service;

// The global endpoint's requests are signed for this region, whatever region the gate is in.
constexpr std::string_view kGlobalRegion = "us-east-1";

std::vector<std::string> regions_of(Service service, const std::string& own) {
  std::vector<std::string> regions{own};
  if (service != Service::Ecr && own != kGlobalRegion) regions.emplace_back(kGlobalRegion);
  return regions;
}

// The Host header as received; behind a trusted proxy that rewrites it, also the name the client used.
std::vector<std::string> hosts_of(const http::Request& request) {
  auto received = request.headers.find("Host").value_or("");
  std::vector<std::string> hosts{std::string(trim(received))};
  if (request.host != hosts.front()) hosts.push_back(request.host);
  return hosts;
}

}  // namespace

std::optional<Refusal> AwsApi::Impl::authenticate(AwsCall& call) {
  auto read = aws::read_signature(call.request);
  if (auto* bad = std::get_if<Refusal>(&read)) return refuse(call, nullptr, *bad);
  const auto& signature = std::get<aws::Signature>(read);
  const auto regions = regions_of(call.service, options.region);
  if (auto bad = aws::check_scope(signature, regions, aws::signing_name(call.service)))
    return refuse(call, &signature, *bad);
  auto session = identity.find_session(signature.access_key_id);
  if (!session.ok()) {
    log::error("request failed", {{"request", call.id}, {"error", session.error().message()}});
    return Refusal{Reason::Internal, ""};
  }
  if (!*session || !(*session)->is_token(signature.session_token))
    return refuse(call, &signature, {Reason::UnknownKey, ""});
  call.session = std::move(**session);
  if (auto bad = check_signature(call, signature)) {
    auto refusal = refuse(call, &signature, *bad);
    call.session.reset();
    return refusal;
  }
  // A use that cannot be recorded does not happen.
  const auto what = format("{}:{}", aws::signing_name(call.service), call.operation);
  if (auto noted = identity.note_session("session-used", signature.access_key_id, call.request.peer, what);
      !noted.ok()) {
    log::error("request failed", {{"request", call.id}, {"error", noted.error().message()}});
    return Refusal{Reason::Internal, ""};
  }
  return std::nullopt;
}

std::optional<Refusal> AwsApi::Impl::check_signature(AwsCall& call, const aws::Signature& signature) {
  const auto& session = *call.session;
  const auto key = aws::derive_key(session.secret, signature.date, signature.region, signature.service);
  std::optional<Refusal> bad;
  for (const auto& host : hosts_of(call.request)) {
    bad = aws::verify(signature, call.request, {.key = key, .host = host, .body = call.body, .now = clock.now()});
    if (!bad) break;
  }
  if (bad) return bad;
  if (session.state == identity::SessionState::Expired) return Refusal{Reason::Expired, ""};
  if (session.state != identity::SessionState::Valid || !session.principal) return Refusal{Reason::UnknownKey, ""};
  if (guard.is_replay(signature.signature, call.request.peer, clock.now()))
    return Refusal{Reason::BadSignature,
                   "This signature was used from another address: it may have been overheard. Sign "
                   "the request anew."};
  return std::nullopt;
}

// Says no; to the journal where it concerns keys that exist, and more shortly to whoever fails often.
Refusal AwsApi::Impl::refuse(AwsCall& call, const aws::Signature* signature, Refusal refusal) {
  const auto now = clock.now();
  const std::string key = signature ? signature->access_key_id : "";
  const auto fault = aws::fault_of(call.service, refusal);
  log::info("signed request refused", {{"request", call.id},
                                       {"peer", call.request.peer},
                                       {"key", printable(key, 40)},
                                       {"operation", printable(call.operation, 60)},
                                       {"code", fault.code}});
  if (call.session) {
    auto noted = identity.note_session("session-refused", call.session->access_key_id, call.request.peer, fault.code);
    if (!noted.ok()) log::warn("refusal not noted", {{"error", noted.error().message()}});
  }
  // Nothing signed and expired keys are mistakes, not guesses.
  if (refusal.reason == Reason::MissingToken || refusal.reason == Reason::Expired) return refusal;
  if (!guard.note_failure(call.request.peer, key, now)) return refusal;
  call.retry_after = AwsGuard::kFailureWindow;
  return {Reason::Throttled, ""};
}

}  // namespace pratique::control
