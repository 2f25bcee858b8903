#include <gtest/gtest.h>

#include "base/text.h"
#include "os/file.h"
#include "scan/report_view.h"
#include "scan/test_archive.h"

namespace pratique::scan {
namespace {

using namespace testing;

vuln::Package package(std::string name, std::string version, int layer) {
  vuln::Package made{.kind = vuln::PackageKind::Deb, .name = name, .version = version, .architecture = "amd64"};
  made.source_name = std::move(name);
  made.source_version = std::move(version);
  made.location = "var/lib/dpkg/status";
  made.layer = layer;
  return made;
}
vuln::Finding finding(std::string id, const vuln::Package& of, vuln::Severity severity, std::string fixed) {
  vuln::Finding made{.id = std::move(id), .package = of, .severity = severity};
  made.status = fixed.empty() ? vuln::AdvisoryStatus::WillNotFix : vuln::AdvisoryStatus::Fixed;
  made.fixed_version = std::move(fixed);
  made.source = "debian-tracker";
  made.url = "https://example.org/" + made.id;
  return made;
}

ScanReport sample() {
  ScanReport report{
      .image = "registry.example/demo:1", .digest = digest_of("manifest"), .platform = {"linux", "amd64", ""}};
  report.distribution = vuln::parse_os_release(kDebian12).value();
  report.layers = {
      {.digest = digest_of("base"), .size = 50'000'000, .instruction = "ADD rootfs.tar /", .media_type = "tar+gzip"},
      {.digest = digest_of("top"),
       .size = 1'000,
       .instruction = "RUN apt-get install -y xz-utils",
       .media_type = "tar+gzip"}};
  auto ssl = package("openssl", "3.0.9-1", 0), xz = package("xz-utils", "5.6.0", 1),
       zlib = package("zlib1g", "1.2.13", 0);
  report.packages = {ssl, xz, zlib};
  using vuln::Severity;
  report.findings = {
      finding("CVE-2024-3094", xz, Severity::Critical, "5.6.1"), finding("CVE-2023-2", ssl, Severity::High, "3.0.11-1"),
      finding("CVE-2023-3", ssl, Severity::Medium, "3.0.10-1"), finding("CVE-2023-45853", zlib, Severity::Critical, ""),
      finding("CVE-2023-9", zlib, Severity::Negligible, "")};
  report.findings[0].is_known_exploited = true;
  report.gaps = {{"bad-database", "var/lib/dpkg/status line 7", "\"nonsense\" is no field"}};
  report.database = {.built = Time::from_unix_seconds(1'790'000'000),
                     .newest = Time::from_unix_seconds(1'789'900'000),
                     .advisories = 45'210};
  report.database.streams = {"debian:12"};
  report.database.sources = {
      {.kind = advisory::SourceKind::DebianTracker, .origin = "tracker.json", .records = 45'210}};
  report.database.digest = sha256_hex("database");
  report.scanned = Time::from_unix_seconds(1'790'000'123);
  return report;
}
const ReportContext kRejected{.verdict = "rejected", .reasons = {"CVE-2024-3094 (critical) in xz-utils 5.6.0"}};

TEST(ReportJson, ComesBackAsItWas) {
  auto json = sample().to_json();
  auto again = ScanReport::from_json(parse_json(json.dump()).value());
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->to_json().dump(), json.dump());
}
TEST(ReportJson, OfNothingComesBackToo) {
  auto json = ScanReport().to_json();
  EXPECT_EQ(ScanReport::from_json(json)->to_json().dump(), json.dump());
}
TEST(ReportJson, RefusesMissingMembers) {
  auto json = sample().to_json();
  for (const auto& [key, value] : json.members()) {
    if (key == "summary" || key == "digest" || key == "distribution") continue;
    if (key == "base" || key == "checks") continue;  // reports from before have neither
    auto damaged = json;
    damaged.set(key, Json());
    EXPECT_FALSE(ScanReport::from_json(damaged).ok()) << key;
  }
}
TEST(ReportJson, RefusesOtherVersionsAndUnknownWords) {
  auto json = sample().to_json();
  EXPECT_FALSE(ScanReport::from_json(Json(json).set("version", 2)).ok());
  auto text = json.dump();
  for (auto [from, to] : {std::pair{"\"critical\"", "\"dreadful\""},
                          {"\"deb\"", "\"egg\""},
                          {"debian-tracker\",\"origin", "x\",\"origin"}})
    EXPECT_FALSE(ScanReport::from_json(parse_json(replace_all(text, from, to)).value()).ok()) << from;
}
// The members of an object in the published schema are those we write, no more and no less.
void expect_described(const Json& schema, const Json& value, const std::string& where) {
  if (value.is_array()) {
    for (const auto& item : value.items()) expect_described(schema["items"], item, where + "[]");
    return;
  }
  if (!value.is_object()) return;
  for (const auto& [key, member] : value.members()) {
    ASSERT_TRUE(schema["properties"].has(key)) << where << "." << key << " is not in the schema";
    const auto& own = schema["properties"][key];
    expect_described(own.has("oneOf") ? own["oneOf"].items()[1] : own, member, where + "." + key);
  }
  for (const auto& required : schema["required"].items())
    EXPECT_TRUE(value.has(required.text())) << where << "." << required.text();
  EXPECT_EQ(schema["properties"].size(), value.size()) << where;
}
TEST(ReportJson, IsWhatThePublishedSchemaSays) {
  auto text = os::read_file(std::string(PRATIQUE_SOURCE_DIR) + "/docs/formats/report.schema.json", 1 << 20);
  ASSERT_TRUE(text.ok());
  auto schema = parse_json(*text);
  ASSERT_TRUE(schema.ok()) << schema.error().message();
  expect_described(*schema, sample().to_json(), "report");
}

TEST(ReportView, NamesOneVersionThatClosesAllOfAPackage) {
  auto report = sample();
  auto view = view_of(report, {});
  ASSERT_EQ(view.layers.size(), 2u);
  ASSERT_EQ(view.layers[0].fixable.size(), 1u);
  EXPECT_EQ(view.layers[0].fixable[0].upgrade_to, "3.0.11-1");
  EXPECT_EQ(view.layers[0].fixable[0].findings.size(), 2u);
  EXPECT_EQ(view.fixable, 3u);
}
TEST(ReportView, ShowsAPackageOfTwoArchitecturesOnce) {
  auto report = sample();
  auto twin = report.findings[0];
  twin.package.architecture = "i386";
  report.findings.push_back(twin);
  EXPECT_EQ(view_of(report, {}).layers[1].fixable[0].findings.size(), 1u);
}

TEST(ReportText, SaysItAll) {
  EXPECT_EQ(render_text(sample(), kRejected, false),
            R"(Image        registry.example/demo:1
Digest       )" +
                digest_of("manifest").to_string() +
                R"(
Platform     linux/amd64
System       Debian GNU/Linux 12 (bookworm)
Contents     3 packages in 2 layers
Advisories   45,210 advisories, newest of 2026-09-20, built 2026-09-21 (database )" +
                sha256_hex("database").substr(0, 12) + R"()
Coverage     debian:12 is covered
Scanned      2026-09-21T14:15:23Z

REJECTED
  - CVE-2024-3094 (critical) in xz-utils 5.6.0

Findings     2 critical, 1 high, 1 medium, 1 negligible; 3 of 5 can be fixed by upgrading

Layer 1 of 2  )" +
                digest_of("base").short_text() + R"(  47.7 MiB  4 findings
  ADD rootfs.tar /
  high        openssl 3.0.9-1  → upgrade to 3.0.11-1
              CVE-2023-2, CVE-2023-3 (medium)
  critical    zlib1g 1.2.13  – will not be fixed in this release
              CVE-2023-45853, CVE-2023-9 (negligible)

Layer 2 of 2  )" +
                digest_of("top").short_text() + R"(  1000 B  1 finding
  RUN apt-get install -y xz-utils
  critical    xz-utils 5.6.0  → upgrade to 5.6.1  known to be exploited
              CVE-2024-3094

Not judged (1)
  ! var/lib/dpkg/status line 7: "nonsense" is no field  [bad-database]

What to do next
  - Where a finding is in the base image's layers, build again FROM a newer release of that image.
  - Else upgrade in the Dockerfile: RUN apt-get update && apt-get -y upgrade && rm -rf
    /var/lib/apt/lists/*
  - Remove packages with findings that have no fix if nothing needs them; a smaller base image has
    fewer.
  - Look at what was not judged, above: it counts as unknown, not as clean.

This version reads the packages of Debian and its relatives (dpkg) and of Alpine and its relatives
(apk). It does not look at packages of programming languages (pip, conda, R, npm, …) or at programs
installed by hand.
)");
}
TEST(ReportText, ColoursOnlyWhenAsked) {
  EXPECT_FALSE(contains(render_text(sample(), kRejected, false), "\x1b"));
  EXPECT_TRUE(contains(render_text(sample(), kRejected, true), "\x1b["));
}
TEST(ReportText, NeverCallsAnUnjudgedImageFine) {
  auto report = sample();
  report.findings.clear();
  EXPECT_TRUE(contains(render_text(report, {}, false), "unknown, not as clean"));
  report.gaps.clear();
  EXPECT_TRUE(contains(render_text(report, {}, false), "Nothing: no known vulnerability"));
}
TEST(ReportText, SaysWhatAGateSaid) {
  ReportContext context{
      .verdict = "approved", .next_steps = {"pull it"}, .uri = "gate/approved/ann:1", .expires = "2026-12-20"};
  auto text = render_text(sample(), context, false);
  for (auto piece : {"APPROVED", "  - pull it", "Approved as  gate/approved/ann:1", "Until        2026-12-20"})
    EXPECT_TRUE(contains(text, piece)) << piece;
}

// Every text of a report, hostile.
ScanReport hostile() {
  const std::string kEvil = "<script>alert(1)</script>\"'&\x1b[2J\x07\xff";
  auto report = sample();
  report.image = kEvil;
  for (auto* packages : {&report.packages})
    for (auto& one : *packages) one.name = one.version = one.source_name = kEvil;
  for (auto& one : report.findings) {
    one.id = one.summary = one.fixed_version = kEvil;
    one.package.name = one.package.version = kEvil;
    one.url = "javascript:alert(1)";
  }
  for (auto& one : report.gaps) one.what = one.reason = one.code = kEvil;
  for (auto& one : report.layers) one.instruction = one.media_type = kEvil;
  report.distribution->pretty_name = kEvil;
  return report;
}
const ReportContext kHostile{
    .verdict = "<b>", .reasons = {"<script>"}, .next_steps = {"<script>\x1b"}, .uri = "<script>", .expires = "<i>"};

TEST(ReportHtml, EscapesEveryTextOfAHostileImage) {
  auto page = render_html(hostile(), kHostile);
  for (auto piece : {"<script", "<b>alert", "<i>", "\x1b", "\x07", "\xff", "javascript:alert", "'alert"})
    EXPECT_FALSE(contains(page, piece)) << piece;
  EXPECT_TRUE(is_utf8(page));
}
TEST(ReportHtml, NeedsNothingFromElsewhere) {
  auto page = render_html(sample(), kRejected);
  for (auto piece : {"<script", "src=", "@import", "url(", "<link", "<img", "<iframe"})
    EXPECT_FALSE(contains(page, piece)) << piece;
  EXPECT_TRUE(contains(page, "default-src 'none'"));
}
TEST(ReportHtml, ShowsFindingsVerdictAndGaps) {
  auto page = render_html(sample(), kRejected);
  for (auto piece :
       {"CVE-2024-3094", "3.0.11-1", "known to be exploited", "verdict rejected", "is no field", "xz-utils"})
    EXPECT_TRUE(contains(page, piece)) << piece;
}
TEST(ReportText, IsSafeOnATerminalForAHostileImage) {
  auto text = render_text(hostile(), kHostile, false);
  for (auto piece : {"\x1b", "\x07", "\xff"}) EXPECT_FALSE(contains(text, piece));
}

}  // namespace
}  // namespace pratique::scan
