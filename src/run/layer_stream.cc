#include "run/layer_stream.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <array>

#include "base/format.h"
#include "base/text.h"

namespace pratique::run {

namespace {

constexpr std::size_t kInputBytes = 256 << 10;
// The largest images of machine-learning stacks are some 30 GiB unpacked; a bomb is not told from them by its ratio
// but by not fitting here.
constexpr std::uint64_t kLayerBytesMax = 128ull << 30;
// 128 MiB window: what zstd --ultra may ask for; more is only asked for by an attack on our memory.
constexpr int kZstdWindowLogMax = 27;

std::variant<Sha256, Sha512> hasher_for(oci::Algorithm algorithm) {
  if (algorithm == oci::Algorithm::Sha512) return Sha512();
  return Sha256();
}

struct Progress {
  std::size_t consumed = 0;
  std::size_t produced = 0;
};

}  // namespace

class LayerStream::Inflater {
 public:
  virtual ~Inflater() = default;
  // Makes progress on a non-empty input and output, or fails.
  virtual Result<Progress> inflate(std::span<const std::byte> in, std::span<std::byte> out) = 0;
  // True where the input may end.
  virtual bool at_boundary() const = 0;
  // True when output is waiting although the input is used up.
  virtual bool holds_output() const = 0;
};

namespace {

// RFC 1952: members one after another are one file.
class Gzip final : public LayerStream::Inflater {
 public:
  Gzip() { start(); }

  Result<Progress> inflate(std::span<const std::byte> in, std::span<std::byte> out) override {
    if (state_.block_state == ISAL_BLOCK_FINISH) start();
    state_.next_in = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(in.data()));
    state_.avail_in = static_cast<std::uint32_t>(in.size());
    state_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    state_.avail_out = static_cast<std::uint32_t>(out.size());
    int code = isal_inflate(&state_);
    if (code < 0 || code == ISAL_NEED_DICT) return corrupt(format("gzip: the stream is damaged (code {})", code));
    Progress progress{in.size() - state_.avail_in, out.size() - state_.avail_out};
    full_ = state_.avail_out == 0;
    return progress;
  }
  bool at_boundary() const override { return state_.block_state == ISAL_BLOCK_FINISH; }
  bool holds_output() const override { return full_ && state_.block_state != ISAL_BLOCK_FINISH; }

 private:
  void start() {
    isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
  }
  inflate_state state_;
  bool full_ = false;
};

// RFC 8878: frames one after another, skippable ones (estargz-like tables of contents) among them.
class Zstd final : public LayerStream::Inflater {
 public:
  Zstd() : context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    if (context_) ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }

  Result<Progress> inflate(std::span<const std::byte> in, std::span<std::byte> out) override {
    if (!context_) return unavailable("zstd: out of memory");
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    auto code = ZSTD_decompressStream(context_.get(), &output, &input);
    if (ZSTD_isError(code)) return corrupt(format("zstd: {}", ZSTD_getErrorName(code)));
    boundary_ = code == 0;
    full_ = output.pos == output.size;
    return Progress{input.pos, output.pos};
  }
  bool at_boundary() const override { return boundary_; }
  bool holds_output() const override { return full_ && !boundary_; }

 private:
  std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context_;
  bool boundary_ = false;
  bool full_ = false;
};

Result<std::unique_ptr<LayerStream::Inflater>> inflater_for(const oci::Descriptor& descriptor) {
  auto layer = oci::layer_format(descriptor.media_type);
  if (!layer) return invalid(format("{} is no layer this program reads", printable(descriptor.media_type)));
  if (layer->is_encrypted) return invalid("the layer is encrypted");
  if (layer->is_foreign) return invalid("the layer is foreign: its bytes are not part of the image");
  std::unique_ptr<LayerStream::Inflater> inflater;
  if (layer->compression == oci::Compression::Gzip) inflater = std::make_unique<Gzip>();
  if (layer->compression == oci::Compression::Zstd) inflater = std::make_unique<Zstd>();
  return inflater;
}

}  // namespace

DigestCheck::DigestCheck(oci::Digest expected)
    : expected_(std::move(expected)), hasher_(hasher_for(expected_.algorithm())) {}

void DigestCheck::update(Bytes bytes) {
  std::visit([&](auto& hasher) { hasher.update(bytes); }, hasher_);
}

