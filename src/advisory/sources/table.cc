#include "advisory/sources/source.h"

namespace pratique::advisory {

namespace {

std::string says_itself(std::string_view) {
  return "";
}

// The most telling formats first: a tracker file mentions words that others have too.
constexpr Source kSources[] = {
    {SourceKind::KnownExploited, import_known_exploited, recognises_known_exploited, says_itself},
    {SourceKind::AlpineSecdb, import_alpine_secdb, recognises_alpine_secdb, says_itself},
    {SourceKind::DebianSecurityList, import_debian_list, recognises_debian_list, says_itself},
    {SourceKind::DebianSecurityArchive, import_debian_archive, recognises_debian_archive, stream_of_archive_path},
    {SourceKind::DebianChangelog, import_debian_changelog, recognises_debian_changelog, says_itself},
    {SourceKind::DebianTracker, import_debian_tracker, recognises_debian_tracker, says_itself},
    {SourceKind::Osv, import_osv, recognises_osv, says_itself},
};

}  // namespace

const Source* source_of(SourceKind kind) {
  for (const auto& source : kSources)
    if (source.kind == kind) return &source;
  return nullptr;
}

const Source* recognise_source(std::string_view path, std::string_view head) {
  for (const auto& source : kSources)
    if (source.recognises(path, head)) return &source;
  return nullptr;
}

}  // namespace pratique::advisory
