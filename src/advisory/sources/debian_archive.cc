// The index of a Debian security archive (Sources or Packages of <codename>-security): which version of each source
// package stands there. An installed version below it lacks at least one security update.
//
// The index gives no reasons; the finding is of unknown severity until another source names the vulnerabilities that
// this version fixes (match.cc joins them).
#include <map>

#include "advisory/debian_releases.h"
#include "advisory/feed_file.h"
#include "advisory/sources/source.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::advisory {

namespace {

struct Stanza {
  std::string_view package;
  std::string_view source;  // "name" or "name (version)", in Packages only
  std::string_view version;
};

// Name and version of the source package a stanza is about.
std::pair<std::string_view, std::string_view> source_of_stanza(const Stanza& stanza) {
  if (stanza.source.empty()) return {stanza.package, stanza.version};
  auto parts = cut(stanza.source, " (");
  if (!parts) return {stanza.source, stanza.version};
  auto version = parts->second;
  if (version.ends_with(')')) version.remove_suffix(1);
  return {parts->first, version};
}

class Reader {
 public:
  explicit Reader(Collector& collector) : collector_(collector) {}

  void line(std::string_view text) {
    if (trim(text).empty()) return end_stanza();
    if (text.front() == ' ' || text.front() == '\t') return;
    auto field = cut(text, ":");
    if (!field) return;
    if (field->first == "Package") stanza_.package = trim(field->second);
    if (field->first == "Source") stanza_.source = trim(field->second);
    if (field->first == "Version") stanza_.version = trim(field->second);
  }

  void end_stanza() {
    Stanza stanza = std::exchange(stanza_, {});
    if (stanza.package.empty() && stanza.version.empty()) return;
    auto [name, version] = source_of_stanza(stanza);
    if (name.empty() || !vuln::is_version(vuln::VersionScheme::Dpkg, version)) {
      collector_.skip(name, "a package without a usable version");
      return;
    }
    auto [known, is_new] = newest_.try_emplace(name, version);
    if (is_new) return;
    auto order = vuln::compare_versions(vuln::VersionScheme::Dpkg, known->second, version);
    if (order.ok() && *order < 0) known->second = version;
  }

  const std::map<std::string_view, std::string_view>& newest() const { return newest_; }

 private:
  Collector& collector_;
  Stanza stanza_;
  std::map<std::string_view, std::string_view> newest_;
};

}  // namespace

Status import_debian_archive(const BuildInput& input, Collector& collector) {
  std::string stream = input.stream.empty() ? stream_of_archive_path(input.path) : input.stream;
  if (debian_codename(stream).empty()) return invalid("which Debian release the index belongs to is not given");
  std::string text = TRY(read_feed(input.path, collector));
  Reader reader(collector);
  for (auto line : split(text, '\n')) reader.line(line);
  reader.end_stanza();
  if (reader.newest().empty()) return invalid("the index lists no package");
  for (const auto& [name, version] : reader.newest()) {
    collector.record(input.as_of);
    vuln::Advisory advisory{.id = format("DEBIAN-SECURITY-{}-{}", name, version),
                            .stream = stream,
                            .package = std::string(name),
                            .status = vuln::AdvisoryStatus::Fixed};
    advisory.ranges.push_back({.fixed = std::string(version)});
    advisory.source = "debian-security-archive";
    advisory.summary = format("older than {} in Debian's security archive", version);
    advisory.url = format("https://security-tracker.debian.org/tracker/source-package/{}", name);
    TRY(collector.add(std::move(advisory)));
  }
  return {};
}

bool recognises_debian_archive(std::string_view path, std::string_view head) {
  // The index of the main archive has the same form and says nothing about security.
  bool is_index = head.starts_with("Package: ") && contains(head, "\nVersion: ");
  return is_index && !stream_of_archive_path(path).empty();
}

std::string stream_of_archive_path(std::string_view path) {
  for (int number = 8; number <= 14; ++number) {
    std::string stream = format("debian:{}", number);
    std::string_view codename = debian_codename(stream);
    if (contains(path, format("{}-security", codename)) || contains(path, format("debian-archive-{}", codename)))
      return stream;
  }
  return "";
}

}  // namespace pratique::advisory
