// A Response as bytes on a connection.
#pragma once

#include <string>

#include "http/connection.h"
#include "http/head.h"

namespace pratique::http {

struct AnswerOptions {
  std::string_view request_id;
  bool keep_alive = false;
  bool head_only = false;  // the answer to HEAD
  bool may_chunk = true;   // false for HTTP/1.0: a stream then ends with the connection
};

struct Sent {
  std::uint64_t bytes = 0;  // of the body, as far as we know
  Status status;
  bool must_close = false;
};
// Writes the whole response, waiting as long as `limits` allow.
Sent send_response(Channel& channel, const Response& response, const AnswerOptions& options,
                   const ServerLimits& limits);

std::string render_head(const Response& response, const AnswerOptions& options);
// A complete answer to what never became a request.
std::string render_refusal(const Refusal& refusal, std::string_view request_id);

// 16 hex digits, never twice from one process.
std::string make_request_id();

}  // namespace pratique::http
