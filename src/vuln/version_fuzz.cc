// Three versions from one input: what is accepted must order the same both ways round and through a third.
#include "vuln/version.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/text.h"

using namespace pratique;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto pieces = split({reinterpret_cast<const char*>(data), size}, '\n');
  if (pieces.size() < 3) return 0;
  for (auto scheme : {vuln::VersionScheme::Dpkg, vuln::VersionScheme::Apk, vuln::VersionScheme::Rpm}) {
    bool all = true;
    for (std::size_t i = 0; i < 3; ++i) all = all && vuln::is_version(scheme, pieces[i]);
    auto compare = [&](std::size_t i, std::size_t j) { return vuln::compare_versions(scheme, pieces[i], pieces[j]); };
    CHECK(compare(0, 1).ok() == (vuln::is_version(scheme, pieces[0]) && vuln::is_version(scheme, pieces[1])));
    if (!all) continue;
    CHECK(*compare(0, 0) == 0);
    CHECK((*compare(0, 1) < 0) == (*compare(1, 0) > 0));
    if (*compare(0, 1) <= 0 && *compare(1, 2) <= 0) CHECK(*compare(0, 2) <= 0);
  }
  return 0;
}
