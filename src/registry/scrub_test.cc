#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "registry/test_world.h"

namespace pratique::registry {
namespace {

class Scrubbing : public World {
 protected:
  std::string path_of(std::string_view bytes) {
    const auto hex = digest_of(bytes).encoded();
    return format("{}/store/blobs/sha256/{}/{}", directory.path(), hex.substr(0, 2), hex);
  }
  void rot(std::string_view bytes) {
    os::Fd file(::open(path_of(bytes).c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(file.get(), "?", 1, 0), 1);
  }
  Scrub scrub() {
    Scrub run;
    while (!run.is_done) registry->scrub(run).value();
    return run;
  }
};

TEST_F(Scrubbing, ReadsEveryBlobAndFindsSoundOnesSound) {
  push_image(ann, "open/a", "1.0", "x");
  const auto run = scrub();
  EXPECT_EQ(run.blobs, 2U);
  EXPECT_EQ(run.damaged, 0U);
  EXPECT_TRUE(registry->damages()->empty());
}

TEST_F(Scrubbing, TakesRotAsideAndSaysWhichImagesItHits) {
  const std::string manifest = push_image(ann, "open/a", "1.0", "x");
  rot("layer x");
  EXPECT_EQ(scrub().damaged, 1U);
  EXPECT_FALSE(os::exists(path_of("layer x")));
  EXPECT_EQ(os::list_directory(directory.path() + "/store/quarantine").size(), 1U);
  const auto damages = registry->damages().value();
  ASSERT_EQ(damages.size(), 1U);
  ASSERT_EQ(damages[0].images.size(), 1U);
  EXPECT_EQ(damages[0].images[0].first, "open/a");
  EXPECT_EQ(damages[0].images[0].second, digest_of(manifest));
  EXPECT_EQ(events().back(), "blob-damaged");
}

TEST_F(Scrubbing, RotIsServedToNobodyAndAskedForAgain) {
  push_image(ann, "open/a", "1.0", "x");
  rot("layer x");
  scrub();
  EXPECT_EQ(registry->open_blob(repo("open/a"), digest_of("layer x")).error().kind(), ErrorKind::Corrupt);
  EXPECT_EQ(registry->blob_size(repo("open/a"), digest_of("layer x")).error().kind(), ErrorKind::NotFound);
  EXPECT_FALSE(registry->possesses(ann, digest_of("layer x")).value());
  EXPECT_FALSE(registry->mount(ann, repo("open/b"), digest_of("layer x"), repo("open/a")).value());
}

TEST_F(Scrubbing, ANewPushHeals) {
  push_image(ann, "open/a", "1.0", "x");
  rot("layer x");
  scrub();
  ASSERT_TRUE(push(bob, "open/b", "layer x").ok());
  EXPECT_EQ(registry->open_blob(repo("open/a"), digest_of("layer x"))->read_all(10).value(), "layer x");
  EXPECT_TRUE(registry->damages()->empty());
  EXPECT_EQ(scrub().damaged, 0U);
}

TEST_F(Scrubbing, AFileThatIsGoneIsDamageToo) {
  ASSERT_TRUE(push(ann, "open/a", "x").ok());
  std::filesystem::remove(path_of("x"));
  EXPECT_EQ(scrub().damaged, 1U);
}

TEST_F(Scrubbing, GoesOnWhereARestartFoundIt) {
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(push(ann, "open/a", "blob " + std::to_string(i)).ok());
  Scrub first;
  for (int i = 0; i < 4; ++i) registry->scrub(first).value();
  restart();
  EXPECT_EQ(scrub().blobs, 2U);
  EXPECT_EQ(scrub().blobs, 6U);  // and then from the beginning
}

TEST_F(Scrubbing, TellsItsPaceOfEveryByte) {
  ASSERT_TRUE(push(ann, "open/a", std::string(3'000'000, 'x')).ok());
  std::size_t heard = 0;
  Scrub run;
  registry
      ->scrub(run,
              [&](std::size_t bytes) {
                heard += bytes;
                return true;
              })
      .value();
  EXPECT_EQ(heard, 3'000'000U);
}

TEST_F(Scrubbing, StoppedInTheMiddleOfABlobReadsItAgain) {
  ASSERT_TRUE(push(ann, "open/a", std::string(3'000'000, 'x')).ok());
  Scrub run;
  EXPECT_EQ(registry->scrub(run, [](std::size_t) { return false; }).error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(scrub().blobs, 1U);
}

}  // namespace
}  // namespace pratique::registry
