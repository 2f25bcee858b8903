#include <gtest/gtest.h>

#include "base/text.h"
#include "transport/fake_registry.h"
#include "transport/test_image.h"
#include "transport/upload.h"

namespace pratique::transport {
namespace {

namespace m = oci::media_type;
using Login = FakeRegistry::Login;

const auto kRepository = oci::RepositoryName::parse("team/tool").value();
const oci::ManifestReference kTag = oci::Tag::parse("1").value();

struct Registry {
  explicit Registry(Login login = Login::None) : fake(login) {
    fake.hold("team/tool", "1", image.manifest, m::kOciManifest, {image.layers[0], image.layers[1], image.config});
  }
  RegistryClient::Options options(std::string password = "secret") const {
    return {.host = fake.host(), .credentials = Credentials{"me", std::move(password)}};
  }
  TestImage image;
  FakeRegistry fake;
  std::unique_ptr<RegistryClient> made;
  RegistryClient& client() {
    if (!made) made = std::make_unique<RegistryClient>(options());
    return *made;
  }
  Result<RegistryClient::ManifestAnswer> get() { return client().get_manifest(kRepository, kTag); }
  Result<std::string> blob(const std::string& bytes) {
    auto stream = client().open_blob(kRepository, describe("a/b", bytes));
    if (!stream.ok()) return stream.error();
    return read_all(**stream, 64 << 20);
  }
  std::string add_blob(std::string bytes) {
    fake.blobs[oci::Digest::of(as_bytes(bytes)).to_string()] = bytes;
    return bytes;
  }
  Status push(const std::string& bytes) {
    return client().push_blob(kRepository, describe("a/b", bytes), *memory_stream(bytes), nullptr);
  }
};

std::string large(std::size_t size = 10'000'000) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 13);
  return bytes;
}

TEST(RegistryClient, ReadsAManifestByTagOverPlainHttpOnLoopback) {
  Registry registry;
  auto answer = registry.get().value();
  EXPECT_EQ(answer.bytes, registry.image.manifest);
  EXPECT_EQ(answer.media_type, m::kOciManifest);
  EXPECT_EQ(answer.digest, registry.image.descriptor().digest);
  EXPECT_EQ(answer.warnings, std::vector<std::string>{"expires soon"});
  EXPECT_EQ(join(registry.fake.accepts, ","),
            format("{},{},{},{}", m::kOciManifest, m::kOciIndex, m::kDockerManifest, m::kDockerManifestList));
}
TEST(RegistryClient, LogsInEachWay) {
  for (auto login : {Login::Basic, Login::Bearer}) {
    Registry registry(login);
    EXPECT_TRUE(registry.get().ok());
    EXPECT_EQ(registry.blob("first layer").value(), "first layer");
  }
}
TEST(RegistryClient, AsksForATokenOnceAScope) {
  Registry registry(Login::Bearer);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(registry.get().ok());
  EXPECT_EQ(registry.fake.tokens_given, 1);
  EXPECT_TRUE(contains(registry.fake.last_token_query, "service=fake&scope=repository%3Ateam%2Ftool%3Apull"))
      << registry.fake.last_token_query;
  EXPECT_EQ(registry.fake.count("GET /v2/team"), 3U);
}
TEST(RegistryClient, FetchesANewTokenWhenTheOldOneIsNoLongerGood) {
  Registry registry(Login::Bearer);
  ASSERT_TRUE(registry.get().ok());
  RegistryClient other(registry.options());
  ASSERT_TRUE(other.get_manifest(kRepository, kTag).ok());  // makes the first client's token void
  EXPECT_TRUE(registry.get().ok());
  EXPECT_EQ(registry.fake.tokens_given, 3);
}
TEST(RegistryClient, IsDeniedWithTheWrongPassword) {
  for (auto login : {Login::Basic, Login::Bearer}) {
    Registry registry(login);
    RegistryClient client(registry.options("wrong"));
    auto answer = client.get_manifest(kRepository, kTag);
    EXPECT_EQ(answer.error().kind(), ErrorKind::Denied) << answer.error().message();
    EXPECT_TRUE(contains(answer.error().message(), "UNAUTHORIZED"));
  }
}
TEST(RegistryClient, SaysWhatTheRegistrySaid) {
  Registry registry;
  auto answer = registry.client().get_manifest(kRepository, oci::Tag::parse("none").value());
  EXPECT_EQ(answer.error().kind(), ErrorKind::NotFound);
  EXPECT_TRUE(contains(answer.error().message(), "MANIFEST_UNKNOWN: no such manifest")) << answer.error().message();
}
TEST(RegistryClient, IsPatientWithABusyRegistry) {
  Registry registry;
  registry.fake.faults.busy = 3;
  EXPECT_TRUE(registry.get().ok());
  registry.fake.faults.busy = 4;
  EXPECT_EQ(registry.get().error().kind(), ErrorKind::Unavailable);
}
TEST(RegistryClient, TriesAgainWhenTheRegistryRestarts) {
  Registry registry;
  registry.fake.faults.unavailable = 1;
  EXPECT_TRUE(registry.get().ok());
}
TEST(RegistryClient, IsUnavailableWhereNobodyListens) {
  std::string host;
  {
    host = FakeRegistry().host();
  }
  RegistryClient client({.host = host});
  EXPECT_EQ(client.get_manifest(kRepository, kTag).error().kind(), ErrorKind::Unavailable);
}
TEST(RegistryClient, DoesNotBelieveAManifestThatIsAnother) {
  Registry registry;
  registry.fake.faults.lies_about_digest = oci::Digest::of({}).to_string();
  EXPECT_EQ(registry.get().error().kind(), ErrorKind::Corrupt);
  auto wanted = oci::Digest::of(as_bytes("x"));
  registry.fake.manifests["team/tool@" + wanted.to_string()] = {"a/b", registry.image.manifest};
  EXPECT_EQ(registry.client().get_manifest(kRepository, wanted).error().kind(), ErrorKind::Corrupt);
}

