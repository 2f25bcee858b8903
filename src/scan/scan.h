// What is inside an image and what is known about it.
//
// A layer is catalogued while it arrives, in a sandboxed child process that is fed through a pipe: inflate, hash
// (diffID), walk the tar, keep the package databases and a file index. Inventories are kept, so no later question reads
// the blob again; an image's report is computed from inventories and the advisory database alone. Not here: what
// follows from a report (policy, gate). Thread rule: Cataloguer and InventoryStore are thread-safe; a LayerScan belongs
// to one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "advisory/advisory.h"
#include "base/clock.h"
#include "base/json.h"
#include "oci/oci.h"
#include "scan/checklist.h"
#include "store/store.h"
#include "vuln/vuln.h"

namespace pratique::scan {

// Raised when an extractor or the merge changes meaning: inventories of another version are made again.
inline constexpr int kScannerVersion = 1;

// The worker is this same program started again; main() must call this first. The exit code when this was such a start.
std::optional<int> run_worker_if_asked(int argc, char** argv);

// Something that could not be read or known. Never means clean.
struct Gap {
  std::string code;    // stable: "encrypted-layer", "foreign-layer", "unknown-media-type", "diff-id-mismatch",
                       // "truncated", "limit", "timed-out", "worker-died", "bad-database", "no-advisory-data",
                       // "no-os-release" … (docs/formats/report.md)
  std::string what;    // "layer sha256:…", "var/lib/dpkg/status line 12"
  std::string reason;  // a sentence
};

enum class FileType : std::uint8_t {
  Regular,
  Directory,
  Symlink,
  Hardlink,
  CharacterDevice,
  BlockDevice,
  Fifo,
  Whiteout,    // hides `path` of lower layers
  OpaqueMark,  // hides everything in `path` of lower layers
};

struct FileEntry {
  std::string path;  // normalised: no leading "/", no "." or ".."; of a whiteout, what it hides; "" is the root
  FileType type = FileType::Regular;
  std::uint32_t mode = 0;  // permission bits with setuid/setgid/sticky
  std::uint32_t uid = 0, gid = 0;
  std::uint64_t size = 0;
  std::string link;  // target of a symlink (as written) or hard link (normalised)
};

// What an extractor read from one file (a package database, os-release), inside the sandbox: the text itself never
// leaves the worker, so nothing outside it parses hostile bytes of this kind.
struct Extract {
  std::size_t entry = 0;                // which of LayerInventory::files
  std::string extractor;                // "dpkg", "apk", "os-release"
  std::vector<vuln::Package> packages;  // in file order, `layer` unset
  std::optional<vuln::Distribution> distribution;
  std::vector<Gap> gaps;
  std::vector<SourceNote> notes;
};

// What one layer holds, known from its bytes alone.
struct LayerInventory {
  int scanner_version = kScannerVersion;
  oci::Digest blob;                    // of the bytes as stored
  std::optional<oci::Digest> diff_id;  // sha256 of the uncompressed bytes; nullopt: they could not be read to the end
  bool is_layer =
      true;  // false: not an archive at all (a config, an attestation); a gap only where it is used as a layer
  std::uint64_t uncompressed_bytes = 0;
  std::vector<FileEntry> files;  // in archive order; what an engine would refuse to extract is a gap instead
  std::vector<Extract> extracts;
  std::vector<Gap> gaps;
};

struct Limits {
  std::uint64_t uncompressed_bytes_max = 256ull << 30;
  std::uint64_t ratio_max = 1'100;  // gzip cannot exceed 1032:1; zstd bombs can
  std::uint64_t ratio_floor_bytes =
      64 << 20;                             // the ratio counts only beyond this much output (small files compress well)
  std::size_t entries_max = 2'000'000;      // the largest conda layers hold 500,000
  std::size_t index_bytes_max = 256 << 20;  // of the whole inventory as the worker sends it
  std::size_t path_bytes_max = 4'096;
  std::uint64_t kept_file_bytes_max = 64 << 20;
  std::uint64_t kept_bytes_max = 256 << 20;
  std::uint64_t worker_memory_bytes_max = 2ull << 30;
  std::chrono::seconds worker_cpu_max{1'800};
  std::chrono::seconds worker_stall_max{60};  // neither takes bytes nor gives results: stopped
};

// One layer being catalogued. feed() in order, then finish().
class LayerScan {
 public:
  ~LayerScan();  // kills the worker
  LayerScan(LayerScan&&) noexcept;
  // Never fails the caller: a dead worker is remembered and becomes a gap.
  void feed(Bytes bytes);
  // The compressed bytes hashed to `blob`. Always gives an inventory; what went wrong is in its gaps.
  LayerInventory finish(const oci::Digest& blob);

