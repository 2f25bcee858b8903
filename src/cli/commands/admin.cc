// admin user … and admin journal ….
#include <algorithm>
#include <functional>

#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/syslog.h"
#include "wire/wire.h"

namespace pratique::cli {

namespace {

constexpr std::size_t kGeneratedPasswordLength = 20;  // about 116 bits

// The new password and whether we made it (and so have to show it).
std::pair<std::string, bool> new_password(const Arguments& arguments, const std::string& name) {
  if (arguments.has("--new-password-stdin")) return {read_password(format("New password of {}: ", name)), false};
  return {random_password(kGeneratedPasswordLength), true};
}

Json roles_of(const Arguments& arguments) {
  Json roles = Json::array();
  for (const auto& given : arguments.values("--role"))
    for (auto role : split(given, ',')) roles.push(std::string(trim(role)));
  return roles;
}

std::string user_path(const Context& context, std::string_view action) {
  return format("/users/{}/{}", percent_encode(context.arguments.operands()[0]), action);
}

Result<int> send_and_say(const Context& context, std::string_view method, std::string_view action, const Json& body,
                         std::string_view said) {
  Remote remote = TRY(Remote::connect(context.arguments));
  TRY(remote.send(std::string(method), user_path(context, action), body));
  print(format("{} {}.\n", context.arguments.operands()[0], said));
  return kDone;
}

}  // namespace

Result<int> user_add_command(const Context& context) {
  const std::string& name = context.arguments.operands()[0];
  Json roles = roles_of(context.arguments);
  if (roles.items().empty()) return invalid("--role is missing: submitter, reviewer, runner or admin");
  Remote remote = TRY(Remote::connect(context.arguments));
  auto [password, generated] = new_password(context.arguments, name);
  Json answer =
      TRY(remote.send("POST", "/users", Json::object({{"name", name}, {"password", password}, {"roles", roles}})));
  if (context.arguments.value("--format") == "json") {
    if (generated) answer.set("password", password);
    print(answer.dump_pretty());
    return kDone;
  }
  print(format("{} may sign in now.\n", name));
  if (generated) print(format("Password (shown once): {}\n", password));
  return kDone;
}

Result<int> user_list_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  Json answer = TRY(remote.get("/users"));
  if (context.arguments.value("--format") == "json") return print(answer.dump_pretty()), kDone;
  std::vector<std::vector<std::string>> rows;
  for (const auto& user : TRY(wire::users_from_json(answer)))
    rows.push_back({user.name, join(user.roles, ","), user.is_disabled ? "disabled" : "active",
                    user.created ? user.created->to_date() : "", user.repository_component});
  print(render_table({"NAME", "ROLES", "STATE", "SINCE", "REPOSITORY"}, rows, context.colour));
  return kDone;
}

Result<int> user_password_command(const Context& context) {
  const std::string& name = context.arguments.operands()[0];
  auto [password, generated] = new_password(context.arguments, name);
  if (context.arguments.has("--offline")) {
    std::string data = context.arguments.has("--data") ? context.arguments.value("--data") : default_data_directory();
    TRY(context.services.reset_password(data, name, password));
    print(format("{} has a new password.\n", name));
  } else {
    TRY(send_and_say(context, "PUT", "password", Json::object({{"password", password}}), "has a new password"));
  }
  if (generated) print(format("Password (shown once): {}\n", password));
  return kDone;
}

Result<int> user_roles_command(const Context& context) {
  Json roles = roles_of(context.arguments);
  return send_and_say(context, "PUT", "roles", Json::object({{"roles", roles}}), "has other roles now");
}

Result<int> user_disable_command(const Context& context) {
  return send_and_say(context, "POST", "disable", Json::object(), "is refused from now on");
}

Result<int> user_enable_command(const Context& context) {
  return send_and_say(context, "POST", "enable", Json::object(), "may sign in again");
}

namespace {

std::string journal_query(const Arguments& arguments) {
  std::string query;
  for (const auto& [option, name] :
       {std::pair("--by", "actor"), std::pair("--event", "event"), std::pair("--about", "subject"),
        std::pair("--since", "since"), std::pair("--until", "until")})
    if (arguments.has(option)) query += format("&{}={}", name, percent_encode(arguments.value(option)));
  return query;
}

// Pages through the journal; `each` is given every entry.
Status follow_journal(Remote& remote, const std::string& query, std::uint64_t cursor, std::uint64_t limit,
                      const std::function<void(const Json&)>& each) {
  constexpr std::uint64_t kPage = 1'000;
  while (limit > 0) {
    std::uint64_t page = std::min(limit, kPage);
    Json answer = TRY(remote.get(format("/journal?cursor={}&limit={}{}", cursor, page, query)));
    for (const auto& entry : answer["entries"].items()) each(entry);
    limit -= page;
    auto next = answer["cursor"].as_int().value_or(0);
    if (answer["entries"].items().size() < page || next < 0 || static_cast<std::uint64_t>(next) <= cursor) break;
    cursor = static_cast<std::uint64_t>(next);
  }
  return {};
}

}  // namespace

Result<int> journal_show_command(const Context& context) {
  const Arguments& arguments = context.arguments;
  auto after = parse_decimal(arguments.value("--after")), limit = parse_decimal(arguments.value("--limit"));
  if (!after || !limit) return invalid("--after and --limit are numbers");
  std::string style = arguments.value("--format");
  if (style != "text" && style != "json" && style != "jsonl" && style != "syslog")
    return invalid("--format is text, json, jsonl or syslog");
  Remote remote = TRY(Remote::connect(arguments));
  std::string host = remote.host();
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows;
  auto each = [&](const Json& entry) {
    if (style == "jsonl") return print(entry.dump() + "\n");
    if (style == "syslog") return print(syslog_line(entry, host.substr(0, host.rfind(':'))) + "\n");
    if (style == "json") return void(all.push(entry));
    rows.push_back({format("{}", entry["sequence"].as_int().value_or(0)), std::string(entry["time"].text()),
                    std::string(entry["actor"].text()), std::string(entry["event"].text()),
                    std::string(entry["subject"].text())});
  };
  TRY(follow_journal(remote, journal_query(arguments), *after, *limit, each));
  if (style == "json") print(Json::object({{"entries", std::move(all)}}).dump_pretty());
  if (style == "text") print(render_table({"#", "TIME", "BY", "EVENT", "ABOUT"}, rows, context.colour));
  return kDone;
}

Result<int> journal_verify_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  Json answer = TRY(remote.get("/journal/verify"));
  bool holds = answer["holds"].as_bool().value_or(false);
  if (context.arguments.value("--format") == "json")
    print(answer.dump_pretty());
  else if (holds)
    print(format("The chain of {} entries holds. Its head is {}\n", answer["entries"].as_int().value_or(0),
                 printable(answer["head"].text())));
  else
    print(format("The journal was changed: entry {} does not follow: {}\n", answer["first_bad"].as_int().value_or(0),
                 printable(answer["problem"].text())));
  return holds ? kDone : kVerdictNegative;
}

}  // namespace pratique::cli
