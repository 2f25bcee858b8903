#include "run/cgroup.h"

#include <gtest/gtest.h>

#include "os/owner.h"

namespace pratique::run {
namespace {

TEST(cgroup, mounts_are_found_in_mountinfo) {
  auto mounts = parse_cgroup_mounts(
      "22 1 8:1 / / rw,relatime - ext4 /dev/vda rw\n"
      "30 22 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 master:1 - cgroup cgroup rw,cpu,cpuacct\n"
      "31 22 0:27 / /odd\\040place rw - cgroup cgroup rw,memory\n"
      "32 22 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"
      "cut line - cgroup\n"
      "no separator\n");
  ASSERT_EQ(mounts.size(), 3u);
  EXPECT_EQ(mounts[0].directory, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(mounts[0].controllers, (std::vector<std::string>{"rw", "cpu", "cpuacct"}));
  EXPECT_EQ(mounts[1].directory, "/odd place");
  EXPECT_FALSE(mounts[1].is_v2);
  EXPECT_TRUE(mounts[2].is_v2);
}

TEST(owner, of_a_name_is_alive_while_its_process_is) {
  EXPECT_TRUE(os::owner_is_alive(os::owned_name("job-with-dashes")));
  for (auto name : {"", "x", "x-1", "x-y-z", "x-1-999999999999", "x-999999999-1", "x--", "x-1-"}) {
    EXPECT_FALSE(os::owner_is_alive(name)) << name;
  }
}

}  // namespace
}  // namespace pratique::run
