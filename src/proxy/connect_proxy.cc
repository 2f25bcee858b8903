// One thread: accepts, reads a head from each of a bounded number of connections, answers, hands over. Nothing is sent
// by a proper client between its CONNECT and our 200, so bytes after the head are a refusal, and none are lost.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>

#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "os/address.h"
#include "proxy/proxy.h"

namespace pratique::proxy {

namespace {

using Moment = std::chrono::steady_clock::time_point;

struct Waiting {
  os::Fd socket;
  std::string peer;
  std::string head;
  Moment deadline;
};

Result<os::Fd> listen_on(const std::string& address, std::uint16_t port) {
  sockaddr_storage storage{};
  socklen_t length = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    length = sizeof v4;
  } else if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    length = sizeof v6;
  } else {
    return invalid(format("{} is not an IP address to listen on", printable(address)));
  }
  os::Fd socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return from_errno("making a socket", errno);
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0)
    return from_errno(format("listening on {} port {}", address, port), errno);
  return socket;
}

std::uint16_t port_of(const os::Fd& socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) return 0;
  return ntohs(storage.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(storage).sin_port
                                            : reinterpret_cast<sockaddr_in6&>(storage).sin6_port);
}

// Small enough for any socket buffer, so a short write means a peer that is gone.
bool say(const os::Fd& socket, std::string_view text) {
  return ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(text.size());
}

void refuse(const Waiting& client, int status, std::string_view phrase, std::string_view why) {
  auto body = format("pratique: {}\n", why);
  say(client.socket, format("HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n"
                            "Connection: close\r\n\r\n{}",
                            status, phrase, body.size(), body));
  ::shutdown(client.socket.get(), SHUT_WR);
  log::info("proxy request refused", {{"peer", client.peer}, {"status", status}, {"note", why}});
}

}  // namespace

struct ConnectProxy::Impl {
  Impl(Options given, Adopt taker, os::Fd socket, os::Fd event)
      : options(std::move(given)), adopt(std::move(taker)), listener(std::move(socket)), wake(std::move(event)) {}

  void run();
  void accept_some();
  int patience() const;
  // False: this connection is done with here.
  bool advance(Waiting& client);
  void decide(Waiting& client);

  const Options options;
  const Adopt adopt;
  const os::Fd listener;
  const os::Fd wake;
  std::atomic<bool> stopping = false;
  // the thread's own
  std::vector<Waiting> clients;
  std::thread thread;
};

void ConnectProxy::Impl::run() {
  while (!stopping) {
    std::vector<pollfd> entries{{wake.get(), POLLIN, 0}};
    // A full house stops accepting: the kernel's queue holds the rest until a head is done or its time is over.
    const bool has_room = clients.size() < options.heads_waiting_max;
    entries.push_back({has_room ? listener.get() : -1, POLLIN, 0});
    for (const auto& client : clients) entries.push_back({client.socket.get(), POLLIN, 0});
    if (::poll(entries.data(), entries.size(), patience()) < 0 && errno != EINTR) return;
    const auto now = std::chrono::steady_clock::now();
    std::vector<Waiting> kept;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const bool is_ready = entries[i + 2].revents != 0;
      if (is_ready && !advance(clients[i])) continue;
      if (now < clients[i].deadline) kept.push_back(std::move(clients[i]));
    }
    clients = std::move(kept);
    if (entries[1].revents != 0) accept_some();
  }
}

int ConnectProxy::Impl::patience() const {
  if (clients.empty()) return -1;
  auto earliest = std::ranges::min_element(clients, {}, &Waiting::deadline)->deadline;
  auto left = std::chrono::duration_cast<milliseconds>(earliest - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<long long>(left.count(), 0) + 1);
}

void ConnectProxy::Impl::accept_some() {
  while (clients.size() < options.heads_waiting_max) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    os::Fd socket(
        ::accept4(listener.get(), reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) return;
    clients.push_back({.socket = std::move(socket),
                       .peer = os::address_text(address),
                       .head = "",
                       .deadline = std::chrono::steady_clock::now() + options.head_timeout});
  }
}

bool ConnectProxy::Impl::advance(Waiting& client) {
  char buffer[2048];
  auto got = ::recv(client.socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (got <= 0) return false;
  client.head.append(buffer, static_cast<std::size_t>(got));
  if (contains(client.head, "\r\n\r\n")) {
    decide(client);
    return false;
  }
  if (client.head.size() < options.head_bytes_max) return true;
  refuse(client, 431, "Request Header Fields Too Large", "the request head is too long");
  return false;
}

void ConnectProxy::Impl::decide(Waiting& client) {
  auto host = parse_connect(client.head);
  if (!host.ok()) {
    const bool is_method = host.error().kind() == ErrorKind::Denied;
    return refuse(client, is_method ? 403 : 400, is_method ? "Forbidden" : "Bad Request", host.error().message());
  }
  if (std::ranges::find(options.hosts, *host) == options.hosts.end())
    return refuse(client, 403, "Forbidden",
                  format("this proxy leads to the gate only, under the names {}", join(options.hosts, ", ")));
  if (!say(client.socket, "HTTP/1.1 200 Connection established\r\n\r\n")) return;
  adopt(std::move(client.socket), std::move(client.peer));
}

Result<std::unique_ptr<ConnectProxy>> ConnectProxy::start(const Options& options, Adopt adopt) {
  auto listener = TRY(listen_on(options.address == "localhost" ? "127.0.0.1" : options.address, options.port));
  os::Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.is_open()) return from_errno("making an eventfd", errno);
  auto impl = std::make_unique<Impl>(options, std::move(adopt), std::move(listener), std::move(wake));
  impl->thread = std::thread([borrowed = impl.get()] { borrowed->run(); });
  return std::make_unique<ConnectProxy>(std::move(impl));
}

ConnectProxy::ConnectProxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ConnectProxy::~ConnectProxy() {
  impl_->stopping = true;
  ::eventfd_write(impl_->wake.get(), 1);
  impl_->thread.join();
}

std::uint16_t ConnectProxy::port() const {
  return port_of(impl_->listener);
}

}  // namespace pratique::proxy
