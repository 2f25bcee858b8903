// Package databases: the first byte chooses the extractor, the rest is the file.
#include <cstdint>

#include "base/check.h"
#include "base/text.h"
#include "scan/extractors/extractors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  using namespace pratique::scan;
  constexpr std::string_view kPaths[] = {"var/lib/dpkg/status", "var/lib/dpkg/status.d/x", "lib/apk/db/installed",
                                         "etc/os-release",      "etc/alpine-release",      "etc/debian_version",
                                         "app/main.py",         "app/report.qmd"};
  if (size == 0) return 0;
  auto path = kPaths[data[0] % std::size(kPaths)];
  Extract out;
  extractor_for(path)->extract(path, {reinterpret_cast<const char*>(data) + 1, size - 1}, out);
  CHECK(out.gaps.size() <= kGapsPerFileMax + 1);
  CHECK(out.notes.size() <= kNotesPerFileMax);
  for (const auto& note : out.notes) CHECK(note.line >= 1 && is_utf8(note.text));
  for (const auto& package : out.packages) {
    CHECK(!package.name.empty() && !package.version.empty());
    CHECK(is_utf8(package.name) && is_utf8(package.source_name) && is_utf8(package.maintainer));
    bool is_sound = vuln::is_version(vuln::version_scheme(package.kind), package.version);
    CHECK(is_sound || !out.gaps.empty(), "a version nobody can compare, and no word of it");
  }
  return 0;
}
