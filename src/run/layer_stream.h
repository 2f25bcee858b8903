// A layer's bytes on their way from a descriptor to the tar reader: counted, hashed, inflated, hashed again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "base/hash.h"
#include "oci/oci.h"
#include "os/fd.h"

namespace pratique::run {

// Hashes with the algorithm a digest names.
class DigestCheck {
 public:
  explicit DigestCheck(oci::Digest expected);
  void update(Bytes bytes);
  // Corrupt with both digests in the message when the bytes so far are not those.
  Status finish(std::string_view what) const;

 private:
  oci::Digest expected_;
  std::variant<Sha256, Sha512> hasher_;
};

// The whole content of a small blob, checked against its descriptor. Limit above `bytes_max`.
Result<std::string> read_verified(const os::Fd& blob, const oci::Descriptor& descriptor, std::size_t bytes_max);

class LayerStream {
 public:
  // Invalid for a media type that is no layer we can read (foreign, encrypted, unknown).
  static Result<LayerStream> open(os::Fd blob, const oci::Descriptor& descriptor, const oci::Digest& diff_id);
  ~LayerStream();
  LayerStream(LayerStream&&) noexcept;

  // Uncompressed bytes; 0 at the end. Corrupt for bytes that are no valid stream or go on after its end.
  Result<std::size_t> read(std::span<std::byte> buffer);
  // Reads what is left and checks size, digest and diffID. Before this says ok, nothing that was read may be used.
  Status finish();

  class Inflater;

 private:
  LayerStream(os::Fd blob, std::uint64_t size, DigestCheck stored, DigestCheck content,
              std::unique_ptr<Inflater> inflater);
  Status refill();

  os::Fd blob_;
  std::uint64_t left_;     // compressed bytes still promised by the descriptor
  std::uint64_t out_ = 0;  // uncompressed bytes so far
  DigestCheck stored_, content_;
  std::unique_ptr<Inflater> inflater_;  // null: not compressed
  std::unique_ptr<std::byte[]> buffer_;
  std::span<const std::byte> input_;  // what of buffer_ is not consumed
};

}  // namespace pratique::run
