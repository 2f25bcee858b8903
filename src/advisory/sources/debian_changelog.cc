// What the changelogs of a Debian archive say, gathered by update(): docs/formats/debian-changelogs.md.
//
// A changelog is free text and a mention is not always a fix, so every other source's word counts before this one's.
// Its worth is to put names to what the archive's index tells without any.
#include "advisory/changelog_list.h"
#include "advisory/debian_releases.h"
#include "advisory/feed_file.h"
#include "advisory/sources/source.h"
#include "base/format.h"

namespace pratique::advisory {

Status import_debian_changelog(const BuildInput& input, Collector& collector) {
  std::string text = TRY(read_feed(input.path, collector));
  auto list = TRY(parse_changelog_list(text, [&](auto line, auto reason) { collector.skip(line, reason); }));
  if (debian_codename(list.stream).empty()) return invalid("the list of changelogs is of no known Debian release");
  for (const auto& package : list.packages) {
    if (!package.without.empty()) continue;
    collector.record(input.as_of);
    for (const auto& fix : package.fixes) {
      vuln::Advisory advisory{
          .id = fix.cve, .stream = list.stream, .package = package.name, .status = vuln::AdvisoryStatus::Fixed};
      advisory.ranges.push_back({.fixed = fix.version});
      advisory.source = "debian-changelog";
      advisory.summary = fix.summary.empty() ? format("named by the changelog of {}", fix.version) : fix.summary;
      advisory.url = "https://security-tracker.debian.org/tracker/" + fix.cve;
      TRY(collector.add(std::move(advisory)));
    }
  }
  return {};
}

bool recognises_debian_changelog(std::string_view, std::string_view head) {
  return is_changelog_list(head);
}

}  // namespace pratique::advisory
