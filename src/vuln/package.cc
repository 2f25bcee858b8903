#include <tuple>

#include "base/check.h"
#include "base/encoding.h"
#include "base/text.h"
#include "vuln/vuln.h"

namespace pratique::vuln {

namespace {

struct KindRow {
  PackageKind kind;
  std::string_view purl_type;
  VersionScheme scheme;
};
constexpr KindRow kKinds[] = {
    {PackageKind::Deb, "deb", VersionScheme::Dpkg},
    {PackageKind::Apk, "apk", VersionScheme::Apk},
    {PackageKind::Rpm, "rpm", VersionScheme::Rpm},
};

const KindRow& row(PackageKind kind) {
  for (const auto& candidate : kKinds)
    if (candidate.kind == kind) return candidate;
  CHECK(false, "a package kind without a row");
  __builtin_unreachable();
}

// The purl specification forbids encoding the colon, which RFC 3986 would.
std::string purl_encode(std::string_view text) {
  return replace_all(percent_encode(text), "%3A", ":");
}

// In an rpm purl the epoch is a qualifier and no part of the version.
std::pair<std::string_view, std::string_view> split_epoch(std::string_view version) {
  auto parts = cut(version, ":");
  if (!parts) return {"", version};
  return *parts;
}

}  // namespace

std::string_view purl_type(PackageKind kind) {
  return row(kind).purl_type;
}

std::optional<PackageKind> package_kind(std::string_view purl_type) {
  for (const auto& candidate : kKinds)
    if (candidate.purl_type == purl_type) return candidate.kind;
  return std::nullopt;
}

VersionScheme version_scheme(PackageKind kind) {
  return row(kind).scheme;
}

std::string Package::purl(const Distribution& distribution) const {
  std::string_view epoch;
  std::string_view bare_version = version;
  if (kind == PackageKind::Rpm) std::tie(epoch, bare_version) = split_epoch(version);

  std::string purl = "pkg:" + std::string(purl_type(kind)) + "/";
  if (!distribution.id.empty()) purl += purl_encode(to_lower(distribution.id)) + "/";
  purl += purl_encode(kind == PackageKind::Rpm ? name : to_lower(name));
  if (!bare_version.empty()) purl += "@" + purl_encode(bare_version);

  // Qualifiers stand in the order of their keys.
  std::vector<std::string> qualifiers;
  if (!architecture.empty()) qualifiers.push_back("arch=" + purl_encode(architecture));
  if (!distribution.id.empty()) {
    std::string distro = to_lower(distribution.id);
    if (!distribution.version_id.empty()) distro += "-" + distribution.version_id;
    qualifiers.push_back("distro=" + purl_encode(distro));
  }
  if (!epoch.empty()) qualifiers.push_back("epoch=" + purl_encode(epoch));
  if (!qualifiers.empty()) purl += "?" + join(qualifiers, "&");
  return purl;
}

}  // namespace pratique::vuln
