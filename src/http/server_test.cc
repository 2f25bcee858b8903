#include <gmock/gmock.h>

#include "base/format.h"
#include "base/text.h"
#include "http/test_peer.h"
#include "os/file.h"

namespace pratique::http {

namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Response echo(Request& request) {
  auto body = read_all(*request.body, 64 << 20);
  if (!body.ok()) return Response::problem(request, body.error());
  return Response::text(200, format("{} {} {}", request.method, request.path, *body));
}

TEST(Server, answers_a_request_with_its_id_and_date) {
  auto server = start_or_die({}, echo);
  auto answer = exchange(server->port(), "GET /a%20b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("GET /a b "));
  EXPECT_THAT(answer, HasSubstr("\r\nX-Request-Id: "));
  EXPECT_THAT(answer, HasSubstr("\r\nDate: "));
}

TEST(Server, client_round_trip) {
  auto server = start_or_die({}, echo);
  Client client;
  auto answer = client.send({.method = "PUT", .url = url_of(*server, "/x"), .body = "hello"});
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "PUT /x hello");
}

}  // namespace

}  // namespace pratique::http
