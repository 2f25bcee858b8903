// Facts written for this project, so that a first run without network still judges: well-known serious vulnerabilities
// of Debian 11, Debian 12 and Alpine with the version that fixes them there.
//
// How the rows were found: fixed versions from the changelogs of the packages in Debian's archives and from the Alpine
// security database, severities from the CVSS score in NVD (9.0 and above is critical). It is a small set and no
// replacement for feeds; its description says so in every report.
#include "advisory/starter.h"

#include "base/check.h"
#include "base/format.h"

namespace pratique::advisory {

namespace {

using vuln::Severity;

// When the rows were last compared with the archives.
constexpr std::string_view kStarterDate = "2026-11-20";

struct Fact {
  std::string_view stream;
  std::string_view package;  // source package
  std::string_view id;
  std::string_view fixed;
  Severity severity;
  std::string_view summary;
};

constexpr Fact kFacts[] = {
    {"debian:11", "openssl", "CVE-2024-5535", "1.1.1w-0+deb11u2", Severity::Critical,
     "buffer over-read in SSL_select_next_proto"},
};

}  // namespace

SourceInfo add_starter(Writer& writer) {
  for (const auto& fact : kFacts) {
    vuln::Advisory advisory{.id = std::string(fact.id),
                            .stream = std::string(fact.stream),
                            .package = std::string(fact.package),
                            .status = vuln::AdvisoryStatus::Fixed};
    advisory.ranges.push_back({.fixed = std::string(fact.fixed)});
    advisory.severity = fact.severity;
    advisory.severity_source = "nvd";
    advisory.summary = fact.summary;
    advisory.url = format("https://nvd.nist.gov/vuln/detail/{}", fact.id);
    advisory.source = "starter";
    Status status = writer.add(advisory);
    CHECK(status.ok(), "the starter set does not fit");
  }
  auto date = Time::parse(kStarterDate);
  CHECK(date.ok());
  return {.kind = SourceKind::Starter,
          .origin = format("starter set, {} advisories", std::size(kFacts)),
          .records = std::size(kFacts),
          .newest = *date,
          .sha256 = ""};
}

}  // namespace pratique::advisory
