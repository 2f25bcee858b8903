// A rehearsal: an image nobody has admitted, under the conditions of a run, watched; and what follows from what was
// seen. The judgement is pure: every sentence of the report has its row in the test.
#include <algorithm>
#include <chrono>

#include "base/format.h"
#include "base/text.h"
#include "run/job.h"
#include "run/run.h"
#include "run/watch.h"

namespace pratique::run {

namespace {

constexpr std::size_t kEvidenceMax = 12;
constexpr std::uint64_t kNearlyPercent = 90;
constexpr std::uint64_t kUsualSharedMemory = 64ull << 20;  // what other engines give
// Runtimes rewrite these on every start, in every container.
constexpr std::string_view kNobodyMisses[] = {"/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
                                              "/etc/mtab"};

using Tries = std::vector<Observed::Try>;
using Findings = std::vector<RehearsalFinding>;

std::vector<std::string> evidence_of(const Tries& tries) {
  std::vector<std::string> lines;
  for (const auto& attempt : tries) {
    if (lines.size() == kEvidenceMax) {
      lines.push_back(format("and {} more", tries.size() - kEvidenceMax));
      break;
    }
    auto times = attempt.times > 1 ? format(", {} times", attempt.times) : "";
    lines.push_back(format("{} (by {}{})", attempt.what, attempt.program, times));
  }
  return lines;
}

bool failed(const Rehearsal& rehearsal) {
  return rehearsal.result.exit_code != 0 || rehearsal.result.timed_out;
}

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> hosts) {
  return std::ranges::any_of(
      hosts, [&](std::string_view host) { return name == host || name.ends_with("." + std::string(host)); });
}

// The fix depends on who was asked: most of the time it is one of these.
std::string fix_for_host(std::string_view name) {
  if (ends_with_any(name, {"huggingface.co", "hf.co"}))
    return "Download the model while building (huggingface-cli download … --local-dir) or put it into /safe_data, set "
           "HF_HOME to that place, and load it from its path. HF_HUB_OFFLINE=1 is set for every run.";
  if (ends_with_any(name, {"pypi.org", "pythonhosted.org", "pypi.python.org"}))
    return "Install Python packages while building: RUN pip install --no-cache-dir -r requirements.txt.";
  if (ends_with_any(name, {"cran.r-project.org", "r-project.org", "rstudio.com", "posit.co", "bioconductor.org"}))
    return "Install R packages while building: RUN Rscript -e 'install.packages(…)'; remove install.packages() from "
           "scripts.";
  if (ends_with_any(name, {"anaconda.org", "anaconda.com", "conda.io"}))
    return "Create the conda environment while building, and start its python by path instead of `conda run`.";
  if (ends_with_any(name, {"debian.org", "ubuntu.com", "alpinelinux.org", "fedoraproject.org"}))
    return "Install system packages while building: RUN apt-get install …; an entrypoint must not.";
  if (ends_with_any(name, {"pytorch.org", "tensorflow.org", "googleapis.com", "storage.googleapis.com"}))
    return "Fetch weights and data sets while building (or into /safe_data), and give the library their path.";
  if (ends_with_any(name, {"github.com", "githubusercontent.com", "gitlab.com"}))
    return "Clone or download while building; COPY code into the image.";
  if (ends_with_any(name, {"wandb.ai", "sentry.io", "mixpanel.com", "segment.io", "segment.com"}))
    return "Switch telemetry off: WANDB_MODE=offline, DO_NOT_TRACK=1, or the library's own setting.";
  return "Bring what it fetches into the image while building, or into /safe_data, or make the program do without.";
}

void judge_network(const Rehearsal& rehearsal, Findings& findings) {
  const auto& seen = rehearsal.observed;
  if (seen.lookups.empty() && seen.connections.empty()) {
    findings.push_back({Severity::Good, "network", "It asked for no other machine.", {}, ""});
    return;
  }
  auto evidence = evidence_of(seen.lookups);
  for (auto& line : evidence_of(seen.connections)) evidence.push_back(std::move(line));
  std::vector<std::string> fixes;
  for (const auto& lookup : seen.lookups) {
    auto fix = fix_for_host(lookup.what);
    if (std::ranges::find(fixes, fix) == fixes.end()) fixes.push_back(std::move(fix));
  }
  if (fixes.empty()) fixes.push_back(fix_for_host(""));
  bool hurts = failed(rehearsal);
  auto title = format("It tried to reach {} over the network, and there is none.",
                      seen.lookups.empty()       ? "other machines"
                      : seen.lookups.size() == 1 ? seen.lookups[0].what
                                                 : "several hosts");
  if (!hurts) title += " It went on without.";
  findings.push_back({hurts ? Severity::Blocks : Severity::Warns, "network", title, evidence, join(fixes, " ")});
}

void judge_ending(const Rehearsal& rehearsal, const JobSpec& spec, Findings& findings) {
  const auto& result = rehearsal.result;
  const auto& seen = rehearsal.observed;
  if (result.out_of_memory) {
    findings.push_back(
        {Severity::Blocks,
         "memory",
         format("It needed more than the {} of memory it had, and was killed.", human_bytes(spec.memory_bytes)),
         {format("peak {}", human_bytes(result.memory_peak))},
         "Ask for more with --memory, or read the data in pieces."});
    return;
  }
  if (result.timed_out && !seen.listens.empty()) {
    findings.push_back(
        {Severity::Hint, "service",
         format("It is a service: it listens on port {} and does not end by itself.", seen.listens[0].what),
         evidence_of(seen.listens),
         format("Run it with `pratique run -p {} …`: the port is published to you alone, with an address to open. "
                "For a batch run, ENTRYPOINT must start the job itself.",
                seen.listens[0].what)});
  } else if (result.timed_out) {
    findings.push_back({Severity::Blocks,
                        "ending",
                        format("It did not end within {} s.", spec.time_limit ? spec.time_limit->count() : 0),
                        {format("it used {:.1f} s of processor time", result.cpu_seconds)},
                        result.cpu_seconds < 1
                            ? "It waits for something rather than working: for input, a lock, or a network "
                              "it retries. Give retries a limit, and make the program end when it is done."
                            : "Give it less example data or a longer --time, and tell --time at the real run."});
  } else if (result.exit_code != 0) {
    findings.push_back({Severity::Blocks,
                        "exit-code",
                        format("It ended with exit code {}.", result.exit_code),
                        {},
                        "Read what it printed; the other findings here are the likely causes."});
  } else {
    findings.push_back({Severity::Good,
                        "exit-code",
                        format("It ended by itself after {} ms with exit code 0.", result.total.count()),
                        {},
                        ""});
  }
}

void judge_input(const Rehearsal& rehearsal, Findings& findings) {
  const auto& seen = rehearsal.observed;
  if (seen.input_reads.empty()) {
    findings.push_back({Severity::Good, "standard-input", "It did not read standard input.", {}, ""});
    return;
  }
  const auto& program = seen.input_reads[0].program;
  bool is_shell = program == "sh" || program == "bash" || program == "python" || program == "python3" || program == "R";
  findings.push_back({is_shell && rehearsal.result.output_bytes == 0 ? Severity::Blocks : Severity::Warns,
                      "standard-input",
                      is_shell ? format("It started {}, which waits for somebody to type; nobody will.", program)
                               : "It read standard input, which is empty in a batch run.",
                      evidence_of(seen.input_reads),
                      "Make ENTRYPOINT or CMD start the work itself, with names from arguments or a file: "
                      "CMD [\"python3\", \"/app/main.py\"]. Never ask a question."});
}

void judge_data(const Rehearsal& rehearsal, Findings& findings) {
  const auto& seen = rehearsal.observed;
  if (!seen.missing_data.empty()) {
    findings.push_back(
        {failed(rehearsal) ? Severity::Blocks : Severity::Hint, "missing-data",
         "It looked for files below /safe_data that are not there.", evidence_of(seen.missing_data),
         "Take the names from arguments (--arg-file) or a list (--inputs) instead of writing them into the "
         "program, or give the rehearsal example data with --data."});
  }
  if (!seen.data_writes.empty()) {
    findings.push_back({failed(rehearsal) ? Severity::Blocks : Severity::Warns, "data-write",
                        "It tried to write to /safe_data, which is read-only in most projects.",
                        evidence_of(seen.data_writes),
                        "Write results to /safe_outputs and everything else to /scratch."});
  }
}

bool is_missed(const ChangedFile& file) {
  return std::ranges::find(kNobodyMisses, file.path) == std::end(kNobodyMisses) && !file.path.starts_with("/safe_") &&
         !file.path.starts_with("/scratch");
}

std::string fix_for_path(std::string_view path) {
  if (contains(path, "/.cache/huggingface")) return "Set HF_HOME=/scratch/huggingface, or load models from /safe_data.";
  if (contains(path, "/.cache/matplotlib") || contains(path, "/.config/matplotlib"))
    return "Set MPLCONFIGDIR=/scratch.";
  if (contains(path, "/.cache")) return "Set XDG_CACHE_HOME=/scratch/cache.";
  if (contains(path, "__pycache__")) return "Set PYTHONDONTWRITEBYTECODE=1, or compile while building.";
  if (path.starts_with("/tmp/") || path.starts_with("/var/tmp/"))
    return "Write temporary files to $TMPDIR (it is /scratch) instead of /tmp.";
  return "Write results to /safe_outputs and temporary files to /scratch.";
}

void judge_files(const Rehearsal& rehearsal, Findings& findings) {
  std::vector<std::string> evidence, fixes;
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  for (const auto& file : rehearsal.result.changed_files) {
    if (!is_missed(file)) continue;
    ++count;
    bytes += file.bytes;
    if (evidence.size() < kEvidenceMax)
      evidence.push_back(format("{} ({})", printable(file.path, 300), human_bytes(file.bytes)));
    auto fix = fix_for_path(file.path);
    if (std::ranges::find(fixes, fix) == fixes.end()) fixes.push_back(std::move(fix));
  }
  if (count == 0) {
    findings.push_back({Severity::Good, "files", "It wrote nothing outside the three directories.", {}, ""});
    return;
  }
  if (count > evidence.size()) evidence.push_back(format("and {} more", count - evidence.size()));
  findings.push_back({Severity::Warns, "files",
                      format("It wrote {} files ({}) outside the three directories. They are lost at the end, and the "
                             "root file system is to become read-only.",
                             count, human_bytes(bytes)),
                      evidence, join(fixes, " ")});
}

void judge_memory(const Rehearsal& rehearsal, const JobSpec& spec, Findings& findings) {
  const auto& result = rehearsal.result;
  if (!result.out_of_memory && result.memory_peak > spec.memory_bytes / 100 * kNearlyPercent) {
    findings.push_back({Severity::Warns,
                        "memory",
                        format("It used nearly all of its memory: {} of {}.", human_bytes(result.memory_peak),
                               human_bytes(spec.memory_bytes)),
                        {},
                        "Ask for more with --memory: real data is larger than an example."});
  }
  constexpr int kBusError = 128 + 7;
  auto given = spec.shared_memory_bytes != 0 ? spec.shared_memory_bytes : kUsualSharedMemory;
  bool is_full = result.shared_memory_peak > given / 100 * kNearlyPercent;
  if (result.exit_code == kBusError || is_full) {
    findings.push_back(
        {result.exit_code == kBusError ? Severity::Blocks : Severity::Warns,
         "shared-memory",
         format("It filled /dev/shm: {} of {}.", human_bytes(result.shared_memory_peak), human_bytes(given)),
         {},
         "Ask for more with --shm-size, or use fewer worker processes (PyTorch: num_workers=0)."});
  }
}

void judge_root(const Rehearsal& rehearsal, Findings& findings) {
  const auto& seen = rehearsal.observed;
  if (!seen.root_needs.empty()) {
    findings.push_back(
        {failed(rehearsal) ? Severity::Blocks : Severity::Warns, "root", "It did what only root may do.",
         evidence_of(seen.root_needs),
         "Listen on a port above 1024, set owners while building (COPY --chown), and start as the user you "
         "need instead of changing to it (no gosu, su or sudo in the entrypoint)."});
  }
  if (!rehearsal.is_root) {
    findings.push_back(
        {Severity::Good, "user", format("It runs as {}, not as root.", printable(rehearsal.user)), {}, ""});
    return;
  }
  auto other = rehearsal.exit_as_ordinary_user;
  if (other == 0) {
    findings.push_back(
        {Severity::Hint,
         "user",
         "It runs as root, and works as an ordinary user just as well.",
         {},
         "Add USER 1000 (or any name) to the Dockerfile: some places refuse root, and it costs you nothing."});
  } else if (other) {
    findings.push_back(
        {Severity::Warns,
         "user",
         format("It runs as root, and fails as an ordinary user (exit code {}).", *other),
         {},
         "Places that refuse root cannot run it. Make what it writes belong to a USER, or write to /scratch."});
  }
}

void judge_rest(const Rehearsal& rehearsal, Findings& findings) {
  const auto& seen = rehearsal.observed;
  if (!seen.missing_gpu.empty()) {
    findings.push_back(
        {Severity::Hint, "gpu", "It looked for a graphics card and its driver, and this rehearsal has none.",
         evidence_of(seen.missing_gpu),
         "Run it with --gpu where there is one; bring CUDA 11.1 or later in the image, never the driver itself."});
  }
  if (!seen.refused_calls.empty()) {
    findings.push_back(
        {failed(rehearsal) ? Severity::Blocks : Severity::Hint, "system-calls", "It made system calls no job may make.",
         evidence_of(seen.refused_calls),
         "Containers inside the container, mounts, debuggers and kernel tracing are not available; switch them off."});
  }
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::Good:
      return "good";
    case Severity::Hint:
      return "hint";
    case Severity::Warns:
      return "warns";
    case Severity::Blocks:
      break;
  }
  return "blocks";
}

