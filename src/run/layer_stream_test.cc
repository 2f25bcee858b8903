#include "run/layer_stream.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "base/random.h"
#include "run/test_image.h"

namespace pratique::run {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(::deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

struct Layer {
  std::string stored;
  std::string content;
  std::string_view type = oci::media_type::kOciLayerGzip;
  std::string served = {};  // "" : what is stored
};

Result<std::string> read(const Layer& layer, std::size_t piece = 1000) {
  oci::Descriptor descriptor{.media_type = std::string(layer.type),
                             .digest = oci::Digest::of(as_bytes(layer.stored)),
                             .size = layer.stored.size()};
  auto stream = TRY(LayerStream::open(memory_fd(layer.served.empty() ? layer.stored : layer.served), descriptor,
                                      oci::Digest::of(as_bytes(layer.content))));
  std::string text;
  std::vector<std::byte> buffer(piece);
  while (auto got = TRY(stream.read(buffer))) text += as_text(std::span(buffer).first(got));
  TRY(stream.finish());
  return text;
}

ErrorKind error_of(const Layer& layer) {
  auto result = read(layer);
  EXPECT_FALSE(result.ok());
  return result.ok() ? ErrorKind::Conflict : result.error().kind();
}

std::string sample() {
  std::string text = random_bytes(300'000) + std::string(3'000'000, 'x');
  return text + random_bytes(1000);
}

TEST(layer_stream, inflates_every_compression_in_any_pieces) {
  auto text = sample();
  for (std::size_t piece : {1'000, 65'536, 10'000'000}) {
    EXPECT_EQ(*read({gzip(text), text}, piece), text);
    EXPECT_EQ(*read({zstd(text), text, oci::media_type::kOciLayerZstd}, piece), text);
    EXPECT_EQ(*read({text, text, oci::media_type::kOciLayer}, piece), text);
  }
  EXPECT_EQ(*read({gzip("short"), "short"}, 1), "short");
  EXPECT_EQ(*read({gzip(""), ""}), "");
}

TEST(layer_stream, joins_members_and_frames) {
  EXPECT_EQ(*read({gzip("one ") + gzip("") + gzip("two"), "one two"}), "one two");
  EXPECT_EQ(*read({zstd("one ") + zstd("two"), "one two", oci::media_type::kOciLayerZstd}), "one two");
  std::string skippable("\x50\x2a\x4d\x18\x04\0\0\0abcd", 12);
  EXPECT_EQ(*read({zstd("x") + skippable, "x", oci::media_type::kOciLayerZstd}), "x");
}

TEST(layer_stream, outputs_that_end_with_the_buffer_are_whole) {
  auto text = sample();
  for (std::size_t size : {1u, 999u, 1000u, 1001u, 32'768u, 65'536u, 100'000u}) {
    auto part = text.substr(0, size);
    for (std::size_t piece : {size, std::size_t{1000}}) {
      EXPECT_EQ(*read({gzip(part), part}, piece), part) << size;
      EXPECT_EQ(*read({zstd(part), part, oci::media_type::kOciLayerZstd}, piece), part) << size;
    }
  }
}

TEST(layer_stream, refuses_damage) {
  auto text = sample();
  auto packed = gzip(text), squeezed = zstd(text);
  auto flipped = packed;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x55);
  EXPECT_EQ(error_of({flipped, text}), ErrorKind::Corrupt);
  EXPECT_EQ(error_of({packed.substr(0, packed.size() - 1), text}), ErrorKind::Corrupt);
  EXPECT_EQ(error_of({packed.substr(0, packed.size() / 2), text}), ErrorKind::Corrupt);
  EXPECT_EQ(error_of({packed + "garbage", text}), ErrorKind::Corrupt);
  EXPECT_EQ(error_of({std::string("not gzip at all"), ""}), ErrorKind::Corrupt);
  EXPECT_EQ(error_of({squeezed.substr(0, squeezed.size() - 1), text, oci::media_type::kOciLayerZstd}),
            ErrorKind::Corrupt);
  EXPECT_EQ(error_of({squeezed + "garbage", text, oci::media_type::kOciLayerZstd}), ErrorKind::Corrupt);
  EXPECT_EQ(error_of({text, "other", oci::media_type::kOciLayer}), ErrorKind::Corrupt) << "diffID";
}

TEST(layer_stream, refuses_bytes_that_are_not_those_of_the_descriptor) {
  auto text = std::string(5000, 'x');
  auto changed = text;
  changed[4000] = 'y';
  for (const auto& served : {changed, text + "x", text.substr(1)}) {
    EXPECT_EQ(error_of({text, text, oci::media_type::kOciLayer, served}), ErrorKind::Corrupt);
  }
}

TEST(layer_stream, refuses_what_is_no_readable_layer) {
  for (std::string_view type : {std::string_view("application/json"), oci::media_type::kDockerForeignLayer,
                                std::string_view("application/vnd.oci.image.layer.v1.tar+gzip+encrypted")}) {
    EXPECT_EQ(error_of({"x", "x", type}), ErrorKind::Invalid) << type;
  }
}

TEST(layer_stream, small_blobs_are_read_whole_or_not_at_all) {
  oci::Descriptor descriptor{.digest = oci::Digest::of(as_bytes("hello")), .size = 5};
  EXPECT_EQ(*read_verified(memory_fd("hello"), descriptor, 5), "hello");
  EXPECT_EQ(read_verified(memory_fd("hello"), descriptor, 4).error().kind(), ErrorKind::Limit);
  for (auto served : {"hell", "hello!", "hallo", ""}) {
    EXPECT_EQ(read_verified(memory_fd(served), descriptor, 5).error().kind(), ErrorKind::Corrupt) << served;
  }
}

}  // namespace
}  // namespace pratique::run
