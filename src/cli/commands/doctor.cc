// doctor: looks at this machine and says, in order of what stops people, what is missing and what to type.
#include <unistd.h>
#include <cstdlib>

#include "base/format.h"
#include "base/json.h"
#include "cli/advisories.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "os/file.h"
#include "os/process.h"
#include "os/terminal.h"
#include "run/run.h"

namespace pratique::cli {

namespace {

enum class Health { Good, Weak, Missing };

struct Finding {
  Health health;
  std::string what;
  std::string advice;  // what to do; "" when good
};

Finding check_advisories(const Context& context) {
  std::string path = advisory_path(context.arguments);
  if (!os::exists(path))
    return {Health::Weak, format("advisory database: none at {}; only the starter set is used", path),
            "Run `pratique db update`."};
  auto database = advisory::Database::open(path);
  if (!database.ok())
    return {Health::Missing, "advisory database: " + database.error().message(),
            "Remove it and run `pratique db update`."};
  const auto& info = (*database)->info();
  auto age = context.clock.now() - info.newest;
  constexpr days kStaleAfter{7};  // the default policy's limit
  std::string what = format("advisory database: {} advisories, newest {} ago", info.advisories, human_duration(age));
  if (age > kStaleAfter) return {Health::Weak, what, "Run `pratique db update`."};
  return {Health::Good, what, ""};
}

Finding check_data_directory(const Context& context) {
  std::string data = context.arguments.has("--data") ? context.arguments.value("--data") : default_data_directory();
  std::string probe = data;
  while (!os::exists(probe) && probe.find('/') != std::string::npos && probe.size() > 1)
    probe = probe.substr(0, probe.rfind('/'));
  if (probe.empty()) probe = "/";
  if (::access(probe.c_str(), W_OK) == 0) return {Health::Good, "data directory: " + data, ""};
  return {Health::Weak, format("data directory: {} cannot be written by this user", data),
          "Only `pratique serve` and `pratique db` need it; set PRATIQUE_DATA or run them as the service's user."};
}

Finding check_server(const Context& context) {
  std::string server = context.arguments.value("--server");
  if (const char* variable = std::getenv("PRATIQUE_SERVER"); server.empty() && variable) server = variable;
  if (server.empty()) server = remembered_server();
  if (server.empty()) return {Health::Weak, "gate: none is known", "Run `pratique login URL`, or give --server URL."};
  auto url = normalise_url(server);
  if (!url.ok()) return {Health::Missing, "gate: " + url.error().message(), "Correct the address."};
  http::Client client;
  auto answer = client.send({.method = "GET", .url = *url + "/healthz"});
  if (!answer.ok())
    return {Health::Missing, format("gate: {} does not answer: {}", *url, answer.error().message()),
            "Is it running, and is the address right?"};
  if (answer->status != 200)
    return {Health::Missing, format("gate: {} answered {}", *url, answer->status), "Is this a pratique gate?"};
  if (!transport::stored_credentials(url->substr(url->find("://") + 3)) && !std::getenv("PRATIQUE_PASSWORD"))
    return {Health::Weak, format("gate: {} answers, but no credentials are stored", *url),
            format("Run `pratique login {}`.", *url)};
  return {Health::Good, format("gate: {} answers", *url), ""};
}

Finding check_clients() {
  std::string found;
  for (auto name : {"docker", "podman", "skopeo", "buildah"})
    if (os::find_program(name)) found += (found.empty() ? "" : ", ") + std::string(name);
  if (!found.empty()) return {Health::Good, "container clients: " + found, ""};
  return {Health::Weak, "container clients: none of docker, podman, skopeo, buildah",
          "`pratique submit` pushes without them; to build images install one, such as `apt-get install podman`."};
}

Finding check_runner() {
  auto missing = run::missing_prerequisites({.directory = default_data_directory() + "/run"});
  if (missing.empty()) return {Health::Good, "running images: ready", ""};
  std::string what = "running images: ";
  for (const auto& item : missing) what += (&item == &missing.front() ? "" : "; ") + item;
  return {Health::Weak, what, "Needed only for `pratique run` on this machine."};
}

std::string render(const Finding& finding, bool colour) {
  auto [mark, style] = finding.health == Health::Good   ? std::pair("ok  ", os::Style::Green)
                       : finding.health == Health::Weak ? std::pair("note", os::Style::Yellow)
                                                        : std::pair("FAIL", os::Style::Red);
  std::string line = format("{}  {}\n", os::styled(style, mark, colour), finding.what);
  return finding.advice.empty() ? line : line + "      " + finding.advice + "\n";
}

}  // namespace

Result<int> doctor_command(const Context& context) {
  std::vector<Finding> findings = {check_server(context), check_clients(), check_advisories(context),
                                   check_data_directory(context), check_runner()};
  bool missing = false;
  Json list = Json::array();
  for (const auto& finding : findings) {
    missing |= finding.health == Health::Missing;
    const char* health = finding.health == Health::Good ? "ok" : finding.health == Health::Weak ? "note" : "fail";
    list.push(Json::object({{"health", health}, {"what", finding.what}, {"advice", finding.advice}}));
    if (context.arguments.value("--format") != "json") print(render(finding, context.colour));
  }
  if (context.arguments.value("--format") == "json") print(Json::object({{"findings", list}}).dump_pretty());
  return missing ? kFailed : kDone;
}

}  // namespace pratique::cli
