// The changelog of a Debian source package: finding it in the package, and which CVEs it says are fixed since when.
// Private to advisory.
//
// A changelog is free text, deb-changelog(5): entries, newest first, each with a version. An entry that mentions a CVE
// is taken to fix it, and so is every version above it in the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pratique::advisory {

// Packages beyond this are left alone: of some 1,500 in the archives of two releases three are larger, which have whole
// translations inside.
inline constexpr std::uint64_t kSourcePackageBytesMax = 8 << 20;

// The text of debian/changelog in "x.debian.tar.xz", "x.tar.xz" (or .gz) or "x.diff.gz", told apart by the name.
// NotFound when there is none, Invalid for another packing, Corrupt for damage, Limit beyond what a package may unpack
// to.
Result<std::string> extract_changelog(std::string_view file_name, std::string_view packed);

struct NamedFix {
  std::string cve;
  std::string version;  // every version from here on has the fix
  std::string summary;  // what the entry says of it, on one line; may be empty
  bool operator==(const NamedFix&) const = default;
};

// The CVEs that the changelog of this very version names, by name, each once. Corrupt when its newest entry is of
// another package or version; Limit for more names than a changelog can honestly have.
Result<std::vector<NamedFix>> parse_changelog(std::string_view text, std::string_view package,
                                              std::string_view version);

}  // namespace pratique::advisory
