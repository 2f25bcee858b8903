// The failing disk fails: otherwise the sweeps would prove nothing.
#include "faults/disk.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "os/file.h"

namespace pratique::faults {
namespace {

class Disk : public testing::Test {
 protected:
  std::string path(const std::string& name) { return directory.path() + "/" + name; }
  os::TemporaryDirectory directory = std::move(os::TemporaryDirectory::create()).value();
};

TEST_F(Disk, CountsTheStepsOfAnAtomicFile) {
  arm(Fault::None, 0);
  const bool is_written = os::write_file(path("a"), "x").ok();
  EXPECT_EQ(disarm(), 5U);  // create, write, sync, rename, sync of the directory
  EXPECT_TRUE(is_written);
}

TEST_F(Disk, IsBrokenAtEachStepOnce) {
  for (std::size_t step = 1; step <= 5; ++step) {
    arm(Fault::Broken, step);
    const bool is_written = os::write_file(path("a"), "x").ok();
    disarm();
    EXPECT_FALSE(is_written) << step;
  }
}

TEST_F(Disk, WritesShortAndInterruptedAreNoErrors) {
  for (auto fault : {Fault::ShortWrite, Fault::Interrupted}) {
    arm(fault, 2);
    const bool is_written = os::write_file(path("a"), "some bytes").ok();
    disarm();
    EXPECT_TRUE(is_written);
    EXPECT_EQ(os::read_file(path("a"), 100).value_or(""), "some bytes");
  }
}

TEST_F(Disk, ReachesTheDatabaseToo) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path("db").c_str(), &handle), SQLITE_OK);
  arm(Fault::Full, 1);
  const int code = sqlite3_exec(handle, "CREATE TABLE t (a)", nullptr, nullptr, nullptr);
  EXPECT_GT(disarm(), 0U);
  EXPECT_NE(code, SQLITE_OK);
  sqlite3_close(handle);
}

TEST_F(Disk, EndsTheProcessAndTearsTheWrite) {
  const pid_t child = ::fork();
  if (child == 0) {
    arm(Fault::DeadAfter, 2);
    static_cast<void>(os::write_file(path("a"), "some bytes").ok());
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), kDeadExit);
  const auto left = os::list_directory(directory.path());
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(os::read_file(path(left[0]), 100).value_or(""), "some ");
}

}  // namespace
}  // namespace pratique::faults
