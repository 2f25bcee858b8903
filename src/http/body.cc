#include "http/body.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace pratique::http {

RequestBody::RequestBody(Connection& connection, const Head& head, const ServerLimits& limits)
    : connection_(connection),
      patience_(limits),
      is_chunked_(head.is_chunked),
      length_(head.content_length),
      expects_continue_(head.expects_continue),
      finished_(!head.is_chunked && head.content_length == 0) {}

std::optional<std::uint64_t> RequestBody::length() const {
  if (is_chunked_) return std::nullopt;
  return length_;
}

std::optional<std::uint64_t> RequestBody::left() const {
  if (finished_) return 0;
  if (is_chunked_) return std::nullopt;
  return length_ - received_;
}

Result<std::size_t> RequestBody::read(std::span<std::byte> buffer) {
  if (error_) return *error_;
  if (finished_ || buffer.empty()) return std::size_t{0};
  auto got = read_body(buffer);
  if (!got.ok()) error_ = got.error();
  return got;
}

Result<std::size_t> RequestBody::read_body(std::span<std::byte> buffer) {
  if (expects_continue_ && connection_.input.empty())
    TRY(connection_.channel.write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"), {}, patience_));
  expects_continue_ = false;
  return is_chunked_ ? read_chunked(buffer) : read_plain(buffer);
}

Result<std::size_t> RequestBody::read_plain(std::span<std::byte> buffer) {
  auto room = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), length_ - received_));
  auto got = TRY(read_raw(buffer.first(room)));
  received_ += got;
  finished_ = received_ == length_;
  return got;
}

Result<std::size_t> RequestBody::read_chunked(std::span<std::byte> buffer) {
  for (;;) {
    auto raw = buffer.first(TRY(read_raw(buffer)));
    auto step = TRY(decoder_.decode(raw));
    // What follows the body is the next request.
    connection_.input.insert(0, as_text(raw.subspan(step.consumed)));
    received_ += step.produced;
    finished_ = decoder_.is_done();
    if (step.produced > 0 || finished_) return step.produced;
  }
}

Result<std::size_t> RequestBody::read_raw(std::span<std::byte> buffer) {
  auto& input = connection_.input;
  if (input.empty()) {
    auto got = TRY(connection_.channel.read(buffer, patience_));
    if (got == 0) return unavailable("the client closed the connection in the middle of the body");
    return got;
  }
  auto take = std::min(buffer.size(), input.size());
  std::memcpy(buffer.data(), input.data(), take);
  input.erase(0, take);
  return take;
}

void RequestBody::skip_arrived(std::size_t bytes_max) {
  std::array<std::byte, 16 << 10> scratch;
  auto& input = connection_.input;
  for (std::size_t skipped = 0; !finished_ && !error_ && skipped < bytes_max;) {
    if (input.empty()) {
      auto moved = connection_.channel.read_now(scratch);
      if (moved.state != Moved::State::Some) return;
      input.assign(as_text(std::span(scratch).first(moved.bytes)));
    }
    expects_continue_ = false;
    skipped += skip_input();
  }
}

// Takes what `input` holds of the body; gives how much that was.
std::size_t RequestBody::skip_input() {
  auto& input = connection_.input;
  ChunkedDecoder::Step step;
  if (is_chunked_) {
    auto decoded = decoder_.decode(std::as_writable_bytes(std::span(input)));
    if (!decoded.ok()) {
      error_ = decoded.error();
      return 0;
    }
    step = *decoded;
  } else {
    step.consumed = static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), length_ - received_));
    step.produced = step.consumed;
  }
  input.erase(0, step.consumed);
  received_ += step.produced;
  finished_ = is_chunked_ ? decoder_.is_done() : received_ == length_;
  return step.consumed;
}

}  // namespace pratique::http
