#include "http/loop.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "base/format.h"
#include "base/log.h"
#include "http/answer.h"
#include "os/address.h"

namespace pratique::http {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kScratchBytes = 64 << 10;             // a head of the largest size in one read
constexpr int kAcceptBurst = 64;                            // then the watched connections have their turn
constexpr std::chrono::milliseconds kAcceptPause{100};      // out of descriptors: some will close meanwhile
constexpr std::chrono::milliseconds kDrainPatience{3'000};  // for a client to notice that it was answered
constexpr std::size_t kDrainBytesMax = 256 << 20;           // dropped without copying; then the client is cut
constexpr std::size_t kDrainStep = 1 << 20;
// Connections above connections_max that are told so before they are closed.
constexpr std::size_t kRefusedConnectionsMax = 256;
// Two stat(2) each time; whoever renews a certificate has days.
constexpr std::chrono::seconds kCertificatesLook{2};

}  // namespace

Loop::Loop(Shared& shared, std::optional<Certificates> tls, Submit submit)
    : shared_(shared), submit_(std::move(submit)), tls_(std::move(tls)), scratch_(kScratchBytes) {}

Status Loop::listen(const std::string& address, std::uint16_t port) {
  boost::system::error_code error;
  auto ip = asio::ip::make_address(address == "localhost" ? "127.0.0.1" : address, error);
  if (error) return invalid(format("{} is not an IP address to listen on", address));
  asio::ip::tcp::endpoint endpoint(ip, port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (!error) acceptor_.native_non_blocking(true, error);
  if (!error) port_ = acceptor_.local_endpoint(error).port();
  if (error) return unavailable(format("listening on {} port {}: {}", address, port, error.message()));
  return {};
}

void Loop::start() {
  accept_soon();
  sweep_later();
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "http-io");
    io_.run();
  });
}

void Loop::adopt(os::Fd socket, std::string peer) {
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) < 0) return;
  asio::post(io_, [this, moved = std::move(socket), from = std::move(peer)]() mutable {
    if (!shared_.stopping) admit(std::move(moved), std::move(from));
  });
}

void Loop::hand_back(std::unique_ptr<Connection> connection) {
  asio::post(io_, [this, moved = std::move(connection)]() mutable { watch(std::move(moved)); });
}

void Loop::stop_accepting() {
  asio::post(io_, [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    std::erase_if(watched_,
                  [](const auto& entry) { return entry.second.connection->phase != Connection::Phase::Draining; });
  });
}

void Loop::stop() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
  // What stop_accepting() posted may not have run any more: a port nobody accepts on must not look open.
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  watched_.clear();
}

void Loop::accept_soon() {
  acceptor_.async_wait(asio::socket_base::wait_read, [this](boost::system::error_code error) {
    if (error || !acceptor_.is_open()) return;
    for (int i = 0; i < kAcceptBurst; ++i) {
      if (accept_one()) continue;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        log::warn("connections not accepted", {{"error", "out of descriptors or memory"}, {"open", watched_.size()}});
        accept_timer_.expires_after(kAcceptPause);
        accept_timer_.async_wait([this](boost::system::error_code cancelled) {
          if (!cancelled) accept_soon();
        });
        return;
      }
      break;
    }
    accept_soon();
  });
}