TEST(RegistryBlobs, AreStreamedWhole) {
  Registry registry;
  for (auto size : {std::size_t{0}, std::size_t{1} << 20, (std::size_t{1} << 20) + 1, std::size_t{10'000'000}}) {
    auto bytes = registry.add_blob(large(size));
    EXPECT_TRUE(registry.blob(bytes).value() == bytes) << size;
  }
}
TEST(RegistryBlobs, GoOnWhereTheyWereCut) {
  Registry registry;
  auto bytes = registry.add_blob(large());
  registry.fake.faults.cut_downloads = 2;
  EXPECT_TRUE(registry.blob(bytes).value() == bytes);
}
TEST(RegistryBlobs, FailWhereTheRegistryCannotGoOn) {
  Registry registry;
  auto bytes = registry.add_blob(large());
  registry.fake.faults.cut_downloads = 1;
  registry.fake.faults.ignores_ranges = true;
  EXPECT_EQ(registry.blob(bytes).error().kind(), ErrorKind::Unavailable);
}
TEST(RegistryBlobs, AreVerified) {
  Registry registry;
  auto bytes = registry.add_blob(large());
  registry.fake.blobs[oci::Digest::of(as_bytes(bytes)).to_string()][9'999'999] ^= 1;
  EXPECT_EQ(registry.blob(bytes).error().kind(), ErrorKind::Corrupt);
}
TEST(RegistryBlobs, MayBeLeftHalfRead) {
  Registry registry;
  auto bytes = registry.add_blob(large(40'000'000));
  auto stream = registry.client().open_blob(kRepository, describe("a/b", bytes)).value();
  std::byte some[100];
  EXPECT_EQ(stream->read(some).value(), 100U);
}
TEST(RegistryBlobs, MayOutliveTheirClient) {
  Registry registry;
  auto bytes = registry.add_blob(large());
  auto stream = registry.client().open_blob(kRepository, describe("a/b", bytes)).value();
  registry.made.reset();
  EXPECT_TRUE(read_all(*stream, 64 << 20).value() == bytes);
}
TEST(RegistryBlobs, AreNotFoundWhereAbsent) {
  Registry registry;
  EXPECT_EQ(registry.blob("nothing").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(registry.blob(large()).error().kind(), ErrorKind::NotFound);
  EXPECT_FALSE(registry.client().has_blob(kRepository, oci::Digest::of({})).value());
  EXPECT_TRUE(registry.client().has_blob(kRepository, oci::Digest::of(as_bytes("first layer"))).value());
}

TEST(PushBlob, SendsEveryByteAndCountsThem) {
  Registry registry(Login::Bearer);
  for (auto size : {std::size_t{0}, std::size_t{5}, std::size_t{10'000'000}}) {
    auto bytes = large(size);
    std::uint64_t counted = 0;
    auto blob = memory_stream(bytes);
    auto pushed =
        registry.client().push_blob(kRepository, describe("a/b", bytes), *blob, [&](std::uint64_t n) { counted += n; });
    ASSERT_TRUE(pushed.ok()) << pushed.error().message();
    EXPECT_TRUE(registry.fake.blobs.at(oci::Digest::of(as_bytes(bytes)).to_string()) == bytes);
    EXPECT_EQ(counted, size);
  }
}
TEST(PushBlob, GoesOnWhereTheRegistryStopped) {
  Registry registry(Login::Bearer);
  registry.fake.faults.cut_uploads = 2;
  auto bytes = large();
  std::uint64_t counted = 0;
  auto open = [&]() -> Result<std::unique_ptr<BlobStream>> { return memory_stream(bytes); };
  auto pushed =
      registry.client().push_blob(kRepository, describe("a/b", bytes), open, [&](std::uint64_t n) { counted += n; });
  ASSERT_TRUE(pushed.ok()) << pushed.error().message();
  EXPECT_EQ(counted, bytes.size());
  EXPECT_EQ(registry.fake.bytes_patched, bytes.size() * 7 / 4);  // all, then a half, then a quarter
}
TEST(PushBlob, BeginsAgainWhereTheRegistryForgot) {
  Registry registry;
  registry.fake.faults.cut_uploads = 1;
  registry.fake.faults.forgets_uploads = true;
  auto open = [&]() -> Result<std::unique_ptr<BlobStream>> { return memory_stream("hello"); };
  EXPECT_TRUE(registry.client().push_blob(kRepository, describe("a/b", "hello"), open, nullptr).ok());
  EXPECT_EQ(registry.fake.count("POST"), 2U);
}
TEST(PushBlob, EndsAtOnceWhereTheStreamCannotBeReadAgain) {
  Registry registry;
  registry.fake.faults.cut_uploads = 1;
  EXPECT_EQ(registry.push("hello").error().kind(), ErrorKind::Unavailable);
}
TEST(UploadRange, TellsHowManyBytesAreThere) {
  EXPECT_EQ(parse_upload_range("0-99"), 100U);
  EXPECT_EQ(parse_upload_range("bytes=0-1"), 2U);
  for (auto range : {"", "0-0", "0--1", "1-5", "0-x", "99", "0-18446744073709551615"})
    EXPECT_FALSE(parse_upload_range(range)) << range;
}
TEST(PushBlob, FollowsAbsoluteLocations) {
  Registry registry;
  registry.fake.faults.absolute_locations = true;
  EXPECT_TRUE(registry.push("hello").ok());
}
TEST(PushBlob, SendsNoCredentialsToAnotherHost) {
  Registry registry(Login::Basic), elsewhere(Login::Basic);
  registry.fake.faults.location_origin = "http://" + elsewhere.fake.host();
  EXPECT_EQ(registry.push("hello").error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(elsewhere.fake.count("PATCH"), 1U);  // came, and was told 401
}
TEST(PushBlob, GivesUpAnUploadThatFails) {
  Registry registry;
  auto wrong = describe("a/b", "hello");
  auto pushed = registry.client().push_blob(kRepository, wrong, *memory_stream("hullo"), nullptr);
  EXPECT_EQ(pushed.error().kind(), ErrorKind::Invalid) << pushed.error().message();
  EXPECT_EQ(registry.fake.count("DELETE"), 1U);
}
TEST(PushBlob, TellsItsOwnCorruptionFromTheRegistrysFaults) {
  Registry registry;
  auto promised = describe("a/b", "hello");
  auto pushed =
      registry.client().push_blob(kRepository, promised, *verified(memory_stream("hullo"), promised), nullptr);
  EXPECT_EQ(pushed.error().kind(), ErrorKind::Corrupt) << pushed.error().message();
}

TEST(PushManifest, BringsTheWarningsBack) {
  Registry registry;
  auto warnings = registry.client().push_manifest(kRepository, kTag, registry.image.manifest, m::kOciManifest).value();
  EXPECT_EQ(warnings, std::vector<std::string>{"report at https://gate/reports/1"});
}
TEST(PushManifest, IsRefusedWithTheReason) {
  Registry registry;
  registry.fake.faults.refuses_manifests = "blocked by policy: 3 critical findings";
  auto pushed = registry.client().push_manifest(kRepository, kTag, registry.image.manifest, m::kOciManifest);
  EXPECT_EQ(pushed.error().kind(), ErrorKind::Refused);
  EXPECT_TRUE(contains(pushed.error().message(), "DENIED: blocked by policy: 3 critical findings"));
}

}  // namespace
}  // namespace pratique::transport
