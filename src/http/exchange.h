// One request on one connection: head, handler, response, and what becomes of the connection.
#pragma once

#include "http/connection.h"
#include "http/shared.h"

namespace pratique::http {

enum class Afterwards {
  KeepAlive,  // the next request may follow
  Close,      // both sides have said everything
  Drain,      // the peer may still be sending; closing now would destroy the answer on its way
};

// `head_length` bytes at the front of the input are a head (or what cannot become one). Blocks.
Afterwards serve_request(Connection& connection, std::size_t head_length, Shared& shared);
// Answers what is no request.
Afterwards refuse_request(Connection& connection, const struct Refusal& refusal, Shared& shared);

}  // namespace pratique::http
