// A blob out of a registry as a stream; a broken transfer goes on where it broke, if the registry can.
#pragma once

#include <memory>
#include <string>

#include "transport/session.h"

namespace pratique::transport {

// Unverified bytes. The session is shared with the stream's own thread, which may outlive the client that made it.
Result<std::unique_ptr<BlobStream>> download(std::shared_ptr<Session> session, const oci::RepositoryName& repository,
                                             const oci::Descriptor& descriptor);

// As RegistryClient::read_range.
Status download_range(const std::shared_ptr<Session>& session, const oci::RepositoryName& repository,
                      const oci::Descriptor& descriptor, std::uint64_t offset, std::uint64_t length,
                      const std::function<Status(Bytes)>& sink);

}  // namespace pratique::transport
