#include "grants/rows.h"

#include <algorithm>

#include "base/format.h"
#include "base/hash.h"
#include "base/text.h"

namespace pratique::grants {

namespace {

constexpr db::Migration kMigrations[] = {{"grants", 1, R"sql(
-- One row a request, for good: who asked, who answered, what came of it. No secret: keys are made when collected, and
-- of the one-time link only its hash is kept, also after it was used, so that a second reader hears "gone".
CREATE TABLE grants_request (
  number        INTEGER PRIMARY KEY AUTOINCREMENT,
  id            TEXT NOT NULL UNIQUE,
  state         TEXT NOT NULL CHECK (state IN
                ('requested', 'granted', 'used', 'unused', 'expired', 'denied', 'revoked')),
  requester     TEXT NOT NULL,
  repository    TEXT NOT NULL,
  purpose       TEXT NOT NULL,
  delivery      TEXT NOT NULL,
  lifetime      INTEGER NOT NULL,
  created       INTEGER NOT NULL,
  decided       INTEGER,
  decided_by    TEXT NOT NULL DEFAULT '',
  note          TEXT NOT NULL DEFAULT '',
  expires       INTEGER,
  collected     INTEGER,
  delivered_via TEXT NOT NULL DEFAULT '',
  access_key_id TEXT NOT NULL DEFAULT '',
  pushed        INTEGER,
  closed        INTEGER,
  closed_reason TEXT NOT NULL DEFAULT '',
  link          BLOB UNIQUE
) STRICT;
CREATE INDEX grants_request_by_requester ON grants_request (requester, state);
CREATE INDEX grants_request_by_state ON grants_request (state, expires);
CREATE INDEX grants_request_by_repository ON grants_request (repository, state);
)sql"}};

constexpr std::string_view kColumns =
    "SELECT number, id, state, requester, repository, purpose, delivery, lifetime, created, decided, decided_by, note, "
    "expires, collected, delivered_via, access_key_id, pushed, closed, closed_reason FROM grants_request ";

std::optional<Time> optional_time(const db::Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.time(column));
}

Result<Row> row_of(const db::Statement& row) {
  auto state = parse_state(row.text(2));
  auto window = parse_window(row.text(6));
  if (!state || !window) return corrupt(format("access request {} has an unknown state or window", row.text(1)));
  return Row{.number = row.integer(0),
             .request = {.id = row.text(1),
                         .state = *state,
                         .requester = row.text(3),
                         .repository = row.text(4),
                         .purpose = row.text(5),
                         .window = *window,
                         .lifetime = seconds(row.integer(7)),
                         .created = row.time(8),
                         .decided = optional_time(row, 9),
                         .decided_by = row.text(10),
                         .note = row.text(11),
                         .expires = optional_time(row, 12),
                         .collected = optional_time(row, 13),
                         .delivered_via = row.text(14),
                         .access_key_id = row.text(15),
                         .pushed = optional_time(row, 16),
                         .closed = optional_time(row, 17),
                         .closed_reason = row.text(18)}};
}

Result<std::vector<Row>> every(db::Statement rows) {
  std::vector<Row> found;
  while (TRY(rows.next())) found.push_back(TRY(row_of(rows)));
  return found;
}

std::string stored_form(std::string_view secret) {
  auto sum = sha256(as_bytes(secret));
  return std::string(as_text(sum));
}

}  // namespace

std::span<const db::Migration> Grants::migrations() {
  return kMigrations;
}

Status insert(db::Transaction& tx, const Request& request) {
  return tx
      .prepare(
          "INSERT INTO grants_request (id, state, requester, repository, purpose, delivery, lifetime, created, "
          "expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(request.id)
      .bind(to_string(request.state))
      .bind(request.requester)
      .bind(request.repository)
      .bind(request.purpose)
      .bind(to_string(request.window))
      .bind(std::int64_t{request.lifetime.count()})
      .bind(request.created)
      .bind(request.expires)
      .run();
}

Result<Row> load(db::Transaction& tx, const std::string& id) {
  db::Statement row = tx.prepare(format("{}WHERE id = ?", kColumns));
  if (!TRY(row.bind(id).next())) return not_found(format("there is no access request {}", printable(id, 40)));
  return row_of(row);
}

Result<std::optional<Row>> load_by_link(db::Transaction& tx, std::string_view link_secret) {
  db::Statement row = tx.prepare(format("{}WHERE link = ?", kColumns));
  if (!TRY(row.bind_blob(stored_form(link_secret)).next())) return std::optional<Row>();
  return std::optional(TRY(row_of(row)));
}

Result<std::vector<Row>> load_open_of(db::Transaction& tx, std::string_view requester) {
  db::Statement rows = tx.prepare(format("{}WHERE requester = ? AND state IN ('requested', 'granted')", kColumns));
  rows.bind(requester);
  return every(std::move(rows));
}

Result<std::vector<Row>> load_due(db::Transaction& tx, Time now, std::size_t limit) {
  db::Statement rows = tx.prepare(
      format("{}WHERE state IN ('requested', 'granted') AND expires <= ? ORDER BY expires LIMIT ?", kColumns));
  rows.bind(now).bind(std::uint64_t{limit});
  return every(std::move(rows));
}

Result<std::vector<Row>> load_waiting_for_push(db::Transaction& tx, std::string_view repository) {
  db::Statement rows = tx.prepare(format("{}WHERE repository = ? AND state = 'granted'", kColumns));
  rows.bind(repository);
  return every(std::move(rows));
}

Result<std::vector<Row>> load_all(db::Transaction& tx, const Grants::Filter& filter) {
  db::Statement rows = tx.prepare(format(
      "{}WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR requester = ?2) ORDER BY number DESC LIMIT ?3", kColumns));
  rows.bind(filter.state ? std::optional(to_string(*filter.state)) : std::nullopt);
  rows.bind(filter.requester).bind(std::uint64_t{std::min(filter.limit, kListMax)});
  return every(std::move(rows));
}

Status update(db::Transaction& tx, const Row& row, State from) {
  const Request& request = row.request;
  TRY(tx.prepare("UPDATE grants_request SET state = ?, decided = ?, decided_by = ?, note = ?, expires = ?, "
                 "collected = ?, delivered_via = ?, access_key_id = ?, pushed = ?, closed = ?, closed_reason = ? "
                 "WHERE number = ? AND state = ?")
          .bind(to_string(request.state))
          .bind(request.decided)
          .bind(request.decided_by)
          .bind(request.note)
          .bind(request.expires)
          .bind(request.collected)
          .bind(request.delivered_via)
          .bind(request.access_key_id)
          .bind(request.pushed)
          .bind(request.closed)
          .bind(request.closed_reason)
          .bind(row.number)
          .bind(to_string(from))
          .run());
  if (tx.changes() == 1) return {};
  return conflict(format("access request {} has changed meanwhile", request.id));
}

Status set_link(db::Transaction& tx, std::int64_t number, std::string_view link_secret) {
  return tx.prepare("UPDATE grants_request SET link = ? WHERE number = ?")
      .bind_blob(stored_form(link_secret))
      .bind(number)
      .run();
}

}  // namespace pratique::grants
