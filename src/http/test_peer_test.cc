#include "http/test_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/format.h"
#include "base/text.h"

namespace pratique::http {

namespace {

constexpr int kReceiveTimeoutMs = 10'000;  // a test that waits longer has failed

}  // namespace

RawPeer::RawPeer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

RawPeer& RawPeer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;  // the server may have closed: what it said is what the test looks at
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return *this;
}

void RawPeer::end() const {
  ::shutdown(socket_.get(), SHUT_WR);
}

bool RawPeer::more() {
  pollfd entry{socket_.get(), POLLIN, 0};
  if (::poll(&entry, 1, kReceiveTimeoutMs) <= 0) {
    ADD_FAILURE() << "nothing came; so far: " << printable(pending_);
    return false;
  }
  char buffer[16384];
  auto got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  pending_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

std::string RawPeer::receive(std::string_view until) {
  while (until.empty() || !contains(pending_, until)) {
    if (!more()) break;
  }
  auto end =
      until.empty() ? pending_.size() : std::min(pending_.find(until), pending_.size() - until.size()) + until.size();
  auto text = pending_.substr(0, end);
  pending_.erase(0, end);
  return text;
}

std::string RawPeer::receive_response() {
  auto head = receive("\r\n\r\n");
  auto lower = to_lower(head);
  auto field = cut(lower, "content-length: ");
  if (!field) return head;
  auto length = parse_decimal(field->second.substr(0, field->second.find('\r'))).value_or(0);
  while (pending_.size() < length && more()) {
  }
  auto body = pending_.substr(0, length);
  pending_.erase(0, length);
  return head + body;
}

bool RawPeer::hears_within(std::chrono::milliseconds time) {
  pollfd entry{socket_.get(), POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(time.count())) > 0;
}

bool RawPeer::is_closed() {
  while (more()) {
  }
  return pending_.empty();
}

std::string exchange(std::uint16_t port, std::string_view bytes) {
  RawPeer peer(port);
  peer.send(bytes);
  peer.end();
  return peer.receive();
}

std::unique_ptr<Server> start_or_die(const ServerOptions& options, Handler handler) {
  auto server = Server::start(options, std::move(handler));
  EXPECT_TRUE(server.ok()) << server.error().message();
  return std::move(server).value();
}

std::string url_of(const Server& server, std::string_view path, std::string_view scheme) {
  return format("{}://127.0.0.1:{}{}", scheme, server.port(), path);
}

}  // namespace pratique::http
