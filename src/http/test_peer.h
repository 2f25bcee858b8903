// What the tests of this module speak with: a raw socket that sends exactly the bytes it is told, and a server with a
// small table of handlers.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "http/http.h"

namespace pratique::http {

// A TCP client without manners.
class RawPeer {
 public:
  explicit RawPeer(std::uint16_t port);
  RawPeer& send(std::string_view bytes);
  void end() const;  // no more bytes from here
  // Everything until the server closes, or until `until` has been seen.
  std::string receive(std::string_view until = {});
  // The body of one response with a Content-Length, and its head before it.
  std::string receive_response();
  bool hears_within(std::chrono::milliseconds time);
  bool is_closed();  // waits up to a few seconds for the server to close

 private:
  bool more();
  os::Fd socket_;
  std::string pending_;
};

// One exchange on a fresh connection: everything the server says until it closes. The peer's side ends first.
std::string exchange(std::uint16_t port, std::string_view bytes);

std::unique_ptr<Server> start_or_die(const ServerOptions& options, Handler handler);
std::string url_of(const Server& server, std::string_view path, std::string_view scheme = "http");

}  // namespace pratique::http
