// One job from prepared layers to its result. Below the admission check: start() is the only caller beside tests.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "oci/oci.h"
#include "run/run.h"

namespace pratique::run {

class Watch;

struct PreparedImage {
  oci::ImageConfig config;
  std::vector<std::string> layers;  // unpacked, lowest first
  std::vector<os::Fd> locks;        // keep the layers while the job runs
};

// Reads the configuration and unpacks the layers; what it left out is added to `notes`.
Result<PreparedImage> prepare_image(const std::string& manifest_bytes, const BlobOpener& blobs, const Options& options,
                                    std::vector<std::string>& notes);
// prepare_image and run_job with the times filled in.
Result<JobResult> run_image(const std::string& manifest_bytes, const BlobOpener& blobs, const JobSpec& spec,
                            const Options& options);
// With `watch`, the job's system calls are told to it.
Result<JobResult> run_job(const PreparedImage& image, const JobSpec& spec, const Options& options,
                          Watch* watch = nullptr);

}  // namespace pratique::run
