// scanned → approved | waiting | rejected: the policy's word, carried out.
#include <algorithm>
#include <set>
#include <tuple>

#include "base/check.h"
#include "base/format.h"
#include "base/log.h"
#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {

namespace {

State state_for(policy::Verdict verdict) {
  switch (verdict) {
    case policy::Verdict::Approve:
      return State::Approved;
    case policy::Verdict::Review:
      return State::Waiting;
    case policy::Verdict::Reject:
      return State::Rejected;
  }
  return State::Rejected;
}

Json details_of(const policy::Decision& decision) {
  Json details = Json::object();
  details.set("decision", decision.to_json());
  return details;
}

// The decision stays what it is; only what was known changes.
Status record_unchanged(const Context& context, db::Transaction& tx, const Row& row, const policy::Decision& decision) {
  auto details = details_of(decision);
  details.set("submission", row.submission.id);
  return context.journal.append(tx, kSystem, "image-judged-again", row.submission.digest.to_string(),
                                std::move(details));
}

// An image that passes but cannot be promoted (its manifest was deleted meanwhile, no approved namespace) is a matter
// for a person, and must not be tried for ever.
policy::Decision doubt(policy::Decision decision, const Error& problem) {
  decision.verdict = policy::Verdict::Review;
  decision.approval_expires.reset();
  decision.reasons.insert(decision.reasons.begin(),
                          {policy::Verdict::Review, "promotion", "it could not be promoted: " + problem.message(), ""});
  if (decision.reasons.size() > policy::kReasonsMax) decision.reasons.pop_back();
  return decision;
}

Status carry_out_approval(const Context& context, const Row& row, const policy::Decision& decision,
                          const std::vector<PartReport>& parts) {
  CHECK(decision.approval_expires.has_value(), "policy dates every approval");
  auto image = TRY(context.registry.staged_image(row.staged_id));
  return context.database.write([&](db::Transaction& tx) -> Status {
    TRY(store_judgement(tx, row, parts, context.now()));
    TRY(store_decision(tx, row.number, decision));
    return approve(
        context, tx, row, image,
        {.actor = std::string(kSystem), .note = "", .conditions = {}, .expires = *decision.approval_expires});
  });
}

Status carry_out_other(const Context& context, const Row& row, const policy::Decision& decision,
                       const std::vector<PartReport>& parts) {
  State to = state_for(decision.verdict);
  return context.database.write([&](db::Transaction& tx) -> Status {
    if (to == row.submission.state) {
      auto now = TRY(load(tx, row.number));
      if (now.submission.state != row.submission.state) return conflict("the state has changed meanwhile");
      if (!says_the_same(row.submission.decision, decision)) TRY(record_unchanged(context, tx, row, decision));
    } else {
      auto event = to == State::Waiting ? "image-waiting" : "image-rejected";
      TRY(move(context, tx, row, {.to = to, .actor = kSystem, .event = event, .details = details_of(decision)}));
    }
    TRY(store_judgement(tx, row, parts, context.now()));
    return store_decision(tx, row.number, decision);
  });
}

}  // namespace

// A waiver is one person's word; nobody gives it for their own image.
Result<policy::Policy> with_waivers(const Context& context, const policy::Policy& whole, const Submission& submission) {
  auto policy = whole.for_repository(submission.repository.text());
  auto stored = TRY(context.database.read([](db::Transaction& tx) { return load_waivers(tx); }));
  for (auto& [waiver, owner_is_admin] : stored)
    if (owner_is_admin || waiver.owner != submission.submitter) policy.waivers.push_back(std::move(waiver));
  return policy;
}

policy::Facts facts_of(const scan::ScanReport& report, Time now) {
  auto digest = report.digest.value_or(oci::Digest::of(as_bytes(report.image)));
  auto facts = facts_of_parts({{digest, report}}, now);
  facts.digest = report.digest;
  return facts;
}

policy::Facts facts_of(const Submission& submission, const std::vector<PartReport>& parts, Time now) {
  auto facts = facts_of_parts(parts, now);
  facts.repository = submission.repository.text();
  facts.tag = submission.tag.text();
  facts.digest = submission.digest;
  if (facts.base)
    facts.base->is_admitted = submission.state == State::Approved || submission.state == State::Superseded;
  return facts;
}

policy::Facts facts_of_parts(const std::vector<PartReport>& parts, Time now) {
  policy::Facts facts{.now = now};
  // The same package with the same finding on two platforms is one thing to repair.
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  bool is_known = !parts.empty();
  bool is_dated = !parts.empty();
  for (const auto& [digest, report] : parts) {
    for (const auto& finding : report.findings)
      if (seen.emplace(finding.id, finding.package.name, finding.package.version).second)
        facts.findings.push_back(finding);
    for (const auto& gap : report.gaps)
      if (gap.code != kSkippedAttestation) facts.unjudged.push_back({gap.what, gap.reason, gap.code});
    facts.packages += report.packages.size();
    auto stream = report.distribution ? report.distribution->stream() : "";
    is_known = is_known && !stream.empty();
    facts.stream = stream;
    is_dated = is_dated && report.database.newest > Time();
    facts.database_newest = std::min(facts.database_newest.value_or(report.database.newest), report.database.newest);
    if (report.packages.empty() && report.gaps.empty())
      facts.unjudged.push_back({format("image {}", digest.short_text()), "no package was found in it", "no-packages"});
  }
  // As well known as the part that is known least.
  if (!is_known) facts.stream.clear();
  if (!is_dated) facts.database_newest.reset();
  facts.base = base_fact_of(parts);
  facts.checks = check_facts_of(parts);
  return facts;
}

Result<policy::Decision> decide(const Context& context, const Submission& submission,
                                const std::vector<PartReport>& parts) {
  auto policy = TRY(with_waivers(context, context.options.policy, submission));
  return policy::evaluate(policy, facts_of(submission, parts, context.clock.now()));
}

bool says_the_same(const std::optional<policy::Decision>& before, const policy::Decision& after) {
  return before && before->verdict == after.verdict &&
         std::ranges::equal(before->reasons, after.reasons, [](const policy::Reason& a, const policy::Reason& b) {
           return a.rule == b.rule && a.finding == b.finding && a.verdict == b.verdict;
         });
}

Status carry_out(const Context& context, const Row& row, const policy::Decision& decision,
                 const std::vector<PartReport>& parts) {
  auto outcome = decision.verdict == policy::Verdict::Approve ? carry_out_approval(context, row, decision, parts)
                                                              : carry_out_other(context, row, decision, parts);
  bool is_lasting = !outcome.ok() && outcome.error().kind() != ErrorKind::Unavailable &&
                    outcome.error().kind() != ErrorKind::Conflict;
  if (decision.verdict != policy::Verdict::Approve || !is_lasting) return outcome;
  log::warn("promotion failed", {{"submission", row.submission.id}, {"reason", outcome.error().message()}});
  return carry_out_other(context, row, doubt(decision, outcome.error()), parts);
}

Status decide_submission(const Context& context, std::int64_t number) {
  auto row = TRY(context.database.read([&](db::Transaction& tx) { return load(tx, number); }));
  if (row.submission.state != State::Scanned) return conflict("only a scanned image is decided about");
  auto parts = TRY(context.database.read([&](db::Transaction& tx) { return load_reports(tx, number); }));
  auto decision = TRY(decide(context, row.submission, parts));
  TRY(carry_out(context, row, decision, parts));
  log::info("image decided", {{"submission", row.submission.id}, {"verdict", policy::to_string(decision.verdict)}});
  return {};
}

}  // namespace pratique::gate
