#include "gate/keeping.h"

#include <algorithm>

#include "base/format.h"

namespace pratique::gate {

namespace {

// A verdict takes longer than this, and a push more bytes.
constexpr std::int64_t kPressureMillis = 200;

Result<bool> is_admitted(db::Transaction& tx, const std::string& repository, const std::string& digest) {
  auto open = tx.prepare("SELECT 1 FROM gate_admissions WHERE repository = ? AND digest = ? AND ended IS NULL LIMIT 1");
  open.bind(repository).bind(digest);
  return open.next();
}

}  // namespace

Result<bool> is_needed(db::Transaction& tx, std::int64_t staged, Time before) {
  auto row = tx.prepare(
      "SELECT state, digest, approved_repository, max(staged, coalesce(decided, 0), coalesce(expires, 0)) "
      "FROM gate_submissions WHERE staged_id = ?");
  row.bind(staged);
  if (!TRY(row.next())) return true;
  const auto state = parse_state(row.text(0));
  if (!state || row.is_null(3)) return true;
  switch (*state) {
    case State::Staged:
    case State::Scanned:
    case State::Waiting:
    case State::Approved:
      return true;
    case State::Rejected:
    case State::Expired:
    case State::Revoked:
    case State::Superseded:
      break;
  }
  if (row.time(3) >= before) return true;
  const auto approved = row.optional_text(2);
  return approved ? is_admitted(tx, *approved, row.text(1)) : Result<bool>(false);
}

Status Pressure::check(const Context& context) {
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count();
  const auto limit = context.options.waiting_max;
  if (now - asked_millis_.load() >= kPressureMillis) {
    auto waiting = TRY(context.database.read([&](db::Transaction& tx) { return unfinished(tx, limit); }));
    is_full_ = waiting.size() >= limit;
    asked_millis_ = now;
  }
  if (!is_full_) return {};
  return busy(
      format("{} images wait to be inspected; push again in a few minutes, nothing is wrong with yours", limit));
}

}  // namespace pratique::gate
