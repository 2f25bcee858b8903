#include <gtest/gtest.h>

#include "os/file.h"
#include "scan/test_archive.h"

namespace pratique::scan {
namespace {

using namespace testing;

const Time kNow = Time::from_unix_micros(1'790'000'000'123'456);
const ManualClock kClock(kNow);

// What an Alpine 3.10 secdb says of one package.
std::unique_ptr<advisory::Database> database() {
  auto directory = os::TemporaryDirectory::create().value();
  auto feed = directory.path() + "/main.json", output = directory.path() + "/db";
  constexpr auto kFeed =
      R"({"distroversion":"v3.10","reponame":"main","packages":[{"pkg":{"name":"musl","secfixes":{"1.1.22-r4":["CVE-2020-28928"]}}}]})";
  os::write_file(feed, kFeed).value();
  advisory::BuildOptions options{
      .inputs = {{.kind = advisory::SourceKind::AlpineSecdb, .path = feed, .stream = "alpine:3.10"}},
      .output = output,
      .with_starter = false};
  advisory::build(options, kClock).value();
  return advisory::Database::open(output).value();
}

Archive alpine(std::string_view musl) {
  return Archive()
      .file("etc/os-release", "ID=alpine\nVERSION_ID=3.10.9\n")
      .file("lib/apk/db/installed", apk_installed({{"musl", musl}}));
}

// An image of these layers as an honest builder describes it.
class Image {
 public:
  Image& layer(const Archive& archive, std::string_view media_type = oci::media_type::kOciLayerGzip) {
    auto tar = archive.tar(), blob = gzip(tar);
    manifest_().layers.push_back(
        {.media_type = std::string(media_type), .digest = digest_of(blob), .size = blob.size()});
    facts.config.diff_ids.push_back(digest_of(tar));
    facts.layers.push_back(read(blob));
    return *this;
  }
  oci::Manifest& manifest_() { return facts.manifest; }
  ScanReport judged() const {
    auto advisories = database();
    return judge(facts, *advisories, kNow);
  }
  std::string gap_codes() const { return codes(judged().gaps); }

  ImageFacts facts{
      .image = "demo:1",
      .manifest = {
          .media_type = std::string(oci::media_type::kOciManifest),
          .config = {.media_type = std::string(oci::media_type::kOciConfig), .digest = digest_of("{}"), .size = 2}}};
};

TEST(Judge, FindsWhatTheAdvisoriesName) {
  auto report = Image().layer(Archive().file("hello", "x")).layer(alpine("1.1.22-r3")).judged();
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].id, "CVE-2020-28928");
  EXPECT_EQ(report.findings[0].fixed_version, "1.1.22-r4");
  EXPECT_EQ(report.findings[0].package.layer, 1);
  EXPECT_EQ(codes(report.gaps), "");
}
TEST(Judge, FindsNothingInAFixedVersion) {
  auto report = Image().layer(alpine("1.1.22-r4")).judged();
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(codes(report.gaps), "");
}
TEST(Judge, IsAPureFunction) {
  auto image = Image().layer(alpine("1.1.22-r3"));
  auto advisories = database();
  EXPECT_EQ(judge(image.facts, *advisories, kNow).to_json().dump(),
            judge(image.facts, *advisories, kNow).to_json().dump());
}
TEST(Judge, CatchesALayerWhoseDiffIdLies) {
  auto image = Image().layer(alpine("1.1.22-r4"));
  image.facts.config.diff_ids[0] = digest_of("something else");
  EXPECT_EQ(image.gap_codes(), "diff-id-mismatch");
}
TEST(Judge, CatchesAConfigurationOfOtherLength) {
  auto image = Image().layer(alpine("1.1.22-r4"));
  image.facts.config.diff_ids.push_back(digest_of("one more"));
  EXPECT_EQ(image.gap_codes(), "diff-id-mismatch");
}
TEST(Judge, TakesAnEmptyImageForUnknownNotClean) {
  EXPECT_EQ(Image().gap_codes(), "no-os-release no-packages");
  EXPECT_EQ(Image().layer(Archive().file("app", "x")).gap_codes(), "no-os-release no-packages");
}
TEST(Judge, TakesASystemWithoutPackagesForUnknown) {
  EXPECT_EQ(Image().layer(Archive().file("etc/os-release", "ID=alpine\nVERSION_ID=3.10.9\n")).gap_codes(),
            "no-packages");
}
TEST(Judge, TakesADistributionWithoutAdvisoriesForUnknown) {
  auto fedora = Archive()
                    .file("etc/os-release", "ID=fedora\nVERSION_ID=40\n")
                    .file("lib/apk/db/installed", apk_installed({{"musl", "1-r0"}}));
  EXPECT_EQ(Image().layer(fedora).gap_codes(), "no-advisory-data wrong-packages");
}
TEST(Judge, TakesPackagesTheDistributionsAdvisoriesNeverNameForUnknown) {
  auto dressed_up = Archive()
                        .file("etc/os-release", "ID=alpine\nVERSION_ID=3.10.9\n")
                        .file("var/lib/dpkg/status", dpkg_status({{"openssl", "1.1.1w-0+deb11u1"}}));
  EXPECT_EQ(Image().layer(dressed_up).gap_codes(), "wrong-packages");
}
TEST(Judge, TakesAVersionThatDoesNotParseForUnknown) {
  auto report = Image().layer(alpine("banana")).judged();
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(codes(report.gaps), "bad-database version-unparsable");
}
TEST(Judge, NamesLayersItCannotJudge) {
  auto clean = alpine("1.1.22-r4");
  EXPECT_EQ(Image().layer(clean, "application/vnd.example.layer").gap_codes(), "unknown-media-type");
  EXPECT_EQ(Image().layer(clean, oci::media_type::kDockerForeignLayer).gap_codes(), "foreign-layer");
  EXPECT_EQ(Image().layer(clean, std::string(oci::media_type::kOciLayerGzip) + "+encrypted").gap_codes(),
            "encrypted-layer");
}
TEST(Judge, NamesALayerThatWasNotRead) {
  auto image = Image().layer(alpine("1.1.22-r4")).layer(Archive().file("x", ""));
  image.facts.layers.pop_back();
  EXPECT_EQ(image.gap_codes(), "layer-not-catalogued");
}
TEST(Judge, NamesALayerThatIsNoArchive) {
  auto image = Image().layer(alpine("1.1.22-r4")).layer(Archive().file("x", ""));
  image.facts.layers[1].is_layer = false;
  EXPECT_EQ(image.gap_codes(), "not-a-layer");
}
TEST(Judge, CatchesAnInventoryOfAnotherLayer) {
  auto image = Image().layer(alpine("1.1.22-r4"));
  image.facts.layers[0].blob = digest_of("another");
  EXPECT_EQ(image.gap_codes(), "layer-mismatch");
}
TEST(Judge, CarriesALayersOwnGapsOnce) {
  auto image = Image().layer(alpine("1.1.22-r4"), oci::media_type::kDockerForeignLayer);
  image.facts.layers[0] =
      LayerInventory{.blob = image.facts.layers[0].blob, .gaps = {{"foreign-layer", "", "not fetched"}}};
  EXPECT_EQ(image.gap_codes(), "foreign-layer no-os-release no-packages");
}
TEST(Judge, NamesAnArtifact) {
  auto image = Image().layer(alpine("1.1.22-r4"));
  image.facts.manifest.config.media_type = "application/vnd.example.config.v1+json";
  EXPECT_EQ(image.gap_codes(), "not-an-image");
}

}  // namespace
}  // namespace pratique::scan
