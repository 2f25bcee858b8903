// The I/O thread: accepts, and watches the connections that have nothing to do. It never runs a handler and never
// blocks; ten thousand idle connections cost it a map entry and an epoll registration each.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "http/certificates.h"
#include "http/connection.h"

namespace pratique::http {

class Loop {
 public:
  // Takes a connection that has something to do; false when there is no room, the connection then stays.
  using Submit = std::function<bool(std::unique_ptr<Connection>&)>;

  Loop(Shared& shared, std::optional<Certificates> tls, Submit submit);
  ~Loop() { stop(); }

  // Unavailable when the address is taken, Invalid when it is none.
  Status listen(const std::string& address, std::uint16_t port);
  void start();
  std::uint16_t port() const { return port_; }
  // Thread-safe: a connection that was accepted elsewhere.
  void adopt(os::Fd socket, std::string peer);
  // Thread-safe: the loop watches it from here on.
  void hand_back(std::unique_ptr<Connection> connection);
  // Thread-safe: see Server::reload_certificates.
  Status reload_certificates();
  // Thread-safe: no new connections; those that wait for a request are closed.
  void stop_accepting();
  void stop();  // ends and joins the thread

 private:
  struct Watched {
    Watched(std::unique_ptr<Connection> watched, boost::asio::io_context& io)
        : connection(std::move(watched)), watcher(io) {}
    ~Watched() { detach(); }
    // The descriptor belongs to the connection; epoll only forgets it.
    void detach() {
      if (watcher.is_open()) watcher.release();
    }
    std::unique_ptr<Connection> connection;
    boost::asio::posix::stream_descriptor watcher;
  };
  using Entry = std::unordered_map<std::uint64_t, Watched>::iterator;

  void accept_soon();
  bool accept_one();
  void admit(os::Fd socket, std::string peer);
  void watch(std::unique_ptr<Connection> connection);
  void wait_readable(Entry entry);
  void on_readable(std::uint64_t number);
  void on_input(Entry entry);
  void on_drain(Entry entry);
  void work_on(Entry entry);
  void refuse(std::unique_ptr<Connection> connection, const Refusal& refusal);
  void sweep_later();
  void sweep();
  void look_at_certificates(std::chrono::steady_clock::time_point now);

  // constant after listen
  Shared& shared_;
  const Submit submit_;
  std::uint16_t port_ = 0;
  // the I/O thread's own
  boost::asio::io_context io_{1};
  std::optional<Certificates> tls_;
  std::chrono::steady_clock::time_point certificates_looked_at_;
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer sweep_timer_{io_};
  boost::asio::steady_timer accept_timer_{io_};
  std::unordered_map<std::uint64_t, Watched> watched_;
  std::vector<std::byte> scratch_;
  std::thread thread_;
};

}  // namespace pratique::http
