#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <thread>

#include "base/format.h"
#include "base/text.h"
#include "http/test_peer.h"
#include "os/file.h"

namespace pratique::http {

namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

// A port nobody listens on: bound, never listened to.
class ClosedPort {
 public:
  ClosedPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    port = ntohs(address.sin_port);
  }
  // From here on connections are accepted by the kernel and nobody answers.
  void listen() const { EXPECT_EQ(::listen(socket_.get(), 8), 0); }
  os::Fd accept() const { return os::Fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  std::uint16_t port = 0;

 private:
  os::Fd socket_;
};

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    server_ = start_or_die({}, [this](Request& request) { return handle(request); });
    other_ = start_or_die({}, [this](Request& request) { return handle(request); });
  }

  Response handle(Request& request) const {
    if (auto to = request.parameter("to")) {
      Response response{.status =
                            static_cast<int>(parse_decimal(request.parameter("status").value_or("302")).value_or(302))};
      response.headers.add("Location", *to);
      return response;
    }
    if (request.path == "/big") return Response::text(200, std::string(1 << 20, 'x'));
    if (request.path == "/refuse") return Response::json(403, "{\"why\":\"no\"}");
    if (request.path == "/status") return Response::text(418, "teapot");
    auto body = read_all(*request.body, 64 << 20);
    if (!body.ok()) return Response::problem(request, body.error());
    auto response = Response::text(200, format("{} {} {} length={} auth={} type={}", request.method, request.target,
                                               *body, request.headers.find("Content-Length").value_or("none"),
                                               request.headers.find("Authorization").value_or("none"),
                                               request.headers.find("Content-Type").value_or("none")));
    response.headers.add("X-Twice", "1");
    response.headers.add("X-Twice", "2");
    return response;
  }

  std::string url(std::string_view path) const { return url_of(*server_, path); }
  Result<ClientResponse> send(const ClientRequest& request) { return client_.send(request); }
  std::string body_of(const ClientRequest& request) {
    auto answer = send(request);
    return answer.ok() ? answer->body : answer.error().message();
  }
  std::string failure(const ClientRequest& request, const ClientOptions& options = {}) {
    auto answer = Client(options).send(request);
    EXPECT_FALSE(answer.ok());
    return answer.ok() ? "" : answer.error().message();
  }

  std::unique_ptr<Server> server_, other_;
  Client client_;
};

// Gives `pieces` one by one, then the end.
std::function<Result<std::string>()> pieces(std::vector<std::string> all) {
  return [all = std::move(all), next = std::size_t{0}]() mutable -> Result<std::string> {
    return next < all.size() ? all[next++] : std::string();
  };
}

TEST_F(ClientTest, methods_bodies_and_headers_arrive) {
  ClientRequest request{.method = "PATCH", .url = url("/x?n=1"), .body = "hi"};
  request.headers.add("Content-Type", "text/x");
  EXPECT_EQ(body_of(request), "PATCH /x?n=1 hi length=2 auth=none type=text/x");
  EXPECT_EQ(body_of({.url = url("/g")}), "GET /g  length=none auth=none type=none");
  EXPECT_EQ(body_of({.method = "PUT", .url = url("/p")}), "PUT /p  length=0 auth=none type=none");
  EXPECT_EQ(body_of({.method = "DELETE", .url = url("/d")}), "DELETE /d  length=none auth=none type=none");
}

TEST_F(ClientTest, answers_have_status_headers_and_url) {
  auto answer = send({.url = url("/x")});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->headers.all("x-twice"), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(answer->url, url("/x"));
  EXPECT_EQ(send({.url = url("/status")})->status, 418);
}

TEST_F(ClientTest, head_has_a_length_and_no_body) {
  auto answer = send({.method = "HEAD", .url = url("/big")});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->headers.find("Content-Length"), "1048576");
  EXPECT_EQ(answer->body, "");
}

TEST_F(ClientTest, connections_are_kept) {
  for (int i = 0; i < 5; ++i) body_of({.url = url("/x")});
  EXPECT_EQ(server_->counters().connections_total, 1U);
}

TEST_F(ClientTest, uploads_are_pulled) {
  EXPECT_EQ(body_of({.method = "PUT", .url = url("/u"), .upload = pieces({"ab", "c"}), .upload_length = 3}),
            "PUT /u abc length=3 auth=none type=none");
  EXPECT_EQ(body_of({.method = "PATCH", .url = url("/u"), .upload = pieces({"ab", "c"})}),
            "PATCH /u abc length=none auth=none type=none");
}

