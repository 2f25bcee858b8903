#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "http/test_peer.h"
#include "os/file.h"

namespace pratique::http {

namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kFileText = "0123456789";

// Echoes, and a few answers of every kind by path.
class ServerTest : public testing::Test {
 protected:
  void start(const ServerOptions& options = {}) {
    server_ = start_or_die(options, [this](Request& request) { return handle(request); });
  }
  void TearDown() override { release(); }

  Response handle(Request& request) {
    if (request.path == "/throw") return Response::text(200, std::string(1, std::string().at(1)));
    if (request.path == "/unread") return Response::text(200, "not interested");
    if (request.path == "/origin") return Response::text(200, request.origin());
    if (request.path == "/peer") return Response::text(200, request.peer);
    if (request.path == "/empty") return {.status = 204};
    if (request.path == "/close") return closing();
    if (request.path == "/inject") return injecting(request);
    if (request.path == "/stream") return streaming(request);
    if (request.path == "/file") return file();
    if (request.path == "/length") return {.content_length = 12345};
    if (request.path == "/wait") return waiting();
    auto body = read_all(*request.body, 64 << 20);
    if (!body.ok()) return Response::problem(request, body.error());
    return Response::text(200, format("{} {} {}", request.method, request.path, *body));
  }

  static Response closing() {
    auto response = Response::text(200, "bye");
    response.headers.add("Connection", "close");
    return response;
  }
  static Response injecting(const Request& request) {
    auto response = Response::text(200, "");
    response.headers.add("X-Echo", request.parameter("v").value_or(""));
    response.headers.add("Content-Length", "999");
    return response;
  }
  static Response streaming(const Request& request) {
    Response response;
    bool fails = request.parameter("fail").has_value();
    response.body = [fails, left = 3]() mutable -> Result<std::string> {
      if (left-- > 0) return format("piece {}\n", 3 - left);
      if (fails) return unavailable("the source dried up");
      return std::string();
    };
    return response;
  }
  Response file() {
    auto path = directory_.path() + "/file";
    EXPECT_TRUE(os::write_file(path, kFileText).ok());
    Response response;
    response.body = FileBody{std::move(os::open_for_reading(path)).value(), 2, 5};
    return response;
  }
  // Stays in work until release().
  Response waiting() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return released_; });
    return Response::text(200, "released");
  }
  void await_waiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }
  void release() {
    std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

  std::string ask(std::string_view bytes) { return exchange(server_->port(), bytes); }
  std::string get(std::string_view target) { return ask(format("GET {} HTTP/1.1\r\nHost: h:1\r\n\r\n", target)); }

  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool released_ = false;
  os::TemporaryDirectory directory_ = std::move(os::TemporaryDirectory::create()).value();
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, answers_with_id_date_and_length) {
  start();
  auto answer = get("/a%20b");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nGET /a b "));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 9\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nDate: "));
  auto id = cut(answer, "X-Request-Id: ")->second.substr(0, 18);
  EXPECT_THAT(std::string(id), MatchesRegex("[0-9a-f]{16}\r\n"));
}

TEST_F(ServerTest, every_request_has_its_own_id) {
  start();
  auto id = [&] {
    auto answer = get("/");
    return std::string(cut(answer, "X-Request-Id: ")->second.substr(0, 16));
  };
  EXPECT_NE(id(), id());
}

