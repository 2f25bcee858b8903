// Which endpoint a path names. Private to the module; pure.
#pragma once

#include <optional>
#include <string_view>

namespace pratique::distribution {

enum class Endpoint { Base, Token, Catalog, Blob, StartUpload, Upload, Manifest, Tags, Referrers };

struct Target {
  Endpoint endpoint = Endpoint::Base;
  std::string_view repository;  // as sent; "" where the endpoint has none
  std::string_view last;        // digest, tag or upload id
  bool operator==(const Target&) const = default;
};

// A decoded path. A repository may itself hold "blobs" or "tags", so the path is read from its end. nullopt: none of
// ours.
std::optional<Target> parse_target(std::string_view path);

}  // namespace pratique::distribution
