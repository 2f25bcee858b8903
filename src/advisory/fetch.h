// One feed over HTTP into the cache: conditional, resumable, its last good copy kept. Private to advisory.
//
// Files of a feed <name> in the cache:
//   <name>             the last copy that was complete and read as a feed
//   <name>.json        where it came from: validators, size, sha256, the publisher's date
//   <name>.part        what an interrupted transfer left
//   <name>.part.json   the validator that this part belongs to
// A part is continued only under a validator (ETag or Last-Modified) that the server still names; otherwise it is
// discarded, because joining two versions of a file makes a third that nobody published.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "advisory/advisory.h"
#include "http/http.h"

namespace pratique::advisory {

enum class FetchOutcome { Fetched, Unchanged };

struct FetchRequest {
  std::string url;
  std::string path;  // of the cached copy
  Time now;          // noted as when the publisher confirmed the copy
  // Whether the file at that path is what it should be; an error leaves the last good copy in place.
  std::function<Status(const std::string& path)> check;
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

// Errors: Unavailable (no answer), NotFound, Denied or Conflict (a status other than success), Limit (larger than a
// feed may be), Corrupt (other length than announced), and what `check` says.
Result<FetchOutcome> fetch(const FetchRequest& request, http::Client& client);

// The date of the cached copy: when the publisher last changed it; where the server does not say, when it was last the
// publisher's current one.
std::optional<Time> cached_as_of(const std::string& path);

// "Fri, 20 Nov 2026 15:38:00 GMT", as Last-Modified has it.
std::optional<Time> parse_http_date(std::string_view text);

}  // namespace pratique::advisory
