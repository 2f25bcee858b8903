// `pratique aws-credentials`: an account's own temporary keys, in the form that AWS's tools fetch by themselves.
#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/remote.h"

namespace pratique::cli {

namespace {

// Base64 and a fixed alphabet: nothing in a value closes a quote.
std::string exports(const Json& keys) {
  return format("export AWS_ACCESS_KEY_ID='{}'\nexport AWS_SECRET_ACCESS_KEY='{}'\nexport AWS_SESSION_TOKEN='{}'\n",
                keys["access_key_id"].text(), keys["secret_access_key"].text(), keys["session_token"].text());
}

// What `credential_process` in ~/.aws/config expects.
Json process_form(const Json& keys) {
  return Json::object({{"Version", 1},
                       {"AccessKeyId", keys["access_key_id"].text()},
                       {"SecretAccessKey", keys["secret_access_key"].text()},
                       {"SessionToken", keys["session_token"].text()},
                       {"Expiration", keys["expires"].text()}});
}

}  // namespace

Result<int> aws_credentials_command(const Context& context) {
  const auto form = context.arguments.value("--format");
  if (form != "sh" && form != "process" && form != "json")
    return invalid(format("--format is sh, process or json, not \"{}\"", printable(form)));
  auto lifetime = parse_decimal(context.arguments.value("--seconds"));
  if (!lifetime || *lifetime < 900 || *lifetime > 43'200) return invalid("--seconds takes 900 to 43200");
  auto remote = TRY(Remote::connect(context.arguments));
  auto keys = TRY(remote.send("POST", "/aws/keys", Json::object({{"seconds", *lifetime}})));
  if (form == "sh")
    print(exports(keys));
  else
    print((form == "process" ? process_form(keys) : keys).dump_pretty());
  return kDone;
}

}  // namespace pratique::cli