TEST_F(ClientTest, a_large_upload_arrives_whole) {
  std::string piece(300'000, 'z');
  auto body =
      body_of({.method = "PUT", .url = url("/u"), .upload = pieces({piece, piece, piece, piece, piece, piece, piece})});
  EXPECT_EQ(std::count(body.begin(), body.end(), 'z'), 2'100'000);
}

TEST_F(ClientTest, an_upload_that_fails_is_the_error) {
  auto answer =
      send({.method = "PUT", .url = url("/u"), .upload = []() -> Result<std::string> { return corrupt("torn"); }});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::Corrupt);
  EXPECT_EQ(answer.error().message(), "torn");
}

TEST_F(ClientTest, a_sink_takes_the_body) {
  std::string taken;
  auto answer = send({.url = url("/big"), .sink = [&](Bytes bytes) -> Status {
                        taken += as_text(bytes);
                        return {};
                      }});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(taken.size(), 1U << 20);
  EXPECT_EQ(answer->body, "");
}

TEST_F(ClientTest, a_sink_sees_no_error_page) {
  auto answer = send({.url = url("/refuse"), .sink = [](Bytes) -> Status { return corrupt("called"); }});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 403);
  EXPECT_EQ(answer->body, "{\"why\":\"no\"}");
}

TEST_F(ClientTest, a_sink_that_refuses_stops_the_transfer) {
  auto answer = send({.url = url("/big"), .sink = [](Bytes) -> Status { return over_limit("enough"); }});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind(), ErrorKind::Limit);
}

TEST_F(ClientTest, bodies_are_bounded) {
  EXPECT_EQ(failure({.url = url("/big")}, {.body_bytes_max = (1 << 20) - 1}),
            "the answer has more than the 1048575 bytes accepted");
  Client exact({.body_bytes_max = 1 << 20});
  EXPECT_TRUE(exact.send({.url = url("/big")}).ok());
}

TEST_F(ClientTest, redirects_are_followed) {
  auto answer = send({.url = url("/?to=/there%3Fa=b")});
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(answer->body, StartsWith("GET /there?a=b "));
  EXPECT_EQ(answer->url, url("/there?a=b"));
}

TEST_F(ClientTest, redirects_of_other_methods) {
  EXPECT_THAT(body_of({.method = "POST", .url = url("/?to=/x&status=303"), .body = "b"}), StartsWith("GET /x  "));
  EXPECT_THAT(body_of({.method = "POST", .url = url("/?to=/x&status=307"), .body = "b"}), StartsWith("POST /x b "));
  EXPECT_EQ(send({.method = "POST", .url = url("/?to=/x&status=302"), .body = "b"})->status, 302);
  EXPECT_EQ(
      send({.method = "PUT", .url = url("/?to=/x&status=307"), .upload = pieces({"b"}), .upload_length = 1})->status,
      307);
}

TEST_F(ClientTest, a_body_stays_with_its_host) {
  for (int status : {307, 308}) {
    auto to = format("/?status={}&to={}", status, percent_encode(url_of(*other_, "/steal")));
    EXPECT_EQ(failure({.method = "POST", .url = url(to), .body = "password=secret"}),
              "127.0.0.1 redirects a POST to 127.0.0.1, which is not followed");
  }
  EXPECT_EQ(other_->counters().requests_total, 0U);
}

TEST_F(ClientTest, redirects_can_be_left_alone) {
  EXPECT_EQ(send({.url = url("/?to=/x"), .follow_redirects = false})->status, 302);
}

TEST_F(ClientTest, authorization_stays_with_its_host) {
  auto with = [&](const std::string& to) {
    ClientRequest request{.url = url("/?to=" + percent_encode(to))};
    request.headers.add("Authorization", "Bearer secret");
    return body_of(request);
  };
  EXPECT_THAT(with(url("/same")), HasSubstr("auth=Bearer secret"));
  EXPECT_THAT(with(url_of(*other_, "/other")), HasSubstr("auth=none"));
  EXPECT_THAT(with(url("/?to=" + percent_encode(url_of(*other_, "/?to=" + percent_encode(url("/back")))))),
              HasSubstr("auth=none"));
}

