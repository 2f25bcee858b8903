// Archives of `docker save`.
#pragma once

#include <memory>
#include <string>

#include "transport/stored_image.h"
#include "transport/tree.h"

namespace pratique::transport {

inline constexpr const char* kDockerManifestFile = "manifest.json";

// The image `name` of an archive. Where docker wrote an OCI layout beside manifest.json, that is what is read; for
// older archives a manifest is made: every layer is hashed once, a plain one compared with the config's diff_ids.
Result<std::unique_ptr<Image>> open_docker_tree(std::unique_ptr<Tree> tree, std::string_view name,
                                                const oci::Platform& platform);

}  // namespace pratique::transport
