// What changelogs of one archive have said so far, as a text file: the cache of update() and a feed in its own right.
// Format: docs/formats/debian-changelogs.md. Private to advisory.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "advisory/changelog.h"
#include "base/clock.h"
#include "base/result.h"

namespace pratique::advisory {

struct ListedPackage {
  std::string name;
  std::string version;
  std::string sha256;           // of the file that holds the changelog: the same sum, the same changelog
  std::vector<NamedFix> fixes;  // empty for changelogs that name no CVE
  std::string without;          // why the changelog is not known; "" when it is
  Time asked;                   // when that was so; for `without` alone
};

struct ChangelogList {
  std::string stream;
  std::vector<ListedPackage> packages;
};

bool is_changelog_list(std::string_view text);
std::string encode_changelog_list(const ChangelogList& list);
// Corrupt when the file as a whole is no such list; lines of no use are told to `skip(line, reason)`.
using ListSkip = std::function<void(std::string_view, std::string_view)>;
Result<ChangelogList> parse_changelog_list(std::string_view text, const ListSkip& skip);

}  // namespace pratique::advisory
