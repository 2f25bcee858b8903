// The index of a Debian security archive (Sources or Packages of <codename>-security): which version of each source
// package stands there. An installed version below it lacks at least one security update.
//
// The index gives no reasons; the finding is of unknown severity until the package's changelog or another source names
// the vulnerabilities that this version fixes (match.cc joins them).
#include "advisory/debian_releases.h"
#include "advisory/feed_file.h"
#include "advisory/sources/archive_index.h"
#include "advisory/sources/source.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::advisory {

Status import_debian_archive(const BuildInput& input, Collector& collector) {
  std::string stream = input.stream.empty() ? stream_of_archive_path(input.path) : input.stream;
  if (debian_codename(stream).empty()) return invalid("which Debian release the index belongs to is not given");
  std::string text = TRY(read_feed(input.path, collector));
  auto packages = read_archive_index(text, [&](auto name, auto reason) { collector.skip(name, reason); });
  if (packages.empty()) return invalid("the index lists no package");
  for (const auto& package : packages) {
    std::string_view name = package.name;
    std::string_view version = package.version;
    collector.record(input.as_of);
    vuln::Advisory advisory{.id = format("DEBIAN-SECURITY-{}-{}", name, version),
                            .stream = stream,
                            .package = std::string(name),
                            .status = vuln::AdvisoryStatus::Fixed};
    advisory.ranges.push_back({.fixed = std::string(version)});
    advisory.source = "debian-security-archive";
    advisory.summary = format("older than {} in Debian's security archive", version);
    advisory.url = format("https://security-tracker.debian.org/tracker/source-package/{}", name);
    TRY(collector.add(std::move(advisory)));
  }
  return {};
}

bool recognises_debian_archive(std::string_view path, std::string_view head) {
  // The index of the main archive has the same form and says nothing about security.
  bool is_index = head.starts_with("Package: ") && contains(head, "\nVersion: ");
  return is_index && !stream_of_archive_path(path).empty();
}

std::string stream_of_archive_path(std::string_view path) {
  for (int number = 8; number <= 14; ++number) {
    std::string stream = format("debian:{}", number);
    std::string_view codename = debian_codename(stream);
    if (contains(path, format("{}-security", codename)) || contains(path, format("debian-archive-{}", codename)))
      return stream;
  }
  return "";
}

}  // namespace pratique::advisory
