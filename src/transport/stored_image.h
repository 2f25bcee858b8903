// One image out of a place that holds blobs by digest: what every transport ends in.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "transport/transport.h"

namespace pratique::transport {

// Unverified bytes by descriptor; used from several threads.
class BlobSource {
 public:
  virtual ~BlobSource() = default;
  virtual Result<std::unique_ptr<BlobStream>> open(const oci::Descriptor& descriptor) const = 0;
  // As Image::read_range.
  virtual Status read_range(const oci::Descriptor& descriptor, std::uint64_t offset, std::uint64_t length,
                            const std::function<Status(Bytes)>& sink) const;
};

struct ManifestDocument {
  std::string bytes;
  std::string type;
  oci::Manifest manifest;
};

// Follows indexes down to the image manifest for a platform. NotFound names the platforms there are; Corrupt for bytes
// that do not match the descriptor they were fetched by.
Result<ManifestDocument> resolve(std::string bytes, std::string_view content_type, const oci::Platform& platform,
                                 const BlobSource& source);
// Starts at a descriptor instead of bytes.
Result<ManifestDocument> resolve(const oci::Descriptor& descriptor, const oci::Platform& platform,
                                 const BlobSource& source);
// The child of an index that is meant for a platform: exact variant first, then none. Attestations are never chosen.
Result<oci::Descriptor> choose_child(const std::vector<oci::Descriptor>& children, const oci::Platform& platform);

// The blobs of an image once each, config last: a registry that sees the config has seen the layers.
std::vector<oci::Descriptor> blobs_of(const Image& image);

std::unique_ptr<Image> make_image(ManifestDocument document, std::unique_ptr<BlobSource> source);

// An OCI manifest for what has none (archives of `docker save`, directories); its members in the usual order.
Result<ManifestDocument> synthesise_manifest(const oci::Descriptor& config, const std::vector<oci::Descriptor>& layers);

}  // namespace pratique::transport
