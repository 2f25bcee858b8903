// A connection between its turns: on the I/O thread while it waits, with one worker while a request is in work. It has
// exactly one owner at a time and is moved between them.
//
//   Idle -> Head -> (worker) -> Idle …        plain
//   Handshake <-> (worker) -> Idle            TLS, until established
//   (worker or Head) -> Draining -> closed    after an answer the peer may still be sending to
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "http/channel.h"
#include "http/head.h"
#include "http/shared.h"

namespace pratique::http {

// A request whose answer is waited for; see Response::later.
class Parked {
 public:
  virtual ~Parked() = default;
};

struct Connection {
  enum class Phase { Handshake, Idle, Head, Draining };

  Connection(AtomicCounters& counters_, os::Fd socket, const TlsContext* tls, std::string peer_)
      : counters(counters_),
        number(counters.connections_total++),
        channel(std::move(socket), tls),
        peer(std::move(peer_)) {
    counters.connections_open++;
  }
  ~Connection() {
    parked.reset();
    counters.connections_open--;
    if (clients != nullptr) clients->leave(peer);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Waits for the client to begin: its handshake, its first or its next request.
  void expect(Phase next, std::chrono::milliseconds patience) {
    phase = next;
    deadline = std::chrono::steady_clock::now() + patience;
  }

  AtomicCounters& counters;
  const std::uint64_t number;
  Channel channel;
  const std::string peer;
  Phase phase = Phase::Idle;
  std::chrono::steady_clock::time_point deadline;  // of the phase
  std::string input;                               // received and not yet consumed
  std::size_t scanned = 0;                         // of input, by find_head_end
  std::size_t discarded = 0;                       // while Draining
  ClientConnections* clients = nullptr;            // set where this connection is counted
  std::unique_ptr<Parked> parked;                  // while its answer is waited for
};

// What the input of a connection amounts to.
struct Judgement {
  enum class State { Incomplete, Request, Refused } state;
  std::size_t head_length = 0;     // of a Request
  std::optional<Refusal> refusal;  // of what can become none
};
Judgement judge_input(Connection& connection, const ServerLimits& limits);
// Reads once without waiting and appends to the input. `scratch` is borrowed room.
Moved read_input(Connection& connection, std::span<std::byte> scratch);

}  // namespace pratique::http
