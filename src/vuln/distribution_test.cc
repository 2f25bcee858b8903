#include <gtest/gtest.h>

#include "vuln/vuln.h"

namespace pratique::vuln {
namespace {

std::string stream_of(std::string id, std::string version_id, std::string codename = "") {
  Distribution distribution;
  distribution.id = std::move(id);
  distribution.version_id = std::move(version_id);
  distribution.codename = std::move(codename);
  return distribution.stream();
}

TEST(OsRelease, reads_debian) {
  auto debian = parse_os_release(
      "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n"
      "VERSION_CODENAME=bookworm\nID=debian\nHOME_URL=\"https://www.debian.org/\"\n");
  ASSERT_TRUE(debian.ok());
  EXPECT_EQ(debian->id, "debian");
  EXPECT_EQ(debian->version_id, "12");
  EXPECT_EQ(debian->codename, "bookworm");
  EXPECT_EQ(debian->pretty_name, "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(debian->stream(), "debian:12");
}

TEST(OsRelease, reads_what_a_shell_would_read) {
  auto odd = parse_os_release(
      "# comment\n\n  ID='Alpine'  \r\nVERSION_ID=3.19.1\nID_LIKE=\"debian  fedora\"\nPRETTY_NAME=\"a \\\"b\\\" "
      "\\$c\"\nX=\n");
  ASSERT_TRUE(odd.ok()) << odd.error().message();
  EXPECT_EQ(odd->id, "alpine");
  EXPECT_EQ(odd->stream(), "alpine:3.19");
  EXPECT_EQ(odd->id_like, (std::vector<std::string>{"debian", "fedora"}));
  EXPECT_EQ(odd->pretty_name, "a \"b\" $c");
}

TEST(OsRelease, refuses_what_names_no_system) {
  for (auto text : {"", "NAME=x\n", "ID=\n", "ID=\"debian\n", "ID\n", "ID=debian\nnonsense\n"})
    EXPECT_EQ(parse_os_release(text).error().kind(), ErrorKind::Invalid) << text;
  EXPECT_FALSE(parse_os_release(std::string_view("ID=a\0b", 6)).ok());
  EXPECT_EQ(parse_os_release(std::string(70'000, '\n')).error().kind(), ErrorKind::Limit);
}

TEST(Stream, names_the_advisories_of_a_distribution) {
  EXPECT_EQ(stream_of("debian", "11"), "debian:11");
  EXPECT_EQ(stream_of("debian", "11.9"), "debian:11");
  EXPECT_EQ(stream_of("debian", "", "trixie"), "debian:13");
  EXPECT_EQ(stream_of("alpine", "3.10.2"), "alpine:3.10");
  EXPECT_EQ(stream_of("alpine", "3.21_alpha20240923"), "alpine:edge");
  EXPECT_EQ(stream_of("ubuntu", "22.04"), "ubuntu:22.04");
  EXPECT_EQ(stream_of("almalinux", "9.4"), "almalinux:9");
  EXPECT_EQ(stream_of("wolfi", "20230201"), "wolfi");
  EXPECT_EQ(stream_of("opensuse-leap", "15.6"), "opensuse-leap:15.6");
}

TEST(Stream, is_empty_where_it_cannot_be_known) {
  EXPECT_EQ(stream_of("", "12"), "");
  EXPECT_EQ(stream_of("debian", ""), "");
  EXPECT_EQ(stream_of("debian", "", "nosuch"), "");
  EXPECT_EQ(stream_of("debian", "sid"), "");
  EXPECT_EQ(stream_of("alpine", "3"), "");
  EXPECT_EQ(stream_of("ubuntu", ""), "");
}

TEST(PackagesOf, a_distribution_are_of_the_kind_its_advisories_name) {
  EXPECT_EQ(Distribution{.id = "debian"}.package_kind(), PackageKind::Deb);
  EXPECT_EQ(Distribution{.id = "wolfi"}.package_kind(), PackageKind::Apk);
  EXPECT_EQ(Distribution{.id = "rocky"}.package_kind(), PackageKind::Rpm);
  EXPECT_EQ(Distribution{.id = "arch"}.package_kind(), std::nullopt);
  EXPECT_EQ(Distribution{.id = "nosuch"}.package_kind(), std::nullopt);
}

}  // namespace
}  // namespace pratique::vuln
