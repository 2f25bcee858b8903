// The chunked transfer coding (RFC 9112 section 7.1), decoded strictly and in place.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace pratique::http {

//   Size -> SizeEnd -> Data -> DataEnd -> Size …          each line ends in CRLF, never in a bare LF
//   Size(0) -> TrailerStart -> (Trailer -> TrailerStart)* -> Done
class ChunkedDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;  // raw bytes taken from the front
    std::size_t produced = 0;  // body bytes now at the front
  };
  // Decodes `bytes` over themselves. Stops after the last byte of the coding: what follows belongs to the next request.
  // Invalid for bad framing, Limit for endless extensions or trailers.
  Result<Step> decode(std::span<std::byte> bytes);
  bool is_done() const { return state_ == State::Done; }

 private:
  enum class State { Size, Extension, SizeLf, Data, DataCr, DataLf, TrailerStart, Trailer, TrailerLf, EndLf, Done };

  Status frame(char c);  // one byte that is not chunk data
  Status size_digit(char c);
  Status end_of_size_line();
  Status count_overhead();

  State state_ = State::Size;
  std::uint64_t left_ = 0;    // of the current chunk
  unsigned digits_ = 0;       // of the current size
  std::size_t overhead_ = 0;  // bytes of the current size line, or of all trailers
};

}  // namespace pratique::http
