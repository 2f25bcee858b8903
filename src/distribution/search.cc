// The two questions of the old registry protocol that clients still ask. docker: GET /v1/_ping, then /v1/search with
// Basic credentials when it is logged in. podman: /v1/search without any, and after a 401 /v2/_catalog with them.
#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "distribution/access.h"
#include "distribution/auth.h"
#include "distribution/errors.h"
#include "distribution/impl.h"

namespace pratique::distribution {

namespace {

// docker asks for 25 unless told otherwise, and for 100 at most.
constexpr std::size_t kShownDefault = 25;
constexpr std::size_t kShownMax = 100;
// Names looked at in one step; a step is one read of the database.
constexpr std::size_t kStep = 1'000;

http::Response ping() {
  // Says nothing that /v2/ does not; docker takes a registry without it for one it cannot search.
  auto response = http::Response::json(200, Json::object({{"standalone", true}}).dump());
  response.headers.set("X-Docker-Registry-Version", "0.6.0");
  response.headers.set("X-Docker-Registry-Standalone", "true");
  return response;
}

http::Response ask_for_password(const Error& error) {
  if (error.kind() != ErrorKind::Denied) return too_many_or_unavailable(error);
  auto response = problem(401, "UNAUTHORIZED", error.message());
  response.headers.set("WWW-Authenticate", format("Basic realm=\"{}\"", kTokenService));
  return response;
}

Json entry(const std::string& name) {
  return Json::object({{"name", name},
                       {"description", ""},
                       {"star_count", 0},
                       {"is_official", false},
                       {"is_automated", false},
                       {"is_trusted", false}});
}

// What the catalogue shows, as far as it holds the words.
Result<std::vector<std::string>> find_repositories(registry::Registry& registry, std::string_view words,
                                                   std::size_t count) {
  std::vector<std::string> found;
  std::optional<std::string> last;
  for (;;) {
    auto page = TRY(registry.repositories(last, kStep, {registry::Mode::Open, registry::Mode::Approved}));
    for (auto& name : page.names) {
      if (found.size() == count) return found;
      if (contains(name, words)) found.push_back(name);
    }
    if (!page.has_more || page.names.empty()) return found;
    last = std::move(page.names.back());
  }
}

}  // namespace

http::Response Distribution::Impl::answer_v1(http::Request& request) {
  const bool is_read = request.method == "GET" || request.method == "HEAD";
  if (is_read && request.path == "/v1/_ping") return ping();
  if (!is_read || request.path != "/v1/search") return problem(404, "UNSUPPORTED", "of /v1/ only the search is here");
  const auto who = authenticate(request);
  if (!who.ok()) return ask_for_password(who.error());
  if (auto allowed = may_reach(*who, Target{.endpoint = Endpoint::Catalog}, "GET"); !allowed.ok())
    return problem(allowed.error(), Subject::Repository);
  const std::string words = to_lower(request.parameter("q").value_or(""));
  const auto asked = parse_decimal(request.parameter("n").value_or("")).value_or(kShownDefault);
  const auto count = static_cast<std::size_t>(std::clamp<std::uint64_t>(asked, 1, kShownMax));
  const auto found = find_repositories(registry, words, count);
  if (!found.ok()) return problem(found.error(), Subject::Repository);
  Json results = Json::array();
  for (const auto& name : *found) results.push(entry(name));
  return http::Response::json(200, Json::object({{"query", words},
                                                 {"num_results", found->size()},
                                                 {"num_pages", 1},
                                                 {"page", 1},
                                                 {"page_size", count},
                                                 {"results", std::move(results)}})
                                       .dump());
}

}  // namespace pratique::distribution