Status DigestCheck::finish(std::string_view what) const {
  auto actual = std::visit([](const auto& hasher) { return oci::Digest::from(hasher.sum()); }, hasher_);
  if (actual == expected_) return {};
  return corrupt(format("{} is {}, not {}", what, actual.to_string(), expected_.to_string()));
}

Result<std::string> read_verified(const os::Fd& blob, const oci::Descriptor& descriptor, std::size_t bytes_max) {
  if (descriptor.size > bytes_max) {
    return over_limit(format("{} is larger than {}", descriptor.digest.short_text(), human_bytes(bytes_max)));
  }
  // One byte more than promised, to notice that there is one.
  std::string content(descriptor.size + 1, '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    auto got = TRY(os::read_some(blob, std::as_writable_bytes(std::span(content)).subspan(filled)));
    if (got == 0) break;
    filled += got;
  }
  if (filled != descriptor.size)
    return corrupt(format("{} has another size than its descriptor says", descriptor.digest.short_text()));
  content.pop_back();
  DigestCheck check(descriptor.digest);
  check.update(as_bytes(content));
  TRY(check.finish("the blob"));
  return content;
}

Result<LayerStream> LayerStream::open(os::Fd blob, const oci::Descriptor& descriptor, const oci::Digest& diff_id) {
  auto inflater = TRY(inflater_for(descriptor));
  return LayerStream(std::move(blob), descriptor.size, DigestCheck(descriptor.digest), DigestCheck(diff_id),
                     std::move(inflater));
}

LayerStream::LayerStream(os::Fd blob, std::uint64_t size, DigestCheck stored, DigestCheck content,
                         std::unique_ptr<Inflater> inflater)
    : blob_(std::move(blob)),
      left_(size),
      stored_(std::move(stored)),
      content_(std::move(content)),
      inflater_(std::move(inflater)),
      buffer_(std::make_unique<std::byte[]>(kInputBytes)) {}

LayerStream::~LayerStream() = default;
LayerStream::LayerStream(LayerStream&&) noexcept = default;

// Leaves input_ empty only at the end of the blob.
Status LayerStream::refill() {
  if (!input_.empty() || left_ == 0) return {};
  auto want = static_cast<std::size_t>(std::min<std::uint64_t>(left_, kInputBytes));
  auto got = TRY(os::read_some(blob_, std::span(buffer_.get(), want)));
  if (got == 0) return corrupt("the layer is shorter than its descriptor says");
  left_ -= got;
  input_ = std::span<const std::byte>(buffer_.get(), got);
  stored_.update(input_);
  return {};
}

Result<std::size_t> LayerStream::read(std::span<std::byte> buffer) {
  if (buffer.empty()) return std::size_t{0};
  // A call may only move an inflater's state (the end of a member); two in a row mean that it stands still.
  for (int idle = 0; idle < 2;) {
    TRY(refill());
    Progress progress;
    if (!inflater_) {
      progress.produced = progress.consumed = std::min(input_.size(), buffer.size());
      std::ranges::copy(input_.first(progress.consumed), buffer.begin());
    } else if (input_.empty() && !inflater_->holds_output()) {
      if (!inflater_->at_boundary()) return corrupt("the compressed layer ends too early");
      return std::size_t{0};
    } else {
      progress = TRY(inflater_->inflate(input_, buffer));
    }
    input_ = input_.subspan(progress.consumed);
    out_ += progress.produced;
    if (out_ > kLayerBytesMax)
      return over_limit(format("the layer unpacks to more than {}", human_bytes(kLayerBytesMax)));
    if (progress.produced > 0) {
      content_.update(buffer.first(progress.produced));
      return progress.produced;
    }
    if (!inflater_) return std::size_t{0};
    idle = progress.consumed == 0 ? idle + 1 : 0;
  }
  return corrupt("the compressed layer makes no sense");
}

Status LayerStream::finish() {
  std::array<std::byte, 64 << 10> rest;
  while (TRY(read(rest)) > 0) {
  }
  std::byte extra;
  if (TRY(os::read_some(blob_, std::span(&extra, 1))) > 0) {
    return corrupt("the layer is longer than its descriptor says");
  }
  TRY(stored_.finish("the layer's blob"));
  return content_.finish("the layer's content (diffID)");
}

}  // namespace pratique::run
