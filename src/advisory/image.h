// The bytes of a database, read with every offset and count checked. Private to advisory.
//
// An Image borrows the bytes. Immutable, thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "advisory/advisory.h"
#include "advisory/layout.h"
#include "base/result.h"

namespace pratique::advisory {

class Image {
 public:
  // Corrupt for a damaged or truncated file and for another format version.
  static Result<Image> parse(std::string_view bytes, Database::Verify verify);

  const DatabaseInfo& info() const { return info_; }
  Result<std::vector<vuln::Advisory>> lookup(std::string_view stream, std::string_view package) const;
  Status for_each(const std::function<Status(const vuln::Advisory&)>& visit) const;

 private:
  Image() = default;
  Status place_sections(std::string_view bytes, const Header& header);
  std::size_t key_count() const { return keys_.size() / kKeyRowBytes; }
  KeyRow key(std::size_t index) const;
  Result<std::string_view> text(std::uint64_t id) const;
  // The row of that package; nullopt when there is none.
  Result<std::optional<KeyRow>> find(std::string_view stream, std::string_view package) const;
  Status read_records(const KeyRow& row, const std::function<Status(vuln::Advisory)>& visit) const;

  DatabaseInfo info_;
  std::string_view string_offsets_;
  std::string_view string_bytes_;
  std::string_view keys_;
  std::string_view records_;
};

}  // namespace pratique::advisory
