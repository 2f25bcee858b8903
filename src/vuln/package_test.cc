#include <gtest/gtest.h>

#include "vuln/vuln.h"

namespace pratique::vuln {
namespace {

std::string purl(PackageKind kind, std::string name, std::string version, std::string arch, std::string id,
                 std::string version_id) {
  Package package{
      .kind = kind, .name = std::move(name), .version = std::move(version), .architecture = std::move(arch)};
  Distribution distribution;
  distribution.id = std::move(id);
  distribution.version_id = std::move(version_id);
  return package.purl(distribution);
}

TEST(Purl, has_the_documented_form_of_each_kind) {
  EXPECT_EQ(purl(PackageKind::Deb, "bash", "5.2.15-2+b7", "amd64", "debian", "12"),
            "pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=amd64&distro=debian-12");
  EXPECT_EQ(purl(PackageKind::Apk, "musl", "1.2.4-r2", "x86_64", "alpine", "3.19.1"),
            "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.19.1");
  EXPECT_EQ(purl(PackageKind::Rpm, "openssl", "1:3.0.7-27.el9", "x86_64", "almalinux", "9.4"),
            "pkg:rpm/almalinux/openssl@3.0.7-27.el9?arch=x86_64&distro=almalinux-9.4&epoch=1");
}

TEST(Purl, encodes_all_but_the_colon) {
  EXPECT_EQ(purl(PackageKind::Deb, "libstdc++6", "1:1.2~rc1", "amd64", "debian", "12"),
            "pkg:deb/debian/libstdc%2B%2B6@1:1.2~rc1?arch=amd64&distro=debian-12");
  EXPECT_EQ(purl(PackageKind::Deb, "a/b@c?d#e", "1 2", "x&y", "", ""), "pkg:deb/a%2Fb%40c%3Fd%23e@1%202?arch=x%26y");
}

TEST(Purl, leaves_out_what_is_not_known) {
  EXPECT_EQ(purl(PackageKind::Apk, "musl", "", "", "", ""), "pkg:apk/musl");
}

TEST(PackageKind, is_found_by_its_purl_type) {
  for (auto kind : {PackageKind::Deb, PackageKind::Apk, PackageKind::Rpm})
    EXPECT_EQ(package_kind(purl_type(kind)), kind);
  EXPECT_EQ(package_kind("pypi"), std::nullopt);
  EXPECT_EQ(version_scheme(PackageKind::Deb), VersionScheme::Dpkg);
  EXPECT_EQ(version_scheme(PackageKind::Rpm), VersionScheme::Rpm);
}

}  // namespace
}  // namespace pratique::vuln
