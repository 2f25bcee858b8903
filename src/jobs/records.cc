#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/format.h"
#include "base/text.h"
#include "jobs/jobs.h"
#include "os/file.h"
#include "os/owner.h"

namespace pratique::jobs {

namespace {

constexpr std::size_t kRecordBytesMax = 8 << 20;  // a command line may be long; the kernel's own bound is near
constexpr std::size_t kIdMin = 3;                 // characters of an id that are enough to type

constexpr std::array<std::pair<State, std::string_view>, 8> kStates{{
    {State::Running, "running"},
    {State::Succeeded, "succeeded"},
    {State::Failed, "failed"},
    {State::Stopped, "stopped"},
    {State::TimedOut, "timed-out"},
    {State::OutOfMemory, "out-of-memory"},
    {State::NotStarted, "not-started"},
    {State::Lost, "lost"},
}};

Json list_json(const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const auto& word : words) list.push(is_utf8(word) ? word : printable(word, word.size() * 4));
  return list;
}

std::vector<std::string> list_from(const Json& json) {
  std::vector<std::string> words;
  for (const auto& item : json.items()) words.emplace_back(item.text());
  return words;
}

std::uint64_t number(const Json& json) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(json.as_int().value_or(0), 0));
}

bool is_id(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::string_view to_string(State state) {
  for (const auto& [known, name] : kStates)
    if (known == state) return name;
  return "lost";
}

std::optional<State> parse_state(std::string_view text) {
  for (const auto& [state, name] : kStates)
    if (name == text) return state;
  return std::nullopt;
}

Json to_json(const Record& record) {
  Json json = Json::object();
  json.set("id", record.id).set("name", record.name).set("state", to_string(record.state));
  json.set("runner", record.runner).set("user", record.user).set("uid", record.uid).set("host", record.host);
  json.set("image", record.image).set("digest", record.digest).set("approved_until", record.approved_until);
  json.set("command", list_json(record.command));
  json.set("project", record.project).set("data", record.data).set("data_mode", record.data_mode);
  json.set("outputs", record.outputs);
  json.set("memory_limit", record.memory_limit).set("cores_limit", record.cores_limit);
  json.set("started", record.started.to_rfc3339());
  // Runs of one second have an order, too.
  json.set("started_micros", record.started.unix_micros());
  json.set("ended", record.ended ? Json(record.ended->to_rfc3339()) : Json());
  json.set("exit_code", record.exit_code ? Json(*record.exit_code) : Json());
  json.set("memory_peak", record.memory_peak).set("cpu_seconds", record.cpu_seconds);
  json.set("written_bytes", record.written_bytes);
  json.set("ports", list_json(record.ports)).set("lost_files", list_json(record.lost_files));
  json.set("notes", list_json(record.notes));
  return json;
}

Result<Record> record_from_json(const Json& json) {
  Record record;
  auto state = parse_state(json["state"].text());
  record.id = json["id"].text();
  if (!state || !is_id(record.id)) return corrupt("this is no run record");
  record.state = *state;
  record.name = json["name"].text();
  record.runner = json["runner"].text();
  record.user = json["user"].text();
  auto uid = json["uid"].as_int();
  if (!uid) return corrupt("the run record names no user");
  record.uid = static_cast<uid_t>(*uid);
  record.host = json["host"].text();
  record.image = json["image"].text();
  record.digest = json["digest"].text();
  record.approved_until = json["approved_until"].text();
  record.command = list_from(json["command"]);
  record.project = json["project"].text();
  record.data = json["data"].text();
  record.data_mode = json["data_mode"].text();
  record.outputs = json["outputs"].text();
  record.memory_limit = number(json["memory_limit"]);
  record.cores_limit = json["cores_limit"].as_double().value_or(0);
  auto micros = json["started_micros"].as_int();
  record.started = micros ? Time::from_unix_micros(*micros) : TRY(Time::parse(json["started"].text()));
  if (json["ended"].is_string()) record.ended = TRY(Time::parse(json["ended"].text()));
  if (auto code = json["exit_code"].as_int()) record.exit_code = static_cast<int>(*code);
  record.memory_peak = number(json["memory_peak"]);
  record.cpu_seconds = json["cpu_seconds"].as_double().value_or(0);
  record.written_bytes = number(json["written_bytes"]);
  record.ports = list_from(json["ports"]);
  record.lost_files = list_from(json["lost_files"]);
  record.notes = list_from(json["notes"]);
  return record;
}

Status Records::write(const Record& record) {
  TRY(os::make_directories(directory_));
  return os::write_file(format("{}/{}.json", directory_, record.id), to_json(record).dump_pretty());
}

bool Records::may_see(const Record& record) const {
  bool is_administrator = reader_.uid == 0 && !reader_.through_sudo;
  return is_administrator || record.uid == reader_.uid;
}

Result<std::vector<Record>> Records::list() const {
  std::vector<Record> records;
  for (const auto& name : os::list_directory(directory_)) {
    if (!name.ends_with(".json")) continue;
    auto text = os::read_file(format("{}/{}", directory_, name), kRecordBytesMax);
    auto json = text ? parse_json(*text) : Result<Json>(text.error());
    auto record = json ? record_from_json(*json) : Result<Record>(json.error());
    if (record && may_see(*record)) records.push_back(std::move(*record));
  }
  std::ranges::sort(records, std::greater<>(),
                    [](const Record& record) { return std::pair(record.started, record.id); });
  return records;
}

Result<Record> Records::find(const std::string& text) const {
  auto records = TRY(list());
  std::vector<const Record*> fitting;
  for (const auto& record : records) {
    if (record.id == text) return record;
    if (text.size() >= kIdMin && record.id.starts_with(text)) fitting.push_back(&record);
  }
  if (fitting.size() == 1) return *fitting.front();
  if (fitting.size() > 1) return conflict(format("several runs begin with {}; type more of the id", text));
  for (const auto& record : records)
    if (!record.name.empty() && record.name == text) return record;
  return not_found(format("there is no run {}; `pratique jobs` lists yours", printable(text)));
}

Status Records::remove(const Record& record) {
  for (auto stream : {"out", "err"}) TRY(os::remove_file(log_path(record, stream)));
  return os::remove_file(format("{}/{}.json", directory_, record.id));
}

Status Records::settle(const Clock& clock) {
  auto records = TRY(list());
  for (auto& record : records) {
    if (record.state != State::Running || os::owner_is_alive(record.runner)) continue;
    record.state = State::Lost;
    record.ended = clock.now();
    record.notes.emplace_back("its runner was killed or the machine stopped; how the job ended is not known");
    TRY(write(record));
  }
  return {};
}

Status Records::signal(const Record& record, int number) {
  auto pieces = split(record.runner, '-');
  auto pid = pieces.size() >= 3 ? parse_decimal(pieces[pieces.size() - 2]) : std::nullopt;
  if (!pid) return corrupt("the record names no runner");
  // Opened first and compared then: a process id may be somebody else's by the time of a kill().
  os::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(*pid), 0)));
  if (!process.is_open() || !os::owner_is_alive(record.runner)) return not_found("that run has ended");
  if (::syscall(SYS_pidfd_send_signal, process.get(), number, nullptr, 0) != 0) {
    return from_errno("signalling the runner", errno);
  }
  return {};
}

std::string Records::log_path(const Record& record, std::string_view stream) const {
  return format("{}/{}.{}", directory_, record.id, stream);
}

}  // namespace pratique::jobs
