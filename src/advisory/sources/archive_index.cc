#include "advisory/sources/archive_index.h"

#include <map>
#include <utility>

#include "base/text.h"
#include "vuln/vuln.h"

namespace pratique::advisory {

namespace {

struct Stanza {
  std::string_view package;
  std::string_view source;  // "name" or "name (version)", in Packages only
  std::string_view version;
  std::string_view directory;
  std::vector<ArchiveFile> files;
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
  explicit Reader(const ArchiveSkip& skip) : skip_(skip) {}

  void line(std::string_view text) {
    if (trim(text).empty()) return end_stanza();
    if (text.front() == ' ' || text.front() == '\t') {
      if (is_in_checksums_) file(trim(text));
      return;
    }
    auto field = cut(text, ":");
    is_in_checksums_ = field && field->first == "Checksums-Sha256";
    if (!field) return;
    if (field->first == "Package") stanza_.package = trim(field->second);
    if (field->first == "Source") stanza_.source = trim(field->second);
    if (field->first == "Version") stanza_.version = trim(field->second);
    if (field->first == "Directory") stanza_.directory = trim(field->second);
  }

  void end_stanza() {
    is_in_checksums_ = false;
    Stanza stanza = std::exchange(stanza_, {});
    if (stanza.package.empty() && stanza.version.empty()) return;
    auto [name, version] = source_of_stanza(stanza);
    if (name.empty() || !vuln::is_version(vuln::VersionScheme::Dpkg, version)) {
      return skip_(name, "a package without a usable version");
    }
    ArchivePackage package{name, version, stanza.directory, std::move(stanza.files)};
    auto [known, is_new] = newest_.try_emplace(name, package);
    if (is_new) return;
    auto order = vuln::compare_versions(vuln::VersionScheme::Dpkg, known->second.version, version);
    if (order.ok() && *order < 0) known->second = std::move(package);
  }

  std::vector<ArchivePackage> take() {
    std::vector<ArchivePackage> packages;
    for (auto& [name, package] : newest_) packages.push_back(std::move(package));
    return packages;
  }

 private:
  // "<sha256> <bytes> <name>".
  void file(std::string_view text) {
    auto sum_and_rest = cut(text, " ");
    auto size_and_name = sum_and_rest ? cut(trim(sum_and_rest->second), " ") : std::nullopt;
    auto bytes = size_and_name ? parse_decimal(size_and_name->first) : std::nullopt;
    if (bytes) stanza_.files.push_back({trim(size_and_name->second), sum_and_rest->first, *bytes});
  }

  const ArchiveSkip& skip_;
  Stanza stanza_;
  bool is_in_checksums_ = false;
  std::map<std::string_view, ArchivePackage> newest_;
};

}  // namespace

std::vector<ArchivePackage> read_archive_index(std::string_view text, const ArchiveSkip& skip) {
  Reader reader(skip);
  for (auto line : split(text, '\n')) reader.line(line);
  reader.end_stanza();
  return reader.take();
}

}  // namespace pratique::advisory
