// Decisions looked at, and tried: nothing here changes a state.
#include "base/format.h"
#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {

namespace {

// Beyond this many a trial would keep a request for minutes; the newest are what matters.
constexpr std::size_t kTriedMax = 5'000;

Result<std::vector<Row>> rows_to_try(db::Transaction& tx) {
  auto rows = TRY(load_in_states(tx, {State::Waiting, State::Rejected, State::Approved}));
  if (rows.size() > kTriedMax) rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(kTriedMax));
  return rows;
}

Result<policy::Decision> decision_by(const Context& context, const policy::Policy& policy, const Submission& submission,
                                     const std::vector<PartReport>& parts) {
  auto whole = TRY(with_waivers(context, policy, submission));
  return policy::evaluate(whole, facts_of(submission, parts, context.now()));
}

}  // namespace

Result<std::vector<policy::Explained>> explain(const Context& context, const Row& row) {
  auto parts = TRY(context.database.read([&](db::Transaction& tx) { return load_reports(tx, row.number); }));
  if (parts.empty()) return not_found(format("submission {} has no report yet", row.submission.id));
  auto policy = TRY(with_waivers(context, context.options.policy, row.submission));
  return policy::explain(policy, policy::evaluate(policy, facts_of(row.submission, parts, context.now())));
}

Result<PolicyTrial> try_policy(const Context& context, const policy::Policy& policy) {
  auto rows = TRY(context.database.read(rows_to_try));
  PolicyTrial trial;
  for (auto& row : rows) {
    auto parts = TRY(context.database.read([&](db::Transaction& tx) { return load_reports(tx, row.number); }));
    if (parts.empty()) continue;
    auto now = TRY(decision_by(context, context.options.policy, row.submission, parts));
    auto then = TRY(decision_by(context, policy, row.submission, parts));
    ++trial.judged;
    if (now.verdict != then.verdict)
      trial.changes.push_back({std::move(row.submission), std::move(now), std::move(then)});
  }
  return trial;
}

}  // namespace pratique::gate
