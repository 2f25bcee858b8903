#include "cli/running.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>

#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/services.h"
#include "cli/targets.h"
#include "os/file.h"
#include "os/owner.h"
#include "os/terminal.h"

namespace pratique::cli {

namespace {

constexpr std::size_t kIdBytes = 6;
constexpr std::size_t kLostFilesShown = 20;
constexpr std::chrono::seconds kReadyMax{180};
constexpr std::size_t kJournalCommandMax = 8 << 10;  // a request body of the gate has 64 KiB

// The gate's word for this reference, now.
Result<gate::AdmittedImage> ask_admission(Remote& remote, const Clock& clock, const std::string& reference) {
  Json answer = TRY(remote.get("/admissions?reference=" + percent_encode(reference)));
  return gate::admission_from_json(answer, clock);
}

struct Fetched {
  gate::AdmittedImage admission;
  std::unique_ptr<transport::Image> image;
};

// Pins what was typed to the admitted digest first, so that a tag that moves meanwhile cannot swap the image. A child
// of an index is admitted by its own digest.
Result<Fetched> find_admitted(Remote& remote, const Clock& clock, const oci::Reference& reference) {
  std::string repository = reference.repository.text();
  std::string named =
      repository + (reference.digest ? "@" + reference.digest->to_string() : ":" + reference.tag->text());
  auto admission = TRY(ask_admission(remote, clock, named));
  auto options =
      transport::OpenOptions{.plain_http = remote.url().starts_with("http://"), .credentials = remote.credentials()};
  auto image = TRY(
      transport::open(format("docker://{}/{}@{}", remote.host(), repository, admission.digest().to_string()), options));
  if (image->digest() != admission.digest())
    admission = TRY(ask_admission(remote, clock, repository + "@" + image->digest().to_string()));
  return Fetched{std::move(admission), std::move(image)};
}

// Fetches only what is asked for, into files without a name: they go with this process however it ends. Layers that
// are unpacked already are never asked for.
class BlobSource {
 public:
  BlobSource(transport::Image& image, std::string directory) : image_(image), directory_(std::move(directory)) {}

