// One feed format a file, and the table that lists them. Private to advisory.
//
// An importer reads BuildInput::path into the collector. It fails only when the file as a whole is no such feed;
// a record it cannot use is skipped with a reason.
#pragma once

#include <string_view>

#include "advisory/advisory.h"
#include "advisory/collector.h"

namespace pratique::advisory {

struct Source {
  SourceKind kind;
  Status (*import)(const BuildInput& input, Collector& collector);
  // Whether a file that begins like this is such a feed. Asked in the order of the table.
  bool (*recognises)(std::string_view path, std::string_view head);
  // The stream that the path tells, for feeds that do not say; "" when it does not.
  std::string (*stream_of_path)(std::string_view path);
};

// nullptr for Starter, which has no file.
const Source* source_of(SourceKind kind);
// The first row of the table that recognises the file; nullptr when none does.
const Source* recognise_source(std::string_view path, std::string_view head);

Status import_osv(const BuildInput& input, Collector& collector);
bool recognises_osv(std::string_view path, std::string_view head);
// Advisories for "Debian:12" stand in the stream "debian:12".
std::string stream_of_osv_ecosystem(std::string_view ecosystem);

Status import_debian_tracker(const BuildInput& input, Collector& collector);
bool recognises_debian_tracker(std::string_view path, std::string_view head);
// What Debian's urgency says of severity: "unimportant" is negligible, "not yet assigned" unknown.
vuln::Severity severity_of_debian_urgency(std::string_view urgency);

Status import_debian_list(const BuildInput& input, Collector& collector);
bool recognises_debian_list(std::string_view path, std::string_view head);

Status import_debian_archive(const BuildInput& input, Collector& collector);
bool recognises_debian_archive(std::string_view path, std::string_view head);
std::string stream_of_archive_path(std::string_view path);

Status import_debian_changelog(const BuildInput& input, Collector& collector);
bool recognises_debian_changelog(std::string_view path, std::string_view head);

Status import_alpine_secdb(const BuildInput& input, Collector& collector);
bool recognises_alpine_secdb(std::string_view path, std::string_view head);

Status import_known_exploited(const BuildInput& input, Collector& collector);
bool recognises_known_exploited(std::string_view path, std::string_view head);

}  // namespace pratique::advisory
