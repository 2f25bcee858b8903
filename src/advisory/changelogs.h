// Source packages of a security archive, fetched for their changelogs. Private to advisory.
//
// The cache holds <feed>.changelogs for the archive <feed>: what the changelogs said, and of which packages there is
// none to be had. A package is known by the SHA-256 that the index gives for it and fetched once. The file is written
// every few dozen packages, so that an interrupted update goes on where it stopped.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "advisory/advisory.h"
#include "http/http.h"

namespace pratique::advisory {

std::string changelogs_name(const Feed& archive);       // "debian-archive-bookworm.changelogs"
std::string archive_name(std::string_view changelogs);  // back again, of a name or a path

struct ChangelogsRequest {
  const Feed& archive;
  const UpdateOptions& options;
  Time now;
  ProgressCallback progress;  // may be called from several threads, one at a time
};

// Adds to the report. Whatever a package lacks is reported and no error; errors are those of the cache.
Status update_changelogs(const ChangelogsRequest& request, http::Client& client, ChangelogReport& report);

}  // namespace pratique::advisory
