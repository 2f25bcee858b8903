// A source package and its changelog from hostile bytes: bounded, and every name that comes out is one.
#include <cstddef>
#include <cstdint>

#include "advisory/changelog.h"
#include "advisory/changelog_list.h"
#include "advisory/ids.h"
#include "base/check.h"
#include "vuln/vuln.h"

using namespace pratique;
using namespace pratique::advisory;

namespace {

// What is read must survive being written into a list.
void check_fixes(std::string_view text) {
  auto fixes = parse_changelog(text, "a", "1.2");
  if (!fixes.ok()) return;
  std::string_view last;
  for (const auto& fix : *fixes) {
    CHECK(is_cve(fix.cve) && last < fix.cve && vuln::is_version(vuln::VersionScheme::Dpkg, fix.version));
    auto order = vuln::compare_versions(vuln::VersionScheme::Dpkg, fix.version, "1.2");
    CHECK(order.ok() && *order <= 0);
    last = fix.cve;
  }
  ListedPackage package{"a", "1.2", std::string(64, 'a'), *fixes, "", {}};
  auto list = parse_changelog_list(encode_changelog_list({"debian:12", {package}}), [](auto, auto) { CHECK(false); });
  CHECK(list.ok() && list->packages.size() == 1 && list->packages[0].fixes == *fixes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kNames[] = {"a.debian.tar.xz", "a.tar.xz", "a.debian.tar.gz", "a.diff.gz"};
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_fixes(bytes);
  std::string text = "a (1.2) x; y\n";
  text += bytes;
  check_fixes(text);
  if (bytes.empty()) return 0;
  auto changelog = extract_changelog(kNames[data[0] % std::size(kNames)], bytes.substr(1));
  if (changelog.ok()) CHECK(changelog->size() <= 16 << 20);
  return 0;
}
