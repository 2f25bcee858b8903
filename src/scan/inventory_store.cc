// One file a layer: a text header, the records compressed, a checksum over both (docs/formats/layer-inventory.md).
#include <zstd.h>

#include <algorithm>

#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "os/file.h"
#include "scan/extractors/extractors.h"
#include "scan/records.h"
#include "scan/scan.h"

namespace pratique::scan {

namespace {

constexpr std::string_view kMagic = "pratique-layer-inventory 1";
constexpr std::size_t kSumBytes = 32;
// Fast enough to vanish beside fsync; file names compress to a fifth.
constexpr int kZstdLevel = 3;
// The limits a worker is held to; a file at rest cannot hold more.
constexpr std::size_t kFileBytesMax = 300 << 20;
constexpr std::size_t kHeaderBytesMax = 1024;

// What must be equal for an inventory to be of use now.
std::string header_of(const oci::Digest& blob) {
  return format("{}\n{}\n{}\n{}\n", kMagic, kScannerVersion, extractors_fingerprint(), blob.to_string());
}

Result<std::string> compress(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  auto size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kZstdLevel);
  if (ZSTD_isError(size)) return unavailable(format("compressing an inventory: {}", ZSTD_getErrorName(size)));
  out.resize(size);
  return out;
}

Result<std::string> decompress(std::string_view bytes, std::size_t bytes_max) {
  auto size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > bytes_max)
    return corrupt("the inventory's size is not credible");
  std::string out(size, '\0');
  auto count = ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(count) || count != size) return corrupt("the inventory does not decompress");
  return out;
}

std::string sealed(std::string_view content) {
  auto sum = sha256(as_bytes(content));
  return std::string(content) + std::string(as_text(sum));
}

Result<LayerInventory> read_inventory(std::string_view file, const oci::Digest& blob) {
  if (file.size() < kSumBytes) return corrupt("the inventory is truncated");
  auto content = file.substr(0, file.size() - kSumBytes);
  if (as_text(sha256(as_bytes(content))) != file.substr(content.size()))
    return corrupt("the inventory's checksum does not match");
  auto header = header_of(blob);
  if (!content.starts_with(header)) return not_found("the inventory was made by another version");
  Limits limits;
  auto records = TRY(decompress(content.substr(header.size()), limits.index_bytes_max));
  LayerInventory inventory{.blob = blob};
  TRY(decode_records(records, limits, inventory));
  return inventory;
}

std::string path_of(const std::string& directory, const oci::Digest& blob) {
  std::string_view algorithm = blob.algorithm() == oci::Algorithm::Sha256 ? "sha256" : "sha512";
  return format("{}/{}/{}/{}", directory, algorithm, blob.encoded().substr(0, 2), blob.encoded());
}

}  // namespace

Result<std::unique_ptr<InventoryStore>> InventoryStore::open(const std::string& directory) {
  TRY(os::make_directories(directory));
  return std::unique_ptr<InventoryStore>(new InventoryStore(directory));
}

InventoryStore::InventoryStore(std::string directory) : directory_(std::move(directory)) {}
InventoryStore::~InventoryStore() = default;

Status InventoryStore::put(const LayerInventory& inventory) {
  // A worker that was killed or starved tells of this machine at that moment. Kept, it would speak for the layer for
  // good: the bytes are never sent again.
  bool is_of_the_moment = std::any_of(inventory.gaps.begin(), inventory.gaps.end(), [](const Gap& gap) {
    return gap.code == "worker-died" || gap.code == "timed-out";
  });
  if (is_of_the_moment) return {};
  auto path = path_of(directory_, inventory.blob);
  TRY(os::make_directories(path.substr(0, path.find_last_of('/'))));
  auto packed = TRY(compress(encode_records(inventory)));
  return os::write_file(path, sealed(header_of(inventory.blob) + packed));
}

Result<LayerInventory> InventoryStore::get(const oci::Digest& blob) const {
  auto path = path_of(directory_, blob);
  auto file = TRY(os::read_file(path, kFileBytesMax));
  auto inventory = read_inventory(file, blob);
  if (inventory.ok() || inventory.error().kind() == ErrorKind::NotFound) return inventory;
  log::warn("inventory damaged", {{"layer", blob.to_string()}, {"problem", inventory.error().message()}});
  TRY(os::remove_file(path));
  return not_found(format("the inventory of {} was damaged", blob.to_string()));
}

bool InventoryStore::has(const oci::Digest& blob) const {
  auto file = os::open_for_reading(path_of(directory_, blob));
  if (!file.ok()) return false;
  auto header = header_of(blob);
  CHECK(header.size() <= kHeaderBytesMax, "the header outgrew its buffer");
  std::array<std::byte, kHeaderBytesMax> start;
  auto count = os::read_at(*file, std::span(start).first(header.size()), 0);
  return count.ok() && as_text(Bytes(start.data(), *count)) == header;
}

}  // namespace pratique::scan