  Result<os::Fd> open(const oci::Descriptor& descriptor) {
    auto stream = TRY(image_.open_blob(descriptor));
    os::Fd file(::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file.is_open()) return from_errno("making a nameless file in " + directory_, errno);
    constexpr std::size_t kBufferBytes = 256 << 10;
    std::vector<std::byte> buffer(kBufferBytes);
    for (;;) {
      auto count = TRY(stream->read(buffer));
      if (count == 0) break;
      TRY(os::write_all(file, Bytes(buffer).first(count)));
      show(count);
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return from_errno("rewinding a blob", errno);
    return file;
  }
  void finish() {
    if (begun_) progress_.end();
  }

 private:
  void show(std::uint64_t bytes) {
    std::lock_guard held(mutex_);
    if (!std::exchange(begun_, true)) {
      std::uint64_t total = 0;
      for (const auto& layer : image_.manifest().layers) total += layer.size;
      progress_.begin("fetching and unpacking", total);
    }
    progress_.advance(bytes);
  }
  transport::Image& image_;
  std::string directory_;
  std::mutex mutex_;
  bool begun_ = false;
  os::Progress progress_;
};

Status check_limits(const jobs::HostRules& rules, run::JobSpec& job) {
  auto too_much = [](std::string_view what, const std::string& limit) {
    return refused(format("this host gives a job at most {} of {}", limit, what));
  };
  if (rules.memory_bytes_max && job.memory_bytes > *rules.memory_bytes_max)
    return too_much("memory", human_bytes(*rules.memory_bytes_max));
  if (rules.scratch_bytes_max && job.scratch_bytes > *rules.scratch_bytes_max)
    return too_much("scratch", human_bytes(*rules.scratch_bytes_max));
  if (rules.cores_max && job.cores > *rules.cores_max) return too_much("processors", format("{}", *rules.cores_max));
  if (rules.time_max && !job.time_limit) job.time_limit = *rules.time_max;
  if (rules.time_max && *job.time_limit > *rules.time_max)
    return too_much("time", human_duration(std::chrono::duration_cast<Duration>(*rules.time_max)));
  job.read_only_root = job.read_only_root || rules.read_only_root;
  return {};
}

// -- the three directories --------------------------------------------------------------------------------------------

Status choose_data(const Site& site, RunRequest& request) {
  const auto& rules = site.rules;
  bool is_fixed = rules.directories_are_fixed || site.user.through_sudo;
  if (is_fixed && (request.data || request.data_writable || request.outputs)) {
    return refused("--data, --data-writable and --outputs: the directories of a job are chosen by this host's rules");
  }
  auto& job = request.job;
  if (request.data) {
    job.safe_data = *request.data;
    job.data_access = request.data_writable ? run::DataAccess::ReadWrite : run::DataAccess::ReadOnly;
    return {};
  }
  if (rules.projects_directory.empty()) return {};
  request.project =
      TRY(jobs::choose_project(os::list_directory(rules.projects_directory), site.user.groups, request.project));
  job.safe_data = format("{}/{}", rules.projects_directory, request.project);
  bool is_writable = rules.rules_of(request.project).data == jobs::Writing::Allowed;
  job.data_access = is_writable ? run::DataAccess::ReadWrite : run::DataAccess::ReadOnly;
  return {};
}

Status choose_directories(const Site& site, RunRequest& request) {
  TRY(choose_data(site, request));
  const auto& rules = site.rules;
  auto parent = rules.outputs_directory.empty() ? site.user.home : rules.outputs_directory;
  request.job.safe_outputs = request.outputs ? *request.outputs : format("{}/outputs_{}", parent, request.job.id);
  return {};
}

// Opened as the user where that is somebody else: showing a directory to a job must not show more of it.
Result<os::Fd> open_as(const jobs::User& user, const std::string& path, run::DataAccess access) {
  auto acting = TRY(jobs::ActingAs::begin(user));
  os::Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.is_open()) return from_errno("opening " + path, errno);
  bool must_write = access == run::DataAccess::ReadWrite;
  if (must_write && ::syscall(SYS_faccessat2, fd.get(), "", W_OK, AT_EMPTY_PATH | AT_EACCESS) != 0) {
    return from_errno("writing to " + path, errno);
  }
  return fd;
}

// -- what is said -----------------------------------------------------------------------------------------------------

std::string describe(const RunRequest& request, const Fetched& fetched, const Site& site) {
  const auto& job = request.job;
  std::string text = format("image         {}\n  digest      {}\n  admitted    until {}\n", request.image,
                            fetched.admission.digest().to_string(), fetched.admission.expires().to_rfc3339());
  text += format("user          {} on {}\n", site.user.name, site.host);
  text += format("/safe_data    {} ({})\n", job.safe_data.empty() ? "an empty directory" : job.safe_data,
                 job.data_access == run::DataAccess::ReadOnly ? "read-only" : "writable");
  text += format("/safe_outputs {}\n/scratch      {}, gone at the end\n",
                 request.outputs ? job.safe_outputs : "a new directory, " + job.safe_outputs,
                 human_bytes(job.scratch_bytes));
  for (const auto& bind : job.binds)
    text += format("{}  {} ({})\n", bind.target, bind.source,
                   bind.access == run::DataAccess::ReadOnly ? "read-only" : "writable");
  text +=
      format("limits        {} cores, {} memory, {} processes, {}\n", job.cores, human_bytes(job.memory_bytes),
             job.processes_max,
             job.time_limit ? human_duration(std::chrono::duration_cast<Duration>(*job.time_limit)) : "no time limit");
  for (const auto& port : job.ports)
    text += format("port          {} at 127.0.0.1 for {} alone\n", port.container, site.user.name);
  if (job.entrypoint) text += "entrypoint    " + printable(*job.entrypoint) + "\n";
  if (!job.args.empty()) text += "arguments     " + printable(join(job.args, " "), 1000) + "\n";
  for (const auto& setting : job.env) text += "environment   " + printable(cut(setting, "=")->first) + "\n";
  text += "network       none\n";
  for (const auto& note : request.notes) text += "note          " + note + "\n";
  return text;
}

void say_what_is_lost(const run::JobResult& result) {
  print_note(format("pratique run: {} files outside /safe_data and /safe_outputs were changed and are gone now:\n",
                    result.changed_files.size()));
  std::size_t shown = 0;
  for (const auto& file : result.changed_files) {
    if (shown++ == kLostFilesShown) {
      print_note("  …\n");
      break;
    }
    print_note(format("  {}  {}\n", printable(file.path), human_bytes(file.bytes)));
  }
}

void say_how_it_went(const run::JobResult& result, const RunRequest& request) {
  const auto& job = request.job;
  for (const auto& note : result.notes) print_note("pratique run: " + note + "\n");
  if (result.out_of_memory)
    print_note(format("pratique run: the job needed more than {} of memory and was ended; give it more with --memory\n",
                      human_bytes(job.memory_bytes)));
  if (result.timed_out) print_note("pratique run: the job took longer than --time and was ended\n");
  if (result.stopped_by != 0) print_note(format("pratique run: ended by signal {}\n", result.stopped_by));
  if (request.verbose) {
    print_note(format("pratique run: unpacked in {} ms, started in {} ms, {} ms in all\n", result.unpack.count(),
                      result.start.count(), result.total.count()));
    print_note(format("pratique run: {} memory at most, {:.2f} s of processor time, {} written\n",
                      human_bytes(result.memory_peak), result.cpu_seconds, human_bytes(result.written_bytes)));
  }
  if (!job.ports.empty() && !result.changed_files.empty()) say_what_is_lost(result);
  if (!request.quiet)
    print_note(format("pratique run: exit code {}; results are in {}\n", result.exit_code, result.outputs));
}

// -- the record -------------------------------------------------------------------------------------------------------

jobs::Record first_record(const Site& site, const RunRequest& request, const Fetched& fetched, Time now) {
  const auto& job = request.job;
  jobs::Record record;
  record.id = job.id;
  record.name = request.name;
  record.runner = os::owned_name(job.id);
  record.user = site.user.name;
  record.uid = site.user.uid;
  record.host = site.host;
  record.image = request.image;
  record.digest = fetched.admission.digest().to_string();
  record.approved_until = fetched.admission.expires().to_rfc3339();
  if (job.entrypoint) record.command.push_back(*job.entrypoint);
  record.command.insert(record.command.end(), job.args.begin(), job.args.end());
  record.project = request.project;
  record.data = job.safe_data;
  record.data_mode = job.safe_data.empty()                          ? "none"
                     : job.data_access == run::DataAccess::ReadOnly ? "read-only"
                                                                    : "read-write";
  record.outputs = job.safe_outputs;
  record.memory_limit = job.memory_bytes;
  record.cores_limit = job.cores;
  record.started = now;
  record.notes = request.notes;
  return record;
}

jobs::State state_of(const run::JobResult& result) {
  if (result.stopped_by != 0) return jobs::State::Stopped;
  if (result.timed_out) return jobs::State::TimedOut;
  if (result.out_of_memory) return jobs::State::OutOfMemory;
  return result.exit_code == 0 ? jobs::State::Succeeded : jobs::State::Failed;
}

void complete(jobs::Record& record, const Result<run::JobResult>& result, Time now) {
  record.ended = now;
  if (!result) {
    record.state = jobs::State::NotStarted;
    record.notes.push_back(result.error().message());
    return;
  }
  record.state = state_of(*result);
  record.exit_code = exit_code_of(*result);
  record.memory_peak = result->memory_peak;
  record.cpu_seconds = result->cpu_seconds;
  record.written_bytes = result->written_bytes;
  record.notes.insert(record.notes.end(), result->notes.begin(), result->notes.end());
  constexpr std::size_t kLostFilesKept = 100;
  for (const auto& file : result->changed_files) {
    if (record.lost_files.size() == kLostFilesKept) break;
    record.lost_files.push_back(printable(file.path, 1000));
  }
}

void tell_the_gate(Remote& remote, const jobs::Record& record) {
  auto json = jobs::to_json(record);
  // Long lists stay on this host, whose record has them.
  if (json["command"].dump().size() > kJournalCommandMax)
    json.set("command", Json::array({"(too long for the journal)"}));
  json.set("lost_files", static_cast<std::uint64_t>(record.lost_files.size()));
  if (auto told = remote.send("POST", "/runs", json); !told.ok())
    print_note(format("pratique run: the gate's journal does not have this run: {}\n", told.error().message()));
}

// -- signals ----------------------------------------------------------------------------------------------------------

// From here on they are read, not delivered: threads started later inherit that.
Result<os::Fd> take_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH}) ::sigaddset(&set, signal);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return unavailable("blocking signals failed");
  os::Fd fd(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd.is_open()) return from_errno("reading signals", errno);
  return fd;
}

