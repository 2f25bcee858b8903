// api-key create, list, revoke.
#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/remote.h"

namespace pratique::cli {

Result<int> api_key_create_command(const Context& context) {
  const Arguments& arguments = context.arguments;
  auto days_given = parse_decimal(arguments.value("--days"));
  if (!days_given || *days_given == 0 || *days_given > 366) return invalid("--days is a number from 1 to 366");
  Json roles = Json::array();
  for (const auto& given : arguments.values("--role"))
    for (auto role : split(given, ',')) roles.push(std::string(trim(role)));
  if (roles.items().empty()) roles.push("submitter");
  Remote remote = TRY(Remote::connect(arguments));
  constexpr std::int64_t kSecondsADay = 86'400;
  Json body = Json::object({{"label", arguments.operands()[0]},
                            {"roles", std::move(roles)},
                            {"lifetime_seconds", static_cast<std::int64_t>(*days_given) * kSecondsADay}});
  if (arguments.has("--push-only")) body.set("push_only", true);
  Json answer = TRY(remote.send("POST", "/api-keys", body));
  if (arguments.value("--format") == "json") return print(answer.dump_pretty()), kDone;
  print(format("{} lasts until {}. Use it as a password or bearer token (shown once):\n{}\n",
               printable(answer["id"].text()), printable(answer["expires"].text()),
               printable(answer["secret"].text())));
  return kDone;
}

Result<int> api_key_list_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  Json answer = TRY(remote.get("/api-keys"));
  if (context.arguments.value("--format") == "json") return print(answer.dump_pretty()), kDone;
  std::vector<std::vector<std::string>> rows;
  for (const auto& key : answer["api_keys"].items()) {
    std::vector<std::string> roles;
    for (const auto& role : key["roles"].items()) roles.emplace_back(role.text());
    bool is_revoked = key["revoked"].as_bool().value_or(false);
    rows.push_back({std::string(key["id"].text()), std::string(key["owner"].text()), std::string(key["label"].text()),
                    join(roles, ","), is_revoked ? "revoked" : std::string(key["expires"].text()),
                    key["used"].is_null() ? "never" : std::string(key["used"].text())});
  }
  if (rows.empty())
    print("There are no keys.\n");
  else
    print(render_table({"ID", "OWNER", "LABEL", "ROLES", "UNTIL", "USED"}, rows, context.colour));
  return kDone;
}

Result<int> api_key_revoke_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  std::string path = format("/api-keys/{}/revoke", percent_encode(context.arguments.operands()[0]));
  Json answer = TRY(remote.send("POST", path, Json::object()));
  if (context.arguments.value("--format") == "json") return print(answer.dump_pretty()), kDone;
  print(format("{} opens nothing any more.\n", printable(answer["id"].text())));
  return kDone;
}

}  // namespace pratique::cli
