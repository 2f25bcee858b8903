#include "transport/directory.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "transport/tar_index.h"
#include "transport/test_image.h"

namespace pratique::transport {
namespace {

struct Directory : testing::Test {
  os::TemporaryDirectory directory = os::TemporaryDirectory::create().value();
  std::string root = directory.path();

  Result<std::unique_ptr<Image>> open() { return open_directory(root, {"linux", "amd64", ""}); }
  // The layer, laid down as a file to be indexed.
  struct Layer {
    os::Fd file;
    TarIndex index;
    std::string read(const std::string& name) const {
      auto member = index.find(name).value();
      return read_all(*file_stream(file, member.offset, member.size).value(), 1 << 20).value();
    }
  };
  Layer layer() {
    auto image = open().value();
    auto file = file_with(read_blob(*image, image->manifest().layers[0], 1 << 24).value());
    auto index = TarIndex::read(file).value();
    return {std::move(file), std::move(index)};
  }
};

TEST_F(Directory, IsOneLayerThatItsConfigKnows) {
  write_tree(root, {{"etc/os-release", "ID=x"}, {"a", "1"}});
  auto image = open().value();
  ASSERT_EQ(image->manifest().layers.size(), 1U);
  auto config = oci::parse_image_config(read_blob(*image, image->manifest().config, 1 << 20).value()).value();
  EXPECT_EQ(config.diff_ids[0], image->manifest().layers[0].digest);
  EXPECT_EQ(config.platform.to_string(), "linux/amd64");
  EXPECT_EQ(layer().read("etc/os-release"), "ID=x");
}
TEST_F(Directory, GivesTheSameBytesTwice) {
  write_tree(root, {{"b", "2"}, {"a", "1"}, {"c/d", "3"}});
  EXPECT_EQ(open().value()->manifest_bytes(), open().value()->manifest_bytes());
}
TEST_F(Directory, MayBeEmpty) {
  EXPECT_EQ(open().value()->manifest().layers.size(), 1U);
}
TEST_F(Directory, TakesHostileNamesAsTheyAre) {
  std::string odd = "a\nb \x1b[31m \xff";
  write_tree(root, {{odd, "odd"}, {std::string(200, 'n') + "/" + std::string(200, 'm'), "long"}, {"-rf", "dash"}});
  auto read_back = layer();
  EXPECT_EQ(read_back.read(odd) + read_back.read("-rf"), "odddash");
  EXPECT_EQ(read_back.read(std::string(200, 'n') + "/" + std::string(200, 'm')), "long");
}
TEST_F(Directory, StoresLinksWithoutFollowingThem) {
  write_tree(root, {{"d/file", "x"}});
  ASSERT_EQ(::symlink("/etc/passwd", (root + "/out").c_str()), 0);
  ASSERT_EQ(::symlink("d/file", (root + "/in").c_str()), 0);
  ASSERT_EQ(::symlink(".", (root + "/circle").c_str()), 0);
  ASSERT_EQ(::link((root + "/d/file").c_str(), (root + "/hard").c_str()), 0);
  auto read_back = layer();
  EXPECT_EQ(read_back.index.find("out").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(read_back.read("in") + read_back.read("hard"), "xx");
}
TEST_F(Directory, LeavesSocketsOutAndDoesNotHangOnFifos) {
  write_tree(root, {{"a", "1"}});
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (root + "/socket").copy(address.sun_path, sizeof address.sun_path - 1);
  os::Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::mkfifo((root + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(layer().index.size(), 2U);
}
TEST_F(Directory, FailsWhereItMayNotRead) {
  constexpr uid_t kNobody = 65534;
  write_tree(root, {{"secret", "1"}});
  ASSERT_EQ(::chmod(root.c_str(), 0755) | ::chmod((root + "/secret").c_str(), 0), 0);
  uid_t before = ::geteuid();
  if (before == 0) {  // root may read everything
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  auto opened = open();
  ASSERT_EQ(::seteuid(before), 0);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind(), ErrorKind::Denied);
  EXPECT_TRUE(contains(opened.error().message(), "secret"));
}
TEST_F(Directory, HasToBeOne) {
  root += "/none";
  EXPECT_EQ(open().error().kind(), ErrorKind::NotFound);
}
TEST_F(Directory, IsNotDeeperThanItsLimit) {
  std::string path = root;
  for (int i = 0; i < 300; ++i) path += "/d";
  ASSERT_TRUE(os::make_directories(path).ok());
  EXPECT_EQ(open().error().kind(), ErrorKind::Limit);
}

}  // namespace
}  // namespace pratique::transport
