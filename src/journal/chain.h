// The hash of an entry. Format: docs/formats/journal.md. Private to `journal`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pratique::journal {

// What the database holds of an entry, details as the text that was hashed.
struct Row {
  std::int64_t sequence = 0;
  std::int64_t time_micros = 0;
  std::string actor;
  std::string event;
  std::string subject;
  std::string details;
};

// What stands before the first entry.
std::string genesis();
std::string canonical_text(const Row& row, std::string_view previous_hash);
std::string hash_of(const Row& row, std::string_view previous_hash);

}  // namespace pratique::journal
