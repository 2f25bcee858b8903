#include <gtest/gtest.h>

#include "base/json.h"
#include "http/http.h"

namespace pratique::http {

namespace {

// A table that answers with the route's name and what it captured.
class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    for (std::string_view line : {"GET /v2/", "GET /images/{id}", "DELETE /images/{id}", "HEAD /heads", "GET /heads",
                                  "GET /files/{path*}", "POST /images/{id}/tags/{tag}", "GET /images/special"}) {
      auto space = line.find(' ');
      router_.add(line.substr(0, space), line.substr(space + 1), [line](Request& request) {
        std::string text(line);
        for (const auto& [name, value] : request.route) text += " " + name + "=" + value;
        return Response::text(200, text);
      });
    }
  }
  Response ask(std::string method, std::string path) {
    Request request;
    request.id = "0123456789abcdef";
    request.method = std::move(method);
    request.path = std::move(path);
    return router_(request);
  }
  std::string text(std::string method, std::string path) {
    return std::get<std::string>(ask(std::move(method), std::move(path)).body);
  }
  Router router_;
};

TEST_F(RouterTest, a_segment_is_captured) {
  EXPECT_EQ(text("GET", "/images/7"), "GET /images/{id} id=7");
}
TEST_F(RouterTest, several_segments_are_captured) {
  EXPECT_EQ(text("POST", "/images/7/tags/latest"), "POST /images/{id}/tags/{tag} id=7 tag=latest");
}
TEST_F(RouterTest, the_rest_is_captured) {
  EXPECT_EQ(text("GET", "/files/a/b/c"), "GET /files/{path*} path=a/b/c");
}
TEST_F(RouterTest, the_rest_may_be_empty) {
  EXPECT_EQ(text("GET", "/files/"), "GET /files/{path*} path=");
}
TEST_F(RouterTest, a_segment_may_not_be_empty) {
  EXPECT_EQ(ask("GET", "/images/").status, 404);
}
TEST_F(RouterTest, a_slash_at_the_end_matters) {
  EXPECT_EQ(ask("GET", "/v2/").status, 200);
  EXPECT_EQ(ask("GET", "/v2").status, 404);
  EXPECT_EQ(ask("GET", "/images/7/").status, 404);
}
TEST_F(RouterTest, the_first_route_in_the_table_wins) {
  EXPECT_EQ(text("GET", "/images/special"), "GET /images/{id} id=special");
}
TEST_F(RouterTest, head_falls_back_to_get) {
  EXPECT_EQ(text("HEAD", "/images/7"), "GET /images/{id} id=7");
}
TEST_F(RouterTest, head_has_its_own_route_where_there_is_one) {
  EXPECT_EQ(text("HEAD", "/heads"), "HEAD /heads");
}

TEST_F(RouterTest, an_unknown_path_is_a_problem_with_the_request_id) {
  auto response = ask("GET", "/nowhere");
  EXPECT_EQ(response.status, 404);
  auto problem = parse_json(std::get<std::string>(response.body));
  ASSERT_TRUE(problem.ok());
  EXPECT_EQ((*problem)["error"]["kind"].text(), "not-found");
  EXPECT_EQ((*problem)["error"]["message"].text(), "there is nothing at /nowhere");
  EXPECT_EQ((*problem)["error"]["request_id"].text(), "0123456789abcdef");
}

TEST_F(RouterTest, another_method_is_told_the_ones_there_are) {
  auto response = ask("PUT", "/images/7");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.find("allow"), "GET, DELETE, HEAD");
}

TEST(Headers, set_replaces_and_find_ignores_case) {
  Headers headers;
  headers.add("A", "1");
  headers.add("a", "2");
  headers.add("B", "3");
  EXPECT_EQ(headers.find("a"), "1");
  headers.set("a", "4");
  EXPECT_EQ(headers.all("A"), std::vector<std::string>{"4"});
  EXPECT_EQ(headers.find("C"), std::nullopt);
}

TEST(Request, parameters_and_captures_are_looked_up) {
  Request request{
      .query = {{"a", "1"}, {"b", "2"}, {"a", "3"}}, .scheme = "https", .host = "h:1", .route = {{"id", "7"}}};
  EXPECT_EQ(request.parameter("a"), "1");
  EXPECT_EQ(request.parameter("c"), std::nullopt);
  EXPECT_EQ(request.parameters("a"), (std::vector<std::string>{"1", "3"}));
  EXPECT_EQ(request.captured("id"), "7");
  EXPECT_EQ(request.captured("none"), "");
  EXPECT_EQ(request.origin(), "https://h:1");
}

}  // namespace

}  // namespace pratique::http
