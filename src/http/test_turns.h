// What a server makes of a stream of bytes, without threads: every request a handler saw, and every refusal, in order.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "http/exchange.h"

namespace pratique::http {

// `piece`: how many bytes arrive at once; 0: all of them before the server looks.
inline std::vector<std::string> turns_of(std::string_view bytes, std::size_t piece) {
  std::vector<std::string> seen;
  Shared shared{.handler =
                    [&seen](Request& request) {
                      auto body = read_all(*request.body, 1 << 20);
                      seen.push_back(format("{} {}{} host={} body={}", request.method, request.path,
                                            request.query.empty() ? "" : "?", request.host, body.ok() ? *body : "bad"));
                      return Response::text(200, "");
                    },
                .limits = {.body_stall_timeout = std::chrono::milliseconds(50)},
                .trusted_proxies = {}};
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return {"no socket"};
  os::Fd client(ends[1]);
  Connection connection(shared.counters, os::Fd(ends[0]), nullptr, "192.0.2.1");
  if (piece == 0)
    connection.input = bytes;
  else
    static_cast<void>(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
  ::shutdown(client.get(), SHUT_WR);
  std::vector<std::byte> scratch(std::max<std::size_t>(piece, 1));
  for (;;) {
    auto judgement = judge_input(connection, shared.limits);
    if (judgement.state == Judgement::State::Incomplete) {
      if (read_input(connection, scratch).state != Moved::State::Some) return seen;
      continue;
    }
    if (judgement.state == Judgement::State::Refused) {
      seen.push_back(format("refused {}", judgement.refusal->status));
      return seen;
    }
    auto before = seen.size();
    auto afterwards = serve_request(connection, judgement.head_length, shared);
    if (seen.size() == before) seen.emplace_back("refused");
    if (afterwards != Afterwards::KeepAlive) return seen;
  }
}

}  // namespace pratique::http
