// Our order of RPM versions against librpm's.
#include <gtest/gtest.h>
#include <rpm/rpmver.h>

#include <memory>

#include "oracle/pairs.h"
#include "vuln/vuln.h"

namespace pratique::oracle {
namespace {

struct FreeVersion {
  void operator()(rpmver version) const { rpmverFree(version); }
};
using Version = std::unique_ptr<rpmver_s, FreeVersion>;

Version parsed(const std::string& text) {
  return Version(rpmverParse(text.c_str()));
}

PairGenerator generator() {
  // Versions of the shapes that Fedora, RHEL and SUSE use; there is no rpm database on a Debian machine.
  std::vector<std::string> real = {"1:3.0.7-27.el9",
                                   "2.34-100.el9_4.2",
                                   "5.14.0-427.13.1.el9_4",
                                   "0:1.2.11-40.el9",
                                   "2:8.2.2637-20.el9_1",
                                   "1.1.1k-12.el8_9",
                                   "9.0.0~rc2-1.fc40",
                                   "20240202-1.git283706d.el9",
                                   "4.18.0^20240301git1a2b-1.fc41",
                                   "3.9.18-3.el9_4.1",
                                   "1.0^1.20240101-2",
                                   "239-82.el8",
                                   "150500.9.10.1",
                                   "2.4.57-8.el9",
                                   "12:4.4.2-19.b1.el9",
                                   "7.76.1-29.el9_4",
                                   "1.8.0.402.b06-2.el8",
                                   "3.0.1+git20240101.1234-150400.1"};
  return PairGenerator(
      2, std::move(real),
      {".",    "-",  "_",   "+",    "~",  "^",  "0",  "1",    "9",  "10",  "00", "a",  "z",  "A",       "rc1", "el",
       ".el9", "-1", "~rc", "^git", "~~", "^^", "1:", "0001", "fc", "b06", ".0", "~^", "^~", "git1a2b", "a1"});
}

TEST(RpmOracle, librpm_agrees_on_generated_pairs) {
  auto pairs = generator();
  int compared = 0;
  int refused = 0;
  while (compared < kPairs) {
    auto [a, b] = pairs.next();
    auto order = vuln::compare_versions(vuln::VersionScheme::Rpm, a, b);
    if (!order.ok()) {
      ++refused;
      continue;
    }
    auto x = parsed(a), y = parsed(b);
    ASSERT_TRUE(x && y) << "librpm refuses what we take: " << a << " or " << b;
    int expected = rpmverCmp(x.get(), y.get());
    ASSERT_EQ(*order < 0, expected < 0) << a << " and " << b;
    ASSERT_EQ(*order > 0, expected > 0) << a << " and " << b;
    ++compared;
  }
  EXPECT_GT(refused, kPairs / 50) << "the generator makes too few versions that are none";
}

TEST(RpmOracle, librpm_agrees_that_equal_means_equal) {
  for (auto [a, b] : {std::pair{"1.0", "1_0"}, {"1.0", "0:1.0"}, {"01.1", "1.01"}, {"1.0.", "1.0"}, {"1-1", "1-01"}}) {
    EXPECT_EQ(rpmverCmp(parsed(a).get(), parsed(b).get()), 0) << a << " " << b;
    EXPECT_EQ(*vuln::compare_versions(vuln::VersionScheme::Rpm, a, b), std::strong_ordering::equal) << a << " " << b;
  }
}

}  // namespace
}  // namespace pratique::oracle
