#include "vuln/version.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "base/format.h"
#include "base/text.h"

namespace pratique::vuln {
namespace {

constexpr VersionScheme kSchemes[] = {VersionScheme::Dpkg, VersionScheme::Apk, VersionScheme::Rpm};

char sign(std::strong_ordering order) {
  return order < 0 ? '<' : order > 0 ? '>' : '=';
}

// "1.0 < 1.1" as the order has it, or the error.
std::string relation(VersionScheme scheme, std::string_view a, std::string_view b) {
  auto order = compare_versions(scheme, a, b);
  return order.ok() ? format("{} {} {}", a, sign(*order), b) : order.error().message();
}

void expect_order(VersionScheme scheme, std::string_view line) {
  auto words = split(line, ' ');
  ASSERT_EQ(words.size(), 3u) << line;
  EXPECT_EQ(relation(scheme, words[0], words[2]), line);
  char mirrored = words[1] == "<" ? '>' : words[1] == ">" ? '<' : '=';
  EXPECT_EQ(relation(scheme, words[2], words[0]), format("{} {} {}", words[2], mirrored, words[0]));
}

TEST(DpkgVersion, orders_as_deb_version_says) {
  for (auto line : {"1.0 = 1.0",
                    "1.0 < 1.1",
                    "1.9 < 1.10",
                    "1.0~rc1 < 1.0",
                    "1.0~ < 1.0~rc1",
                    "1.0~~ < 1.0~",
                    "1.0 < 1.0a",
                    "1.0a < 1.0+",
                    "1.0 < 1.0+b1",
                    "0:1.0 = 1.0",
                    "1:0 > 9",
                    "1.0-1 > 1.0",
                    "1.0-0 = 1.0",
                    "1.0-1 < 1.0-1+b7",
                    "1.0-1+b7 < 1.0-2",
                    "1.0-1~deb11 < 1.0-1",
                    "01.002 = 1.2",

                    "5.10.9 = 5.10.0009",
                    "2.31-13+deb11u11 < 2.31-13+deb11u13",
                    "1:1.2.11.dfsg-2+deb11u2 > 1.3",
                    "1.1.1w-0+deb11u1 < 1.1.1w-0+deb11u2",
                    "1.16.2+ds-1+b3 > 1.16.2+ds0-1",
                    "99999999999999999999999 > 99999999999999999998",
                    "1.0-1-1 > 1.0-1",
                    "1:1:1 > 1:1"})
    expect_order(VersionScheme::Dpkg, line);
}

TEST(DpkgVersion, refuses_what_dpkg_refuses_or_warns_of) {
  for (auto text : {"",   " ",   "-1",  ":1",      "a:1",     "-1:1",  "2147483648:1", "1:",   "1:-1",  "1.0-", "a1",
                    "~1", "1 0", "1_0", "1.0-1_1", "1.0-1:1", "1.0\n", "1.0\xc3\xa9",  "1.0%", "1.0/2", "+1"})
    EXPECT_FALSE(is_version(VersionScheme::Dpkg, text)) << text;
  for (auto text : {"0", "2147483647:0", "1-1", "1:2:3-4", "1.0-a", "00:1", "1.0--1", "1.-1", "1~"})
    EXPECT_TRUE(is_version(VersionScheme::Dpkg, text)) << text;
}

TEST(RpmVersion, orders_as_rpm_does) {
  for (auto line : {"1.0 = 1.0",
                    "1.0 < 2.0",
                    "2.0.1 > 2.0",
                    "2.0.1a > 2.0.1",
                    "5.5p1 < 5.5p2",
                    "5.5p10 > 5.5p1",
                    "10xyz < 10.1xyz",
                    "xyz10 < xyz10.1",
                    "xyz.4 = xyz.4",
                    "xyz.4 < 8",
                    "5.5p2 < 5.6p1",
                    "6.0.rc1 > 6.0",
                    "10b2 > 10a1",
                    "1.0aa > 1.0a",
                    "10.0001 = 10.1",
                    "10.0001 < 10.0039",
                    "4.999.9 < 5.0",
                    "20101121 < 20101122",
                    "2_0 = 2.0",
                    "1.0~rc1 < 1.0",
                    "1.0~rc1 = 1.0~rc1",
                    "1.0~rc1~git1 < 1.0~rc1",
                    "1.0^ > 1.0",
                    "1.0^git1 < 1.0.1",
                    "1.0^git1 > 1.0",
                    "1.0^git1 < 1.0^git2",
                    "1.0^git1~pre < 1.0^git1",
                    "1.0~rc1^git1 > 1.0~rc1",
                    "1.0^1 < 1.01",
                    "0:1-1 = 1-1",
                    "1:1-1 > 2-1",
                    "1-1.el8 < 1-1.el8_1",
                    "1-1 > 1",
                    "1 < 1-0",
                    "1.0. = 1.0",
                    "1-2 < 1-10",
                    "B < a",
                    "1.0+a = 1.0.a"})
    expect_order(VersionScheme::Rpm, line);
}

TEST(RpmVersion, refuses_what_is_no_version) {
  for (auto text :
       {"", "-1", ":1", "x:1", "4294967296:1", "1:", "1-", "1-1-1", "1 1", "...", "~", "1-~", "1/1", "1\xff", "1%{x}"})
    EXPECT_FALSE(is_version(VersionScheme::Rpm, text)) << text;
  for (auto text : {"4294967295:1", "a", "1.0~rc1^x-1.fc40", "_1", "1-a", "1.0+b"})
    EXPECT_TRUE(is_version(VersionScheme::Rpm, text)) << text;
}

TEST(ApkVersion, orders_as_its_corpus_says) {
  std::ifstream corpus(PRATIQUE_SOURCE_DIR "/src/vuln/testdata/apk-versions.txt");
  ASSERT_TRUE(corpus.good());
  int pairs = 0;
  for (std::string line; std::getline(corpus, line);) {
    if (line.empty() || line.front() == '#') continue;
    expect_order(VersionScheme::Apk, line);
    ++pairs;
  }
  EXPECT_GT(pairs, 60);
}

TEST(ApkVersion, refuses_what_is_no_version) {
  for (auto text : {"",          "a",     ".1",    "1.",    "1..2",      "1.0A",      "1.0ab", "1.0_",    "1.0_foo",
                    "1.0_p1x",   "1.0-",  "1.0-1", "1.0-r", "1.0-r1.1",  "1.0-r1-r2", "1.0~",  "1.0~xyz", "1.0~ab_p1",
                    "1.0~ab~cd", "1.0+b", "1:1.0", "1.0 ",  "1.0_rc1.2", "1.0_git-",  "v1.0"})
    EXPECT_FALSE(is_version(VersionScheme::Apk, text)) << text;
  for (auto text : {"0", "00", "1.0a1", "1.0a1.2", "1_alpha_beta1", "1~0f-r0", "20200101-r999"})
    EXPECT_TRUE(is_version(VersionScheme::Apk, text)) << text;
}

TEST(Version, refuses_a_text_beyond_its_limit) {
  for (auto scheme : kSchemes) {
    EXPECT_TRUE(is_version(scheme, std::string(1024, '1')));
    EXPECT_FALSE(is_version(scheme, std::string(1025, '1')));
  }
}

TEST(Version, names_the_scheme_and_the_reason_when_it_refuses) {
  auto outcome = compare_versions(VersionScheme::Apk, "1.0", "1.0_x\x1b");
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(outcome.error().message(), "\"1.0_x\\x1b\" is no apk version: an unknown suffix");
}

// Texts that are versions of the scheme and close enough to each other to meet every rule.
class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  std::string make(VersionScheme scheme) {
    for (;;) {
      std::string text = scheme == VersionScheme::Apk ? apk() : free_form();
      if (is_version(scheme, text)) return text;
    }
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  std::string pick(std::initializer_list<const char*> choices) { return choices.begin()[below(choices.size())]; }

