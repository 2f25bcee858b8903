// The index of a Debian archive, Sources or Packages: source packages, their newest versions, their files. Private to
// advisory.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace pratique::advisory {

struct ArchiveFile {
  std::string_view name;
  std::string_view sha256;  // as written; the reader has not checked that it is one
  std::uint64_t bytes = 0;
};

// Texts point into the index that was read. A Packages index names neither directory nor files.
struct ArchivePackage {
  std::string_view name;
  std::string_view version;
  std::string_view directory;
  std::vector<ArchiveFile> files;
};

// Each source package once, with the newest of its versions, by name. `skip(name, reason)` hears of stanzas without a
// usable version.
using ArchiveSkip = std::function<void(std::string_view, std::string_view)>;
std::vector<ArchivePackage> read_archive_index(std::string_view text, const ArchiveSkip& skip);

}  // namespace pratique::advisory
