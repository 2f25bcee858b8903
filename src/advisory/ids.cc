#include "advisory/ids.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace pratique::advisory {

namespace {

constexpr std::size_t kIdBytesMax = 100;

constexpr std::string_view kBundlePrefixes[] = {
    "DSA-",  "DLA-",  "DTSA-",    "USN-",  "ALSA-",  "ALBA-",        "ALEA-",   "RHSA-",           "RLSA-",
    "ELSA-", "RXSA-", "SUSE-SU-", "ALAS-", "ALAS2-", "openSUSE-SU-", "FEDORA-", "DEBIAN-SECURITY-"};

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_cve(std::string_view id) {
  return id.size() >= 13 && id.size() <= 24 && id.starts_with("CVE-") && all_digits(id.substr(4, 4)) && id[8] == '-' &&
         all_digits(id.substr(9));
}

bool is_id(std::string_view id) {
  auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-_.:+~").find(c) != std::string_view::npos;
  };
  return !id.empty() && id.size() <= kIdBytesMax && std::all_of(id.begin(), id.end(), allowed);
}

bool is_bundle(std::string_view id) {
  return std::any_of(std::begin(kBundlePrefixes), std::end(kBundlePrefixes),
                     [&](std::string_view prefix) { return id.starts_with(prefix); });
}

bool is_archive_floor(std::string_view id) {
  return id.starts_with("DEBIAN-SECURITY-");
}

Names lead_with_cve(std::vector<std::string> names) {
  CHECK(!names.empty());
  Names result;
  result.id = names.front();
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (!is_cve(result.id)) {
    auto cve = std::find_if(names.begin(), names.end(), [](const auto& name) { return is_cve(name); });
    if (cve != names.end()) result.id = *cve;
  }
  std::erase(names, result.id);
  result.aliases = std::move(names);
  return result;
}

}  // namespace pratique::advisory
