#include "journal/journal.h"

#include "base/format.h"
#include "base/text.h"
#include "journal/chain.h"

namespace pratique::journal {

namespace {

// The triggers stop mistakes, of ours and of whoever opens the file with a shell; the chain shows what gets past them.
// journal_head repeats the last entry's number and hash, so that entries cut off at the end are missed as well.
constexpr db::Migration kMigrations[] = {{"journal", 1, R"sql(
CREATE TABLE journal (
  sequence INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL,
  event TEXT NOT NULL,
  subject TEXT NOT NULL,
  details TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE TABLE journal_head (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  sequence INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;
INSERT INTO journal_head VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END;
CREATE TRIGGER journal_in_order BEFORE INSERT ON journal
  WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM journal)
  BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END;
CREATE TRIGGER journal_head_no_delete BEFORE DELETE ON journal_head
  BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END;
CREATE TRIGGER journal_head_forward BEFORE UPDATE ON journal_head
  WHEN NEW.sequence IS NOT OLD.sequence + 1
  BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END;
)sql"}};

constexpr std::string_view kColumns = "SELECT sequence, time, actor, event, subject, details, hash FROM journal";

struct Head {
  std::int64_t sequence = 0;
  std::string hash;
};

Result<Head> read_head(db::Transaction& tx) {
  db::Statement row = tx.prepare("SELECT sequence, hash FROM journal_head");
  if (!TRY(row.next())) return corrupt("the journal's head is missing");
  return Head{row.integer(0), row.text(1)};
}

Row row_of(const db::Statement& row) {
  return {.sequence = row.integer(0),
          .time_micros = row.integer(1),
          .actor = row.text(2),
          .event = row.text(3),
          .subject = row.text(4),
          .details = row.text(5)};
}

Status check_name(std::string_view what, std::string_view text) {
  if (text.size() > kNameBytesMax)
    return over_limit(format("the {} of a journal entry may have {} bytes", what, kNameBytesMax));
  if (!is_utf8(text)) return invalid(format("the {} of a journal entry is not UTF-8", what));
  return {};
}

// An entry that could be written but not read would stop every reader behind it.
Result<std::string> details_text(const Json& details) {
  CHECK(details.is_object(), "a journal entry's details are an object");
  std::string text = details.dump();
  if (text.size() > kDetailsBytesMax)
    return over_limit(format("the details of a journal entry may have {} bytes", kDetailsBytesMax));
  TRY(parse_json(text).with_context("the details of a journal entry"));
  return text;
}

// Follows the chain row by row; says what is wrong with the first that does not fit.
class Follower {
 public:
  std::optional<std::string> problem_with(const Row& row, const std::string& hash) {
    std::int64_t expected = sequence_ + 1;
    if (row.sequence != expected) return format("entry {} is missing", expected);
    if (hash != hash_of(row, hash_)) return format("entry {} or its place in the chain was changed", row.sequence);
    sequence_ = row.sequence;
    hash_ = hash;
    return std::nullopt;
  }
  std::int64_t sequence() const { return sequence_; }
  const std::string& hash() const { return hash_; }

 private:
  std::int64_t sequence_ = 0;
  std::string hash_ = genesis();
};

Result<Verification> verify_all(db::Transaction& tx) {
  Follower follower;
  Verification verification;
  auto bad = [&](std::string problem) {
    verification.first_bad = follower.sequence() + 1;
    verification.problem = std::move(problem);
  };
  db::Statement rows = tx.prepare(std::string(kColumns) + " ORDER BY sequence");
  while (TRY(rows.next())) {
    ++verification.entries;
    if (!verification.holds()) continue;  // only counted from here on
    if (auto problem = follower.problem_with(row_of(rows), rows.text(6))) bad(*problem);
  }
  verification.head = follower.hash();
  if (!verification.holds()) return verification;
  auto head = read_head(tx);
  if (!head.ok() && head.error().kind() != ErrorKind::Corrupt) return head.error();
  if (!head.ok())
    bad(head.error().message());
  else if (head->sequence > follower.sequence())
    bad(format("the journal ends at entry {} but went up to {}", follower.sequence(), head->sequence));
  else if (head->sequence != follower.sequence() || head->hash != follower.hash())
    bad("the journal's head is not its last entry");
  return verification;
}

}  // namespace

Journal::Journal(db::Database& database, const Clock& clock) : database_(database), clock_(clock) {}

std::span<const db::Migration> Journal::migrations() {
  return kMigrations;
}

Status Journal::append(db::Transaction& tx, std::string_view actor, std::string_view event, std::string_view subject,
                       Json details) {
  CHECK(!event.empty(), "a journal entry has an event");
  TRY(check_name("actor", actor));
  TRY(check_name("event", event));
  TRY(check_name("subject", subject));
  std::string text = TRY(details_text(details));
  Head head = TRY(read_head(tx));
  Row row{.sequence = head.sequence + 1,
          .time_micros = clock_.now().unix_micros(),
          .actor = std::string(actor),
          .event = std::string(event),
          .subject = std::string(subject),
          .details = std::move(text)};
  std::string hash = hash_of(row, head.hash);
  TRY(tx.prepare(
            "INSERT INTO journal (sequence, time, actor, event, subject, details, hash) VALUES (?, ?, ?, ?, ?, ?, ?)")
          .bind(row.sequence)
          .bind(row.time_micros)
          .bind(row.actor)
          .bind(row.event)
          .bind(row.subject)
          .bind(row.details)
          .bind(hash)
          .run());
  return tx.prepare("UPDATE journal_head SET sequence = ?, hash = ?").bind(row.sequence).bind(hash).run();
}

Result<std::vector<Entry>> Journal::read(std::int64_t cursor, std::size_t limit, const Filter& filter) {
  return database_.read([&](db::Transaction& tx) -> Result<std::vector<Entry>> {
    std::vector<Entry> entries;
    db::Statement rows = tx.prepare(format(
        "{} WHERE sequence > ?1 AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR event = ?3) AND (?4 IS NULL OR "
        "substr(event, 1, length(?4)) = ?4) AND (?5 IS NULL OR subject = ?5) AND (?6 IS NULL OR time >= ?6) AND "
        "(?7 IS NULL OR time < ?7) ORDER BY sequence LIMIT ?8",
        kColumns));
    bool is_prefix = filter.event && filter.event->ends_with('*');
    auto event = filter.event && !is_prefix ? filter.event : std::nullopt;
    auto prefix = is_prefix ? std::optional(filter.event->substr(0, filter.event->size() - 1)) : std::nullopt;
    rows.bind(cursor).bind(filter.actor).bind(event).bind(prefix).bind(filter.subject);
    rows.bind(filter.since).bind(filter.until).bind(std::uint64_t{limit});
    while (TRY(rows.next())) {
      Row row = row_of(rows);
      auto details = parse_json(row.details);
      if (!details.ok()) return corrupt(format("journal entry {} has unreadable details", row.sequence));
      entries.push_back({.sequence = row.sequence,
                         .time = Time::from_unix_micros(row.time_micros),
                         .actor = row.actor,
                         .event = row.event,
                         .subject = row.subject,
                         .details = std::move(*details),
                         .hash = rows.text(6)});
    }
    return entries;
  });
}

Result<Verification> Journal::verify() {
  return database_.read([](db::Transaction& tx) { return verify_all(tx); });
}

}  // namespace pratique::journal
