// A root file system on disk as an image of one layer.
#pragma once

#include <memory>
#include <string>

#include "transport/stored_image.h"

namespace pratique::transport {

// Walks `path` on its own file system only (so /proc and mounts stay out) and writes one plain tar layer to an unnamed
// temporary file. Symlinks are stored, never followed; sockets are left out, as tar does. Denied or Unavailable with
// the name of the first file that cannot be read: a scan of a part would look like a scan of the whole.
Result<std::unique_ptr<Image>> open_directory(const std::string& path, const oci::Platform& platform);

}  // namespace pratique::transport
