// OCI image layouts (image-spec image-layout.md), in a directory or in an archive.
#pragma once

#include <memory>
#include <string>

#include "transport/stored_image.h"
#include "transport/tree.h"

namespace pratique::transport {

inline constexpr const char* kLayoutFile = "oci-layout";
inline constexpr const char* kIndexFile = "index.json";

// The image `name` of a layout: the ref.name annotation, a full reference where one is written, or a digest. "" takes
// the only one there is. NotFound names what there is instead.
Result<std::unique_ptr<Image>> open_layout(std::unique_ptr<Tree> tree, std::string_view name,
                                           const oci::Platform& platform);

// The entry of an index that bears a name, as described above; for one that is to be resolved by platform, nullopt.
Result<std::optional<oci::Descriptor>> find_named(const oci::Index& index, std::string_view name);

// "blobs/sha256/…"
std::string blob_path(const oci::Digest& digest);
// Reads blobs/ALGORITHM/HEX of a tree.
std::unique_ptr<BlobSource> layout_blobs(std::unique_ptr<Tree> tree);

}  // namespace pratique::transport
