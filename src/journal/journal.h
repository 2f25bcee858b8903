// What happened: append-only, each entry chained to the one before by SHA-256, so that a later change shows.
//
// An entry is written in the transaction of the state change it describes: both or neither. Readers follow with a
// cursor. The database itself refuses to change or delete entries. Format: docs/formats/journal.md. Not here: who may
// read it. Thread-safe; append() belongs to its transaction.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "db/db.h"

namespace pratique::journal {

struct Entry {
  std::int64_t sequence = 0;  // 1, 2, 3 … without gaps
  Time time;
  std::string actor;    // principal's name, "system" for the program itself
  std::string event;    // "image-staged", "image-approved", …
  std::string subject;  // what it is about: an image's digest or reference, a user's name
  Json details;         // an object; no secrets
  std::string hash;     // hex sha256 over the previous hash and this entry's canonical text
};

// An image reference is at most some 400 bytes, a user's name 128; a report never goes in here, only its verdict.
inline constexpr std::size_t kNameBytesMax = 1024;  // actor, event, subject each
inline constexpr std::size_t kDetailsBytesMax = 256 << 10;

struct Verification {
  std::int64_t entries = 0;
  std::string head;  // hash of the last entry: note it elsewhere to prove that nothing was cut off
  // 0: the chain holds. Else the first entry that does not follow from its predecessor, and why.
  std::int64_t first_bad = 0;
  std::string problem;
  bool holds() const { return first_bad == 0; }
};

// Which entries; what is not set is not asked for.
struct Filter {
  std::optional<std::string> actor;
  std::optional<std::string> event;  // "access-granted", or "access-*" for all that begin so
  std::optional<std::string> subject;
  std::optional<Time> since;  // inclusive
  std::optional<Time> until;  // exclusive
};

class Journal {
 public:
  Journal(db::Database& database, const Clock& clock);
  static std::span<const db::Migration> migrations();

  // Invalid for text that is not UTF-8, Limit beyond kNameBytesMax and kDetailsBytesMax. CHECKs that event is not empty
  // and details are an object.
  Status append(db::Transaction& tx, std::string_view actor, std::string_view event, std::string_view subject,
                Json details);
  // Entries after `cursor`, oldest first, at most `limit`.
  Result<std::vector<Entry>> read(std::int64_t cursor, std::size_t limit, const Filter& filter = {});
  // Recomputes the whole chain: O(entries), constant memory.
  Result<Verification> verify();

 private:
  db::Database& database_;
  const Clock& clock_;
};

}  // namespace pratique::journal
