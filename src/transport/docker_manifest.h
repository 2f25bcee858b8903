// manifest.json of `docker save`: which config and which layer files make up each image of the archive.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace pratique::transport {

struct DockerArchiveEntry {
  std::string config;                  // member names
  std::vector<std::string> layers;     // lowest first
  std::vector<std::string> repo_tags;  // "alpine:3.10"
};

// Invalid for anything malformed, for no image at all, and for names that leave the archive; Limit for too many.
Result<std::vector<DockerArchiveEntry>> parse_docker_manifest(std::string_view text);
// The entry `name` means: a reference, "@2" for the third, "" for the only one. NotFound names what there is.
Result<DockerArchiveEntry> choose_entry(const std::vector<DockerArchiveEntry>& entries, std::string_view name);

}  // namespace pratique::transport
