// Collects advisories and lays them out as a database file in memory. Private to advisory.
//
// Deterministic: the same advisories in the same order give the same bytes, except for the build time in the header.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "advisory/advisory.h"
#include "base/result.h"

namespace pratique::advisory {

class Writer {
 public:
  // Limit when the table of strings outgrows its 32-bit offsets.
  Status add(const vuln::Advisory& advisory);
  // Every advisory that bears this id, added before or later, is known to be exploited.
  void mark_exploited(std::string_view id) { exploited_.emplace(id); }
  // The file's bytes. Takes `built` and `sources` from `info` and fills in the rest. May be called once.
  Result<std::string> finish(DatabaseInfo& info);

 private:
  struct Entry {
    std::uint32_t stream;
    std::uint32_t package;
    std::uint32_t id;
    std::uint32_t length;
    std::uint64_t offset;       // into records_
    std::uint32_t first_alias;  // into aliases_
    std::uint32_t alias_count;
  };
  std::uint32_t intern(std::string_view text);
  std::string_view text(std::uint32_t id) const { return strings_[id]; }
  std::string_view record(const Entry& entry) const;
  void mark_records();
  void sort_entries();
  // Appends the rows and the records they point to; gives the number of advisories kept.
  std::uint64_t lay_out(std::string& keys, std::string& records) const;

  std::deque<std::string> strings_;  // a deque, because string_ids_ points into it
  std::unordered_map<std::string_view, std::uint32_t> string_ids_;
  std::uint64_t string_bytes_ = 0;
  std::string records_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> aliases_;
  std::unordered_set<std::string> exploited_;
};

}  // namespace pratique::advisory
