#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "bases/bases.h"

namespace pratique::bases {

namespace {

constexpr std::string_view kSystem = "system";

constexpr db::Migration kMigrations[] = {
    {"bases", 1, R"sql(
-- What may be built on, in the order people see it.
CREATE TABLE bases (
  number       INTEGER PRIMARY KEY AUTOINCREMENT,
  reference    TEXT NOT NULL UNIQUE,
  source       TEXT NOT NULL,             -- repository:tag in our own registry; '' elsewhere
  is_available INTEGER NOT NULL,
  starred_why  TEXT NOT NULL DEFAULT '',
  starred_by   TEXT NOT NULL DEFAULT '',
  keep         INTEGER NOT NULL,
  findings     TEXT NOT NULL DEFAULT '[]', -- JSON, of the newest generation
  judged       INTEGER
) STRICT;

-- The builds of each. Those beyond the kept ones prove nothing any more, but a refusal can still name them.
CREATE TABLE base_generations (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  base       INTEGER NOT NULL REFERENCES bases(number) ON DELETE CASCADE,
  built      INTEGER NOT NULL,
  last_layer TEXT NOT NULL,
  manifest   TEXT,
  diff_ids   TEXT NOT NULL                -- JSON, lowest first
) STRICT;
CREATE INDEX base_generations_by_base ON base_generations (base, built);
)sql"},
};

Json json_of(const std::vector<oci::Digest>& digests) {
  Json array = Json::array();
  for (const auto& digest : digests) array.push(digest.to_string());
  return array;
}

Result<std::vector<oci::Digest>> digests_of(const std::string& text) {
  auto json = TRY(parse_json(text));
  std::vector<oci::Digest> digests;
  for (const auto& item : json.items()) digests.push_back(TRY(oci::Digest::parse(item.text())));
  return digests;
}

Result<Generation> read_generation(const db::Statement& row) {
  auto manifest = row.optional_text(2);
  Generation generation{.built = row.time(0),
                        .last_layer = TRY(oci::Digest::parse(row.text(1))),
                        .manifest = {},
                        .diff_ids = TRY(digests_of(row.text(3)))};
  if (manifest) generation.manifest = TRY(oci::Digest::parse(*manifest));
  return generation;
}

Result<std::vector<Generation>> load_generations(db::Transaction& tx, std::int64_t base) {
  auto statement = tx.prepare(
      "SELECT built, last_layer, manifest, diff_ids FROM base_generations WHERE base = ? "
      "ORDER BY built DESC, number DESC");
  statement.bind(base);
  std::vector<Generation> generations;
  while (TRY(statement.next())) generations.push_back(TRY(read_generation(statement)));
  return generations;
}

struct Row {
  std::int64_t number = 0;
  Base base;
};

Result<Row> read_row(const db::Statement& statement) {
  Row row{.number = statement.integer(0),
          .base = {.reference = statement.text(1),
                   .source = statement.text(2),
                   .is_available = statement.integer(3) != 0,
                   .starred_why = statement.text(4),
                   .starred_by = statement.text(5),
                   .keep = static_cast<std::size_t>(statement.integer(6)),
                   .generations = {},
                   .findings = {},
                   .judged = {}}};
  auto findings = TRY(parse_json(statement.text(7)));
  for (const auto& item : findings.items()) row.base.findings.emplace(item.text());
  if (!statement.is_null(8)) row.base.judged = statement.time(8);
  return row;
}

constexpr std::string_view kSelect =
    "SELECT number, reference, source, is_available, starred_why, starred_by, keep, findings, judged FROM bases ";

Result<std::vector<Row>> load_all(db::Transaction& tx) {
  std::vector<Row> rows;
  {
    auto statement = tx.prepare(std::string(kSelect) + "ORDER BY number");
    while (TRY(statement.next())) rows.push_back(TRY(read_row(statement)));
  }
  for (auto& row : rows) row.base.generations = TRY(load_generations(tx, row.number));
  return rows;
}

Result<std::optional<Row>> load(db::Transaction& tx, const std::string& reference) {
  auto statement = tx.prepare(std::string(kSelect) + "WHERE reference = ?");
  statement.bind(reference);
  if (!TRY(statement.next())) return std::optional<Row>();
  std::optional<Row> row = TRY(read_row(statement));
  row->base.generations = TRY(load_generations(tx, row->number));
  return row;
}

Result<Row> load_known(db::Transaction& tx, const std::string& reference) {
  auto row = TRY(load(tx, reference));
  if (!row)
    return not_found(format("there is no base image {}; `pratique base list` shows them", printable(reference)));
  return *row;
}

Status insert_base(db::Transaction& tx, const Base& base) {
  auto statement = tx.prepare(
      "INSERT INTO bases (reference, source, is_available, starred_why, starred_by, keep) VALUES (?, ?, ?, ?, ?, ?)");
  statement.bind(base.reference).bind(base.source).bind(base.is_available ? 1 : 0);
  return statement.bind(base.starred_why).bind(base.starred_by).bind(static_cast<std::int64_t>(base.keep)).run();
}

Status insert_generation(db::Transaction& tx, std::int64_t base, const Generation& generation) {
  auto statement =
      tx.prepare("INSERT INTO base_generations (base, built, last_layer, manifest, diff_ids) VALUES (?, ?, ?, ?, ?)");
  statement.bind(base).bind(generation.built).bind(generation.last_layer.to_string());
  if (generation.manifest)
    statement.bind(generation.manifest->to_string());
  else
    statement.bind(std::nullopt);
  TRY(statement.bind(json_of(generation.diff_ids).dump()).run());
  auto forget = tx.prepare(
      "DELETE FROM base_generations WHERE base = ?1 AND number NOT IN "
      "(SELECT number FROM base_generations WHERE base = ?1 ORDER BY built DESC, number DESC LIMIT ?2)");
  return forget.bind(base).bind(static_cast<std::int64_t>(kGenerationsRemembered)).run();
}

Status check(const Base& base) {
  if (base.reference.size() > kReferenceBytesMax || !oci::Reference::parse(base.reference).ok())
    return invalid(format("\"{}\" is no image reference", printable(base.reference)));
  if (base.keep == 0 || base.keep > kGenerationsKeptMax)
    return invalid(format("of a base, 1 to {} generations are kept", kGenerationsKeptMax));
  return {};
}

Status check_room(db::Transaction& tx) {
  auto statement = tx.prepare("SELECT count(*) FROM bases");
  TRY(statement.next());
  if (statement.integer(0) < static_cast<std::int64_t>(kBasesMax)) return {};
  return over_limit(format("there are {} base images already; remove one first", kBasesMax));
}

bool is_same_build(const Generation& a, const Generation& b) {
  return a.last_layer == b.last_layer && a.diff_ids == b.diff_ids;
}

// An entry of a record file for a build that is known with its chain adds nothing.
bool is_known(const Base& base, const Generation& generation) {
  return std::ranges::any_of(base.generations,
                             [&](const Generation& known) { return known.last_layer == generation.last_layer; });
}

Result<std::int64_t> ensure_listed(db::Transaction& tx, const ListedBase& listed, const std::string& actor,
                                   Imported& count) {
  auto row = TRY(load(tx, listed.reference));
  if (!row) {
    TRY(check_room(tx));
    TRY(insert_base(tx, {.reference = listed.reference,
                         .source = "",
                         .is_available = listed.is_available,
                         .starred_why = "",
                         .starred_by = listed.is_available ? "" : actor}));
    ++count.added;
    return tx.last_insert_id();
  }
  if (row->base.is_available != listed.is_available) {
    auto update = tx.prepare("UPDATE bases SET is_available = ?, starred_why = '', starred_by = ? WHERE number = ?");
    update.bind(listed.is_available ? 1 : 0).bind(listed.is_available ? std::string() : actor);
    TRY(update.bind(row->number).run());
    ++count.changed;
  }
  return row->number;
}

Status remove_unlisted(db::Transaction& tx, const std::vector<ListedBase>& list, Imported& count) {
  auto rows = TRY(load_all(tx));
  for (const auto& row : rows) {
    if (std::ranges::find(list, row.base.reference, &ListedBase::reference) != list.end()) continue;
    auto statement = tx.prepare("DELETE FROM bases WHERE number = ?");
    TRY(statement.bind(row.number).run());
    ++count.removed;
  }
  return {};
}

}  // namespace

Bases::Bases(db::Database& database, journal::Journal& journal, const Clock& clock)
    : database_(database), journal_(journal), clock_(clock) {}

std::span<const db::Migration> Bases::migrations() {
  return kMigrations;
}

Result<std::vector<Base>> Bases::all() {
  auto rows = TRY(database_.read([](db::Transaction& tx) { return load_all(tx); }));
  std::vector<Base> bases;
  for (auto& row : rows) bases.push_back(std::move(row.base));
  return bases;
}

Result<Base> Bases::find(const std::string& reference) {
  return TRY(database_.read([&](db::Transaction& tx) { return load_known(tx, reference); })).base;
}

Result<bool> Bases::add(const std::string& actor, const Base& base) {
  TRY(check(base));
  return database_.write([&](db::Transaction& tx) -> Result<bool> {
    auto row = TRY(load(tx, base.reference));
    bool is_new = !row;
    bool has_build = !base.generations.empty();
    if (row && (!has_build || (!row->base.generations.empty() &&
                               is_same_build(row->base.generations.front(), base.generations.front()))))
      return false;
    if (is_new) {
      TRY(check_room(tx));
      TRY(insert_base(tx, base));
    }
    auto number = is_new ? tx.last_insert_id() : row->number;
    for (const auto& generation : base.generations) TRY(insert_generation(tx, number, generation));
    if (row && row->base.source.empty() && !base.source.empty()) {
      auto update = tx.prepare("UPDATE bases SET source = ? WHERE number = ?");
      TRY(update.bind(base.source).bind(number).run());
    }
    Json details = Json::object({{"source", base.source}});
    if (has_build) details.set("last_layer", base.generations.front().last_layer.to_string());
    TRY(journal_.append(tx, actor, is_new ? "base-registered" : "base-rebuilt", base.reference, std::move(details)));
    return true;
  });
}

Result<bool> Bases::star(const std::string& actor, const std::string& reference, const std::string& why, Json details) {
  if (why.size() > kWhyBytesMax || !is_utf8(why))
    return invalid(format("the reason is longer than {} bytes or no UTF-8", kWhyBytesMax));
  return database_.write([&](db::Transaction& tx) -> Result<bool> {
    auto row = TRY(load_known(tx, reference));
    bool is_starred = !why.empty();
    if (row.base.is_available != is_starred && row.base.starred_why == why) return false;
    // What a person marked, the program neither explains anew nor takes back.
    if (actor == kSystem && !row.base.is_available && row.base.starred_by != kSystem) return false;
    auto update = tx.prepare("UPDATE bases SET is_available = ?, starred_why = ?, starred_by = ? WHERE number = ?");
    update.bind(is_starred ? 0 : 1).bind(why).bind(is_starred ? actor : std::string());
    TRY(update.bind(row.number).run());
    if (is_starred) details.set("why", why);
    TRY(journal_.append(tx, actor, is_starred ? "base-starred" : "base-available", reference, std::move(details)));
    return true;
  });
}

Status Bases::remove(const std::string& actor, const std::string& reference) {
  return database_.write([&](db::Transaction& tx) -> Status {
    auto row = TRY(load_known(tx, reference));
    auto statement = tx.prepare("DELETE FROM bases WHERE number = ?");
    TRY(statement.bind(row.number).run());
    return journal_.append(tx, actor, "base-removed", reference, Json::object());
  });
}

Status Bases::record_findings(const std::string& reference, const std::set<std::string>& findings) {
  Json array = Json::array();
  for (const auto& key : findings)
    if (array.size() < kFindingsMax) array.push(key);
  return database_.write([&](db::Transaction& tx) -> Status {
    auto statement = tx.prepare("UPDATE bases SET findings = ?, judged = ? WHERE reference = ?");
    return statement.bind(array.dump()).bind(clock_.now()).bind(reference).run();
  });
}

Result<Imported> Bases::import(const std::string& actor, std::string_view list, std::string_view record, bool replace) {
  auto listed = TRY(parse_allow_list(list).with_context("reading the list of base images"));
  std::map<std::string, std::vector<Generation>> builds;
  if (!trim(record).empty()) builds = TRY(parse_layer_record(record).with_context("reading the record of layers"));
  for (const auto& [reference, generations] : builds)
    if (std::ranges::find(listed, reference, &ListedBase::reference) == listed.end())
      return invalid(format("the record names {}, which the list does not", printable(reference)));
  return database_.write([&](db::Transaction& tx) -> Result<Imported> {
    Imported count;
    if (replace) TRY(remove_unlisted(tx, listed, count));
    for (const auto& one : listed) {
      auto number = TRY(ensure_listed(tx, one, actor, count));
      auto now = TRY(load_known(tx, one.reference));
      for (const auto& generation : builds[one.reference]) {
        if (is_known(now.base, generation)) continue;
        TRY(insert_generation(tx, number, generation));
        ++count.generations;
      }
    }
    Json details = Json::object();
    details.set("added", static_cast<std::uint64_t>(count.added));
    details.set("changed", static_cast<std::uint64_t>(count.changed));
    details.set("removed", static_cast<std::uint64_t>(count.removed));
    details.set("generations", static_cast<std::uint64_t>(count.generations));
    TRY(journal_.append(tx, actor, "base-list-imported", "base images", std::move(details)));
    return count;
  });
}

}  // namespace pratique::bases