std::vector<RehearsalFinding> judge_rehearsal(const Rehearsal& rehearsal, const JobSpec& spec) {
  Findings findings;
  judge_ending(rehearsal, spec, findings);
  judge_network(rehearsal, findings);
  judge_input(rehearsal, findings);
  judge_data(rehearsal, findings);
  judge_files(rehearsal, findings);
  judge_memory(rehearsal, spec, findings);
  judge_root(rehearsal, findings);
  judge_rest(rehearsal, findings);
  Findings sorted;
  for (auto severity : {Severity::Blocks, Severity::Warns, Severity::Hint, Severity::Good}) {
    for (auto& finding : findings)
      if (finding.severity == severity) sorted.push_back(std::move(finding));
  }
  return sorted;
}

Result<Rehearsal> rehearse(const std::string& manifest_bytes, const BlobOpener& blobs, const JobSpec& spec,
                           const Options& options) {
  if (auto missing = missing_prerequisites(options); !missing.empty()) return unavailable(missing.front());
  TRY(sweep(options));
  Rehearsal rehearsal;
  std::vector<std::string> notes;
  auto image = TRY(prepare_image(manifest_bytes, blobs, options, notes));
  auto watch = TRY(Watch::start(spec.data_access));
  auto result = run_job(image, spec, options, &watch);
  rehearsal.observed = watch.finish();
  rehearsal.result = TRY(std::move(result));
  rehearsal.result.notes.insert(rehearsal.result.notes.begin(), notes.begin(), notes.end());
  rehearsal.user = spec.user ? *spec.user : image.config.user;
  auto name = rehearsal.user.substr(0, rehearsal.user.find(':'));
  rehearsal.is_root = name.empty() || name == "0" || name == "root";
  rehearsal.env = image.config.env;
  rehearsal.command = image.config.entrypoint;
  rehearsal.command.insert(rehearsal.command.end(), image.config.cmd.begin(), image.config.cmd.end());
  return rehearsal;
}

}  // namespace pratique::run
