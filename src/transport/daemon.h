// Images that other programs keep: a docker daemon, podman's storage. Both are asked for an archive.
#pragma once

#include "transport/transport.h"

namespace pratique::transport {

// An answer of GET /images/get on $DOCKER_HOST or the given socket. NotFound when the daemon has no such image.
Result<std::unique_ptr<Image>> open_daemon(std::string_view reference, const OpenOptions& options);
// Runs podman, else skopeo. Unavailable when neither is installed.
Result<std::unique_ptr<Image>> open_containers_storage(std::string_view reference, const OpenOptions& options);

}  // namespace pratique::transport
