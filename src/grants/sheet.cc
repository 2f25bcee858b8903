// The credential sheet: what a person pastes, line by line as the documentation shows it.
//
// Sentences are the original's, because people are told to look for them. Added to it: the end as an absolute time, the
// region (current command lines refuse to start without one) and the endpoint.
#include <algorithm>
#include <array>

#include "base/format.h"
#include "grants/grants.h"

namespace pratique::grants {

namespace {

// Base64 and host names only: nothing in a value closes a quote, and cmd has none to close.
std::string assignment(Shell shell, std::string_view name, std::string_view value) {
  switch (shell) {
    case Shell::Posix:
      return format("export {}='{}'\n", name, value);
    case Shell::Cmd:
      return format("set {}={}\n", name, value);
    case Shell::PowerShell:
      return format("$Env:{}='{}'\n", name, value);
  }
  return "";
}

std::string_view comment_mark(Shell shell) {
  return shell == Shell::Cmd ? "rem" : "#";
}

}  // namespace

std::string credential_sheet(const Credentials& credentials, const SheetContext& context, Shell shell) {
  const identity::SessionKeys& keys = credentials.keys;
  std::string uri = format("{}/{}", context.registry_host, credentials.request.repository);
  auto left = std::max<std::int64_t>(0, std::chrono::duration_cast<seconds>(keys.expires - context.now).count());
  std::string sheet = format("ECR Repository URI: {}\n\n", uri);
  sheet += format("These are temporary credentials that will expire in {} seconds, at {} (UTC).\n", left,
                  keys.expires.to_rfc3339());
  sheet += "Start your push before then; a push that has started may finish.\n\n";
  sheet += "Please run the following commands to set your AWS credentials:\n\n";
  sheet += assignment(shell, "AWS_ACCESS_KEY_ID", keys.access_key_id);
  sheet += assignment(shell, "AWS_SECRET_ACCESS_KEY", keys.secret);
  sheet += assignment(shell, "AWS_SESSION_TOKEN", keys.session_token);
  sheet += assignment(shell, "AWS_DEFAULT_REGION", context.region);
  sheet += assignment(shell, "AWS_ENDPOINT_URL", context.endpoint_url);
  sheet += format("{} aws-cli before 2.13 does not read AWS_ENDPOINT_URL: run `pratique aws-setup` once instead.\n\n",
                  comment_mark(shell));
  sheet +=
      "After setting credentials you will need to log in to your docker registry. Please run the following "
      "command:\n\n";
  sheet += format("aws ecr get-login-password --region {} | docker login --username AWS --password-stdin {}\n\n",
                  context.region, uri);
  sheet += "Tag your image with the repository URI and a tag of your choice; the tag travels with the image:\n\n";
  sheet += format("docker tag <local-image>:<local-tag> {}:<tag>\n\n", uri);
  sheet += "You can push docker images to this repository using the following command:\n\n";
  sheet += format("docker push {}:<tag>\n", uri);
  return sheet;
}

}  // namespace pratique::grants