TEST_F(ClientTest, endless_redirects_end) {
  auto loop = start_or_die({}, [](Request&) {
    Response response{.status = 302};
    response.headers.add("Location", "/again");
    return response;
  });
  EXPECT_EQ(failure({.url = url_of(*loop, "/")}), url_of(*loop, "/") + " redirects more than 10 times");
}

TEST_F(ClientTest, redirects_to_other_schemes_are_refused) {
  EXPECT_EQ(failure({.url = url("/?to=file:///etc/passwd")}), "file:///etc/passwd is not an http or https address");
}

TEST_F(ClientTest, addresses_that_are_none_are_invalid) {
  for (std::string bad : {"", "file:///etc/passwd", "gopher://x/", "http://", "http://a b/"}) {
    auto answer = send({.url = bad});
    ASSERT_FALSE(answer.ok()) << bad;
    EXPECT_EQ(answer.error().kind(), ErrorKind::Invalid) << bad << ": " << answer.error().message();
  }
}

TEST_F(ClientTest, a_line_break_in_a_header_is_refused) {
  ClientRequest request{.url = url("/")};
  request.headers.add("X", "a\r\nB: c");
  EXPECT_EQ(failure(request), "a header field holds a line break");
}

TEST_F(ClientTest, failures_say_what_failed) {
  ClosedPort closed;
  EXPECT_EQ(failure({.url = "http://no-such-host.invalid/"}), "could not resolve the name no-such-host.invalid");
  EXPECT_EQ(failure({.url = format("http://127.0.0.1:{}/", closed.port)}),
            format("could not connect to 127.0.0.1:{}: Connection refused", closed.port));
  EXPECT_THAT(failure({.url = url_of(*server_, "/", "https")}),
              StartsWith(format("no TLS connection to 127.0.0.1:{}", server_->port())));
}

TEST_F(ClientTest, silence_is_a_stall) {
  ClosedPort silent;
  silent.listen();
  EXPECT_EQ(failure({.url = format("http://127.0.0.1:{}/", silent.port)}, {.stall_timeout = milliseconds(1000)}),
            format("127.0.0.1:{} stalled: no byte for 1000 ms", silent.port));
}

TEST_F(ClientTest, a_broken_answer_is_unavailable) {
  auto against = [&](std::string_view said) {
    ClosedPort port;
    port.listen();
    std::thread server([&] {
      auto connection = port.accept();
      char request[4096];
      EXPECT_GT(::recv(connection.get(), request, sizeof request, 0), 0);
      EXPECT_TRUE(os::write_all(connection, as_bytes(said)).ok());
    });
    auto said_back = failure({.url = format("http://127.0.0.1:{}/", port.port)});
    server.join();
    return replace_all(said_back, format("127.0.0.1:{}", port.port), "HOST");
  };
  EXPECT_EQ(against(""), "HOST closed the connection without an answer");
  EXPECT_EQ(against("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
            "HOST closed the connection in the middle of the answer");
  EXPECT_THAT(against("SSH-2.0-OpenSSH\r\n"), StartsWith("HOST did not answer in HTTP"));
  EXPECT_EQ(against("HTTP/1.1 200 OK\r\nA: " + std::string(90 << 10, 'a') + "\r\nB: " + std::string(90 << 10, 'b') +
                    "\r\nC: " + std::string(90 << 10, 'c') + "\r\n\r\n"),
            "the answer's head is too large");
}

TEST_F(ClientTest, a_unix_socket_is_another_way_in) {
  auto directory = std::move(os::TemporaryDirectory::create()).value();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto path = directory.path() + "/socket";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  os::Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  std::thread server([&] {
    os::Fd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char request[4096];
    EXPECT_GT(::recv(connection.get(), request, sizeof request, 0), 0);
    EXPECT_TRUE(os::write_all(connection, as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong")).ok());
  });
  EXPECT_EQ(body_of({.url = "http://docker/_ping", .unix_socket = path}), "pong");
  server.join();
}

TEST_F(ClientTest, one_client_serves_many_threads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i)
        EXPECT_THAT(body_of({.url = url(format("/{}/{}", t, i))}), StartsWith(format("GET /{}/{} ", t, i)));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(server_->counters().connections_total, 8U);
}

}  // namespace

}  // namespace pratique::http
