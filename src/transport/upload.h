// A blob into a registry: POST, one PATCH with the bytes, PUT with the digest.
#pragma once

#include <functional>

#include "transport/session.h"

namespace pratique::transport {

struct UploadSource {
  RegistryClient::BlobOpener open;
  int attempts_max;  // how often it may be called
};

// Reads the blob to its verified end. After Unavailable it asks the registry how far it came and goes on from there.
// `advanced` hears of bytes sent for the first time.
Status upload(Session& session, const oci::RepositoryName& repository, const oci::Descriptor& descriptor,
              const UploadSource& source, const std::function<void(std::uint64_t)>& advanced);

// How many bytes an upload status ("0-99") says are there; nullopt where it cannot be known: "0-0" is written for one
// byte and for none.
std::optional<std::uint64_t> parse_upload_range(std::string_view range);

}  // namespace pratique::transport