  std::string free_form() {
    std::string text = pick({"1", "0", "2", "1:1", "10"});
    for (std::size_t i = below(6); i > 0; --i)
      text += pick({".", "~", "^", "+", "-", "a", "b", "0", "1", "9", "00", ".1", "A", "~~"});
    return text;
  }
  std::string apk() {
    std::string text = pick({"1", "0", "2", "10"});
    for (std::size_t i = below(3); i > 0; --i) text += pick({".0", ".1", ".01", ".00", ".10", ".9"});
    text += pick({"", "", "a", "b", "a1", "a2"});
    for (std::size_t i = below(3); i > 0; --i) text += pick({"_alpha", "_rc1", "_rc", "_p", "_p1", "_git2", "_pre0"});
    return text + pick({"", "", "~a", "~b"}) + pick({"", "-r0", "-r1", "-r10"});
  }
  std::mt19937 random_;
};

class VersionOrderIsTotal : public testing::TestWithParam<VersionScheme> {};

TEST_P(VersionOrderIsTotal, on_generated_triples) {
  Generator generator(7);
  auto compare = [](std::string_view a, std::string_view b) { return *compare_versions(GetParam(), a, b); };
  for (int i = 0; i < 100'000; ++i) {
    std::string a = generator.make(GetParam()), b = generator.make(GetParam()), c = generator.make(GetParam());
    ASSERT_EQ(compare(a, a), std::strong_ordering::equal) << a;
    ASSERT_EQ(compare(a, b), 0 <=> compare(b, a)) << a << " " << b;
    if (compare(a, b) <= 0 && compare(b, c) <= 0) {
      ASSERT_TRUE(compare(a, c) <= 0) << a << " " << b << " " << c;
    }
    if (compare(a, b) == 0) {
      ASSERT_EQ(compare(a, c), compare(b, c)) << a << " " << b << " " << c;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, VersionOrderIsTotal, testing::ValuesIn(kSchemes));

}  // namespace
}  // namespace pratique::vuln
