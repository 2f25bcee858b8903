#include "http/connection.h"

#include "base/format.h"

namespace pratique::http {

namespace {

constexpr char kTlsHandshakeRecord = 0x16;  // RFC 8446 section 5.1; no method name begins with it

std::size_t empty_lines_at_front(std::string_view input) {
  std::size_t length = 0;
  while (input.substr(length).starts_with("\r\n")) length += 2;
  return length;
}

}  // namespace

Judgement judge_input(Connection& connection, const ServerLimits& limits) {
  using State = Judgement::State;
  auto& input = connection.input;
  // RFC 9112 section 2.2: an empty line before the request line is ignored.
  // All of them at once: erased one by one, a stream of empty lines would cost the I/O thread the square of its length.
  if (connection.scanned == 0) input.erase(0, empty_lines_at_front(input));
  if (input.empty()) return {State::Incomplete};
  // Half of another one: scanned now, it would be taken for the beginning of a head.
  if (input == "\r") return {State::Incomplete};
  // Container clients try TLS first; the sooner they hear that it is not spoken here, the sooner they fall back.
  if (!connection.channel.is_tls() && input.front() == kTlsHandshakeRecord)
    return {State::Refused, 0, Refusal{400, "TLS was spoken to a port for plain HTTP"}};
  auto end = find_head_end(input, connection.scanned);
  auto length = end.state == HeadEnd::State::Complete ? end.length : input.size();
  if (length > limits.header_bytes_max) {
    return {State::Refused, 0,
            Refusal{431, format("the request head has more than {} bytes", limits.header_bytes_max)}};
  }
  if (end.state == HeadEnd::State::Incomplete) return {State::Incomplete};
  return {State::Request, length};
}

Moved read_input(Connection& connection, std::span<std::byte> scratch) {
  auto moved = connection.channel.read_now(scratch);
  if (moved.state == Moved::State::Some) connection.input.append(as_text(scratch.first(moved.bytes)));
  return moved;
}

}  // namespace pratique::http
