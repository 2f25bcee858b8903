#include <unistd.h>

#include <chrono>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"
#include "os/process.h"
#include "run/cgroup.h"
#include "run/helper_process.h"
#include "run/job.h"
#include "run/job_directory.h"
#include "run/layer_stream.h"
#include "run/layers.h"
#include "run/run.h"

namespace pratique::run {

namespace {

constexpr std::string_view kArchitecture =
#if defined(__aarch64__)
    "arm64";
#else
    "amd64";
#endif

Status check_platform(const oci::Platform& platform) {
  // Absent means unsaid; old builders left it out.
  bool os_fits = platform.os.empty() || platform.os == "linux";
  bool architecture_fits = platform.architecture.empty() || platform.architecture == kArchitecture;
  if (os_fits && architecture_fits) return {};
  return invalid(
      format("the image is for {}, this machine is linux/{}", printable(platform.to_string()), kArchitecture));
}

}  // namespace

Result<PreparedImage> prepare_image(const std::string& manifest_bytes, const BlobOpener& blobs, const Options& options,
                                    std::vector<std::string>& notes) {
  auto parsed = TRY(oci::parse_manifest(manifest_bytes, ""));
  const auto* manifest = std::get_if<oci::Manifest>(&parsed);
  if (!manifest) return invalid("the manifest is an index; a job runs one image of it");
  if (!manifest->is_image()) return invalid("the manifest is of an artifact, not of an image");
  auto blob = TRY(blobs(manifest->config));
  auto config =
      TRY(read_verified(blob, manifest->config, oci::kConfigBytesMax).with_context("reading the configuration"));
  PreparedImage image{.config = TRY(oci::parse_image_config(config)), .layers = {}, .locks = {}};
  TRY(check_platform(image.config.platform));
  auto unpacked = TRY(unpack_layers(options.directory, manifest->layers, image.config.diff_ids, blobs));
  image.layers = std::move(unpacked.directories);
  image.locks = std::move(unpacked.locks);
  notes.insert(notes.end(), unpacked.notes.begin(), unpacked.notes.end());
  return image;
}

Result<JobResult> run_image(const std::string& manifest_bytes, const BlobOpener& blobs, const JobSpec& spec,
                            const Options& options) {
  if (auto missing = missing_prerequisites(options); !missing.empty()) return unavailable(missing.front());
  TRY(sweep(options));
  auto started = std::chrono::steady_clock::now();
  auto since = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
  };
  std::vector<std::string> notes;
  auto image = TRY(prepare_image(manifest_bytes, blobs, options, notes));
  auto unpack = since();
  auto outcome = run_job(image, spec, options);
  image.locks.clear();
  if (!options.keep_image) {
    if (auto removed = remove_unused_layers(options.directory, image.layers); !removed.ok()) {
      notes.push_back(format("the image is not wholly removed: {}", removed.error().message()));
    }
  }
  auto result = TRY(std::move(outcome));
  result.unpack = unpack;
  result.total = since();
  result.notes.insert(result.notes.begin(), notes.begin(), notes.end());
  return result;
}

Result<JobResult> start(const gate::AdmittedImage& image, const std::string& manifest_bytes, const BlobOpener& blobs,
                        const JobSpec& spec, const Options& options) {
  DigestCheck check(image.digest());
  check.update(as_bytes(manifest_bytes));
  if (auto matches = check.finish("the manifest"); !matches.ok()) {
    return denied(format("this is not the admitted image: {}", matches.error().message()));
  }
  return run_image(manifest_bytes, blobs, spec, options);
}

Status sweep(const Options& options) {
  // Processes first: what they hold open or mounted cannot be removed.
  sweep_cgroups();
  Status jobs = sweep_jobs(options);
  TRY(sweep_layers(options.directory));
  return jobs;
}

std::vector<std::string> missing_prerequisites(const Options& options) {
  std::vector<std::string> missing;
  if (::geteuid() != 0) missing.emplace_back("running jobs needs root in this version");
  if (!os::find_program(options.runtime)) {
    missing.push_back(format("there is no program {}: install the package crun or runc", options.runtime));
  }
  auto filesystems = os::read_file("/proc/filesystems", 1 << 16);
  bool has_overlay = filesystems && contains(*filesystems, "\toverlay\n");
  if (!has_overlay) missing.emplace_back("the kernel has no overlay file system: load it with modprobe overlay");
  if (auto allowed = check_user_namespaces(); !allowed.ok()) {
    missing.push_back(
        format("{}: user namespaces are not allowed here; leave the chroot if this is one, or raise "
               "user.max_user_namespaces with sysctl",
               allowed.error().message()));
  }
  return missing;
}

}  // namespace pratique::run
