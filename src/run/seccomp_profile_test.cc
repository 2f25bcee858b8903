#include "run/seccomp_profile.h"

#include <gtest/gtest.h>
#include <seccomp.h>

#include <algorithm>
#include <set>

namespace pratique::run {
namespace {

TEST(seccomp_profile, names_exist_and_occur_once) {
  std::set<std::string_view> seen;
  for (auto list : {allowed_system_calls(), refused_system_calls()}) {
    for (auto call : list) {
      EXPECT_TRUE(seen.insert(call).second) << call << " occurs twice";
      EXPECT_NE(seccomp_syscall_resolve_name(std::string(call).c_str()), __NR_SCMP_ERROR) << call;
    }
  }
}

TEST(seccomp_profile, groups_are_sorted) {
  const auto profile = seccomp_profile();
  for (const auto& rule : profile["syscalls"].items()) {
    std::vector<std::string_view> names;
    for (const auto& name : rule["names"].items()) names.push_back(name.text());
    if (rule["action"].text() == "SCMP_ACT_ALLOW") {
      EXPECT_TRUE(std::ranges::is_sorted(names)) << names.front();
    }
  }
}

// What may be called without conditions.
bool is_free(std::string_view call) {
  auto allowed = allowed_system_calls();
  return std::ranges::find(allowed, call) != allowed.end();
}

TEST(seccomp_profile, dangerous_calls_are_never_free) {
  for (auto call : {"unshare",
                    "setns",
                    "mount",
                    "umount2",
                    "fsopen",
                    "open_tree",
                    "move_mount",
                    "pivot_root",
                    "chroot",
                    "keyctl",
                    "add_key",
                    "request_key",
                    "ptrace",
                    "process_vm_readv",
                    "process_vm_writev",
                    "bpf",
                    "perf_event_open",
                    "userfaultfd",
                    "io_uring_setup",
                    "io_uring_enter",
                    "io_uring_register",
                    "open_by_handle_at",
                    "kexec_load",
                    "init_module",
                    "finit_module",
                    "clone3",
                    "clone",
                    "socket",
                    "personality",
                    "openat2",
                    "chmod",
                    "fchmod",
                    "fchmodat",
                    "mknod",
                    "mknodat",
                    "syslog",
                    "reboot"}) {
    EXPECT_FALSE(is_free(call)) << call;
  }
}

TEST(seccomp_profile, defaults_to_a_kernel_that_lacks_the_call) {
  auto profile = seccomp_profile();
  EXPECT_EQ(profile["defaultAction"].text(), "SCMP_ACT_ERRNO");
  EXPECT_EQ(profile["defaultErrnoRet"].as_int(), 38);
  EXPECT_EQ(profile["architectures"].size(), 1u) << "a second architecture is a way around the first";
}

TEST(seccomp_profile, sockets_of_four_families_only) {
  std::set<std::int64_t> families;
  const auto profile = seccomp_profile();
  for (const auto& rule : profile["syscalls"].items()) {
    if (rule["names"].items().front().text() != "socket" || rule["action"].text() != "SCMP_ACT_ALLOW") continue;
    ASSERT_EQ(rule["args"].size(), 1u);
    EXPECT_EQ(rule["args"].items()[0]["op"].text(), "SCMP_CMP_EQ");
    families.insert(*rule["args"].items()[0]["value"].as_int());
  }
  EXPECT_EQ(families, (std::set<std::int64_t>{1, 2, 10, 16}));
}

}  // namespace
}  // namespace pratique::run
