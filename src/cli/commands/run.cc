// run: an approved image, isolated, with three directories.
#include "run/run.h"

#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/targets.h"
#include "os/file.h"

namespace pratique::cli {

namespace {

// "4G", "512M", "1073741824".
Result<std::uint64_t> parse_size(std::string_view option, std::string_view text) {
  constexpr std::pair<char, std::uint64_t> kUnits[] = {
      {'K', 1ull << 10}, {'M', 1ull << 20}, {'G', 1ull << 30}, {'T', 1ull << 40}};
  std::string_view digits = text;
  std::uint64_t unit = 1;
  for (auto [letter, size] : kUnits)
    if (!text.empty() && (text.back() == letter || text.back() == letter + 32)) digits.remove_suffix(1), unit = size;
  auto number = parse_decimal(digits);
  constexpr std::uint64_t kBytesMax = 1ull << 50;
  if (!number || *number == 0 || *number > kBytesMax / unit)
    return invalid(format("{} is a size such as 512M or 4G, not \"{}\"", option, printable(text)));
  return *number * unit;
}

Result<double> parse_cores(std::string_view text) {
  char* end = nullptr;
  std::string copy(text);
  double cores = std::strtod(copy.c_str(), &end);
  constexpr double kCoresMax = 1024;
  if (copy.empty() || *end != '\0' || !(cores > 0) || cores > kCoresMax)
    return invalid(format("--cores is a number such as 1 or 0.5, not \"{}\"", printable(text)));
  return cores;
}

Status read_environment(const Arguments& arguments, std::vector<std::string>& env) {
  constexpr std::size_t kFileBytesMax = 1 << 20;
  if (arguments.has("--env-file")) {
    std::string text = TRY(os::read_file(arguments.value("--env-file"), kFileBytesMax));
    for (auto line : split(text, '\n'))
      if (auto entry = trim(line); !entry.empty() && entry[0] != '#') env.emplace_back(entry);
  }
  for (const auto& entry : arguments.values("--env")) env.push_back(entry);
  for (const auto& entry : env)
    if (entry.find('=') == std::string::npos || entry[0] == '=')
      return invalid(format("--env is NAME=VALUE, not \"{}\"", printable(entry)));
  return {};
}

std::string home() {
  const char* directory = std::getenv("HOME");
  return directory && *directory ? directory : "/tmp";
}

Result<run::JobSpec> job_of(const Arguments& arguments) {
  run::JobSpec job;
  job.args = arguments.passthrough();
  if (arguments.has("--entrypoint")) job.entrypoint = arguments.value("--entrypoint");
  TRY(read_environment(arguments, job.env));
  if (arguments.has("--data")) {
    job.safe_data = std::filesystem::absolute(arguments.value("--data")).string();
    if (!std::filesystem::is_directory(job.safe_data))
      return not_found(format("--data {} is no directory", job.safe_data));
  }
  if (arguments.has("--data-writable")) job.data_access = run::DataAccess::ReadWrite;
  constexpr std::size_t kIdBytes = 4;
  job.safe_outputs = arguments.has("--outputs") ? std::filesystem::absolute(arguments.value("--outputs")).string()
                                                : format("{}/outputs_{}", home(), random_hex(kIdBytes));
  job.cores = TRY(parse_cores(arguments.value("--cores")));
  job.memory_bytes = TRY(parse_size("--memory", arguments.value("--memory")));
  job.scratch_bytes = TRY(parse_size("--scratch", arguments.value("--scratch")));
  if (arguments.has("--time")) {
    auto limit = parse_decimal(arguments.value("--time"));
    if (!limit || *limit == 0) return invalid("--time is a number of seconds");
    job.time_limit = seconds(static_cast<long>(*limit));
  }
  job.read_only_root = arguments.has("--read-only");
  return job;
}

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
Result<Fetched> fetch_admitted(Remote& remote, const Clock& clock, const oci::Reference& reference) {
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

// Images inside the environment live as long as their run. Their files have lost their names when the job starts, so
// they go with this process however it ends: jobs are ended with Ctrl-C more often than not.
Result<std::map<oci::Digest, os::Fd>> fetch_blobs(transport::Image& image, const std::string& directory) {
  auto room = TRY(os::TemporaryDirectory::create(directory));
  ShownProgress progress;
  TRY(transport::write_layout(image, room.path(), "run", progress));
  std::map<oci::Digest, os::Fd> held;
  for (const auto& blob : oci::references_of(oci::ParsedManifest(image.manifest())).blobs) {
    std::string algorithm = blob.digest.algorithm() == oci::Algorithm::Sha256 ? "sha256" : "sha512";
    auto path = format("{}/blobs/{}/{}", room.path(), algorithm, blob.digest.encoded());
    held.insert_or_assign(blob.digest, TRY(os::open_for_reading(path)));
  }
  return held;
}

std::string describe_job(const oci::Reference& reference, const Fetched& fetched, const run::JobSpec& job) {
  std::string text = format("image         {}\n  digest      {}\n  admitted    until {}\n", reference.to_string(),
                            fetched.admission.digest().to_string(), fetched.admission.expires().to_rfc3339());
  text += format("/safe_data    {} ({})\n", job.safe_data.empty() ? "an empty directory" : job.safe_data,
                 job.data_access == run::DataAccess::ReadOnly ? "read-only" : "writable");
  text +=
      format("/safe_outputs {}\n/scratch      {}, gone at the end\n", job.safe_outputs, human_bytes(job.scratch_bytes));
  text += format("limits        {} cores, {} memory, {} processes\n", job.cores, human_bytes(job.memory_bytes),
                 job.processes_max);
  if (!job.args.empty()) text += "arguments     " + printable(join(job.args, " "), 1000) + "\n";
  return text;
}

void say_how_it_went(const run::JobResult& result, const run::JobSpec& job, bool verbose) {
  for (const auto& note : result.notes) print_note("pratique run: " + note + "\n");
  if (result.out_of_memory)
    print_note(format("pratique run: the job needed more than {} of memory and was ended; give it more with --memory\n",
                      human_bytes(job.memory_bytes)));
  if (result.timed_out) print_note("pratique run: the job took longer than --time and was ended\n");
  if (verbose)
    print_note(format("pratique run: unpacked in {} ms, started in {} ms, {} ms in all\n", result.unpack.count(),
                      result.start.count(), result.total.count()));
  print_note(format("pratique run: exit code {}; results are in {}\n", result.exit_code, result.outputs));
}

}  // namespace

Result<int> run_command(const Context& context) {
  const Arguments& arguments = context.arguments;
  run::JobSpec job = TRY(job_of(arguments));
  Remote remote = TRY(Remote::connect(arguments));
  auto reference = TRY(approved_reference(remote, arguments.operands()[0]));
  auto fetched = TRY(fetch_admitted(remote, context.clock, reference));
  if (arguments.has("--dry-run")) return print(describe_job(reference, fetched, job)), kDone;

  run::Options options{.directory = default_data_directory() + "/run"};
  auto missing = run::missing_prerequisites(options);
  if (!missing.empty()) return unavailable("this machine cannot run images: " + join(missing, "; "));
  TRY(os::make_directories(options.directory));
  TRY(run::sweep(options));
  auto held = TRY(fetch_blobs(*fetched.image, options.directory));
  run::BlobOpener blobs = [&](const oci::Descriptor& blob) -> Result<os::Fd> {
    auto found = held.find(blob.digest);
    if (found == held.end()) return not_found("the image has no blob " + blob.digest.to_string());
    // Opened anew, for each reader has its own place in the file.
    return os::open_for_reading(format("/proc/self/fd/{}", found->second.get()));
  };
  auto result = TRY(run::start(fetched.admission, fetched.image->manifest_bytes(), blobs, job, options));
  say_how_it_went(result, job, arguments.has("--verbose"));
  return result.exit_code;
}

}  // namespace pratique::cli
