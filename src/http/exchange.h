// One request on one connection: head, handler, response, and what becomes of the connection.
#pragma once

#include <atomic>

#include "http/connection.h"
#include "http/shared.h"

namespace pratique::http {

enum class Afterwards {
  KeepAlive,  // the next request may follow
  Close,      // both sides have said everything
  Drain,      // the peer may still be sending; closing now would destroy the answer on its way
  Park,       // the answer is waited for; finish_request goes on
};

// `head_length` bytes at the front of the input are a head (or what cannot become one). Blocks.
Afterwards serve_request(Connection& connection, std::size_t head_length, Shared& shared);
// Waits for the answer of a parked request and sends it. Blocks, for as long as the handler waits unless `hurry`.
Afterwards finish_request(Connection& connection, const std::atomic<bool>& hurry);
// Answers what is no request.
Afterwards refuse_request(Connection& connection, const struct Refusal& refusal, Shared& shared);

}  // namespace pratique::http
