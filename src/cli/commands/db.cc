// db update, db build, db status.
#include "advisory/advisory.h"
#include "base/format.h"
#include "base/text.h"
#include "cli/advisories.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "os/file.h"
#include "os/terminal.h"

#include <filesystem>

namespace pratique::cli {

namespace {

advisory::ProgressCallback progress_line(os::Progress& progress) {
  auto last = std::make_shared<std::string>();
  auto shown = std::make_shared<std::uint64_t>(0);
  return [&progress, last, shown](const advisory::Progress& now) {
    if (*last != now.what) {
      if (!last->empty()) progress.end();
      *last = now.what;
      *shown = 0;
      progress.begin(now.what, now.total, now.unit);
    }
    if (now.done > *shown) progress.advance(now.done - *shown);
    *shown = std::max(*shown, now.done);
  };
}

Status make_parent(const std::string& path) {
  return os::make_directories(std::filesystem::absolute(path).parent_path().string());
}

void print_build(const advisory::BuildReport& report, const std::string& path, Time now) {
  print(format("{}: {}", path, describe_database(report.info, now)));
  if (report.skipped > 0) print(format("\n{} records could not be read:\n", report.skipped));
  for (const auto& problem : report.problems) print("  " + printable(problem, 300) + "\n");
}

Result<std::vector<advisory::Feed>> chosen_feeds(const Arguments& arguments) {
  auto feeds = advisory::default_feeds();
  if (arguments.has("--debian-mirror")) {
    const std::string upstream = "https://deb.debian.org/debian-security";
    for (auto& feed : feeds)
      if (feed.url.starts_with(upstream))
        feed.url = arguments.value("--debian-mirror") + feed.url.substr(upstream.size());
  }
  if (!arguments.has("--feeds")) return feeds;
  std::vector<advisory::Feed> chosen;
  std::string wanted_names = arguments.value("--feeds");
  for (auto wanted : split(wanted_names, ',')) {
    auto feed =
        std::find_if(feeds.begin(), feeds.end(), [&](const advisory::Feed& f) { return f.name == trim(wanted); });
    if (feed == feeds.end())
      return not_found(format("there is no feed \"{}\"; `pratique db update --list` names them", printable(wanted)));
    chosen.push_back(*feed);
  }
  return chosen;
}

advisory::Changelogs chosen_changelogs(const Arguments& arguments) {
  std::string text = arguments.value("--changelogs");
  if (text == "all" || text.empty()) return {};
  if (text == "none") return {.scope = advisory::Changelogs::Scope::None, .sources = {}};
  advisory::Changelogs chosen{.scope = advisory::Changelogs::Scope::Only, .sources = {}};
  for (auto name : split(text, ',')) chosen.sources.emplace_back(trim(name));
  return chosen;
}

// What was read, and for what reasons the rest was not; a few packages stand for many.
void print_changelogs(const advisory::ChangelogReport& report) {
  constexpr std::size_t kNamesShown = 4;
  if (report.packages == 0) return;
  print(format("changelogs of {} source packages: {} read, {} of them fetched now\n", report.packages, report.read,
               report.fetched));
  for (const auto& [reason, packages] : report.left_out) {
    std::vector<std::string> shown(packages.begin(),
                                   packages.begin() + std::ptrdiff_t(std::min(packages.size(), kNamesShown)));
    std::string_view more = packages.size() > kNamesShown ? ", …" : "";
    print(format("  {} not: {} ({}{})\n", packages.size(), printable(reason), printable(join(shown, ", ")), more));
  }
}

}  // namespace

Result<int> db_update_command(const Context& context) {
  auto feeds = TRY(chosen_feeds(context.arguments));
  if (context.arguments.has("--list")) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& feed : feeds) rows.push_back({feed.name, std::string(advisory::to_string(feed.kind)), feed.url});
    print(render_table({"FEED", "KIND", "ADDRESS"}, rows, context.colour));
    return kDone;
  }
  std::string path = advisory_path(context.arguments);
  TRY(make_parent(path));
  os::Progress progress;
  http::Client client;
  advisory::UpdateOptions options{.cache_directory = path + ".feeds",
                                  .output = path,
                                  .feeds = std::move(feeds),
                                  .mirror = context.arguments.value("--mirror"),
                                  .changelogs = chosen_changelogs(context.arguments),
                                  .progress = progress_line(progress)};
  auto report = TRY(advisory::update(options, client, context.clock));
  progress.end();
  print(format("{} feeds fetched, {} unchanged, {} failed\n", report.fetched, report.unchanged, report.failed.size()));
  for (const auto& failure : report.failed) print("  failed: " + printable(failure, 300) + "\n");
  print_changelogs(report.changelogs);
  print_build(report.build, path, context.clock.now());
  return report.failed.empty() ? kDone : kFailed;
}

Result<int> db_build_command(const Context& context) {
  std::vector<advisory::BuildInput> inputs;
  for (const auto& operand : context.arguments.operands()) {
    for (auto& input : TRY(advisory::recognise(operand))) {
      if (input.stream.empty()) input.stream = context.arguments.value("--stream");
      inputs.push_back(std::move(input));
    }
  }
  std::string path = advisory_path(context.arguments);
  TRY(make_parent(path));
  os::Progress progress;
  advisory::BuildOptions options{.inputs = std::move(inputs),
                                 .output = path,
                                 .with_starter = !context.arguments.has("--no-starter"),
                                 .progress = progress_line(progress)};
  auto report = TRY(advisory::build(options, context.clock));
  progress.end();
  print_build(report, path, context.clock.now());
  return kDone;
}

Result<int> db_status_command(const Context& context) {
  auto database = TRY(open_advisories(context.arguments));
  const auto& info = database->info();
  if (context.arguments.value("--format") != "json") {
    print(describe_database(info, context.clock.now()));
    return kDone;
  }
  Json json = Json::object();
  json.set("built", info.built.to_rfc3339()).set("newest", info.newest.to_rfc3339()).set("advisories", info.advisories);
  json.set("digest", info.digest);
  Json sources = Json::array(), streams = Json::array();
  for (const auto& source : info.sources)
    sources.push(Json::object({{"kind", std::string(advisory::to_string(source.kind))},
                               {"origin", source.origin},
                               {"records", source.records},
                               {"newest", source.newest.to_rfc3339()},
                               {"sha256", source.sha256}}));
  for (const auto& stream : info.streams) streams.push(stream);
  json.set("sources", sources).set("streams", streams);
  print(json.dump_pretty());
  return kDone;
}

}  // namespace pratique::cli