TEST_F(ServerTest, keeps_the_connection_for_the_next_request) {
  start();
  RawPeer peer(server_->port());
  for (int i = 0; i < 3; ++i) {
    peer.send("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_THAT(peer.receive_response(), EndsWith("PUT /x hi"));
  }
  EXPECT_EQ(server_->counters().connections_total, 1U);
}

TEST_F(ServerTest, answers_pipelined_requests_in_order) {
  start();
  auto answer =
      ask("PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"
          "PUT /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n"
          "\r\nGET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  auto first = answer.find("PUT /1 a"), second = answer.find("PUT /2 b"), third = answer.find("GET /3 ");
  ASSERT_NE(third, std::string::npos) << answer;
  EXPECT_TRUE(first < second && second < third);
}

TEST_F(ServerTest, closes_when_either_side_asks) {
  start();
  RawPeer client_asks(server_->port()), server_asks(server_->port()), old(server_->port());
  EXPECT_THAT(client_asks.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").receive(),
              HasSubstr("Connection: close"));
  EXPECT_THAT(server_asks.send("GET /close HTTP/1.1\r\nHost: h\r\n\r\n").receive(), EndsWith("bye"));
  EXPECT_THAT(old.send("GET / HTTP/1.0\r\n\r\n").receive(), HasSubstr("Connection: close"));
}

TEST_F(ServerTest, head_has_the_length_but_no_body) {
  start();
  auto head = [&](std::string_view path) { return ask(format("HEAD {} HTTP/1.1\r\nHost: h\r\n\r\n", path)); };
  EXPECT_THAT(head("/abc"), AllOf(HasSubstr("Content-Length: 10\r\n"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(head("/file"), AllOf(HasSubstr("Content-Length: 5\r\n"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(head("/length"), AllOf(HasSubstr("Content-Length: 12345\r\n"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(head("/stream"), AllOf(HasSubstr("Transfer-Encoding: chunked\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(ServerTest, no_content_has_neither_length_nor_body) {
  start();
  EXPECT_THAT(get("/empty"), AllOf(StartsWith("HTTP/1.1 204 No Content"), Not(HasSubstr("Content-Length"))));
}

TEST_F(ServerTest, sends_a_range_of_a_file) {
  start();
  EXPECT_THAT(get("/file"), AllOf(HasSubstr("Content-Length: 5\r\n"), EndsWith("\r\n\r\n23456")));
}

TEST_F(ServerTest, streams_in_chunks) {
  start();
  EXPECT_THAT(get("/stream"), EndsWith("\r\n\r\n8\r\npiece 1\n\r\n8\r\npiece 2\n\r\n8\r\npiece 3\n\r\n0\r\n\r\n"));
  EXPECT_THAT(ask("GET /stream HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\npiece 1\npiece 2\npiece 3\n"));
}

TEST_F(ServerTest, a_stream_that_fails_is_cut_not_ended) {
  start();
  EXPECT_THAT(get("/stream?fail"), AllOf(HasSubstr("piece 3"), Not(HasSubstr("\r\n0\r\n"))));
  auto answer = Client().send({.url = url_of(*server_, "/stream?fail")});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::Unavailable);
}

TEST_F(ServerTest, a_handler_that_throws_is_a_500_and_no_more) {
  start();
  auto answer = get("/throw");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  auto problem = parse_json(cut(answer, "\r\n\r\n")->second);
  ASSERT_TRUE(problem.ok());
  EXPECT_THAT(answer, HasSubstr(format("X-Request-Id: {}", (*problem)["error"]["request_id"].text())));
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, a_line_break_in_a_header_value_makes_no_header) {
  start();
  auto answer = get("/inject?v=a%0d%0aSet-Cookie:%20b%00c");
  EXPECT_THAT(answer, HasSubstr("X-Echo: a  Set-Cookie: b c\r\n"));
  EXPECT_THAT(answer, AllOf(HasSubstr("Content-Length: 0\r\n"), Not(HasSubstr("999"))));
}

TEST_F(ServerTest, continue_is_said_when_the_body_is_wanted) {
  start();
  RawPeer peer(server_->port());
  peer.send("PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(peer.receive("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(peer.send("hi").receive_response(), EndsWith("PUT /x hi"));
}

TEST_F(ServerTest, continue_is_not_said_when_the_body_is_not_wanted) {
  start();
  RawPeer peer(server_->port());
  peer.send("PUT /unread HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_THAT(peer.receive(), AllOf(StartsWith("HTTP/1.1 200 OK"), HasSubstr("Connection: close")));
}

TEST_F(ServerTest, an_unread_small_body_keeps_the_connection) {
  start();
  RawPeer peer(server_->port());
  for (std::string_view body :
       {"Content-Length: 2\r\n\r\nhi", "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"}) {
    peer.send("PUT /unread HTTP/1.1\r\nHost: h\r\n").send(body);
    EXPECT_THAT(peer.receive_response(), HasSubstr("Connection: keep-alive"));
  }
  peer.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(peer.receive_response(), EndsWith("GET /next "));
}

TEST_F(ServerTest, an_unread_large_body_still_gets_its_answer) {
  start();
  RawPeer peer(server_->port());
  std::string piece(1 << 20, 'x');
  peer.send(format("PUT /unread HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", 64 * piece.size()));
  for (int i = 0; i < 64; ++i) peer.send(piece);
  EXPECT_THAT(peer.receive(), AllOf(HasSubstr("Connection: close"), EndsWith("not interested")));
}

TEST_F(ServerTest, origin_is_what_the_client_typed) {
  start();
  EXPECT_THAT(get("/origin"), EndsWith("http://h:1"));
  EXPECT_THAT(get("http://other:2/origin"), EndsWith("http://other:2"));
  EXPECT_THAT(ask("GET /origin HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n\r\n"),
              EndsWith("http://h"));
}

TEST_F(ServerTest, a_trusted_proxy_speaks_for_its_client) {
  start({.trusted_proxies = {"127.0.0.1"}});
  auto with = [&](std::string_view fields) { return ask(format("GET /origin HTTP/1.1\r\nHost: h\r\n{}\r\n", fields)); };
  EXPECT_THAT(with("X-Forwarded-Proto: https\r\nX-Forwarded-Host: gate.example:8\r\n"),
              EndsWith("https://gate.example:8"));
  EXPECT_THAT(with("X-Forwarded-Proto: http, HTTPS\r\nX-Forwarded-Host: spoofed, real\r\n"), EndsWith("https://real"));
  EXPECT_THAT(with("X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a b\r\n"), EndsWith("http://h"));
}

TEST_F(ServerTest, counters_add_up) {
  start();
  get("/");
  get("/throw");
  ask("nonsense\r\n\r\n");
  auto counters = server_->counters();
  EXPECT_EQ(counters.connections_total, 3U);
  EXPECT_EQ(counters.requests_total, 3U);
  EXPECT_EQ(counters.rejected_total, 1U);
  std::vector<std::pair<int, std::uint64_t>> expected = {{1, 0}, {2, 1}, {3, 0}, {4, 1}, {5, 1}};
  EXPECT_EQ(counters.responses_by_class, expected);
}

TEST_F(ServerTest, the_port_in_use_is_an_error) {
  start();
  auto second = Server::start({.port = server_->port()}, [](Request&) { return Response{}; });
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::Unavailable);
  auto third = Server::start({.address = "not an address"}, [](Request&) { return Response{}; });
  EXPECT_EQ(third.error().kind(), ErrorKind::Invalid);
}

TEST_F(ServerTest, a_graceful_stop_lets_requests_finish) {
  start();
  RawPeer busy(server_->port()), idle(server_->port());
  busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  await_waiting(1);
  std::thread stopper([&] { server_->stop(milliseconds(10'000)); });
  EXPECT_TRUE(idle.is_closed());
  release();
  EXPECT_THAT(busy.receive(), AllOf(HasSubstr("Connection: close"), EndsWith("released")));
  stopper.join();
}

TEST_F(ServerTest, a_stop_without_grace_cuts_a_body_that_never_comes) {
  start();
  RawPeer peer(server_->port());
  peer.send("PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  peer.receive("\r\n\r\n");  // the handler reads
  server_->stop(milliseconds(0));
  EXPECT_EQ(peer.receive(), "");
  server_->stop(milliseconds(0));
}

TEST_F(ServerTest, an_adopted_connection_is_served_under_the_name_it_came_with) {
  start({.address = ""});
  EXPECT_EQ(server_->port(), 0);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  os::Fd ours(pair[0]);
  server_->adopt(os::Fd(pair[1]), "192.0.2.7");
  ASSERT_TRUE(os::write_all(ours, as_bytes("GET /peer HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")).ok());
  EXPECT_THAT(os::read_to_end(ours, 1 << 20).value(), EndsWith("192.0.2.7"));
}

TEST_F(ServerTest, a_stop_without_grace_closes_the_port) {
  start();
  auto port = server_->port();
  server_->stop(milliseconds(0));
  auto answer = Client().send({.method = "GET", .url = format("http://127.0.0.1:{}/", port)});
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message(), HasSubstr("refused"));
}

}  // namespace

}  // namespace pratique::http
