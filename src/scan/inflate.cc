// States of a stream:
//   Start --4 bytes--> Plain | Gzip | Zstd       by magic number, as container engines do
//   Gzip, Zstd --end of member or frame--> Between
//   Between --magic of the same format--> Gzip | Zstd;  --0x00--> Zeros;  --else--> Problem "trailing-garbage"
// finish() is fine in Plain, Between (with nothing pending), Zeros, and in Start with less than a magic number.
#include "scan/inflate.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/format.h"

namespace pratique::scan {

namespace {

// Frames that want more history than this are refused: the same 128 MiB that the zstd tool allows without being asked.
constexpr int kZstdWindowLogMax = 27;

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
}

// A data frame, or a skippable frame (RFC 8878 section 3.1.2), which zstd:chunked layers carry.
bool is_zstd(std::span<const std::byte> bytes) {
  if (bytes.size() < 4) return false;
  std::uint32_t magic = 0;
  std::memcpy(&magic, bytes.data(), sizeof magic);
  return magic == ZSTD_MAGICNUMBER || (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

struct FreeZstd {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

struct Inflater::Decoders {
  inflate_state gzip;
  std::unique_ptr<ZSTD_DCtx, FreeZstd> zstd;
};

Inflater::Inflater(const Limits& limits, Output& output)
    : bytes_max_(limits.uncompressed_bytes_max),
      ratio_max_(limits.ratio_max),
      ratio_floor_(limits.ratio_floor_bytes),
      output_(output),
      decoders_(std::make_unique<Decoders>()) {}

Inflater::~Inflater() = default;

std::optional<Problem> Inflater::feed(Bytes bytes) {
  in_total_ += bytes.size();
  while (!bytes.empty())
    if (auto problem = step(bytes)) return problem;
  return std::nullopt;
}

std::optional<Problem> Inflater::finish() {
  switch (state_) {
    case State::Start: {
      // Fewer bytes than a magic number has.
      Bytes held(prefix_.data(), std::exchange(prefix_size_, 0));
      return held.empty() ? std::nullopt : copy(held);
    }
    case State::Between:
      if (prefix_size_ > 0) return Problem{"trailing-garbage", "bytes follow the compressed data"};
      return std::nullopt;
    case State::Gzip:
    case State::Zstd:
      return Problem{"truncated", "the compressed data ends in the middle"};
    case State::Plain:
    case State::Zeros:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Problem> Inflater::step(Bytes& bytes) {
  switch (state_) {
    case State::Start:
    case State::Between:
      return collect_magic(bytes);
    case State::Plain:
      return copy(bytes);
    case State::Gzip:
      return gunzip(bytes);
    case State::Zstd:
      return unzstd(bytes);
    case State::Zeros:
      if (std::any_of(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{0}; }))
        return Problem{"trailing-garbage", "bytes that are not zero follow the padding after the compressed data"};
      bytes = {};
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Problem> Inflater::collect_magic(Bytes& bytes) {
  if (state_ == State::Between && prefix_size_ == 0 && bytes[0] == std::byte{0}) {
    state_ = State::Zeros;
    return std::nullopt;
  }
  const std::size_t needed = state_ == State::Between && format_ == State::Gzip ? 2 : prefix_.size();
  std::size_t count = std::min(needed - prefix_size_, bytes.size());
  std::copy_n(bytes.begin(), count, prefix_.begin() + static_cast<std::ptrdiff_t>(prefix_size_));
  prefix_size_ += count;
  bytes = bytes.subspan(count);
  if (prefix_size_ < needed) return std::nullopt;

  auto held = std::span(prefix_).first(prefix_size_);
  State next = is_gzip(held) ? State::Gzip : is_zstd(held) ? State::Zstd : State::Plain;
  if (state_ == State::Between && next != format_)
    return Problem{"trailing-garbage", "bytes follow the compressed data that are no continuation of it"};
  return begin(next);
}

std::optional<Problem> Inflater::begin(State state) {
  if (state == State::Gzip) {
    if (format_ == State::Start) isal_inflate_init(&decoders_->gzip);
    isal_inflate_reset(&decoders_->gzip);
    decoders_->gzip.crc_flag = ISAL_GZIP;  // checks CRC and length of each member
  }
  if (state == State::Zstd && format_ == State::Start) {
    decoders_->zstd.reset(ZSTD_createDCtx());
    if (!decoders_->zstd) return Problem{"limit", "no memory for the zstd decoder"};
    ZSTD_DCtx_setParameter(decoders_->zstd.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }
  state_ = format_ = state;
  return drain_prefix();
}

// The bytes the magic number was recognised by belong to the stream. They cannot end it.
std::optional<Problem> Inflater::drain_prefix() {
  auto copy_of_prefix = prefix_;
  Bytes held(copy_of_prefix.data(), std::exchange(prefix_size_, 0));
  while (!held.empty())
    if (auto problem = step(held)) return problem;
  return std::nullopt;
}

std::optional<Problem> Inflater::copy(Bytes& bytes) {
  auto room = output_.acquire();
  std::size_t count = std::min(room.size(), bytes.size());
  std::copy_n(bytes.begin(), count, room.begin());
  bytes = bytes.subspan(count);
  return give(count);
}

std::optional<Problem> Inflater::gunzip(Bytes& bytes) {
  auto& gzip = decoders_->gzip;
  // ISA-L counts in 32 bits.
  auto piece = bytes.first(std::min<std::size_t>(bytes.size(), 1 << 30));
  gzip.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(piece.data()));
  gzip.avail_in = static_cast<std::uint32_t>(piece.size());
  do {
    auto room = output_.acquire();
    gzip.next_out = reinterpret_cast<std::uint8_t*>(room.data());
    gzip.avail_out = static_cast<std::uint32_t>(room.size());
    int outcome = isal_inflate(&gzip);
    if (auto problem = give(room.size() - gzip.avail_out)) return problem;
    if (outcome < 0) {
      const char* what = outcome == ISAL_INCORRECT_CHECKSUM ? "its checksum does not match" : "it is damaged";
      return Problem{"corrupt", format("the gzip data cannot be read: {} (code {})", what, outcome)};
    }
  } while (gzip.block_state != ISAL_BLOCK_FINISH && (gzip.avail_in > 0 || gzip.avail_out == 0));
  bytes = bytes.subspan(piece.size() - gzip.avail_in);
  if (gzip.block_state == ISAL_BLOCK_FINISH) state_ = State::Between;
  return std::nullopt;
}

std::optional<Problem> Inflater::unzstd(Bytes& bytes) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    auto room = output_.acquire();
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    std::size_t outcome = ZSTD_decompressStream(decoders_->zstd.get(), &out, &in);
    if (auto problem = give(out.pos)) return problem;
    if (ZSTD_isError(outcome))
      return Problem{"corrupt", format("the zstd data cannot be read: {}", ZSTD_getErrorName(outcome))};
    if (outcome == 0) state_ = State::Between;
    // All input taken and the output not full: nothing is held back.
    if (outcome == 0 || (in.pos == in.size && out.pos < out.size)) break;
  }
  bytes = bytes.subspan(in.pos);
  return std::nullopt;
}

std::optional<Problem> Inflater::give(std::size_t count) {
  out_total_ += count;
  output_.commit(count);
  if (out_total_ > bytes_max_) return Problem{"limit", format("it inflates to more than {} bytes", bytes_max_)};
  if (out_total_ > ratio_floor_ && out_total_ / ratio_max_ > in_total_)
    return Problem{"limit", format("it inflates to more than {} times its size", ratio_max_)};
  return std::nullopt;
}

}  // namespace pratique::scan
