#include "os/file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>

namespace pratique::os {
namespace {

class Files : public testing::Test {
 protected:
  TemporaryDirectory directory_ = TemporaryDirectory::create().value();
  std::string at(const std::string& name) const { return directory_.path() + "/" + name; }
  std::string content(const std::string& name) const { return read_file(at(name), 1 << 20).value(); }
};

TEST_F(Files, AnAtomicFileIsInvisibleUntilCommitted) {
  auto file = AtomicFile::create(at("x")).value();
  ASSERT_TRUE(file.write(as_bytes("half")).ok());
  EXPECT_FALSE(exists(at("x")));
  ASSERT_TRUE(file.commit().ok());
  EXPECT_EQ(content("x"), "half");
}
TEST_F(Files, AnAbandonedAtomicFileLeavesNothing) {
  {
    auto file = AtomicFile::create(at("x")).value();
  }
  EXPECT_TRUE(list_directory(directory_.path()).empty());
}
TEST_F(Files, ReplacingAFileKeepsTheOldContentUntilCommit) {
  ASSERT_TRUE(write_file(at("x"), "old").ok());
  auto file = AtomicFile::create(at("x")).value();
  ASSERT_TRUE(file.write(as_bytes("new")).ok());
  EXPECT_EQ(content("x"), "old");
  ASSERT_TRUE(file.commit().ok());
  EXPECT_EQ(content("x"), "new");
}
TEST_F(Files, ReadingAFileBeyondItsLimitIsALimit) {
  ASSERT_TRUE(write_file(at("x"), "12345").ok());
  EXPECT_EQ(read_file(at("x"), 4).error().kind(), ErrorKind::Limit);
  EXPECT_EQ(read_file(at("x"), 5).value(), "12345");
}
TEST_F(Files, ReadingAnAbsentFileIsNotFound) {
  EXPECT_EQ(read_file(at("x"), 4).error().kind(), ErrorKind::NotFound);
}
TEST_F(Files, ADirDoesNotFollowDotDotOutOfItself) {
  ASSERT_TRUE(make_directories(at("in")).ok());
  ASSERT_TRUE(write_file(at("secret"), "s").ok());
  EXPECT_FALSE(Dir::open(at("in"))->open_file("../secret").ok());
  EXPECT_FALSE(Dir::open(at("in"))->open_file(at("secret")).ok());
}
TEST_F(Files, ADirDoesNotFollowASymlink) {
  ASSERT_TRUE(make_directories(at("in")).ok());
  ASSERT_TRUE(write_file(at("secret"), "s").ok());
  std::filesystem::create_symlink(at("secret"), at("in/link"));
  EXPECT_FALSE(Dir::open(at("in"))->open_file("link").ok());
}
TEST_F(Files, ADirOpensRegularFilesOnly) {
  ASSERT_EQ(::mkfifo(at("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(Dir::open(directory_.path())->open_file("fifo").ok());
}
TEST_F(Files, RemovingATreeDoesNotFollowSymlinks) {
  ASSERT_TRUE(make_directories(at("keep")).ok());
  ASSERT_TRUE(write_file(at("keep/x"), "1").ok());
  ASSERT_TRUE(make_directories(at("go/deep")).ok());
  std::filesystem::create_directory_symlink(at("keep"), at("go/deep/link"));
  ASSERT_TRUE(remove_tree(at("go")).ok());
  EXPECT_FALSE(exists(at("go")));
  EXPECT_EQ(content("keep/x"), "1");
}
TEST_F(Files, RemovingATreeTakesDirectoriesWithoutPermissionBits) {
  ASSERT_TRUE(make_directories(at("go/locked")).ok());
  ASSERT_TRUE(write_file(at("go/locked/x"), "1").ok());
  ASSERT_EQ(::chmod(at("go/locked").c_str(), 0), 0);
  EXPECT_TRUE(remove_tree(at("go")).ok());
}
TEST_F(Files, RemovingWhatIsAbsentIsOk) {
  EXPECT_TRUE(remove_tree(at("x")).ok());
  EXPECT_TRUE(remove_file(at("x")).ok());
}
TEST_F(Files, MakingDirectoriesMakesTheParents) {
  EXPECT_TRUE(make_directories(at("a/b/c")).ok());
  EXPECT_TRUE(std::filesystem::is_directory(at("a/b/c")));
}
TEST_F(Files, ATemporaryDirectoryGoesWithItsContent) {
  std::string path;
  {
    auto inner = TemporaryDirectory::create(directory_.path()).value();
    path = inner.path();
    ASSERT_TRUE(write_file(path + "/x", "1").ok());
  }
  EXPECT_FALSE(exists(path));
}
TEST_F(Files, WritingToAPipeWithoutReaderIsUnavailable) {
  auto pipe = make_pipe().value();
  pipe.read_end.reset();
  auto previous = std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(write_all(pipe.write_end, as_bytes("x")).error().kind(), ErrorKind::Unavailable);
  std::signal(SIGPIPE, previous);
}
TEST_F(Files, ReadingAtAnOffsetStopsAtTheEnd) {
  ASSERT_TRUE(write_file(at("x"), "abcdef").ok());
  std::array<std::byte, 10> buffer;
  auto fd = open_for_reading(at("x")).value();
  EXPECT_EQ(read_at(fd, buffer, 4).value(), 2u);
}

}  // namespace
}  // namespace pratique::os