// False with errno when nothing was accepted.
bool Loop::accept_one() {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  os::Fd socket(::accept4(acceptor_.native_handle(), reinterpret_cast<sockaddr*>(&address), &length,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.is_open()) return errno == ECONNABORTED || errno == EINTR;
  admit(std::move(socket), os::address_text(address));
  return true;
}

void Loop::admit(os::Fd socket, std::string peer) {
  auto& counters = shared_.counters;
  const TlsContext* tls = tls_ ? &tls_->current() : nullptr;
  auto connection = std::make_unique<Connection>(counters, std::move(socket), tls, std::move(peer));
  auto open = counters.connections_open.load();
  if (open > shared_.limits.connections_max + kRefusedConnectionsMax) {
    counters.rejected_total++;
    return;
  }
  if (open > shared_.limits.connections_max) return refuse(std::move(connection), {503, "too many connections"});
  auto share = shared_.connections.enter(connection->peer);
  connection->clients = &shared_.connections;
  if (share > shared_.limits.connections_per_client_max + kRefusedConnectionsMax) {
    counters.rejected_total++;
    return;
  }
  if (share > shared_.limits.connections_per_client_max)
    return refuse(std::move(connection), {429, "too many connections from this address"});
  connection->expect(tls_ ? Connection::Phase::Handshake : Connection::Phase::Idle, shared_.limits.header_timeout);
  watch(std::move(connection));
}

void Loop::watch(std::unique_ptr<Connection> connection) {
  bool waits_for_request = connection->phase != Connection::Phase::Draining;
  if (waits_for_request && shared_.stopping) return;
  auto number = connection->number;
  auto fd = connection->channel.fd();
  auto [entry, added] = watched_.try_emplace(number, std::move(connection), io_);
  boost::system::error_code error;
  entry->second.watcher.assign(fd, error);
  if (error) {
    log::warn("connection not watched", {{"error", error.message()}});
    watched_.erase(entry);
    return;
  }
  wait_readable(entry);
}

void Loop::wait_readable(Entry entry) {
  entry->second.watcher.async_wait(asio::posix::descriptor_base::wait_read,
                                   [this, number = entry->first](boost::system::error_code error) {
                                     if (!error) on_readable(number);
                                   });
}

void Loop::on_readable(std::uint64_t number) {
  auto entry = watched_.find(number);
  if (entry == watched_.end()) return;  // its time ran out while this event was on its way
  switch (entry->second.connection->phase) {
    case Connection::Phase::Handshake:
      return work_on(entry);
    case Connection::Phase::Draining:
      return on_drain(entry);
    case Connection::Phase::Idle:
    case Connection::Phase::Head:
      return on_input(entry);
  }
}

void Loop::on_input(Entry entry) {
  auto& connection = *entry->second.connection;
  auto moved = read_input(connection, scratch_);
  if (moved.state == Moved::State::Closed || moved.state == Moved::State::Broken) {
    watched_.erase(entry);
    return;
  }
  // After a full buffer a worker looks for more: bytes left inside OpenSSL would not wake this thread again.
  bool has_more = moved.bytes == scratch_.size();
  if (has_more || judge_input(connection, shared_.limits).state != Judgement::State::Incomplete) return work_on(entry);
  if (connection.phase == Connection::Phase::Idle && !connection.input.empty())
    connection.expect(Connection::Phase::Head, shared_.limits.header_timeout);
  wait_readable(entry);
}

void Loop::on_drain(Entry entry) {
  auto& connection = *entry->second.connection;
  std::size_t step = 0;
  bool may_follow = connection.channel.discard_now(kDrainStep, step);
  connection.discarded += step;
  if (!may_follow || connection.discarded >= kDrainBytesMax)
    watched_.erase(entry);
  else
    wait_readable(entry);
}

void Loop::work_on(Entry entry) {
  entry->second.detach();
  auto connection = std::move(entry->second.connection);
  watched_.erase(entry);
  if (submit_(connection)) return;
  if (connection->channel.needs_handshake()) {
    shared_.counters.rejected_total++;
    return;
  }
  refuse(std::move(connection), {503, "too many requests are waiting"});
}

// Says why, without waiting, and lets the client read it.
void Loop::refuse(std::unique_ptr<Connection> connection, const Refusal& refusal) {
  shared_.counters.rejected_total++;
  auto id = make_request_id();
  log::info("request refused",
            {{"request", id}, {"status", refusal.status}, {"peer", connection->peer}, {"note", refusal.message}});
  if (connection->channel.needs_handshake()) return;
  auto bytes = render_refusal(refusal, id);
  shared_.counters.count_response(refusal.status, bytes.size());
  connection->channel.write_now(as_bytes(bytes));
  connection->channel.end_output();
  connection->expect(Connection::Phase::Draining, kDrainPatience);
  watch(std::move(connection));
}

void Loop::sweep_later() {
  const auto& limits = shared_.limits;
  auto shortest = std::min({limits.header_timeout, limits.idle_timeout, std::chrono::milliseconds(4000)});
  sweep_timer_.expires_after(std::max(shortest / 4, std::chrono::milliseconds(10)));
  sweep_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    sweep();
    sweep_later();
  });
}

Status Loop::reload_certificates() {
  if (!tls_) return {};
  // Read on the caller's thread, so that a bad pair is the caller's error; taken up by the thread that hands them out.
  auto fresh = TRY(Certificates::load(tls_->files()));
  asio::post(io_, [this, moved = std::move(fresh)]() mutable { tls_ = std::move(moved); });
  return {};
}

void Loop::look_at_certificates(std::chrono::steady_clock::time_point now) {
  if (!tls_ || now - certificates_looked_at_ < kCertificatesLook) return;
  certificates_looked_at_ = now;
  tls_->refresh();
}

void Loop::sweep() {
  auto now = std::chrono::steady_clock::now();
  look_at_certificates(now);
  std::vector<std::unique_ptr<Connection>> late;
  for (auto entry = watched_.begin(); entry != watched_.end();) {
    auto& watched = entry->second;
    if (now < watched.connection->deadline) {
      ++entry;
      continue;
    }
    watched.detach();
    if (watched.connection->phase == Connection::Phase::Head) late.push_back(std::move(watched.connection));
    entry = watched_.erase(entry);
  }
  for (auto& connection : late) refuse(std::move(connection), {408, "the request head did not come in time"});
}

}  // namespace pratique::http
