#include "scan/extractors/extractors.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"

namespace pratique::scan {

namespace {

// os-release(5) says which of the first two wins; the others speak only where both are missing.
constexpr std::string_view kOsReleaseLocations[] = {"etc/os-release", "usr/lib/os-release", "etc/alpine-release",
                                                    "etc/debian_version"};
constexpr std::string_view kDpkgLocations[] = {"var/lib/dpkg/status", "var/lib/dpkg/status.d/"};
constexpr std::string_view kApkLocations[] = {"lib/apk/db/installed", "usr/lib/apk/db/installed"};

// A program somebody wrote has some KiB; what is larger was generated.
constexpr std::uint64_t kSourceBytesMax = 1 << 20;
constexpr std::uint64_t kSourcesBytesMax = 64 << 20;

constexpr Extractor kExtractors[] = {
    {"os-release", 1, wants_os_release, extract_os_release, kOsReleaseLocations},
    {"dpkg", 1, wants_dpkg, extract_dpkg, kDpkgLocations},
    {"apk", 1, wants_apk, extract_apk, kApkLocations},
    {"sources", 1, wants_sources, extract_sources, {}, kSourceBytesMax, kSourcesBytesMax},
};

}  // namespace

std::span<const Extractor> extractors() {
  return kExtractors;
}

const Extractor* extractor_for(std::string_view path) {
  for (const auto& extractor : kExtractors)
    if (extractor.wants(path)) return &extractor;
  return nullptr;
}

const Extractor* extractor_named(std::string_view name) {
  for (const auto& extractor : kExtractors)
    if (extractor.name == name) return &extractor;
  return nullptr;
}

std::string extractors_fingerprint() {
  std::string text;
  for (const auto& extractor : kExtractors) text += format("{}/{} ", extractor.name, extractor.version);
  text.pop_back();
  return text;
}

void BrokenPlaces::add(std::size_t line, std::string reason) {
  if (++count_ > kGapsPerFileMax) return;
  out_.gaps.push_back({"bad-database", format("{} line {}", printable(path_), line), std::move(reason)});
}

BrokenPlaces::~BrokenPlaces() {
  if (count_ <= kGapsPerFileMax) return;
  auto more = count_ - kGapsPerFileMax;
  out_.gaps.push_back({"bad-database", printable(path_), format("{} more broken places in this file", more)});
}

std::string clean_field(std::string_view text) {
  return printable(trim(text), kFieldBytesMax);
}

bool is_plain_word(std::string_view text) {
  return !text.empty() && text.size() <= kFieldBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

bool Lines::next(std::string_view& line) {
  if (rest_.empty()) return false;
  auto end = rest_.find('\n');
  line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  ++number_;
  return true;
}

}  // namespace pratique::scan