class Attended {
 public:
  Attended(Remote& remote, const Site& site, const Clock& clock, RunRequest& request)
      : remote_(remote), site_(site), clock_(clock), request_(request), records_(site.records()) {}

  Result<int> run(Fetched& fetched) {
    auto options = options_of();
    TRY(os::make_directories(options.directory));
    TRY(run::sweep(options));
    TRY(records_.settle(clock_));
    TRY(make_outputs());
    record_ = first_record(site_, request_, fetched, clock_.now());
    TRY(records_.write(record_));
    if (request_.named) request_.named(record_.id);
    auto result = start(fetched, options);
    complete(record_, result, clock_.now());
    TRY(records_.write(record_));
    tell_the_gate(remote_, record_);
    if (!result) return result.error();
    TRY(seal());
    // Workflow engines start thousands of runs that write elsewhere.
    if (request_.drops_empty_outputs) ::rmdir(request_.job.safe_outputs.c_str());
    say_how_it_went(*result, request_);
    return exit_code_of(*result);
  }

 private:
  // A directory of their own choice may hold results of earlier runs; it is made where it is missing.
  Status make_outputs() const {
    const auto& path = request_.job.safe_outputs;
    return request_.outputs ? os::make_directories(path) : jobs::make_new_directory(site_.user, path);
  }

