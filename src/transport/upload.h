// A blob into a registry: POST, one PATCH with the bytes, PUT with the digest.
#pragma once

#include <functional>

#include "transport/session.h"

namespace pratique::transport {

// Reads `blob` to its verified end. Unavailable: may be tried again with a fresh stream. `advanced` hears of bytes
// sent.
Status upload(Session& session, const oci::RepositoryName& repository, const oci::Descriptor& descriptor,
              BlobStream& blob, const std::function<void(std::uint64_t)>& advanced);

}  // namespace pratique::transport
