// The files in which docker, podman and pratique keep passwords for registries.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "transport/transport.h"

namespace pratique::transport {

// The entry for `host` ("host[:port]" or "host/namespace") in one file's text: the key with the longest front in
// common at a "/". Keys may be written as URLs, Docker Hub's is. nullopt when there is none or it holds no password.
std::optional<Credentials> find_credentials(std::string_view text, std::string_view host);
// The text of a file with one host's entry added or replaced; other content stays. Invalid if `text` is no such file.
Result<std::string> with_credentials(std::string_view text, std::string_view host, const Credentials& credentials);

}  // namespace pratique::transport
