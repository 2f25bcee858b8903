#include "transport/archive_file.h"

#include <isa-l/igzip_lib.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "base/format.h"
#include "os/file.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";

// Copies a file into another one, inflating if it is gzip; members of a gzip file may follow each other.
class Unpacker {
 public:
  Unpacker(const os::Fd& in, const os::Fd& out, std::uint64_t bytes_max)
      : in_(in), out_(out), bytes_left_(bytes_max), bytes_max_(bytes_max), input_(kCopyStep, '\0') {}

  Status run() {
    // The first two bytes decide; a pipe may deliver them one by one.
    while (have_.size() < kGzipMagic.size() && TRY(refill())) {
    }
    if (!have_.starts_with(kGzipMagic)) return copy();
    output_.resize(kCopyStep);
    do {
      TRY(inflate_member());
      if (have_.size() < kGzipMagic.size()) TRY(refill());
    } while (have_.starts_with(kGzipMagic));
    return {};
  }

 private:
  // Appends more input; false at the end of the file.
  Result<bool> refill() {
    std::string rest(have_);
    auto room = std::as_writable_bytes(std::span(input_));
    std::copy(rest.begin(), rest.end(), input_.begin());
    std::size_t got = TRY(os::read_some(in_, room.subspan(rest.size())));
    have_ = std::string_view(input_).substr(0, rest.size() + got);
    return got != 0;
  }

  Status copy() {
    do {
      TRY(write(have_));
      have_ = {};
    } while (TRY(refill()));
    return {};
  }

  Status inflate_member() {
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
    while (state_->block_state != ISAL_BLOCK_FINISH) {
      // The decoder may still hold output when the input is used up, so only a step without progress ends it.
      bool is_at_end = have_.empty() && !TRY(refill());
      std::size_t wrote = TRY(inflate_step());
      if (is_at_end && wrote == 0 && state_->block_state != ISAL_BLOCK_FINISH)
        return corrupt("gzip data that is cut short");
    }
    return {};
  }

  Result<std::size_t> inflate_step() {
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(have_.data()));
    state_->avail_in = static_cast<std::uint32_t>(have_.size());
    state_->next_out = reinterpret_cast<std::uint8_t*>(output_.data());
    state_->avail_out = static_cast<std::uint32_t>(output_.size());
    int outcome = isal_inflate(state_.get());
    if (outcome != ISAL_DECOMP_OK && outcome != ISAL_END_INPUT)
      return corrupt(format("broken gzip data ({})", outcome));
    have_.remove_prefix(have_.size() - state_->avail_in);
    std::size_t wrote = output_.size() - state_->avail_out;
    TRY(write(std::string_view(output_).substr(0, wrote)));
    return wrote;
  }

  Status write(std::string_view piece) {
    if (piece.size() > bytes_left_)
      return over_limit(format("an archive of more than {} bytes when unpacked", bytes_max_));
    bytes_left_ -= piece.size();
    return os::write_all(out_, as_bytes(piece));
  }

  const os::Fd& in_;
  const os::Fd& out_;
  std::uint64_t bytes_left_;
  std::uint64_t bytes_max_;
  std::string input_, output_;
  std::string_view have_;  // unread part of input_
  std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();
};

Result<bool> is_plain_file(const os::Fd& file) {
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return from_errno("looking at an archive", errno);
  if (S_ISDIR(info.st_mode)) return invalid("this is a directory, not an archive");
  if (!S_ISREG(info.st_mode)) return false;
  std::array<std::byte, 2> magic{};
  std::size_t got = TRY(os::read_at(file, magic, 0));
  return as_text(Bytes(magic).first(got)) != kGzipMagic;
}

}  // namespace

Result<os::Fd> open_archive(const std::string& path, std::uint64_t bytes_max) {
  os::Fd file = TRY(os::open_for_reading(path));
  if (TRY(is_plain_file(file).with_context(path))) return file;
  os::Fd scratch = TRY(scratch_file());
  TRY(Unpacker(file, scratch, bytes_max).run().with_context("unpacking " + path));
  return scratch;
}

}  // namespace pratique::transport
