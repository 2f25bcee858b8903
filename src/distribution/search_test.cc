#include "distribution/test_world.h"

namespace pratique::distribution {
namespace {

class Search : public World {
 protected:
  Search() {
    for (const char* repository : {"open/debian", "open/debian-slim", "open/alpine", "in/ann"}) {
      push_image(repository, "1", repository);
    }
  }
  std::vector<std::string> names(const std::string& query, std::string as = "run") {
    const auto answer = send("GET", "/v1/search?" + query, {.as = std::move(as)});
    EXPECT_EQ(answer.status, 200) << answer.body;
    const Json json = answer.json();
    std::vector<std::string> found;
    for (const auto& result : json["results"].items()) found.emplace_back(result["name"].text());
    return found;
  }
};

using Names = std::vector<std::string>;

TEST_F(Search, PingAnswersEverybody) {
  EXPECT_EQ(send("GET", "/v1/_ping", {.as = ""}).status, 200);
  EXPECT_TRUE(send("GET", "/v1/_ping", {.as = ""}).json()["standalone"].as_bool().value_or(false));
}

TEST_F(Search, FindsNamesThatHoldTheWords) {
  EXPECT_EQ(names("q=debian"), (Names{"open/debian", "open/debian-slim"}));
  EXPECT_EQ(names("q=DEBIAN&n=1"), Names{"open/debian"});
  EXPECT_EQ(names("q=nothing"), Names{});
  EXPECT_EQ(names("n=0"), Names{"open/alpine"});
  EXPECT_EQ(names("q=open&n=many").size(), 3U);
}

TEST_F(Search, ShowsNobodyWhatIsStaged) {
  EXPECT_EQ(names("q=ann"), Names{});
  EXPECT_EQ(names("q=ann", "ann"), Names{});
}

// podman asks without credentials first, and only a 401 makes it ask the catalogue with them.
TEST_F(Search, TellsStrangersNothing) {
  const auto answer = send("GET", "/v1/search?q=debian", {.as = ""});
  EXPECT_EQ(answer.status, 401);
  EXPECT_TRUE(answer.header("WWW-Authenticate").starts_with("Basic "));
}

TEST_F(Search, IsAllThereIsOfTheOldProtocol) {
  EXPECT_EQ(send("GET", "/v1/repositories/open/debian/tags").status, 404);
  EXPECT_EQ(send("POST", "/v1/search").status, 404);
}

}  // namespace
}  // namespace pratique::distribution
