#include "advisory/collector.h"

#include <algorithm>

#include "advisory/ids.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::advisory {

namespace {

constexpr std::size_t kProblemsMax = 100;
constexpr std::size_t kSummaryBytesMax = 240;
constexpr std::size_t kUrlBytesMax = 500;
constexpr std::size_t kNameBytesMax = 250;  // the longest source package name in Debian has 70
constexpr Duration kClockTolerance = hours(24);

// Names and streams are keys and stand in reports: no blanks, nothing a terminal would act on.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != 0x7F;
  }) && is_utf8(text);
}

}  // namespace

Collector::Collector(Writer* writer, SourceKind kind, std::string origin, Time now) : writer_(writer), now_(now) {
  info_.kind = kind;
  info_.origin = std::move(origin);
}

void Collector::record(std::optional<Time> dated) {
  ++info_.records;
  if (dated && *dated <= now_ + kClockTolerance) info_.newest = std::max(info_.newest, *dated);
}

void Collector::skip(std::string_view what, std::string_view why) {
  ++skipped_;
  if (problems_.size() < kProblemsMax)
    problems_.push_back(format("{}: {}: {}", info_.origin, printable(what, 100), why));
}

Status Collector::add(vuln::Advisory advisory) {
  if (!is_id(advisory.id) || !is_name(advisory.stream) || !is_name(advisory.package)) {
    skip(advisory.id.empty() ? advisory.package : advisory.id, "no usable id, stream or package");
    return {};
  }
  std::erase_if(advisory.aliases, [](const auto& alias) { return !is_id(alias); });
  advisory.summary = one_line(advisory.summary);
  if (advisory.url.size() > kUrlBytesMax || !advisory.url.starts_with("http")) advisory.url.clear();
  ++advisories_;
  if (writer_ == nullptr) return {};
  return writer_->add(advisory);
}

void Collector::mark_exploited(std::string_view id) {
  if (writer_ != nullptr) writer_->mark_exploited(id);
}

void Collector::progress(std::uint64_t done, std::uint64_t total) const {
  if (progress_ != nullptr && *progress_) (*progress_)({info_.origin, done, total, "records"});
}

SourceInfo Collector::info() const {
  SourceInfo info = info_;
  info.sha256 = to_hex(sum_.sum());
  return info;
}

std::string one_line(std::string_view text) {
  std::string line;
  bool after_blank = true;
  for (char c : text) {
    bool is_blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (is_blank && after_blank) continue;
    line.push_back(is_blank ? ' ' : c);
    after_blank = is_blank;
    if (line.size() > 4 * kSummaryBytesMax) break;
  }
  return printable(trim(line), kSummaryBytesMax);
}

}  // namespace pratique::advisory
