// Debian's security tracker as one JSON document: package → vulnerability → release → state.
//
// What the states mean here (the tracker's own pages and its documentation say why):
//   resolved, fixed_version "0"      not affected
//   resolved, fixed_version V        fixed at V; affected without a fix while the archive's version is below V
//   open                             affected below the version that fixes sid, if any
//   open, no-dsa                     will not fix; "postponed": deferred; "ignored": will not fix
//   undetermined                     undetermined
//   urgency end-of-life              end of life
//   a release of the package that is not listed inherits sid's state
#include <map>

#include "advisory/debian_releases.h"
#include "advisory/feed_file.h"
#include "advisory/ids.h"
#include "advisory/sources/simd.h"
#include "advisory/sources/source.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::advisory {

namespace {

using simd::Element;

bool is_below(std::string_view a, std::string_view b) {
  auto order = vuln::compare_versions(vuln::VersionScheme::Dpkg, a, b);
  return order.ok() && *order < 0;
}

// The newest version of the package in each release's repositories, over all of its vulnerabilities.
using ArchiveVersions = std::map<std::string_view, std::string_view>;

void note_archive_version(std::string_view release, Element state, ArchiveVersions& versions) {
  Element repositories;
  std::string_view& newest = versions[release];
  if (!simd::find(state, "repositories", repositories)) return;
  simd::for_each_member(repositories, [&](std::string_view, Element version) {
    std::string_view text = simd::as_text(version);
    if (newest.empty() || is_below(newest, text)) newest = text;
  });
}

struct Severity {
  vuln::Severity severity;
  std::string source;
};

Severity severity_of(Element state) {
  std::string_view urgency = simd::text(state, "urgency");
  auto severity = severity_of_debian_urgency(urgency);
  if (severity != vuln::Severity::Unknown) return {severity, "debian"};
  // No announcement because the issue is minor: the security team's own judgement.
  if (contains(to_lower(simd::text(state, "nodsa")), "minor")) return {vuln::Severity::Low, "debian"};
  return {vuln::Severity::Unknown, ""};
}

class PackageReader {
 public:
  PackageReader(std::string_view package, std::optional<Time> as_of, Collector& collector)
      : package_(package), as_of_(as_of), collector_(collector) {}

  Status read(Element vulnerabilities) {
    simd::for_each_member(vulnerabilities, [&](std::string_view, Element entry) {
      Element releases;
      if (!simd::find(entry, "releases", releases)) return;
      simd::for_each_member(releases,
                            [&](std::string_view name, Element state) { note_archive_version(name, state, archive_); });
    });
    Status status;
    simd::for_each_member(vulnerabilities, [&](std::string_view id, Element entry) {
      if (status.ok()) status = read_vulnerability(id, entry);
    });
    return status;
  }

 private:
  Status read_vulnerability(std::string_view id, Element entry) {
    collector_.record(as_of_);
    Element releases;
    if (!is_id(id) || !simd::find(entry, "releases", releases)) {
      collector_.skip(id, "an entry without releases");
      return {};
    }
    Element sid;
    bool has_sid = simd::find(releases, "sid", sid);
    for (const auto& [release, archive_version] : archive_) {
      vuln::Advisory advisory;
      advisory.stream = debian_stream(release);
      if (advisory.stream.empty()) continue;  // sid itself, experimental, releases before Debian 8
      Element state;
      bool is_stated = simd::find(releases, release, state);
      if (!is_stated && !has_sid) continue;
      advisory.id = id;
      advisory.package = package_;
      advisory.source = "debian-tracker";
      advisory.summary = simd::text(entry, "description");
      advisory.url = format("https://security-tracker.debian.org/tracker/{}", id);
      std::string_view sid_fix =
          has_sid && simd::text(sid, "status") == "resolved" ? simd::text(sid, "fixed_version") : "";
      apply(is_stated ? state : sid, archive_version, sid_fix, advisory);
      TRY(collector_.add(std::move(advisory)));
    }
    return {};
  }

  static void apply(Element state, std::string_view archive_version, std::string_view sid_fix,
                    vuln::Advisory& advisory) {
    using Status = vuln::AdvisoryStatus;
    auto [severity, source] = severity_of(state);
    advisory.severity = severity;
    advisory.severity_source = source;
    std::string_view status = simd::text(state, "status");
    std::string_view fixed = simd::text(state, "fixed_version");
    if (status == "resolved" && fixed == "0") {
      advisory.status = Status::NotAffected;
      return;
    }
    if (status == "resolved" && !fixed.empty()) {
      // A fix that is stated but has not reached the release is none that anybody could install.
      bool is_there = archive_version.empty() || !is_below(archive_version, fixed);
      advisory.status = is_there ? Status::Fixed : Status::Affected;
      advisory.ranges.push_back({.fixed = std::string(fixed)});
      return;
    }
    advisory.ranges.push_back({.fixed = sid_fix == "0" ? "" : std::string(sid_fix)});
    advisory.status = open_status(state, status);
  }

  static vuln::AdvisoryStatus open_status(Element state, std::string_view status) {
    using Status = vuln::AdvisoryStatus;
    if (status != "open") return Status::Undetermined;
    if (simd::text(state, "urgency") == "end-of-life") return Status::EndOfLife;
    std::string_view reason = simd::text(state, "nodsa_reason");
    if (reason == "postponed") return Status::FixDeferred;
    if (reason == "ignored" || !simd::text(state, "nodsa").empty()) return Status::WillNotFix;
    return Status::Affected;
  }

  std::string_view package_;
  std::optional<Time> as_of_;  // the document holds no dates
  Collector& collector_;
  ArchiveVersions archive_;
};

}  // namespace

vuln::Severity severity_of_debian_urgency(std::string_view urgency) {
  // A trailing "**" says that the word was derived from NVD and not chosen by a person.
  while (urgency.ends_with('*')) urgency.remove_suffix(1);
  if (urgency == "unimportant") return vuln::Severity::Negligible;
  if (urgency == "low" || urgency == "medium" || urgency == "high") return *vuln::parse_severity(urgency);
  return vuln::Severity::Unknown;
}

Status import_debian_tracker(const BuildInput& input, Collector& collector) {
  std::string text = TRY(read_feed(input.path, collector));
  simdjson::dom::parser parser{kFeedBytesMax};
  Element document;
  auto code = parser.parse(text.data(), text.size(), true).get(document);
  if (code != simdjson::SUCCESS) return corrupt(simdjson::error_message(code));
  if (!simd::is_object(document)) return invalid("the tracker's document is no object");
  Status status;
  std::uint64_t done = 0;
  simd::for_each_member(document, [&](std::string_view package, Element vulnerabilities) {
    if (!status.ok()) return;
    PackageReader reader(package, input.as_of, collector);
    status = reader.read(vulnerabilities);
    if (++done % 256 == 0) collector.progress(done, 0);
  });
  return status;
}

bool recognises_debian_tracker(std::string_view, std::string_view head) {
  return trim(head.substr(0, 100)).starts_with('{') && contains(head, "\"releases\"") &&
         contains(head, "\"repositories\"") && contains(head, "\"urgency\"");
}

}  // namespace pratique::advisory
