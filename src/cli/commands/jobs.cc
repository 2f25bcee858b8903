// jobs, logs, stop, wait: runs of this host, through their records.
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/running.h"
#include "os/file.h"

namespace pratique::cli {

namespace {

// How often a run is looked at where the kernel tells nothing: a killed runner writes no record.
constexpr int kLookAgainMillis = 500;

std::string age_of(const jobs::Record& record, const Clock& clock) {
  return human_duration(record.ended.value_or(clock.now()) - record.started);
}

std::string result_of(const jobs::Record& record) {
  auto text = std::string(jobs::to_string(record.state));
  return record.exit_code ? format("{} ({})", text, *record.exit_code) : text;
}

// Readable when something in the directory changed. Not open where the kernel has no watch left; then we look again
// after a while.
os::Fd watch_directory(const std::string& directory) {
  os::Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (watch.is_open() && ::inotify_add_watch(watch.get(), directory.c_str(), IN_MOVED_TO | IN_MODIFY) < 0)
    watch.reset();
  return watch;
}

void await_change(const os::Fd& watch) {
  struct pollfd wait = {watch.get(), POLLIN, 0};
  ::poll(&wait, 1, kLookAgainMillis);
  std::array<char, 4096> events;
  if (watch.is_open()) (void)!::read(watch.get(), events.data(), events.size());
}

// Copies what a log has gained since the last look.
class LogReader {
 public:
  LogReader(const std::string& path, std::FILE* to) : file_(os::open_for_reading(path)), to_(to) {}
  void copy() {
    std::array<std::byte, 65'536> buffer;
    while (file_) {
      auto count = os::read_at(*file_, buffer, offset_);
      if (!count || *count == 0) break;
      std::fwrite(buffer.data(), 1, *count, to_);
      offset_ += *count;
    }
    std::fflush(to_);
  }

 private:
  Result<os::Fd> file_;
  std::FILE* to_;
  std::uint64_t offset_ = 0;
};

Result<jobs::Record> await_end(jobs::Records& records, const jobs::Record& of, const Clock& clock,
                               const std::function<void()>& meanwhile) {
  auto watch = watch_directory(records.log_path(of, "out").substr(0, records.log_path(of, "out").rfind('/')));
  for (;;) {
    TRY(records.settle(clock));
    auto record = TRY(records.find(of.id));
    meanwhile();
    if (record.state != jobs::State::Running) return record;
    await_change(watch);
  }
}

}  // namespace

Result<int> jobs_command(const Context& context) {
  auto site = TRY(Site::here());
  auto records = site.records();
  TRY(records.settle(context.clock));
  auto list = TRY(records.list());
  bool all = context.arguments.has("--all");
  std::erase_if(list, [&](const jobs::Record& record) { return !all && record.state != jobs::State::Running; });
  if (context.arguments.value("--format") == "json") {
    Json json = Json::array();
    for (const auto& record : list) json.push(jobs::to_json(record));
    return print(Json::object({{"jobs", std::move(json)}}).dump_pretty()), kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& record : list) {
    rows.push_back({record.id, record.name.empty() ? "-" : record.name, result_of(record),
                    age_of(record, context.clock), record.image, record.user});
  }
  if (rows.empty())
    return print(all ? "No runs yet.\n" : "Nothing runs. `pratique jobs --all` shows ended runs.\n"), kDone;
  print(render_table({"ID", "NAME", "STATE", "FOR", "IMAGE", "USER"}, rows, context.colour));
  return kDone;
}

Result<int> logs_command(const Context& context) {
  auto site = TRY(Site::here());
  auto records = site.records();
  auto record = TRY(records.find(context.arguments.operands()[0]));
  auto stream = context.arguments.value("--stream");
  if (stream != "out" && stream != "err" && stream != "both") return invalid("--stream is out, err or both");
  std::vector<LogReader> readers;
  if (stream != "err") readers.emplace_back(records.log_path(record, "out"), stdout);
  if (stream != "out") readers.emplace_back(records.log_path(record, "err"), stderr);
  auto copy = [&] {
    for (auto& reader : readers) reader.copy();
  };
  copy();
  if (context.arguments.has("--follow")) TRY(await_end(records, record, context.clock, copy));
  return kDone;
}

Result<int> stop_command(const Context& context) {
  auto site = TRY(Site::here());
  auto records = site.records();
  for (const auto& text : context.arguments.operands()) {
    auto record = TRY(records.find(text));
    if (record.state != jobs::State::Running) return conflict(format("{} has ended: {}", text, result_of(record)));
    TRY(jobs::Records::signal(record, SIGTERM));
    // The runner takes a second signal as impatience.
    if (context.arguments.has("--now")) TRY(jobs::Records::signal(record, SIGINT));
    TRY(await_end(records, record, context.clock, [] {}));
    print(record.id + "\n");
  }
  return kDone;
}

Result<int> wait_command(const Context& context) {
  auto site = TRY(Site::here());
  auto records = site.records();
  int code = kDone;
  Json json = Json::array();
  for (const auto& text : context.arguments.operands()) {
    auto record = TRY(records.find(text));
    record = TRY(await_end(records, record, context.clock, [] {}));
    // How a lost run ended is not known, so it did not end well.
    code = record.exit_code.value_or(kFailed);
    if (code == 0 && record.state != jobs::State::Succeeded) code = kFailed;
    json.push(jobs::to_json(record));
    if (context.arguments.value("--format") != "json") print(format("{}  {}\n", record.id, result_of(record)));
  }
  if (context.arguments.value("--format") == "json") print(Json::object({{"jobs", std::move(json)}}).dump_pretty());
  return code;
}

}  // namespace pratique::cli
