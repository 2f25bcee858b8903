#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "wire/wire.h"

#include <cstdlib>
#include <iostream>

namespace pratique::cli {

namespace {

std::string ask_user(const Arguments& arguments) {
  if (arguments.has("--user")) return arguments.value("--user");
  if (const char* user = std::getenv("PRATIQUE_USER"); user && *user) return user;
  if (arguments.has("--password-stdin")) return "";
  print_note("User: ");
  std::string user;
  std::getline(std::cin, user);
  return user;
}

}  // namespace

Result<int> login_command(const Context& context) {
  std::string url = TRY(normalise_url(context.arguments.operands()[0]));
  std::string user = ask_user(context.arguments);
  if (user.empty()) return invalid("--user is missing: who are you?");
  Remote remote(url, {user, read_password(format("Password of {}: ", user))});
  auto me = TRY(wire::UserInfo::from_json(TRY(remote.get("/whoami"))));
  TRY(transport::store_credentials(remote.host(), remote.credentials()));
  TRY(remember_server(url));
  std::string roles;
  for (const auto& role : me.roles) roles += (roles.empty() ? "" : ", ") + role;
  print(
      format("Signed in to {} as {} ({}).\n", url, printable(me.name), roles.empty() ? "no roles" : printable(roles)));
  return kDone;
}

}  // namespace pratique::cli
