// The head of a request: request line and header fields, judged strictly.
//
// Two readers that frame a message differently are how requests are smuggled past a proxy (RFC 9112 section 11.2), so
// whatever the RFC lets a recipient repair is refused here: bare LF, folded lines, repeated Content-Length, any
// transfer coding but "chunked".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "http/http.h"

namespace pratique::http {

// Why a request gets an answer before any handler sees it.
struct Refusal {
  int status;
  std::string message;
};

struct Head {
  std::string method;
  std::string target;
  int minor_version = 1;  // HTTP/1.minor
  Headers headers;
  bool keep_alive = true;
  bool is_chunked = false;
  std::uint64_t content_length = 0;  // 0 where chunked or absent
  bool expects_continue = false;
};

// Where the head at the front of `input` ends.
struct HeadEnd {
  enum class State { Incomplete, Complete, Malformed } state;
  std::size_t length = 0;  // with the empty line; only when Complete
};
// `scanned` remembers between calls how far `input` was looked at, so that a head that comes byte by byte costs linear
// time. Malformed is final: no later byte can repair it.
HeadEnd find_head_end(std::string_view input, std::size_t& scanned);

// `head` ends with its empty line.
std::variant<Head, Refusal> parse_head(std::string_view head);

}  // namespace pratique::http
