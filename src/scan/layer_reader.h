// Layer bytes in, records out: inflate, hash, walk the archive, read the package databases. What the worker runs.
//
// In its own right a pure function of its input, so that tests and fuzzers run it without a process around it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/encoding.h"
#include "scan/inflate.h"
#include "scan/records.h"
#include "scan/scan.h"
#include "scan/tar.h"

namespace pratique::scan {

struct Extractor;

// Buffers between inflate and its two readers. With a second thread the hash of the uncompressed bytes (the diffID)
// costs no wall time: it takes about half as long as inflating gzip.
class DigestingOutput final : public Output {
 public:
  enum class Threads { One, Two };
  DigestingOutput(Threads threads, std::function<void(Bytes)> next);
  ~DigestingOutput() override;
  std::span<std::byte> acquire() override;
  void commit(std::size_t count) override;
  // The hash of everything committed.
  Sha256::Sum sum();

 private:
  struct Hashing;
  std::function<void(Bytes)> next_;
  std::unique_ptr<std::byte[]> buffers_;
  std::unique_ptr<Hashing> hashing_;  // nullptr: on this thread
  Sha256 hasher_;
  std::size_t current_ = 0;
};

class LayerReader final : private TarVisitor {
 public:
  using Sink = std::function<void(std::string_view records)>;
  LayerReader(const Limits& limits, DigestingOutput::Threads threads, Sink sink);

  void feed(Bytes compressed);
  // Nothing that follows can change the inventory: the rest need not be fed.
  bool is_stopped() const { return stopped_; }
  void finish();

 private:
  Data on_entry(FileEntry entry, bool is_sparse) override;
  Data on_source(const Extractor& extractor, FileEntry entry, bool is_sparse);
  void on_data(Bytes bytes) override;
  void on_data_end() override;
  void on_gap(Gap gap) override;
  void stop(const Problem& problem);
  void give();

  const Limits limits_;
  Sink sink_;
  std::string records_;
  RecordWriter writer_{records_};
  TarReader tar_;
  DigestingOutput output_;
  Inflater inflater_;
  bool stopped_ = false;

  std::size_t entries_ = 0;
  std::size_t gaps_ = 0;
  std::uint64_t kept_bytes_ = 0;
  std::uint64_t source_bytes_ = 0;
  std::string kept_path_;
  std::string kept_;
};

// The whole of a layer at once, on this thread.
LayerInventory read_layer(Bytes compressed, const oci::Digest& blob, const Limits& limits = {});

}  // namespace pratique::scan
