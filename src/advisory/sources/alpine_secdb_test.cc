#include <gmock/gmock.h>

#include "advisory/test_feeds.h"

namespace pratique::advisory {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Secdb : public FeedTest {
 protected:
  std::vector<std::string> of(std::string_view text, const std::string& stream = "") {
    feed(SourceKind::AlpineSecdb, text, stream);
    return advisories();
  }
};

TEST_F(Secdb, reads_yaml) {
  EXPECT_THAT(of("---\ndistroversion: v3.10\nreponame: main\npackages:\n  - pkg:\n      name: musl\n      secfixes:\n"
                 "        1.1.22-r3:\n          - CVE-2019-14697\n"),
              ElementsAre("alpine:3.10 musl CVE-2019-14697 fixed <1.1.22-r3"));
}

TEST_F(Secdb, reads_json) {
  EXPECT_THAT(of(R"({"distroversion":"v3.19","reponame":"main","packages":[{"pkg":{"name":"curl",)"
                 R"("secfixes":{"8.4.0-r0":["CVE-2023-38545","CVE-2023-38546"]}}}]})"),
              ElementsAre("alpine:3.19 curl CVE-2023-38545 fixed <8.4.0-r0",
                          "alpine:3.19 curl CVE-2023-38546 fixed <8.4.0-r0"));
}

TEST_F(Secdb, reads_zero_as_never_affected) {
  EXPECT_THAT(
      of(R"({"distroversion":"edge","packages":[{"pkg":{"name":"curl","secfixes":{"0":["CVE-2021-22897"]}}}]})"),
      ElementsAre("alpine:edge curl CVE-2021-22897 not-affected"));
}

TEST_F(Secdb, takes_other_names_on_a_line_for_aliases) {
  EXPECT_THAT(
      of(R"x({"distroversion":"v3.19","packages":[{"pkg":{"name":"xen","secfixes":{"1-r0":["CVE-2019-0001 XSA-296",
            "XSA-300","CVE-2019-0002 (+ regression fix)"]
}
}
}]
})x"),
      ElementsAre("alpine:3.19 xen CVE-2019-0001 fixed <1-r0 [XSA-296]", "alpine:3.19 xen CVE-2019-0002 fixed <1-r0",
                  "alpine:3.19 xen XSA-300 fixed <1-r0"));
}

TEST_F(Secdb, takes_the_branch_from_outside_where_it_names_none) {
  EXPECT_THAT(of(R"({"packages":[{"pkg":{"name":"a","secfixes":{"1-r0":["CVE-2019-0001"]}}}]})", "alpine:3.9"),
              ElementsAre("alpine:3.9 a CVE-2019-0001 fixed <1-r0"));
}

TEST_F(Secdb, skips_what_has_no_id_or_name) {
  EXPECT_THAT(of("distroversion: v3.10\nreponame: main\npackages:\n  - pkg:\n      secfixes:\n        1-r0:\n"
                 "          "
                 "- CVE-2019-0001\n"
                 "  - pkg:\n      name: b\n      secfixes:\n        1-r0:\n          - nothing\n"),
              IsEmpty());
  EXPECT_EQ(report_.skipped, 2u);
}

TEST_F(Secdb, fails_on_what_is_no_secdb) {
  for (auto text : {"{}", "{", "x: 1", "distroversion: v3.10\n", "{\"distroversion\":\"v3.10\"}",
                    "{\"distroversion\":\"three\",\"packages\":[]}"}) {
    inputs_.clear();
    feed(SourceKind::AlpineSecdb, text);
    EXPECT_FALSE(try_build().ok()) << text;
  }
}

TEST_F(FeedTest, known_exploited_vulnerabilities_mark_advisories_of_other_feeds) {
  feed(SourceKind::KnownExploited,
       R"({"vulnerabilities":[{"cveID":"CVE-2019-0001","dateAdded":"2025-08-25"},{"cveID":"junk"}]})");
  feed(SourceKind::AlpineSecdb,
       R"({"distroversion":"v3.19","packages":[{"pkg":{"name":"a","secfixes":{"1-r0":["CVE-2019-0001",)"
       R"("CVE-2019-0002"]}}}]})");
  EXPECT_THAT(advisories(),
              ElementsAre("alpine:3.19 a CVE-2019-0001 fixed <1-r0 !", "alpine:3.19 a CVE-2019-0002 fixed <1-r0"));
  EXPECT_EQ(report_.skipped, 1u);
  EXPECT_EQ(report_.info.newest.to_date(), "2025-08-25");
}

TEST_F(FeedTest, a_catalogue_without_a_list_is_refused) {
  feed(SourceKind::KnownExploited, "{}");
  EXPECT_EQ(try_build().error().kind(), ErrorKind::Invalid);
}

}  // namespace
}  // namespace pratique::advisory
