// An account's own temporary keys, for reading through ECR and for AWS's SDKs. Bought with the password only, so that
// nothing that lives for minutes becomes something that lives for hours.
#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

Control::Impl::Outcome Control::Impl::issue_account_keys(Call& call) {
  auto body = TRY(read_object(call.request));
  auto lifetime = identity::kSessionLifetimeDefault;
  if (body.has("seconds")) {
    auto asked = body["seconds"].as_int();
    if (!asked) return invalid("\"seconds\" is no whole number");
    lifetime = seconds(*asked);
  }
  auto keys = TRY(identity.issue_session({.user = call.who.name(),
                                          .repository = "",
                                          .lifetime = lifetime,
                                          .by = call.who.name(),
                                          .address = call.request.peer}));
  log::info("account keys issued", {{"user", printable(call.who.name())}, {"key", keys.access_key_id}});
  return answer(Json::object({{"access_key_id", keys.access_key_id},
                              {"secret_access_key", keys.secret},
                              {"session_token", keys.session_token},
                              {"expires", keys.expires.to_rfc3339()}}),
                201);
}

}  // namespace pratique::control
