// Lists: tags, repositories, referrers. A list tells names, which are no image's bytes; in staging it would still tell
// what others are working on, so there it is closed.
#include <algorithm>

#include "base/encoding.h"
#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "distribution/access.h"
#include "distribution/errors.h"
#include "distribution/impl.h"

namespace pratique::distribution {

namespace {

Result<std::optional<std::size_t>> asked_count(const http::Request& request) {
  const auto text = request.parameter("n");
  if (!text) return std::optional<std::size_t>();
  const auto count = parse_decimal(*text);
  if (!count) return invalid(format("n must be a number, not \"{}\"", printable(*text)));
  return std::optional<std::size_t>(*count);
}

// RFC 8288. The rest of the list starts after `last`.
void link_next(http::Response& response, std::string_view path, const std::optional<std::size_t>& count,
               const registry::Page& page) {
  if (!page.has_more || page.names.empty()) return;
  const std::string n = count ? format("n={}&", *count) : "";
  response.headers.set("Link", format("<{}?{}last={}>; rel=\"next\"", path, n, percent_encode(page.names.back())));
}

Json names_of(const registry::Page& page) {
  Json names = Json::array();
  for (const auto& name : page.names) names.push(name);
  return names;
}

Json referrer_json(const oci::Descriptor& descriptor) {
  Json json = Json::object(
      {{"mediaType", descriptor.media_type}, {"digest", descriptor.digest.to_string()}, {"size", descriptor.size}});
  if (!descriptor.artifact_type.empty()) json.set("artifactType", descriptor.artifact_type);
  if (descriptor.annotations.empty()) return json;
  Json::Object annotations;
  for (const auto& [key, value] : descriptor.annotations) annotations.emplace_back(key, value);
  return json.set("annotations", Json::object(std::move(annotations)));
}

}  // namespace

http::Response Distribution::Impl::list_tags(Call& call) {
  if (reading_of(call.space) == Reading::Closed) {
    return problem(denied(closed_words(call.space, call.repository)), Subject::Repository);
  }
  const auto count = asked_count(call.request);
  if (!count.ok()) return problem(400, "UNSUPPORTED", count.error().message());
  const auto page = registry.tags(call.repository, call.request.parameter("last"), *count);
  if (!page.ok()) return problem(page.error(), Subject::Repository);
  auto response =
      http::Response::json(200, Json::object({{"name", call.repository.text()}, {"tags", names_of(*page)}}).dump());
  link_next(response, format("/v2/{}/tags/list", call.repository.text()), *count, *page);
  return response;
}

http::Response Distribution::Impl::list_repositories(http::Request& request) {
  const auto count = asked_count(request);
  if (!count.ok()) return problem(400, "UNSUPPORTED", count.error().message());
  // Staging is left out for everybody: repository names hold user names.
  const auto page =
      registry.repositories(request.parameter("last"), *count, {registry::Mode::Open, registry::Mode::Approved});
  if (!page.ok()) return problem(page.error(), Subject::Repository);
  auto response = http::Response::json(200, Json::object({{"repositories", names_of(*page)}}).dump());
  link_next(response, "/v2/_catalog", *count, *page);
  return response;
}

http::Response Distribution::Impl::list_referrers(Call& call) {
  if (reading_of(call.space) == Reading::Closed) {
    return problem(denied(closed_words(call.space, call.repository)), Subject::Repository);
  }
  const auto subject = oci::Digest::parse(call.last);
  if (!subject.ok()) return problem(subject.error(), Subject::Blob);
  // An empty filter is one too: what names no type.
  const auto type = call.request.parameter("artifactType");
  std::optional<oci::Digest> after;
  if (const auto last = call.request.parameter("last")) {
    auto digest = oci::Digest::parse(*last);
    if (!digest.ok()) return problem(digest.error(), Subject::Blob);
    after = std::move(*digest);
  }
  const auto page = registry.referrers(call.repository, *subject, type, after);
  if (!page.ok()) return problem(page.error(), Subject::Repository);
  Json manifests = Json::array();
  for (const auto& descriptor : page->descriptors) {
    // Annotations are a manifest's bytes too: in an approved repository only those of admitted manifests are shown.
    if (admit_manifest(call, descriptor.digest).ok()) manifests.push(referrer_json(descriptor));
  }
  auto response = http::Response::json(
      200, Json::object(
               {{"schemaVersion", 2}, {"mediaType", oci::media_type::kOciIndex}, {"manifests", std::move(manifests)}})
               .dump());
  response.headers.set("Content-Type", std::string(oci::media_type::kOciIndex));
  if (type) response.headers.set("OCI-Filters-Applied", "artifactType");
  if (page->has_more) {
    const std::string filter = type ? format("artifactType={}&", percent_encode(*type)) : "";
    response.headers.set(
        "Link", format("</v2/{}/referrers/{}?{}last={}>; rel=\"next\"", call.repository.text(), subject->to_string(),
                       filter, percent_encode(page->descriptors.back().digest.to_string())));
  }
  return response;
}

}  // namespace pratique::distribution
