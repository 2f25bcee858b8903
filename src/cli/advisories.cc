#include "cli/advisories.h"

#include <cstdlib>

#include "base/format.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "os/file.h"

namespace pratique::cli {

std::string advisory_path(const Arguments& arguments) {
  if (arguments.has("--db")) return arguments.value("--db");
  if (const char* path = std::getenv("PRATIQUE_DB"); path && *path) return path;
  std::string data = arguments.has("--data") ? arguments.value("--data") : default_data_directory();
  return data + "/advisories.db";
}

Result<std::unique_ptr<advisory::Database>> open_advisories(const Arguments& arguments) {
  std::string path = advisory_path(arguments);
  if (os::exists(path)) return advisory::Database::open(path).with_context("opening the advisory database " + path);
  print_note(
      format("No advisory database at {}: judging by the small starter set that comes with the program.\n"
             "Run `pratique db update` for current advisories.\n",
             path));
  return advisory::Database::starter();
}

std::string describe_database(const advisory::DatabaseInfo& info, Time now) {
  std::string text = format("{} advisories, newest of {} ({} ago), built {}\n", info.advisories, info.newest.to_date(),
                            human_duration(now - info.newest), info.built.to_rfc3339());
  text += format("digest sha256:{}\n\nSources:\n", info.digest);
  for (const auto& source : info.sources)
    text += format("  {:<24} {:>8} records, newest {}  {}\n", advisory::to_string(source.kind), source.records,
                   source.newest.to_date(), source.origin);
  text += "\nCovers: ";
  for (const auto& stream : info.streams) text += (&stream == &info.streams.front() ? "" : ", ") + stream;
  return text + "\n";
}

}  // namespace pratique::cli
