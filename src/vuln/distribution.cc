#include "base/format.h"
#include "base/text.h"
#include "vuln/vuln.h"

namespace pratique::vuln {

namespace {

// os-release files are below 1 KB; this leaves room for vendors without letting a hostile one cost anything.
constexpr std::size_t kOsReleaseBytesMax = 64 << 10;

// Debian's testing has no VERSION_ID; its codename already names the release it will become.
struct Codename {
  std::string_view codename;
  std::string_view version;
};
constexpr Codename kDebianCodenames[] = {
    {"jessie", "8"},    {"stretch", "9"}, {"buster", "10"}, {"bullseye", "11"},
    {"bookworm", "12"}, {"trixie", "13"}, {"forky", "14"},
};

// How much of VERSION_ID names the stream of a distribution's advisories.
enum class Granularity { Whole, Major, MajorMinor, None };
struct StreamRow {
  std::string_view id;
  Granularity granularity;
  std::optional<PackageKind> packages;
};
constexpr StreamRow kStreams[] = {
    {"debian", Granularity::Major, PackageKind::Deb},      {"ubuntu", Granularity::Whole, PackageKind::Deb},
    {"alpine", Granularity::MajorMinor, PackageKind::Apk}, {"wolfi", Granularity::None, PackageKind::Apk},
    {"chainguard", Granularity::None, PackageKind::Apk},   {"almalinux", Granularity::Major, PackageKind::Rpm},
    {"rocky", Granularity::Major, PackageKind::Rpm},       {"rhel", Granularity::Major, PackageKind::Rpm},
    {"centos", Granularity::Major, PackageKind::Rpm},      {"ol", Granularity::Major, PackageKind::Rpm},
    {"fedora", Granularity::Major, PackageKind::Rpm},      {"arch", Granularity::None, {}},
};

// A distribution that is not in the table.
constexpr StreamRow kOther = {"", Granularity::Whole, {}};

const StreamRow& row_of(std::string_view id) {
  for (const auto& row : kStreams)
    if (row.id == id) return row;
  return kOther;
}

std::string leading_numbers(std::string_view version, std::size_t count) {
  std::vector<std::string> kept;
  for (auto piece : split(version, '.')) {
    if (kept.size() == count) break;
    if (!parse_decimal(piece)) return "";
    kept.emplace_back(piece);
  }
  return kept.size() == count ? join(kept, ".") : "";
}

// The value of an assignment as a shell would read it; Invalid for an unclosed quote.
Result<std::string> unquote(std::string_view raw, std::size_t line) {
  std::string value;
  char quote = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '\\' && quote != '\'' && i + 1 < raw.size()) {
      value += raw[++i];
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else {
      value += c;
    }
  }
  if (quote != 0) return invalid(format("os-release line {}: a quote is not closed", line));
  return value;
}

void assign(Distribution& distribution, std::string_view key, std::string value) {
  if (key == "ID") {
    distribution.id = to_lower(value);
  } else if (key == "VERSION_ID") {
    distribution.version_id = std::move(value);
  } else if (key == "VERSION_CODENAME") {
    distribution.codename = std::move(value);
  } else if (key == "PRETTY_NAME") {
    distribution.pretty_name = std::move(value);
  } else if (key == "ID_LIKE") {
    distribution.id_like.clear();
    for (auto word : split(value, ' '))
      if (!word.empty()) distribution.id_like.push_back(to_lower(word));
  }
}

}  // namespace

std::string Distribution::stream() const {
  if (id.empty()) return "";
  std::string_view version = version_id;
  if (id == "debian" && version.empty()) {
    for (const auto& row : kDebianCodenames)
      if (row.codename == codename) version = row.version;
  }
  // "3.21_alpha20240923": Alpine's rolling branch has its own advisories.
  if (id == "alpine" && contains(version, "_alpha")) return "alpine:edge";
  std::string kept;
  switch (row_of(id).granularity) {
    case Granularity::None:
      return id;
    case Granularity::Whole:
      kept = version;
      break;
    case Granularity::Major:
      kept = leading_numbers(version, 1);
      break;
    case Granularity::MajorMinor:
      kept = leading_numbers(version, 2);
      break;
  }
  return kept.empty() ? "" : id + ":" + kept;
}

std::optional<PackageKind> Distribution::package_kind() const {
  return row_of(id).packages;
}

Result<Distribution> parse_os_release(std::string_view text) {
  if (text.size() > kOsReleaseBytesMax) {
    return over_limit(format("os-release is larger than {} bytes", kOsReleaseBytesMax));
  }
  if (text.find('\0') != std::string_view::npos) return invalid("os-release holds a NUL byte");
  Distribution distribution;
  std::size_t number = 0;
  for (auto raw : split(text, '\n')) {
    ++number;
    std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    auto parts = cut(line, "=");
    if (!parts) return invalid(format("os-release line {}: no assignment", number));
    assign(distribution, parts->first, TRY(unquote(parts->second, number)));
  }
  if (distribution.id.empty()) return invalid("os-release has no ID");
  return distribution;
}

}  // namespace pratique::vuln
