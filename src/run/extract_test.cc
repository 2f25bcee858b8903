// Hostile archives against a real directory. Owners and whiteouts need root.
#include "run/extract.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/text.h"
#include "run/test_image.h"

namespace pratique::run {
namespace {

class extract : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners and whiteouts";
    ASSERT_TRUE(os::make_directories(path()).ok());
    ASSERT_TRUE(os::make_directories(outside()).ok());
  }
  std::string path(const std::string& name = "") const { return directory_->path() + "/root/" + name; }
  std::string outside() const { return directory_->path() + "/outside"; }

  Result<Extraction> unpack(const std::string& bytes, const ExtractLimits& limits = {}) {
    std::size_t at = 0;
    TarReader tar([&](std::span<std::byte> buffer) -> Result<std::size_t> {
      auto count = std::min(buffer.size(), bytes.size() - at);
      std::memcpy(buffer.data(), bytes.data() + at, count);
      at += count;
      return count;
    });
    os::Fd root(::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto result = extract_layer(tar, root, limits);
    // Whatever was in the archive: nothing beside the root.
    EXPECT_EQ(os::list_directory(outside()), std::vector<std::string>{});
    EXPECT_EQ(os::list_directory(directory_->path()), (std::vector<std::string>{"outside", "root"}));
    return result;
  }
  void accept(const TarBuilder& tar) {
    auto result = unpack(tar.done());
    EXPECT_TRUE(result.ok()) << result.error().message();
  }
  ErrorKind refuse(const TarBuilder& tar, const ExtractLimits& limits = {}) {
    auto result = unpack(tar.done(), limits);
    EXPECT_FALSE(result.ok());
    return result.ok() ? ErrorKind::Unavailable : result.error().kind();
  }
  std::string content(const std::string& name) const {
    auto text = os::read_file(path(name), 1 << 20);
    return text ? *text : "<" + text.error().message() + ">";
  }
  struct stat info(const std::string& name) const {
    struct stat info = {};
    ::lstat(path(name).c_str(), &info);
    return info;
  }
  bool is_whiteout(const std::string& name) const {
    return S_ISCHR(info(name).st_mode) && info(name).st_rdev == ::makedev(0, 0);
  }
  bool is_opaque(const std::string& name) const {
    char value = 0;
    return ::getxattr(path(name).c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
  }

 private:
  Result<os::TemporaryDirectory> directory_ = os::TemporaryDirectory::create();
};

TEST_F(extract, keeps_content_mode_owner_and_time) {
  accept(TarBuilder().directory("./").directory("d/", 0750).add('0', "d/f", "hello", "", 04755, 1234));
  EXPECT_EQ(content("d/f"), "hello");
  EXPECT_EQ(info("d/f").st_mode, S_IFREG | 04755u);
  EXPECT_EQ(info("d/f").st_uid, 1234u);
  EXPECT_EQ(info("d/f").st_mtime, 1'700'000'000);
  EXPECT_EQ(info("d").st_mode, S_IFDIR | 0750u);
  EXPECT_EQ(info("d").st_mtime, 1'700'000'000);
}

TEST_F(extract, takes_absolute_names_as_below_the_root) {
  accept(TarBuilder().file("/etc/x", "1").file("//./a//b", "2"));
  EXPECT_EQ(content("etc/x"), "1");
  EXPECT_EQ(content("a/b"), "2");
}

TEST_F(extract, refuses_names_that_climb) {
  for (auto name : {"..", "../outside/x", "a/../../outside/x", "/../x", "a/.."}) {
    EXPECT_EQ(refuse(TarBuilder().file(name, "x")), ErrorKind::Invalid) << name;
    EXPECT_EQ(refuse(TarBuilder().file("f", "").link("h", name)), ErrorKind::Invalid) << name;
  }
}

TEST_F(extract, resolves_links_as_inside_the_container) {
  accept(TarBuilder()
             .directory("usr")
             .directory("usr/lib")
             .symlink("lib", "/usr/lib")
             .symlink("up", "../../../usr/lib")
             .file("lib/a", "1")
             .file("up/b", "2"));
  EXPECT_EQ(content("usr/lib/a"), "1");
  EXPECT_EQ(content("usr/lib/b"), "2");
}

TEST_F(extract, never_leaves_through_a_link) {
  for (const auto& target : {outside(), std::string("../outside"), std::string("/proc/self/root") + outside(),
                             std::string("/proc/self/cwd")}) {
    EXPECT_EQ(refuse(TarBuilder().symlink("out", target).file("out/x", "evil")), ErrorKind::Invalid) << target;
    EXPECT_EQ(refuse(TarBuilder().symlink("a", target).symlink("b", "a").file("b/x", "evil")), ErrorKind::Invalid);
    EXPECT_EQ(refuse(TarBuilder().symlink("out", target).directory("out/d")), ErrorKind::Invalid);
    EXPECT_EQ(refuse(TarBuilder().symlink("out", target).file("out/.wh.x", "")), ErrorKind::Invalid);
    EXPECT_EQ(refuse(TarBuilder().symlink("out", target).file("out/.wh..wh..opq", "")), ErrorKind::Invalid);
  }
}

TEST_F(extract, does_not_write_through_what_it_replaces) {
  ASSERT_TRUE(os::write_file(path() + "victim", "safe").ok());
  accept(TarBuilder().symlink("s", "victim").file("s", "new").file("f", "1").link("h", "f").file("h", "2"));
  EXPECT_EQ(content("victim"), "safe");
  EXPECT_EQ(content("s"), "new");
  EXPECT_EQ(content("f"), "1");
  EXPECT_EQ(content("h"), "2");
}

TEST_F(extract, makes_hard_links_within_the_layer_only) {
  accept(TarBuilder().file("f", "x").link("h", "/f").link("f", "f").symlink("s", "nowhere").link("hs", "s"));
  EXPECT_EQ(info("f").st_ino, info("h").st_ino);
  EXPECT_TRUE(S_ISLNK(info("hs").st_mode));
  EXPECT_EQ(content("f"), "x");
  EXPECT_EQ(refuse(TarBuilder().link("x", "missing")), ErrorKind::Invalid);
  EXPECT_EQ(refuse(TarBuilder().directory("d").link("x", "d")), ErrorKind::Invalid);
  EXPECT_EQ(refuse(TarBuilder().link("x", "")), ErrorKind::Invalid);
  EXPECT_EQ(refuse(TarBuilder().symlink("out", outside()).link("x", "out/y")), ErrorKind::Invalid);
  EXPECT_EQ(refuse(TarBuilder().file(".wh.gone", "").link("x", "gone")), ErrorKind::Invalid);
}

TEST_F(extract, leaves_devices_out_and_counts_them) {
  auto result = unpack(TarBuilder().add('3', "null").add('4', "sda").add('3', "d/zero").file("f", "x").done());
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->devices_left_out, 3u);
  EXPECT_EQ(os::list_directory(path()), std::vector<std::string>{"f"});
}

TEST_F(extract, turns_whiteouts_into_those_of_overlay) {
  accept(TarBuilder()
             .file("d/.wh.gone", "")
             .directory("o")
             .file("o/.wh..wh..opq", "")
             .file("o/new", "x")
             .file(".wh..wh.plnk", "")
             .directory(".wh..wh.aufs"));
  EXPECT_TRUE(is_whiteout("d/gone"));
  EXPECT_TRUE(is_opaque("o"));
  EXPECT_EQ(os::list_directory(path()), (std::vector<std::string>{"d", "o"}));
  EXPECT_EQ(refuse(TarBuilder().file(".wh.", "")), ErrorKind::Invalid);
  EXPECT_EQ(refuse(TarBuilder().file(".wh..", "")), ErrorKind::Invalid);
  EXPECT_EQ(refuse(TarBuilder().file(".wh...", "")), ErrorKind::Invalid);
}

TEST_F(extract, a_whiteout_beside_its_name_hides_only_what_is_below) {
  accept(TarBuilder()
             .file(".wh.a", "")
             .file("a", "new")
             .file("b", "new")
             .file(".wh.b", "")
             .file(".wh.c", "")
             .directory("c")
             .directory("d")
             .file(".wh.d", ""));
  EXPECT_EQ(content("a"), "new");
  EXPECT_EQ(content("b"), "new");
  EXPECT_TRUE(is_opaque("c"));
  EXPECT_TRUE(is_opaque("d"));
}

TEST_F(extract, later_entries_replace_earlier_ones) {
  accept(TarBuilder()
             .directory("x")
             .file("x/f", "1")
             .file("x", "file")
             .file("y", "1")
             .directory("y")
             .file("y/f", "2")
             .symlink("z", "y")
             .directory("z")
             .file("z/f", "3")
             .directory("p/q")
             .file("p/q/r", "1")
             .file("p/q", "2"));
  EXPECT_EQ(content("x"), "file");
  EXPECT_EQ(content("y/f"), "2");
  EXPECT_EQ(content("z/f"), "3");
  EXPECT_EQ(content("p/q"), "2");
}

TEST_F(extract, refuses_entries_below_files) {
  EXPECT_EQ(refuse(TarBuilder().file("f", "").file("f/x", "")), ErrorKind::Invalid);
  EXPECT_EQ(refuse(TarBuilder().symlink("l", "l").file("l/x", "")), ErrorKind::Invalid);
}

TEST_F(extract, makes_sparse_files_of_their_size) {
  accept(TarBuilder()
             .pax({{"GNU.sparse.size", "1000000"}, {"GNU.sparse.map", "10,3,50,2"}})
             .file("f", "abcde")
             .pax({{"GNU.sparse.size", "1000"}, {"GNU.sparse.map", ""}})
             .file("hole", ""));
  EXPECT_EQ(info("f").st_size, 1'000'000);
  EXPECT_LT(info("f").st_blocks, 100);
  EXPECT_EQ(content("f").substr(10, 3), "abc");
  EXPECT_EQ(content("f").substr(50, 3), std::string("de\0", 3));
}

TEST_F(extract, owners_no_job_can_have_become_nobody) {
  accept(TarBuilder().pax({{"uid", "4294967295"}, {"gid", "70000"}}).file("f", ""));
  EXPECT_EQ(info("f").st_uid, 65'534u);
  EXPECT_EQ(info("f").st_gid, 65'534u);
}

TEST_F(extract, does_not_take_extended_attributes) {
  accept(TarBuilder()
             .pax({{"SCHILY.xattr.trusted.overlay.opaque", "y"}})
             .directory("d")
             .pax({{"SCHILY.xattr.security.capability", "x"}})
             .file("f", ""));
  EXPECT_FALSE(is_opaque("d"));
  EXPECT_LT(::getxattr(path("f").c_str(), "security.capability", nullptr, 0), 0);
}

TEST_F(extract, is_bounded_in_entries_and_depth) {
  TarBuilder tar;
  for (int i = 0; i < 11; ++i) tar.file(format("f{}", i), "");
  EXPECT_EQ(refuse(tar, {.entries_max = 10}), ErrorKind::Limit);
  std::string deep;
  for (int i = 0; i < 600; ++i) deep += "d/";
  EXPECT_EQ(refuse(TarBuilder().pax({{"path", deep + "f"}}).file("x", "")), ErrorKind::Limit);
}

TEST_F(extract, reads_files_as_seen_from_inside) {
  accept(TarBuilder()
             .file("real", "inside")
             .symlink("etc/passwd", "/real")
             .symlink("out", outside())
             .add('6', "fifo")
             .directory("d"));
  os::Fd root(::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(*read_file_in(root, "etc/passwd", 100), "inside");
  EXPECT_EQ(*read_file_in(root, "no/such", 100), "");
  EXPECT_EQ(read_file_in(root, "real", 3).error().kind(), ErrorKind::Limit);
  EXPECT_EQ(read_file_in(root, "fifo", 100).error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(read_file_in(root, "d", 100).error().kind(), ErrorKind::Invalid);
}

}  // namespace
}  // namespace pratique::run
