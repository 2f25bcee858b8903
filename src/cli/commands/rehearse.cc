// rehearse: a local image under the conditions of the environment, before anybody is asked to approve it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/running.h"
#include "cli/targets.h"
#include "os/file.h"
#include "os/process.h"
#include "os/terminal.h"

namespace pratique::cli {

namespace {

constexpr std::uint64_t kUsualSharedMemory = 64ull << 20;
constexpr std::chrono::minutes kBuildMax{60};
constexpr std::size_t kBuildOutputMax = 64 << 20;

// -- the image --------------------------------------------------------------------------------------------------------

Status run_builder(const std::string& program, std::vector<std::string> args) {
  print_note(format("pratique rehearse: {} {}\n", program, join(args, " ")));
  os::Command command{.program = program, .args = std::move(args)};
  auto output = TRY(os::run(command, {}, kBuildMax, kBuildOutputMax));
  if (output.exit.ok()) return {};
  print_note(printable_lines(output.out) + printable_lines(output.err));
  return invalid(format("{} ended with exit code {}; what it said is above", program, output.exit.code));
}

// Builds with what is installed and leaves an OCI layout in `room`.
Result<std::string> build(const std::string& dockerfile, const std::string& room) {
  auto context = std::filesystem::absolute(dockerfile).parent_path().string();
  auto name = "localhost/pratique-rehearsal:" + random_hex(4);
  auto layout = "oci:" + room + "/layout:latest";
  if (os::find_program("buildah")) {
    TRY(run_builder("buildah", {"bud", "--format", "oci", "-t", name, "-f", dockerfile, context}));
    TRY(run_builder("buildah", {"push", "-q", name, layout}));
    TRY(run_builder("buildah", {"rmi", name}));
    return layout;
  }
  if (os::find_program("podman")) {
    TRY(run_builder("podman", {"build", "-q", "-t", name, "-f", dockerfile, context}));
    TRY(run_builder("podman", {"push", "-q", name, layout}));
    TRY(run_builder("podman", {"rmi", name}));
    return layout;
  }
  if (os::find_program("docker")) {
    TRY(run_builder("docker", {"build", "-q", "-t", name, "-f", dockerfile, context}));
    return "docker-daemon:" + name;
  }
  return unavailable("--dockerfile needs buildah, podman or docker to build it; or build it and name the image");
}

Result<os::Fd> fetch(transport::Image& image, const oci::Descriptor& descriptor, const std::string& directory) {
  auto stream = TRY(image.open_blob(descriptor));
  os::Fd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file.is_open()) return from_errno("making a nameless file in " + directory, errno);
  constexpr std::size_t kBufferBytes = 256 << 10;
  std::vector<std::byte> buffer(kBufferBytes);
  for (auto count = TRY(stream->read(buffer)); count > 0;) {
    TRY(os::write_all(file, Bytes(buffer).first(count)));
    count = TRY(stream->read(buffer));
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return from_errno("rewinding a blob", errno);
  return file;
}

// -- the report -------------------------------------------------------------------------------------------------------

Json list_json(const std::vector<std::string>& lines) {
  Json list = Json::array();
  for (const auto& line : lines) list.push(line);
  return list;
}

run::Severity worst_of(const std::vector<run::RehearsalFinding>& findings) {
  auto worst = run::Severity::Good;
  for (const auto& finding : findings) worst = std::max(worst, finding.severity);
  return worst;
}

Json report_json(const std::string& target, const oci::Digest& digest, const run::Rehearsal& rehearsal,
                 const std::vector<run::RehearsalFinding>& findings) {
  Json list = Json::array();
  for (const auto& finding : findings) {
    Json json = Json::object();
    json.set("severity", to_string(finding.severity)).set("id", finding.id).set("title", finding.title);
    json.set("evidence", list_json(finding.evidence)).set("fix", finding.fix);
    list.push(std::move(json));
  }
  const auto& result = rehearsal.result;
  Json json = Json::object();
  json.set("image", target).set("digest", digest.to_string()).set("verdict", to_string(worst_of(findings)));
  json.set("exit_code", result.exit_code).set("timed_out", result.timed_out).set("out_of_memory", result.out_of_memory);
  json.set("milliseconds", static_cast<std::int64_t>(result.total.count()));
  json.set("memory_peak", result.memory_peak).set("shared_memory_peak", result.shared_memory_peak);
  json.set("cpu_seconds", result.cpu_seconds).set("written_bytes", result.written_bytes);
  json.set("exit_as_ordinary_user", rehearsal.exit_as_ordinary_user ? Json(*rehearsal.exit_as_ordinary_user) : Json());
  json.set("findings", std::move(list)).set("notes", list_json(result.notes));
  return json;
}

std::string mark_of(run::Severity severity, bool colour) {
  switch (severity) {
    case run::Severity::Good:
      return os::styled(os::Style::Green, "  ok    ", colour);
    case run::Severity::Hint:
      return os::styled(os::Style::Cyan, "  hint  ", colour);
    case run::Severity::Warns:
      return os::styled(os::Style::Yellow, "  warns ", colour);
    case run::Severity::Blocks:
      break;
  }
  return os::styled(os::Style::Red, "  BLOCKS", colour);
}

std::string wrapped(std::string_view text, std::string_view indent) {
  constexpr std::size_t kColumns = 100;
  std::string out(indent);
  std::size_t column = indent.size();
  for (auto word : split(text, ' ')) {
    if (column + word.size() + 1 > kColumns && column > indent.size()) {
      out += format("\n{}", indent);
      column = indent.size();
    }
    if (column > indent.size()) out += " ", ++column;
    out += word;
    column += word.size();
  }
  return out + "\n";
}

std::string report_text(const std::string& target, const run::Rehearsal& rehearsal,
                        const std::vector<run::RehearsalFinding>& findings, bool colour) {
  const auto& result = rehearsal.result;
  auto text = format("\nRehearsal of {}\n", printable(target));
  text += format("  no network · /safe_data read-only · {} ms · {} memory · {:.1f} s of processor time\n\n",
                 result.total.count(), human_bytes(result.memory_peak), result.cpu_seconds);
  for (const auto& finding : findings) {
    text += format("{}  {}\n", mark_of(finding.severity, colour), os::styled(os::Style::Bold, finding.title, colour));
    for (const auto& line : finding.evidence) text += format("            {}\n", line);
    if (!finding.fix.empty()) text += wrapped("→ " + finding.fix, "          ");
  }
  for (const auto& note : result.notes) text += format("  note    {}\n", note);
  switch (worst_of(findings)) {
    case run::Severity::Blocks:
      return text + "\nIt would not work inside. Fix what blocks, and rehearse again.\n";
    case run::Severity::Warns:
      return text + "\nIt would run inside; read the warnings before you rely on it.\n";
    default:
      return text + "\nIt would run inside. Next: `pratique submit`.\n";
  }
}

// -- the run ----------------------------------------------------------------------------------------------------------

Result<run::JobSpec> job_of(const Arguments& arguments) {
  run::JobSpec job;
  job.args = arguments.passthrough();
  job.env = arguments.values("--env");
  if (arguments.has("--entrypoint")) job.entrypoint = arguments.value("--entrypoint");
  if (arguments.has("--cores")) job.cores = TRY(parse_cores(arguments.value("--cores")).with_context("--cores"));
  if (arguments.has("--memory"))
    job.memory_bytes = TRY(jobs::parse_size(arguments.value("--memory"), kMemoryUnit).with_context("--memory"));
  job.shared_memory_bytes = kUsualSharedMemory;
  if (arguments.has("--shm-size"))
    job.shared_memory_bytes = TRY(jobs::parse_size(arguments.value("--shm-size")).with_context("--shm-size"));
  job.time_limit = TRY(parse_time(arguments.value("--time")).with_context("--time"));
  job.grace = std::chrono::seconds(2);
  if (arguments.has("--data")) {
    job.safe_data = std::filesystem::absolute(arguments.value("--data")).string();
    if (!std::filesystem::is_directory(job.safe_data))
      return not_found(format("--data {} is no directory", job.safe_data));
  }
  job.attendant.out = job.attendant.err = arguments.has("--quiet") ? -1 : STDERR_FILENO;
  return job;
}

class Stage {
 public:
  static Result<Stage> set(const Arguments& arguments) {
    auto room = TRY(os::TemporaryDirectory::create());
    auto state = default_data_directory() + "/run";
    TRY(os::make_directories(state));
    auto dockerfile = arguments.value("--dockerfile");
    std::string target = dockerfile.empty() ? arguments.operands()[0] : TRY(build(dockerfile, room.path()));
    auto options = TRY(open_options(arguments));
    auto image = TRY(transport::open(target, options));
    return Stage(std::move(room), std::move(state), dockerfile.empty() ? target : dockerfile, std::move(image));
  }

