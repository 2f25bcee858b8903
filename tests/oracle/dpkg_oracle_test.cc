// Our order of Debian versions against libdpkg's, which is what `dpkg --compare-versions` runs.
#include <dpkg/dpkg-db.h>
#include <dpkg/dpkg.h>
#include <gtest/gtest.h>

#include "oracle/pairs.h"
#include "vuln/vuln.h"

namespace pratique::oracle {
namespace {

// libdpkg keeps pieces of a version in memory it never frees; a parsed one is therefore kept for the pair only.
struct Parsed {
  explicit Parsed(const std::string& text) {
    dpkg_error error = DPKG_ERROR_INIT;
    is_valid = parseversion(&version, text.c_str(), &error) == 0;
    dpkg_error_destroy(&error);
  }
  dpkg_version version = DPKG_VERSION_INIT;
  bool is_valid = false;
};

bool has_sign(const std::string& text) {
  return text.starts_with('+') || text.starts_with('-');
}

bool agrees(const std::string& text) {
  // dpkg's reader of numbers takes a sign before an epoch, which deb-version(7) does not.
  if (has_sign(text)) return !vuln::is_version(vuln::VersionScheme::Dpkg, text);
  return vuln::is_version(vuln::VersionScheme::Dpkg, text) == Parsed(text).is_valid;
}

std::vector<std::string> real_versions() {
  auto versions = values_after("Version: ", "/var/lib/dpkg/status");
  if (auto shared = shared_data(); !shared.empty()) {
    for (auto& line : values_after("\t[", shared + "/feeds/debian/DSA-list"))
      if (auto words = split(line, ' '); words.size() == 4) versions.emplace_back(words[3]);
  }
  return versions;
}

PairGenerator generator() {
  return PairGenerator(1, real_versions(),
                       {".",    "-",    "+",     "~",         ":",     "0",      "1",    "9",       "10",
                        "00",   "a",    "z",     "A",         "rc1",   "~rc1",   "+b1",  "+deb12u", "-1",
                        "-0",   "~~",   "+dfsg", "+really1.", "+git2", "1:",     "0001", "2024",    "+nmu",
                        "~bpo", "-1.1", "Z",     "~a",        "a~",    "999999", ".0",   "_",       "ubuntu0.1"});
}

TEST(DpkgOracle, libdpkg_agrees_on_generated_pairs) {
  auto pairs = generator();
  int compared = 0;
  int refused = 0;
  while (compared < kPairs) {
    auto [a, b] = pairs.next();
    ASSERT_TRUE(agrees(a)) << a;
    ASSERT_TRUE(agrees(b)) << b;
    Parsed x(a), y(b);
    if (!x.is_valid || !y.is_valid || has_sign(a) || has_sign(b)) {
      ++refused;
      continue;
    }
    int expected = dpkg_version_compare(&x.version, &y.version);
    auto order = vuln::compare_versions(vuln::VersionScheme::Dpkg, a, b);
    ASSERT_TRUE(order.ok()) << order.error().message();
    ASSERT_EQ(*order < 0, expected < 0) << a << " and " << b;
    ASSERT_EQ(*order > 0, expected > 0) << a << " and " << b;
    ++compared;
  }
  RecordProperty("refused", refused);
  EXPECT_GT(refused, kPairs / 20) << "the generator makes too few versions that are none";
}

TEST(DpkgOracle, libdpkg_agrees_on_every_version_of_this_machine_with_its_neighbours) {
  auto versions = real_versions();
  if (versions.size() < 2) GTEST_SKIP() << "there is no dpkg database here";
  for (std::size_t i = 0; i + 1 < versions.size(); ++i) {
    Parsed x(versions[i]), y(versions[i + 1]);
    ASSERT_TRUE(agrees(versions[i])) << versions[i];
    if (!x.is_valid || !y.is_valid) continue;
    auto order = vuln::compare_versions(vuln::VersionScheme::Dpkg, versions[i], versions[i + 1]);
    ASSERT_EQ(*order < 0, dpkg_version_compare(&x.version, &y.version) < 0) << versions[i] << " " << versions[i + 1];
  }
}

}  // namespace
}  // namespace pratique::oracle
