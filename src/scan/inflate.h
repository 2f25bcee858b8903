// Compressed layer bytes in, archive bytes out, in whatever pieces they come. gzip (ISA-L), zstd and plain.
//
// Fails closed: a damaged, truncated or over-long stream ends with a Problem, and what followed is not known. The
// policy for bytes after the end: more members or frames are read, zero padding is tolerated, anything else is a
// Problem.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/encoding.h"
#include "scan/scan.h"

namespace pratique::scan {

// Why a stream cannot be read further: a Gap without its place.
struct Problem {
  std::string code;
  std::string reason;
};

// Where inflated bytes go: a buffer is acquired, filled and committed with its count, one at a time.
class Output {
 public:
  virtual ~Output() = default;
  virtual std::span<std::byte> acquire() = 0;  // never empty
  virtual void commit(std::size_t count) = 0;  // of the buffer last acquired
};

class Inflater {
 public:
  Inflater(const Limits& limits, Output& output);
  ~Inflater();

  // After a Problem nothing more may be fed.
  std::optional<Problem> feed(Bytes bytes);
  // The input has ended.
  std::optional<Problem> finish();
  std::uint64_t output_bytes() const { return out_total_; }

 private:
  struct Decoders;
  enum class State { Start, Plain, Gzip, Zstd, Between, Zeros };

  std::optional<Problem> step(Bytes& bytes);
  std::optional<Problem> collect_magic(Bytes& bytes);
  std::optional<Problem> begin(State state);
  std::optional<Problem> drain_prefix();
  std::optional<Problem> copy(Bytes& bytes);
  std::optional<Problem> gunzip(Bytes& bytes);
  std::optional<Problem> unzstd(Bytes& bytes);
  std::optional<Problem> give(std::size_t count);

  const std::uint64_t bytes_max_, ratio_max_, ratio_floor_;
  Output& output_;
  std::unique_ptr<Decoders> decoders_;
  State state_ = State::Start;
  State format_ = State::Start;  // what the first bytes said: a stream does not change its compression midway
  std::array<std::byte, 4> prefix_{};
  std::size_t prefix_size_ = 0;
  std::uint64_t in_total_ = 0;
  std::uint64_t out_total_ = 0;
};

}  // namespace pratique::scan
