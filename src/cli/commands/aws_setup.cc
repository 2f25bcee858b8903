// `pratique aws-setup`: makes the AWS command line on this machine speak to a gate, and stops it again.
#include <sys/stat.h>

#include <climits>
#include <cstdlib>

#include "base/format.h"
#include "base/text.h"
#include "cli/aws_files.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "os/file.h"

namespace pratique::cli {

namespace {

constexpr std::size_t kFileBytesMax = 4 << 20;  // the command line's own endpoints.json has 700 KiB
constexpr unsigned kNewFileMode = 0644;         // nothing in it is secret

struct Place {
  std::string directory;
  std::string path;
};

Result<Place> place_of(std::string_view below_home) {
  const char* home = std::getenv("HOME");
  if (!home || !*home) return invalid("HOME is not set, so there is no ~/.aws to write to");
  auto path = format("{}/.aws/{}", home, below_home);
  return Place{path.substr(0, path.rfind('/')), path};
}

Result<std::string> read_or_empty(const std::string& path) {
  auto text = os::read_file(path, kFileBytesMax);
  if (!text.ok() && text.error().kind() == ErrorKind::NotFound) return std::string();
  return text;
}

// A file that is a link stays one, and keeps its mode.
Status replace_file(const Place& place, const std::string& text) {
  char real[PATH_MAX];
  const std::string path = ::realpath(place.path.c_str(), real) ? std::string(real) : place.path;
  struct stat status{};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  TRY(os::make_directories(place.directory));
  return os::write_file(path, text, exists ? status.st_mode & 0777u : kNewFileMode);
}

struct Change {
  Place place;
  std::string before;
  std::string after;  // "": the file goes
};

Result<std::vector<Change>> changes_to_add(const std::string& method, const AwsTarget& target) {
  if (method == "alias") {
    auto place = TRY(place_of("cli/alias"));
    auto before = TRY(read_or_empty(place.path));
    auto after = TRY(add_aws_aliases(before, target).with_context(place.path));
    return std::vector{Change{place, before, after}};
  }
  auto place = TRY(place_of("models/endpoints.json"));
  auto before = TRY(read_or_empty(place.path));
  if (!before.empty() && !is_our_endpoints(before))
    return conflict(format("{} is yours: move it away, or take --method alias", place.path));
  return std::vector{Change{place, before, aws_endpoints(target)}};
}

Result<std::vector<Change>> changes_to_remove() {
  std::vector<Change> changes;
  auto alias = TRY(place_of("cli/alias"));
  auto aliases = TRY(read_or_empty(alias.path));
  changes.push_back({alias, aliases, remove_aws_aliases(aliases)});
  auto endpoints = TRY(place_of("models/endpoints.json"));
  auto listed = TRY(read_or_empty(endpoints.path));
  changes.push_back({endpoints, listed, is_our_endpoints(listed) ? "" : listed});
  return changes;
}

Result<std::string> apply(const Change& change, bool is_dry) {
  if (change.after == change.before) return std::string("unchanged");
  if (!is_dry && change.after.empty())
    TRY(os::remove_file(change.place.path));
  else if (!is_dry)
    TRY(replace_file(change.place, change.after));
  if (change.after.empty()) return std::string(is_dry ? "would be removed" : "removed");
  return std::string(is_dry ? "would be written" : "written");
}

Result<AwsTarget> target_of(const Arguments& arguments) {
  std::string url = arguments.value("--server");
  const char* server = std::getenv("PRATIQUE_SERVER");
  if (url.empty() && server) url = server;
  if (url.empty()) url = remembered_server();
  if (url.empty()) return invalid("which gate? Give --server URL, or sign in once with `pratique login URL`");
  auto ca_file = arguments.value("--ca");
  char real[PATH_MAX];
  if (!ca_file.empty() && !::realpath(ca_file.c_str(), real)) return not_found(format("there is no file {}", ca_file));
  return AwsTarget{TRY(normalise_url(url)), arguments.value("--region"), ca_file.empty() ? "" : std::string(real)};
}

void print_changes(const std::vector<Change>& changes, const std::vector<std::string>& actions, bool is_json,
                   bool is_dry) {
  Json files = Json::array();
  for (std::size_t i = 0; i < changes.size(); ++i) {
    files.push(Json::object({{"path", changes[i].place.path}, {"action", actions[i]}}));
    if (!is_json) print(format("{}: {}\n", changes[i].place.path, actions[i]));
    if (!is_json && is_dry && changes[i].after != changes[i].before) print(printable_lines(changes[i].after));
  }
  if (is_json) print(Json::object({{"files", std::move(files)}}).dump_pretty());
}

}  // namespace

Result<int> aws_setup_command(const Context& context) {
  const auto& arguments = context.arguments;
  const auto method = arguments.value("--method");
  const bool is_json = arguments.value("--format") == "json", is_dry = arguments.has("--dry-run");
  if (method != "alias" && method != "endpoints" && method != "env")
    return invalid(format("--method is alias, endpoints or env, not \"{}\"", printable(method)));
  std::vector<Change> changes;
  if (arguments.has("--remove")) {
    changes = TRY(changes_to_remove());
  } else {
    auto target = TRY(target_of(arguments));
    if (method == "env") {
      print(aws_exports(target));
      return kDone;
    }
    changes = TRY(changes_to_add(method, target));
  }
  std::vector<std::string> actions;
  for (const auto& change : changes) actions.push_back(TRY(apply(change, is_dry)));
  print_changes(changes, actions, is_json, is_dry);
  if (!is_json && !is_dry && !arguments.has("--remove"))
    print("Next: set the keys of your credential sheet, then `aws sts get-caller-identity`.\n");
  return kDone;
}

}  // namespace pratique::cli
