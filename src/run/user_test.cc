#include "run/user.h"

#include <gtest/gtest.h>

#include "base/format.h"

namespace pratique::run {
namespace {

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "broken line\n"
    "far:x:70000:1:out of range:/:/bin/sh\n"
    "worker:x:1000:1001:w:/home/worker:/bin/sh\n"
    "1234:x:55:56:a name of digits:/digits:/bin/sh";
constexpr const char* kGroup =
    "root:x:0:\nworker:x:1001:\ndata:x:2000:other,worker\nmore:x:3000:worker\nbad:x:y:worker\n";

std::string shown(std::string_view user) {
  auto result = resolve_user(user, kPasswd, kGroup);
  if (!result) return result.error().message();
  std::string text = format("{}:{} {}", result->uid, result->gid, result->home);
  for (auto group : result->groups) text += format(" +{}", group);
  return text;
}

TEST(user, is_looked_up_in_the_databases_of_the_image) {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"", "0:0 /root"},
      {"root", "0:0 /root"},
      {"0", "0:0 /root"},
      {"worker", "1000:1001 /home/worker +2000 +3000"},
      {"1000", "1000:1001 /home/worker +2000 +3000"},
      {"worker:data", "1000:2000 /home/worker"},
      {"worker:77", "1000:77 /home/worker"},
      {"4242", "4242:0 "},
      {"4242:4343", "4242:4343 "},
      {"65535", "65535:0 "},
      {":data", "0:2000 /root"},
      {"1234", "55:56 /digits"},  // a name comes before a number
  };
  for (const auto& [user, expected] : table) EXPECT_EQ(shown(user), expected) << user;
}

TEST(user, is_refused_when_unknown_or_out_of_range) {
  for (auto user : {"nobody-here", "far", "70000", "65536", "99999999999999999999", "worker:nogroup", "worker:65536",
                    "root:bad", "-1", "wor ker", "0x0"}) {
    auto result = resolve_user(user, kPasswd, kGroup);
    ASSERT_FALSE(result.ok()) << user;
    EXPECT_EQ(result.error().kind(), ErrorKind::Invalid) << user;
  }
}

TEST(user, without_databases_only_numbers_exist) {
  EXPECT_EQ(resolve_user("7:8", "", "")->gid, 8u);
  EXPECT_FALSE(resolve_user("root", "", "").ok());
  EXPECT_EQ(resolve_user("", "", "")->uid, 0u);
}

}  // namespace
}  // namespace pratique::run
