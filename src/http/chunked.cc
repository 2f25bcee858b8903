#include "http/chunked.h"

#include <algorithm>
#include <cstring>

namespace pratique::http {

namespace {

constexpr unsigned kSizeDigitsMax = 15;              // below 2^60: no sum of ours can overflow
constexpr std::size_t kExtensionBytesMax = 1 << 10;  // nobody uses them; bounds what a size line may cost
constexpr std::size_t kTrailerBytesMax = 8 << 10;    // read and dropped

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(char c) {
  return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

}  // namespace

Result<ChunkedDecoder::Step> ChunkedDecoder::decode(std::span<std::byte> bytes) {
  Step step;
  while (step.consumed < bytes.size() && state_ != State::Done) {
    if (state_ != State::Data) {
      TRY(frame(static_cast<char>(bytes[step.consumed++])));
      continue;
    }
    auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - step.consumed));
    std::memmove(bytes.data() + step.produced, bytes.data() + step.consumed, take);
    step.consumed += take;
    step.produced += take;
    left_ -= take;
    if (left_ == 0) state_ = State::DataCr;
  }
  return step;
}

Status ChunkedDecoder::frame(char c) {
  auto expect = [&](char wanted, State next) -> Status {
    if (c != wanted) return invalid("a chunk of the body does not end in CRLF");
    state_ = next;
    return {};
  };
  switch (state_) {
    case State::Size:
      return size_digit(c);
    case State::Extension:
      if (c == '\r') return expect('\r', State::SizeLf);
      if (!is_text(c)) return invalid("a chunk extension holds a control character");
      return count_overhead();
    case State::SizeLf:
      TRY(expect('\n', State::Data));
      return end_of_size_line();
    case State::DataCr:
      return expect('\r', State::DataLf);
    case State::DataLf:
      return expect('\n', State::Size);
    case State::TrailerStart:
      if (c == '\r') return expect('\r', State::EndLf);
      if (!is_text(c) || c == ' ' || c == '\t' || c == ':') return invalid("a trailer field is malformed");
      state_ = State::Trailer;
      return count_overhead();
    case State::Trailer:
      if (c == '\r') return expect('\r', State::TrailerLf);
      if (!is_text(c)) return invalid("a trailer field holds a control character");
      return count_overhead();
    case State::TrailerLf:
      return expect('\n', State::TrailerStart);
    case State::EndLf:
      return expect('\n', State::Done);
    case State::Data:
    case State::Done:
      break;
  }
  return invalid("the body goes on after its end");
}

Status ChunkedDecoder::size_digit(char c) {
  if (int value = hex_value(c); value >= 0) {
    if (++digits_ > kSizeDigitsMax) return invalid("a chunk size has too many digits");
    left_ = left_ * 16 + static_cast<unsigned>(value);
    return {};
  }
  if (digits_ == 0) return invalid("a chunk has no size");
  if (c == '\r')
    state_ = State::SizeLf;
  else if (c == ';')
    state_ = State::Extension;
  else
    return invalid("a chunk size is not a hexadecimal number");
  return {};
}

Status ChunkedDecoder::end_of_size_line() {
  digits_ = 0;
  overhead_ = 0;
  if (left_ == 0) state_ = State::TrailerStart;
  return {};
}

Status ChunkedDecoder::count_overhead() {
  ++overhead_;
  if (state_ == State::Extension && overhead_ > kExtensionBytesMax) return over_limit("a chunk extension is too long");
  if (state_ == State::Trailer && overhead_ > kTrailerBytesMax) return over_limit("the trailer fields are too long");
  return {};
}

}  // namespace pratique::http