  Result<run::Rehearsal> play(run::JobSpec job, const std::string& act) {
    if (job.safe_outputs.empty()) job.safe_outputs = format("{}/outputs-{}", room_.path(), act);
    job.attendant.log = format("{}/{}", room_.path(), act);
    run::Options options{.directory = state_};
    auto open = [this](const oci::Descriptor& blob) { return fetch(*image_, blob, state_); };
    return run::rehearse(image_->manifest_bytes(), open, job, options);
  }

  const std::string& target() const { return target_; }
  transport::Image& image() { return *image_; }

 private:
  Stage(os::TemporaryDirectory room, std::string state, std::string target, std::unique_ptr<transport::Image> image)
      : room_(std::move(room)), state_(std::move(state)), target_(std::move(target)), image_(std::move(image)) {}
  os::TemporaryDirectory room_;
  std::string state_, target_;
  std::unique_ptr<transport::Image> image_;
};

Result<int> exit_for(const Arguments& arguments, run::Severity worst) {
  auto level = arguments.value("--fail-on");
  if (level == "never") return kDone;
  if (level == "warns") return worst >= run::Severity::Warns ? kVerdictNegative : kDone;
  if (level == "blocks") return worst >= run::Severity::Blocks ? kVerdictNegative : kDone;
  return invalid(format("--fail-on is blocks, warns or never, not \"{}\"", printable(level)));
}

}  // namespace

Result<int> rehearse_command(const Context& context) {
  const auto& arguments = context.arguments;
  if (arguments.operands().empty() == arguments.value("--dockerfile").empty())
    return invalid("name an image (oci:DIR, docker-daemon:NAME, an archive, …) or a --dockerfile, one of them");
  TRY(exit_for(arguments, run::Severity::Good));
  auto job = TRY(job_of(arguments));
  auto missing = run::missing_prerequisites({.directory = default_data_directory() + "/run"});
  if (!missing.empty()) return unavailable("this machine cannot run images: " + join(missing, "; "));
  if (arguments.has("--outputs")) job.safe_outputs = std::filesystem::absolute(arguments.value("--outputs")).string();
  auto stage = TRY(Stage::set(arguments));
  auto rehearsal = TRY(stage.play(job, "first"));
  bool is_worth_a_second = rehearsal.is_root && rehearsal.result.exit_code == 0 && !rehearsal.result.timed_out;
  if (is_worth_a_second && !arguments.has("--quick")) {
    auto ordinary = job;
    ordinary.user = "1000:1000";
    ordinary.safe_outputs.clear();
    ordinary.attendant.out = ordinary.attendant.err = -1;
    auto second = TRY(stage.play(ordinary, "second"));
    rehearsal.exit_as_ordinary_user = exit_code_of(second.result);
  }
  auto findings = run::judge_rehearsal(rehearsal, job);
  if (arguments.value("--format") == "json") {
    print(report_json(stage.target(), stage.image().digest(), rehearsal, findings).dump_pretty());
  } else {
    print(report_text(stage.target(), rehearsal, findings, context.colour));
  }
  return exit_for(arguments, worst_of(findings));
}

}  // namespace pratique::cli
