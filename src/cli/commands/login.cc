#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/oidc_login.h"
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

// The gate's key for the day takes the place of a password.
Result<int> sign_in_with_provider(const std::string& url) {
  Remote stranger(url, {});
  Json sign_in = TRY(stranger.get("/sign-in"));
  std::string issuer(sign_in["oidc"]["issuer"].text());
  if (issuer.empty()) return conflict("this gate has no identity provider; sign in with a user name and password");
  auto token = TRY(device_flow(issuer, std::string(sign_in["oidc"]["client_id"].text())));
  Json answer = TRY(stranger.send("POST", "/sign-in/oidc", Json::object({{"id_token", token}})));
  Remote remote(url, {std::string(answer["user"].text()), std::string(answer["secret"].text())});
  TRY(transport::store_credentials(remote.host(), remote.credentials()));
  TRY(remember_server(url));
  print(format("Signed in to {} as {}, until {}.\n", url, printable(answer["user"].text()),
               printable(answer["expires"].text())));
  return kDone;
}

}  // namespace

Result<int> login_command(const Context& context) {
  std::string url = TRY(normalise_url(context.arguments.operands()[0]));
  if (context.arguments.has("--oidc")) return sign_in_with_provider(url);
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