  run::Options options_of() const {
    run::Options options{.directory = site_.state_directory};
    options.scratch_directory = site_.rules.scratch_directory;
    options.keep_image = request_.keep_image || site_.rules.keep_images;
    options.open_for_caller = [this](const std::string& path, run::DataAccess access) {
      return open_as(site_.user, path, access);
    };
    return options;
  }

  Result<run::JobResult> start(Fetched& fetched, const run::Options& options) {
    auto signals = TRY(take_signals());
    auto& attendant = request_.job.attendant;
    attendant.signals = signals.get();
    attendant.log = format("{}/records/{}", site_.state_directory, record_.id);
    attendant.listening = [this](const std::vector<std::uint16_t>& ports) { watch(ports); };
    BlobSource source(*fetched.image, options.directory);
    run::BlobOpener blobs = [&](const oci::Descriptor& blob) { return source.open(blob); };
    auto result = run::start(fetched.admission, fetched.image->manifest_bytes(), blobs, request_.job, options);
    source.finish();
    probe_.reset();
    return result;
  }

  void watch(const std::vector<std::uint16_t>& ports) {
    for (std::size_t i = 0; i < ports.size(); ++i)
      record_.ports.push_back(format("127.0.0.1:{} -> {}", ports[i], request_.job.ports[i].container));
    (void)records_.write(record_);
    if (ports.empty()) return;
    auto address = format("http://127.0.0.1:{}{}", ports[0], request_.ready_path);
    for (std::size_t i = 1; i < ports.size(); ++i)
      print_note(format("pratique run: port {} is at 127.0.0.1:{}\n", request_.job.ports[i].container, ports[i]));
    print_note(format("pratique run: waiting for {}\n", request_.job.ports[0].container));
    probe_ = std::make_unique<ReadyProbe>(ports[0], kReadyMax, [address](bool ready) {
      print_note(ready ? format("pratique run: ready at {}\n", address)
                       : format("pratique run: nothing answers yet after {} s at {}\n", kReadyMax.count(), address));
    });
  }

  Status seal() const {
    if (site_.rules.rules_of(request_.project).outputs_at_exit != jobs::Sealing::ReadOnly) return {};
    // Root's own: an owner could take the seal off.
    return run::seal_outputs(request_.job.safe_outputs, 0);
  }

  Remote& remote_;
  const Site& site_;
  const Clock& clock_;
  RunRequest& request_;
  jobs::Records records_;
  jobs::Record record_;
  std::unique_ptr<ReadyProbe> probe_;
};

}  // namespace

int exit_code_of(const run::JobResult& result) {
  if (result.exit_code != 0) return result.exit_code;
  // A job that was ended before its time has not succeeded, whatever its handler said.
  if (result.timed_out) return kTimedOutCode;
  if (result.stopped_by != 0) return 128 + result.stopped_by;
  return 0;
}

Result<int> run_request(Remote& remote, const Site& site, const Clock& clock, RunRequest request) {
  TRY(jobs::check_enabled(site.rules, site.user, site.host));
  TRY(check_limits(site.rules, request.job));
  request.job.id = random_hex(kIdBytes);
  TRY(choose_directories(site, request));
  auto reference = TRY(approved_reference(remote, request.image));
  request.image = reference.to_string();
  auto fetched = TRY(find_admitted(remote, clock, reference));
  if (request.dry_run) return print(describe(request, fetched, site)), kDone;
  auto missing = run::missing_prerequisites({.directory = site.state_directory});
  if (!missing.empty()) return unavailable("this machine cannot run images: " + join(missing, "; "));
  for (const auto& note : request.notes)
    if (request.verbose) print_note("pratique run: " + note + "\n");
  return Attended(remote, site, clock, request).run(fetched);
}

}  // namespace pratique::cli
