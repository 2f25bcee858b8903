// The language of this module's tests: feeds as text, databases built from them, findings as lines.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "advisory/advisory.h"
#include "base/format.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::advisory {

inline const Time kNow = *Time::parse("2026-11-20T12:00:00Z");

// A directory with feed files, and the database made of them.
class FeedTest : public testing::Test {
 public:
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }

  std::string write(const std::string& name, std::string_view content) {
    auto slash = name.rfind('/');
    if (slash != std::string::npos) {
      EXPECT_TRUE(os::make_directories(path(name.substr(0, slash))).ok());
    }
    EXPECT_TRUE(os::write_file(path(name), content).ok());
    return path(name);
  }

  FeedTest& feed(SourceKind kind, std::string_view content, const std::string& stream = "") {
    std::string file = write(format("feed-{}", inputs_.size()), content);
    inputs_.push_back({.kind = kind, .path = file, .stream = stream});
    return *this;
  }

  Result<BuildReport> try_build(bool with_starter = false) {
    ManualClock clock(kNow);
    return build({.inputs = inputs_, .output = path("db"), .with_starter = with_starter}, clock);
  }

  std::unique_ptr<Database> database(bool with_starter = false) {
    auto built = try_build(with_starter);
    EXPECT_TRUE(built.ok()) << (built.ok() ? "" : built.error().message());
    if (built.ok()) report_ = *built;
    auto opened = Database::open(path("db"));
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message());
    return opened.ok() ? std::move(*opened) : Database::starter();
  }

  // "debian:11 openssl CVE-1 fixed <1.2 high [DSA-1] !" for each advisory; "!" marks a known exploited one.
  std::vector<std::string> advisories() {
    std::vector<std::string> lines;
    auto all = database();
    EXPECT_TRUE(all->for_each([&](const vuln::Advisory& a) {
                     lines.push_back(line(a));
                     return Status();
                   })
                    .ok());
    return lines;
  }

  static std::string line(const vuln::Advisory& a) {
    std::string text = format("{} {} {} {}", a.stream, a.package, a.id, vuln::to_string(a.status));
    for (const auto& range : a.ranges) {
      text += " ";
      if (!range.introduced.empty()) text += ">=" + range.introduced;
      if (!range.fixed.empty()) text += "<" + range.fixed;
      if (!range.last_affected.empty()) text += "<=" + range.last_affected;
      if (range == vuln::VersionRange{}) text += "*";
    }
    for (const auto& version : a.versions) text += " =" + version;
    if (a.severity != vuln::Severity::Unknown) text += " " + std::string(vuln::to_string(a.severity));
    if (!a.aliases.empty()) text += " [" + join(a.aliases, " ") + "]";
    return text + (a.is_known_exploited ? " !" : "");
  }

  os::TemporaryDirectory directory_ = *os::TemporaryDirectory::create();
  std::vector<BuildInput> inputs_;
  BuildReport report_;
};

inline vuln::Distribution distribution(std::string id, std::string version) {
  vuln::Distribution made;
  made.id = std::move(id);
  made.version_id = std::move(version);
  return made;
}

// "name version" or "name=source version".
inline vuln::Package package(vuln::PackageKind kind, std::string_view text) {
  auto name_and_version = *cut(text, " ");
  auto name_and_source = cut(name_and_version.first, "=");
  vuln::Package made{.kind = kind, .name = std::string(name_and_version.first)};
  made.version = name_and_version.second;
  made.source_name = made.name;
  made.source_version = made.version;
  if (name_and_source) {
    made.name = name_and_source->first;
    made.source_name = name_and_source->second;
  }
  return made;
}
inline vuln::Package deb(std::string_view text) {
  return package(vuln::PackageKind::Deb, text);
}
inline vuln::Package apk(std::string_view text) {
  return package(vuln::PackageKind::Apk, text);
}

// "CVE-1 openssl critical fixed->1.2 !" for each finding.
inline std::vector<std::string> lines_of(const Matches& matches) {
  std::vector<std::string> lines;
  for (const auto& f : matches.findings) {
    std::string text =
        format("{} {} {} {}", f.id, f.package.name, vuln::to_string(f.severity), vuln::to_string(f.status));
    if (f.is_fixable()) text += "->" + f.fixed_version;
    lines.push_back(text + (f.is_known_exploited ? " !" : ""));
  }
  return lines;
}

// The directory of real data; "" where there is none.
inline std::string shared_data() {
  const char* named = std::getenv("PRATIQUE_SHARED");
  std::string path = named != nullptr ? named : PRATIQUE_SOURCE_DIR "/../shared";
  return os::exists(path + "/feeds") ? path : "";
}

}  // namespace pratique::advisory