  struct Impl;
  explicit LayerScan(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// Starts workers. SIGPIPE is ignored in the whole process from its construction on: a worker may die while it is fed.
class Cataloguer {
 public:
  explicit Cataloguer(Limits limits = {});
  ~Cataloguer();
  // Compression is recognised from the first bytes. A blob that is no layer (a config) ends cheaply with is_layer
  // false. Unavailable where no process can be started.
  Result<LayerScan> start();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Inventories at rest, by layer digest and scanner version; each file is checksummed. Durable when put() returns.
class InventoryStore {
 public:
  static Result<std::unique_ptr<InventoryStore>> open(const std::string& directory);
  ~InventoryStore();
  // Not kept, and no error: an inventory whose worker died or was stopped; the layer is read again when it is asked
  // for.
  Status put(const LayerInventory& inventory);
  Result<LayerInventory> get(const oci::Digest& blob) const;  // NotFound; Corrupt is reported as NotFound and removed
  bool has(const oci::Digest& blob) const;

 private:
  explicit InventoryStore(std::string directory);
  std::string directory_;
};

// A tap for store::Ingest: catalogues while the bytes arrive and puts the inventory at commit.
std::unique_ptr<store::Tap> make_tap(Cataloguer& cataloguer, InventoryStore& inventories);

// Everything an image holds after its layers are laid on each other.
struct ImageInventory {
  std::optional<vuln::Distribution> distribution;
  std::vector<vuln::Package> packages;  // sorted by name; `layer` says which layer brought this version
  std::vector<Gap> gaps;
  std::size_t files = 0;
  std::uint64_t bytes = 0;  // of regular files
  Sights sights;
};
// Lays layers (lowest first) on each other: whiteouts, opaque directories, hard links, symlinks on the way, directories
// replaced by files or links; then takes what the extractors read from the files that are visible. O(entries · log).
ImageInventory merge(const std::vector<LayerInventory>& layers);

struct LayerSummary {
  oci::Digest digest;
  std::uint64_t size = 0;  // compressed bytes
  std::string instruction;
  std::string media_type;
};

// The whole answer about one image; serialised, it is the published report (docs/formats/report.md).
struct ScanReport {
  std::string image;  // reference or target as asked
  std::optional<oci::Digest> digest;
  oci::Platform platform;
  std::optional<vuln::Distribution> distribution;
  std::vector<LayerSummary> layers;
  std::vector<vuln::Package> packages;
  std::vector<vuln::Finding> findings;  // worst first
  std::vector<Gap> gaps;                // what was not judged
  std::optional<BaseNote> base;         // filled by who knows the registered bases
  std::vector<ImageCheck> checks;       // advice, unless a policy says otherwise
  advisory::DatabaseInfo database;
  Time scanned;
  int scanner_version = kScannerVersion;

  std::map<vuln::Severity, std::size_t> counts() const;
  // Did this finding come with the base image?
  bool is_of_base(const vuln::Finding& finding) const {
    return base && finding.package.layer >= 0 && static_cast<std::size_t>(finding.package.layer) < base->layers;
  }
  Json to_json() const;
  static Result<ScanReport> from_json(const Json& json);
};

// What the image says of itself, and the inventories of its layers in order.
struct ImageFacts {
  std::string image;
  std::optional<oci::Digest> digest;
  oci::Manifest manifest;
  oci::ImageConfig config;
  std::vector<LayerInventory> layers;  // one a manifest layer; layers that could not be read carry gaps
};
// Pure: same facts, same database, same time, same report bytes. Checks each diffID against the configuration.
ScanReport judge(const ImageFacts& facts, const advisory::Database& database, Time now,
                 const std::optional<BaseNote>& base = std::nullopt);

// What the person has to do next, when a gate has spoken; rendered into the text and HTML forms.
struct ReportContext {
  std::string verdict;  // "approved", "rejected", "waiting for a reviewer"; "" for a local scan
  std::vector<std::string> reasons;
  std::vector<std::string> next_steps;
  std::string uri;  // approved URI
  std::string expires;
};
std::string render_text(const ScanReport& report, const ReportContext& context, bool colour);
// Self-contained: no script, no outside resource.
std::string render_html(const ScanReport& report, const ReportContext& context);

}  // namespace pratique::scan
