// Unpacked layers, one directory a diffID, shared read-only by every job: <directory>/layers/<algorithm>-<hex>.
//
// A directory is there whole and verified or not at all: unpacked under a name of its own, synced, then renamed.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "oci/oci.h"
#include "run/run.h"

namespace pratique::run {

struct UnpackedLayers {
  std::vector<std::string> directories;  // absolute, lowest layer first
  std::vector<os::Fd> locks;             // while these are held, nobody removes them
  std::vector<std::string> notes;
};

// Unpacks what is missing. Corrupt when bytes are not what descriptor or configuration name.
Result<UnpackedLayers> unpack_layers(const std::string& directory, const std::vector<oci::Descriptor>& layers,
                                     const std::vector<oci::Digest>& diff_ids, const BlobOpener& blobs);
// Removes those of `layers` that no run holds any more.
Status remove_unused_layers(const std::string& directory, const std::vector<std::string>& layers);
// Removes what interrupted unpacking left.
Status sweep_layers(const std::string& directory);

}  // namespace pratique::run
