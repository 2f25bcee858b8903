// The check in front of everything. What follows it is job_test.cc's.
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.h"
#include "run/test_image.h"

namespace pratique::run {
namespace {

gate::AdmittedImage admission_of(const std::string& manifest) {
  ManualClock clock(Time::from_unix_seconds(1'700'000'000));
  Json json = Json::object();
  json.set("repository", "approved/alice").set("digest", oci::Digest::of(as_bytes(manifest)).to_string());
  json.set("expires", "2030-01-01T00:00:00Z");
  return *gate::admission_from_json(json, clock);
}

TEST(start, runs_nothing_but_the_admitted_manifest) {
  auto directory = os::TemporaryDirectory::create();
  TestImage image;
  image.layer(TarBuilder().file("f", "x").done());
  auto manifest = image.manifest();
  BlobOpener never = [](const oci::Descriptor&) -> Result<os::Fd> {
    ADD_FAILURE() << "a blob was opened";
    return not_found("no");
  };
  JobSpec spec{.safe_outputs = directory->path() + "/outputs"};
  for (const auto& other : {manifest + " ", std::string(), manifest.substr(1)}) {
    auto result = start(admission_of(manifest), other, never, spec, {.directory = directory->path() + "/state"});
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind(), ErrorKind::Denied);
  }
  EXPECT_FALSE(os::exists(directory->path() + "/state"));
}

TEST(start, goes_on_with_the_admitted_manifest) {
  auto directory = os::TemporaryDirectory::create();
  TestImage image;
  image.layer(TarBuilder().file("f", "x").done());
  auto manifest = image.manifest();
  JobSpec spec{.safe_outputs = directory->path() + "/outputs"};
  auto result = start(admission_of(manifest), manifest, image.opener(), spec,
                      {.directory = directory->path(), .runtime = "no-such-runtime"});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::Unavailable) << result.error().message();
}

TEST(missing_prerequisites, names_the_runtime_that_is_not_there) {
  auto missing = missing_prerequisites({.directory = "/", .runtime = "no-such-runtime"});
  EXPECT_TRUE(contains(join(missing, "; "), "no-such-runtime"));
}

TEST(missing_prerequisites, says_that_a_chroot_has_no_user_namespaces) {
  if (::geteuid() != 0) GTEST_SKIP() << "chroot needs root";
  auto directory = os::TemporaryDirectory::create();
  auto in_chroot = [&] {
    bool said = ::chroot(directory->path().c_str()) == 0 &&
                contains(join(missing_prerequisites({.directory = "/"}), "; "), "leave the chroot");
    ::_exit(said ? 0 : 1);
  };
  EXPECT_EXIT(in_chroot(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace pratique::run
