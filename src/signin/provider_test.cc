#include <gtest/gtest.h>

#include <map>

#include "base/format.h"
#include "signin/signin.h"
#include "signin/test_signer.h"

namespace pratique::signin {
namespace {

class ProviderTest : public testing::Test {
 protected:
  ProviderTest() {
    publish(old_);
    pages_["https://id.example.org/.well-known/openid-configuration"] =
        R"({"issuer":"https://id.example.org","jwks_uri":"https://id.example.org/keys"})";
  }
  void publish(const Signer& signer) {
    pages_["https://id.example.org/keys"] = Json::object({{"keys", Json::array({signer.published()})}}).dump();
  }
  std::string token(const Signer& signer) {
    return signer.token(Json::object({{"iss", "https://id.example.org"},
                                      {"sub", "1"},
                                      {"aud", "pratique"},
                                      {"exp", clock_.now().unix_seconds() + 300}}));
  }
  Result<std::string> fetch(const std::string& url) {
    ++fetches_;
    auto page = pages_.find(url);
    if (page == pages_.end()) return unavailable("no answer from " + url);
    return page->second;
  }

  ManualClock clock_{*Time::parse("2026-11-20T12:00:00Z")};
  Signer old_{"old", "EdDSA"}, new_{"new", "EdDSA"};
  std::map<std::string, std::string> pages_;
  int fetches_ = 0;
  Provider provider_{{.issuer = "https://id.example.org", .audience = "pratique"},
                     [this](const std::string& url) { return fetch(url); },
                     clock_};
};

TEST_F(ProviderTest, FetchesItsKeysOnceAnHour) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(provider_.verify(token(old_)).ok());
  EXPECT_EQ(fetches_, 2);
  clock_.advance(hours(1));
  EXPECT_TRUE(provider_.verify(token(old_)).ok());
  EXPECT_EQ(fetches_, 4);
}

TEST_F(ProviderTest, LearnsOfANewKeyAtOnceButNotForEveryStranger) {
  EXPECT_TRUE(provider_.verify(token(old_)).ok());
  clock_.advance(minutes(2));
  publish(new_);
  EXPECT_TRUE(provider_.verify(token(new_)).ok());
  int before = fetches_;
  Signer stranger("stranger", "EdDSA");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(provider_.verify(token(stranger)).error().kind(), ErrorKind::Denied);
  EXPECT_EQ(fetches_, before);
}

TEST_F(ProviderTest, SaysWhenItsKeysCannotBeHad) {
  pages_.erase("https://id.example.org/keys");
  EXPECT_EQ(provider_.verify(token(old_)).error().kind(), ErrorKind::Unavailable);
  int before = fetches_;
  EXPECT_EQ(provider_.verify(token(old_)).error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(fetches_, before);
}

TEST_F(ProviderTest, DoesNotFollowAnImpostorsDocument) {
  for (const char* document : {R"({"issuer":"https://evil.example","jwks_uri":"https://id.example.org/keys"})",
                               R"({"issuer":"https://id.example.org","jwks_uri":"http://id.example.org/keys"})",
                               R"({"issuer":"https://id.example.org"})", "{}", "<html>"}) {
    pages_["https://id.example.org/.well-known/openid-configuration"] = document;
    EXPECT_FALSE(provider_.verify(token(old_)).ok()) << document;
    clock_.advance(minutes(2));
  }
}

TEST(MatchesSubject, ComparesPartByPart) {
  EXPECT_TRUE(matches_subject("repo:lab/tool:ref:refs/heads/main", "repo:lab/tool:ref:refs/heads/main"));
  EXPECT_TRUE(matches_subject("repo:lab/*:ref:refs/heads/main", "repo:lab/tool:ref:refs/heads/main"));
  EXPECT_FALSE(matches_subject("repo:lab/*:ref:refs/heads/main", "repo:lab/tool:ref:refs/heads/evil"));
  EXPECT_FALSE(matches_subject("repo:lab/*:ref:refs/heads/main", "repo:labs/tool:ref:refs/heads/main"));
  EXPECT_FALSE(matches_subject("repo:lab/*", "repo:lab/tool:ref:refs/heads/main"));
  EXPECT_FALSE(matches_subject("a*a", "a"));
  EXPECT_FALSE(matches_subject("", "x"));
}

}  // namespace
}  // namespace pratique::signin
