#include "run/job_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/format.h"
#include "os/file.h"
#include "run/outputs.h"

namespace pratique::run {
namespace {

constexpr std::uint32_t kStranger = 4242;

class SweptLoan : public testing::Test {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "changing owners needs root";
    ASSERT_TRUE(os::make_directories(at("jobs/dead-999999999-1")).ok());
    ASSERT_TRUE(os::make_directories(at("outputs")).ok());
  }
  std::string at(const std::string& name) const { return directory_.path() + "/" + name; }
  // What a runner that was killed left: its outputs belong to the job's host id, the owner is written down.
  void lend_outputs() {
    auto outputs = open_shared_directory(at("outputs")).value();
    auto text = format(R"({{"path":"{}","uid":{},"gid":{},"device":{},"inode":{}}})", outputs.path, kStranger,
                       kStranger, outputs.device, outputs.inode);
    ASSERT_TRUE(os::write_file(at("jobs/dead-999999999-1/loan.json"), text).ok());
    ASSERT_EQ(::chown(at("outputs").c_str(), options_.first_host_id, options_.first_host_id), 0);
  }
  std::uint32_t owner_of(const std::string& name) const {
    struct stat info{};
    ::stat(at(name).c_str(), &info);
    return info.st_uid;
  }
  os::TemporaryDirectory directory_ = os::TemporaryDirectory::create().value();
  Options options_{.directory = directory_.path()};
};

TEST_F(SweptLoan, GoesBackToItsOwner) {
  lend_outputs();
  ASSERT_TRUE(sweep_jobs(options_).ok());
  EXPECT_EQ(owner_of("outputs"), kStranger);
  EXPECT_FALSE(os::exists(at("jobs/dead-999999999-1")));
}

TEST_F(SweptLoan, LeavesADirectoryAloneThatWasPutInItsPlace) {
  lend_outputs();
  std::filesystem::rename(at("outputs"), at("elsewhere"));
  ASSERT_TRUE(os::make_directories(at("precious")).ok());
  std::filesystem::create_directory_symlink(at("precious"), at("outputs"));
  ASSERT_TRUE(sweep_jobs(options_).ok());
  EXPECT_EQ(owner_of("precious"), 0u);
}

}  // namespace
}  // namespace pratique::run
