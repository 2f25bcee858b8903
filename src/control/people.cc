// Users, by those who run the gate; and what everybody may know and change about themselves.
#include <algorithm>

#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

// The last door out of a locked room is not closed from inside.
Status check_not_self(const Call& call, std::string_view name, std::string_view what) {
  if (name != call.who.name()) return {};
  return conflict(format("{} yourself is not possible; another administrator can", what));
}

}  // namespace

Result<std::string> text_member(const Json& body, std::string_view key) {
  if (const auto* text = body[key].as_string()) return *text;
  return invalid(format("\"{}\" is missing or no text", key));
}

Result<std::set<identity::Role>> roles_member(const Json& body) {
  if (!body["roles"].is_array()) return invalid("\"roles\" is missing or no list");
  std::set<identity::Role> roles;
  for (const auto& word : body["roles"].items()) {
    auto role = identity::parse_role(word.text());
    if (!role)
      return invalid(
          format("\"{}\" is no role; there are submitter, reviewer, runner and admin", printable(word.text(), 40)));
    roles.insert(*role);
  }
  return roles;
}

std::vector<std::string> words_of(const std::set<identity::Role>& roles) {
  std::vector<std::string> words;
  for (auto role : roles) words.emplace_back(identity::to_string(role));
  return words;
}

void journal_user_changes(identity::Identity& identity, journal::Journal& journal) {
  identity.on_change([&journal](db::Transaction& tx, const identity::UserChange& change) {
    Json roles = Json::array();
    for (auto& word : words_of(change.user.roles)) roles.push(std::move(word));
    auto details = Json::object({{"roles", std::move(roles)}, {"disabled", change.user.is_disabled}});
    return journal.append(tx, change.actor, change.event, change.user.name, std::move(details));
  });
  identity.on_session([&journal](db::Transaction& tx, const identity::SessionChange& change) {
    Json details = Json::object({{"keys", change.access_key_id},
                                 {"repository", change.repository},
                                 {"grant", change.grant},
                                 {"address", change.address},
                                 {"reason", change.reason}});
    return journal.append(tx, change.actor, change.event, change.user, std::move(details));
  });
}

Result<wire::UserInfo> Control::Impl::user_info(std::string_view name) {
  auto users = TRY(identity.users());
  auto user = std::ranges::find(users, name, &identity::User::name);
  if (user == users.end()) return not_found(format("there is no user {}", printable(name, 128)));
  return wire::UserInfo{.name = user->name,
                        .roles = words_of(user->roles),
                        .is_disabled = user->is_disabled,
                        .created = user->created,
                        .repository_component = identity::escape_user_name(user->name)};
}

Control::Impl::Outcome Control::Impl::show_self(Call& call) {
  wire::UserInfo self{.name = call.who.name(),
                      .roles = words_of(call.who.roles()),
                      .repository_component = call.who.repository_component()};
  if (call.who.has(identity::Role::Submitter))
    for (const auto& space : registry.namespaces())
      if (space.mode == registry::Mode::Staging)
        self.push_to.push_back(format("{}/{}", space.name, call.who.repository_component()));
  return answer(self.to_json());
}

Control::Impl::Outcome Control::Impl::list_users(Call&) {
  auto users = TRY(identity.users());
  std::vector<wire::UserInfo> shown;
  for (const auto& user : users)
    shown.push_back({.name = user.name,
                     .roles = words_of(user.roles),
                     .is_disabled = user.is_disabled,
                     .created = user.created,
                     .repository_component = identity::escape_user_name(user.name)});
  return answer(wire::to_json(shown));
}

Control::Impl::Outcome Control::Impl::add_user(Call& call) {
  auto body = TRY(read_object(call.request));
  auto name = TRY(text_member(body, "name"));
  auto password = TRY(text_member(body, "password"));
  auto roles = TRY(roles_member(body));
  TRY(identity.add_user(name, password, roles, call.who));
  log::info("user added", {{"user", printable(name)}, {"by", printable(call.who.name())}});
  return answer(TRY(user_info(name)).to_json(), 201);
}

Control::Impl::Outcome Control::Impl::set_password(Call& call) {
  auto name = call.request.captured("name");
  if (name != call.who.name() && !call.who.has(identity::Role::Admin))
    return denied("only an administrator may set another user's password");
  auto body = TRY(read_object(call.request));
  TRY(identity.set_password(name, TRY(text_member(body, "password")), call.who));
  log::info("password set", {{"user", printable(name)}, {"by", printable(call.who.name())}});
  return answer(TRY(user_info(name)).to_json());
}

Control::Impl::Outcome Control::Impl::set_roles(Call& call) {
  auto name = call.request.captured("name");
  auto body = TRY(read_object(call.request));
  auto roles = TRY(roles_member(body));
  if (!roles.contains(identity::Role::Admin)) TRY(check_not_self(call, name, "taking the role admin from"));
  TRY(identity.set_roles(name, roles, call.who));
  log::info("roles set", {{"user", printable(name)}, {"by", printable(call.who.name())}});
  return answer(TRY(user_info(name)).to_json());
}

Control::Impl::Outcome Control::Impl::disable_user(Call& call) {
  auto name = call.request.captured("name");
  TRY(check_not_self(call, name, "disabling"));
  TRY(identity.disable_user(name, call.who));
  log::info("user disabled", {{"user", printable(name)}, {"by", printable(call.who.name())}});
  return answer(TRY(user_info(name)).to_json());
}

Control::Impl::Outcome Control::Impl::enable_user(Call& call) {
  auto name = call.request.captured("name");
  TRY(identity.enable_user(name, call.who));
  log::info("user enabled", {{"user", printable(name)}, {"by", printable(call.who.name())}});
  return answer(TRY(user_info(name)).to_json());
}

Control::Impl::Outcome Control::Impl::rotate_key(Call& call) {
  TRY(identity.rotate_key(call.who));
  log::info("key rotated", {{"by", printable(call.who.name())}});
  return answer(Json::object({{"rotated", true}}));
}

}  // namespace pratique::control
