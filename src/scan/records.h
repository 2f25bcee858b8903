// An inventory as a sequence of records: what a worker sends and what a file at rest holds.
//
// decode() trusts nothing: the sender has read hostile bytes. Layout: docs/formats/layer-inventory.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "scan/scan.h"

namespace pratique::scan {

// The last record: what is known only when all bytes have been read.
struct LayerEnd {
  bool is_layer = true;
  std::uint64_t uncompressed_bytes = 0;
  std::optional<Sha256::Sum> diff_id;
};

class RecordWriter {
 public:
  explicit RecordWriter(std::string& out) : out_(out) {}
  void entry(const FileEntry& entry);
  void extract(const Extract& extract);
  void gap(const Gap& gap);
  void end(const LayerEnd& end);

 private:
  void number(std::uint64_t value);
  void text(std::string_view value);
  void package(const vuln::Package& package);
  void distribution(const vuln::Distribution& distribution);
  std::string& out_;
};

std::string encode_records(const LayerInventory& inventory);
// Fills files, extracts, gaps, is_layer, uncompressed_bytes and diff_id. Corrupt for anything RecordWriter would not
// write: unknown tags, names that are not normalised, text that is not UTF-8, an extract of a file that is not there,
// bytes after the end. Limit beyond `limits`.
Status decode_records(std::string_view bytes, const Limits& limits, LayerInventory& into);

}  // namespace pratique::scan
