// The base images a gate lets people build on: the list, the generations of each, and the proof that an image is built
// on one.
//
//   auto known = TRY(bases.all());
//   auto proof = prove(known, diff_ids, layers);      // of the image; pure
//   if (proof.standing == Standing::None) …
//
// An image is built on a base when its lowest layers are the base's, each known by the hash of its content (diffID): a
// chain nobody can imitate without having those very bytes in it. Formats: docs/formats/bases.md. Not here: what
// follows from a proof (policy), who looks into a base (gate). Thread-safe: Bases. Value types otherwise.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "db/db.h"
#include "journal/journal.h"
#include "oci/oci.h"

namespace pratique::bases {

// A list is some lines; the largest catalogues of base images hold a few hundred.
inline constexpr std::size_t kListBytesMax = 1 << 20;
inline constexpr std::size_t kBasesMax = 1'000;
inline constexpr std::size_t kReferenceBytesMax = 512;
inline constexpr std::size_t kWhyBytesMax = 1'000;
// With a rebuild a week, three weeks: long enough to finish what was begun on a base.
inline constexpr std::size_t kGenerationsKept = 3;
inline constexpr std::size_t kGenerationsKeptMax = 50;
// Older ones no longer prove anything, and are remembered so that a refusal can name them.
inline constexpr std::size_t kGenerationsRemembered = 60;
// Findings of one base that are kept to compare with. The worst real bases have a few thousand.
inline constexpr std::size_t kFindingsMax = 20'000;

// One build of a base image.
struct Generation {
  Time built;
  oci::Digest last_layer;               // as stored, compressed: what the record file names
  std::optional<oci::Digest> manifest;  // where it is in our own registry
  std::vector<oci::Digest> diff_ids;    // the whole chain, lowest first; empty: known from a record file only
};

struct Base {
  std::string reference;     // what people write behind FROM
  std::string source;        // where it is in our own registry: "library/python-base:3.12"; "" elsewhere
  bool is_available = true;  // false: the list shows it with "*"
  std::string starred_why;
  std::string starred_by;  // "system" where nobody did it by hand
  std::size_t keep = kGenerationsKept;
  std::vector<Generation> generations;  // newest first; beyond `keep` only remembered
  std::set<std::string> findings;       // of the newest generation: finding_key()
  std::optional<Time> judged;           // when those were looked up
};
// What makes two findings the same before and after a rebuild.
std::string finding_key(std::string_view id, std::string_view package);

// -- files ---------------------------------------------------------------------------------------------------------
struct ListedBase {
  std::string reference;
  bool is_available = true;
};
// One image a line; "#" starts a comment line; a leading "*" marks what is unavailable for now. Invalid with the line.
Result<std::vector<ListedBase>> parse_allow_list(std::string_view text);
std::string render_allow_list(std::span<const Base> bases);
// {"<image>": {"YYYY_MM_DD_HH:MM:SS": "<digest of the last layer>", …}}, newest first. Invalid with the place.
Result<std::map<std::string, std::vector<Generation>>> parse_layer_record(std::string_view text);
Json layer_record(std::span<const Base> bases);  // the generations that still prove something
Json to_json(const Base& base);                  // docs/formats/bases.md

// -- proof ---------------------------------------------------------------------------------------------------------
enum class Standing { None, Outdated, Kept, Current };  // in rising freshness
std::string_view to_string(Standing standing);          // "none", "outdated", "kept", "current"

struct Proof {
  Standing standing = Standing::None;
  std::string reference;   // "" for None
  std::size_t layers = 0;  // of the image, from the bottom, that are the base's
  Time built;              // the generation it is built on
  Time current;            // the newest one
  std::size_t behind = 0;  // how many generations lie between
  std::size_t keep = 0;
  bool is_chain = false;  // false: by the last layer alone, because only a record file is known
  bool is_starred = false;
  std::string starred_why;
};
// The base with the most layers in common; of equal ones the newest generation. `diff_ids` are computed from the bytes,
// not taken from what the configuration says; `layers` are the stored digests. O(bases · layers).
Proof prove(std::span<const Base> bases, std::span<const oci::Digest> diff_ids, std::span<const oci::Digest> layers);

// -- at rest -------------------------------------------------------------------------------------------------------
struct Imported {
  std::size_t added = 0, changed = 0, removed = 0, generations = 0;
};

class Bases {
 public:
  Bases(db::Database& database, journal::Journal& journal, const Clock& clock);
  static std::span<const db::Migration> migrations();

  Result<std::vector<Base>> all();                  // in the order of the list
  Result<Base> find(const std::string& reference);  // NotFound
  // Adds the base, or another generation of it (then nothing else of it changes). Gives false when that generation was
  // the newest already. Invalid for what is no reference; Limit beyond kBasesMax.
  Result<bool> add(const std::string& actor, const Base& base);
  // Marks it as unavailable, and says so in the journal with `details`: who builds on it. An empty `why` takes the mark
  // back. Gives false where nothing changed.
  Result<bool> star(const std::string& actor, const std::string& reference, const std::string& why, Json details);
  Status remove(const std::string& actor, const std::string& reference);  // NotFound
  // What is known of the newest generation; no journal entry.
  Status record_findings(const std::string& reference, const std::set<std::string>& findings);
  // The two files people carry. `replace` removes what the list does not name.
  Result<Imported> import(const std::string& actor, std::string_view list, std::string_view record, bool replace);

 private:
  db::Database& database_;
  journal::Journal& journal_;
  const Clock& clock_;
};

}  // namespace pratique::bases
