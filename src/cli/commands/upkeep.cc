// admin gc, admin scrub and admin quota.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "os/terminal.h"

namespace pratique::cli {

namespace {

bool wants_json(const Context& context) {
  return context.arguments.has("--json") || context.arguments.value("--format") == "json";
}

std::uint64_t number(const Json& json, std::string_view key) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(json[key].as_int().value_or(0), 0));
}

// Asks until the job has ended; the gate holds each answer back for a second while it runs.
Result<Json> follow(Remote& remote, const std::string& path, std::string_view what) {
  os::Progress progress;
  progress.begin(what, 0);
  std::uint64_t shown = 0;
  for (;;) {
    Json job = TRY(remote.get(path + "?wait=1"));
    const auto bytes = std::max(number(job, "bytes"), shown);
    progress.advance(bytes - shown);
    shown = bytes;
    if (job["running"].as_bool().value_or(false)) continue;
    const bool is_whole = job["problem"].text().empty();
    progress.end(is_whole ? "done" : "stopped");
    if (!is_whole) return unavailable(printable(job["problem"].text()));
    return job;
  }
}

Result<Json> start_and_follow(const Context& context, const std::string& path, const Json& body,
                              std::string_view what) {
  Remote remote = TRY(Remote::connect(context.arguments));
  TRY(remote.send("POST", path, body));
  return follow(remote, path, what);
}

void print_damaged(const Json& job) {
  for (const auto& damage : job["damaged"].items()) {
    print(format("{}  found {}\n", printable(damage["blob"].text()), printable(damage["found"].text())));
    for (const auto& image : damage["images"].items())
      print(format("  {}@{}{}\n", printable(image["repository"].text()), printable(image["digest"].text()),
                   image["approved"].as_bool().value_or(false) ? "  (approved)" : ""));
  }
  if (!job["damaged"].items().empty())
    print("What is damaged is served to nobody. Pushing the image again heals it.\n");
}

}  // namespace

Result<int> gc_command(const Context& context) {
  const bool is_dry_run = context.arguments.has("--dry-run");
  Json body = Json::object({{"dry_run", is_dry_run}});
  Json job = TRY(start_and_follow(context, "/upkeep/collection", body, "collecting"));
  if (wants_json(context)) return print(job.dump_pretty()), kDone;
  print(format("{} {}: {} blobs, {} links to blobs, {} manifests, {} uploads, {} files left by a crash.\n",
               is_dry_run ? "Would free" : "Freed", human_bytes(number(job, "bytes")), number(job, "blobs"),
               number(job, "links"), number(job, "manifests"), number(job, "uploads"), number(job, "temporaries")));
  print(format("Looked at {} things. Blobs that no manifest names are condemned first, and go in a later run.\n",
               number(job, "looked_at")));
  return kDone;
}

Result<int> scrub_command(const Context& context) {
  Json job;
  if (context.arguments.has("--status")) {
    Remote remote = TRY(Remote::connect(context.arguments));
    job = TRY(remote.get("/upkeep/scrub"));
  } else {
    job = TRY(start_and_follow(context, "/upkeep/scrub", Json::object(), "re-reading"));
  }
  const bool is_sound = job["damaged"].items().empty();
  if (wants_json(context)) return print(job.dump_pretty()), is_sound ? kDone : kVerdictNegative;
  print(format("Read {} blobs, {}; {} are damaged.\n", number(job, "blobs"), human_bytes(number(job, "bytes")),
               job["damaged"].items().size()));
  print_damaged(job);
  return is_sound ? kDone : kVerdictNegative;
}

Result<int> quota_command(const Context& context) {
  Remote remote = TRY(Remote::connect(context.arguments));
  Json answer = TRY(remote.get("/upkeep/usage"));
  if (wants_json(context)) return print(answer.dump_pretty()), kDone;
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : answer["usage"].items()) {
    const auto limit = number(one, "bytes_max"), uploads = number(one, "uploads_max");
    rows.push_back({std::string(one["kind"].text()), printable(one["name"].text()), human_bytes(number(one, "bytes")),
                    limit == 0 ? "-" : human_bytes(limit), format("{}", number(one, "links")),
                    format("{}", number(one, "uploads")), uploads == 0 ? "-" : format("{}", uploads)});
  }
  print(render_table({"KIND", "NAME", "USED", "QUOTA", "BLOBS", "UPLOADS", "AT MOST"}, rows, context.colour));
  return kDone;
}

}  // namespace pratique::cli
