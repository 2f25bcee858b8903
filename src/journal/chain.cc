#include "journal/chain.h"

#include "base/format.h"
#include "base/hash.h"

namespace pratique::journal {

namespace {

// A netstring: no content can look like the start of the next field, so no two entries share a text.
std::string field(std::string_view content) {
  return format("{}:{},", content.size(), content);
}

}  // namespace

std::string genesis() {
  return std::string(64, '0');
}

std::string canonical_text(const Row& row, std::string_view previous_hash) {
  return "pratique-journal 1\n" + field(previous_hash) + field(std::to_string(row.sequence)) +
         field(std::to_string(row.time_micros)) + field(row.actor) + field(row.event) + field(row.subject) +
         field(row.details);
}

std::string hash_of(const Row& row, std::string_view previous_hash) {
  return sha256_hex(canonical_text(row, previous_hash));
}

}  // namespace pratique::journal
