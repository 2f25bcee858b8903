// → approved: the only place where an admission begins. And the people who may bring it about.
#include "base/format.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {

namespace {

// A note is a remark, not a document; it goes into the journal for good.
constexpr std::size_t kNoteBytesMax = 4'000;
constexpr std::size_t kConditionsMax = 20;
constexpr std::size_t kConditionBytesMax = 500;
constexpr std::size_t kFindingBytesMax = 128;
constexpr std::size_t kScopeBytesMax = 512;
// A waiver that nobody has to look at for longer is a change of policy, and belongs there.
constexpr days kWaiverLifetimeMax{366};

// The manifests whose images were judged: nothing else of an index is admitted.
Result<std::vector<oci::Digest>> admitted_manifests(db::Transaction& tx, const Row& row) {
  std::vector<oci::Digest> manifests = {row.submission.digest};
  auto statement = tx.prepare("SELECT digest FROM gate_reports WHERE submission = ? ORDER BY part");
  statement.bind(row.number);
  while (TRY(statement.next())) manifests.push_back(TRY(oci::Digest::parse(statement.text(0))));
  return manifests;
}

Status supersede_approved(const Context& context, db::Transaction& tx, const Row& row, const std::string& actor) {
  auto others = TRY(load_others_of_name(tx, row, {State::Approved}));
  for (const auto& old : others) {
    Json by = Json::object();
    by.set("by", row.submission.id);
    TRY(move(context, tx, old, {.to = State::Superseded, .actor = actor, .event = "image-superseded", .details = by}));
  }
  return {};
}

Status check_reviewer(const identity::Principal& who, const Submission& submission) {
  if (!who.has(identity::Role::Reviewer)) return denied(format("{} is no reviewer", printable(who.name())));
  // Two pairs of eyes: what one person both brings and lets in was looked at by nobody.
  if (who.name() == submission.submitter && !who.has(identity::Role::Admin))
    return denied(
        format("{} submitted this image and cannot review it; another reviewer has to", printable(who.name())));
  return {};
}

Status check_waiting(const Submission& submission) {
  if (submission.state == State::Waiting) return {};
  auto hint = submission.state == State::Rejected ? "; a rejected image is let in by a waiver, or pushed anew" : "";
  return conflict(format("submission {} is {}; only a waiting one can be decided by a reviewer{}", submission.id,
                         to_string(submission.state), hint));
}

Status check_note(const std::string& note) {
  if (note.size() > kNoteBytesMax) return invalid(format("a note of more than {} bytes", kNoteBytesMax));
  return is_utf8(note) ? Status() : Status(invalid("the note is not UTF-8"));
}

Status check_terms(const Terms& terms) {
  TRY(check_note(terms.note));
  if (terms.conditions.size() > kConditionsMax) return invalid(format("more than {} conditions", kConditionsMax));
  for (const auto& condition : terms.conditions)
    if (trim(condition).empty() || condition.size() > kConditionBytesMax || !is_utf8(condition))
      return invalid(format("a condition is a sentence of at most {} bytes", kConditionBytesMax));
  return {};
}

Json json_of(const std::vector<std::string>& conditions) {
  Json array = Json::array();
  for (const auto& condition : conditions) array.push(condition);
  return array;
}

Status store_review(db::Transaction& tx, std::int64_t number, const std::string& reviewer, const Terms& terms) {
  auto update = tx.prepare("UPDATE gate_submissions SET reviewer = ?, note = ?, conditions = ? WHERE number = ?");
  return update.bind(reviewer).bind(terms.note).bind(json_of(terms.conditions).dump()).bind(number).run();
}

// By the decision of this moment: it may have come to rest on a waiver since the reviewer's request was read.
Result<Time> expiry_of_review(const Context& context, db::Transaction& tx, const Row& row, const Terms& terms) {
  Time now = context.now();
  auto longest = context.options.policy.for_repository(row.submission.repository.text()).approval_lifetime;
  if (terms.lifetime && (*terms.lifetime < days(1) || *terms.lifetime > longest))
    return invalid(format("an approval lasts 1 to {} days by this policy", longest.count()));
  Time expires = now + terms.lifetime.value_or(longest);
  auto latest = TRY(load(tx, row.number));
  const auto& decision = latest.submission.decision;
  if (decision && decision->waived_until) expires = std::min(expires, *decision->waived_until);
  if (expires > now) return expires;
  return conflict(
      format("a waiver that submission {} rests on has ended; grant a new one, or reject it", row.submission.id));
}

Status check_waiver(const policy::Waiver& waiver, Time now) {
  if (trim(waiver.finding).empty() || waiver.finding.size() > kFindingBytesMax || !is_utf8(waiver.finding))
    return invalid("a waiver names one vulnerability, such as CVE-2024-3094");
  if (waiver.finding == "*") return invalid("a waiver names one vulnerability; \"*\" is not one");
  if (trim(waiver.reason).empty()) return invalid("a waiver needs a reason");
  TRY(check_note(waiver.reason));
  for (const auto* scope : {&waiver.package, &waiver.image})
    if (scope->size() > kScopeBytesMax || !is_utf8(*scope)) return invalid("the waiver's package or image is no name");
  if (waiver.expires <= now) return invalid(format("the waiver ends on {}, in the past", waiver.expires.to_date()));
  if (waiver.expires > now + kWaiverLifetimeMax)
    return invalid(format("the waiver ends on {}, more than a year ahead; ask for less, or change the policy",
                          waiver.expires.to_date()));
  return {};
}

// Waiting, or rejected by the policy, with that finding somewhere in its reports. A coarse sieve: the policy then says.
Result<std::vector<Row>> rows_concerned(db::Transaction& tx, const policy::Waiver& waiver) {
  auto candidates = TRY(load_in_states(tx, {State::Waiting, State::Rejected}));
  std::vector<Row> rows;
  for (auto& row : candidates) {
    // What a person rejected, a waiver for the policy does not bring back.
    if (row.submission.state == State::Rejected && !row.submission.reviewer.empty()) continue;
    auto found = tx.prepare("SELECT 1 FROM gate_reports WHERE submission = ? AND instr(report, ?) > 0 LIMIT 1");
    found.bind(row.number).bind(waiver.finding);
    if (TRY(found.next())) rows.push_back(std::move(row));
  }
  return rows;
}

Status decide_again(const Context& context, const Row& row) {
  auto parts = TRY(context.database.read([&](db::Transaction& tx) { return load_reports(tx, row.number); }));
  auto decision = TRY(decide(context, row.submission, parts));
  auto outcome = carry_out(context, row, decision, parts);
  // Somebody else was faster; what they did stands.
  if (!outcome.ok() && outcome.error().kind() == ErrorKind::Conflict) return {};
  return outcome;
}

}  // namespace

Status approve(const Context& context, db::Transaction& tx, const Row& row, const registry::StagedImage& image,
               const Approval& approval) {
  Json details = Json::object();
  details.set("expires", approval.expires.to_rfc3339());
  if (!approval.note.empty()) details.set("note", approval.note);
  if (!approval.conditions.empty()) details.set("conditions", json_of(approval.conditions));
  auto latest = TRY(load(tx, row.number));
  if (latest.submission.decision) details.set("decision", latest.submission.decision->to_json());
  TRY(move(context, tx, row,
           {.to = State::Approved, .actor = approval.actor, .event = "image-approved", .details = std::move(details)}));
  TRY(supersede_approved(context, tx, row, approval.actor));
  auto repository = TRY(context.registry.promote(tx, image));
  Admission admission{.submission = row.number,
                      .repository = repository,
                      .tag = row.submission.tag,
                      .digest = row.submission.digest,
                      .granted = context.now(),
                      .expires = approval.expires};
  auto manifests = TRY(admitted_manifests(tx, row));
  TRY(store_admission(tx, admission, manifests));
  auto update = tx.prepare("UPDATE gate_submissions SET approved_repository = ?, expires = ? WHERE number = ?");
  return update.bind(repository.text()).bind(approval.expires).bind(row.number).run();
}

Status approve_by_reviewer(const Context& context, const identity::Principal& who, const Row& row, const Terms& terms) {
  TRY(check_reviewer(who, row.submission));
  TRY(check_waiting(row.submission));
  TRY(check_terms(terms));
  auto image = TRY(context.registry.staged_image(row.staged_id));
  TRY(context.database.write([&](db::Transaction& tx) -> Status {
    auto expires = TRY(expiry_of_review(context, tx, row, terms));
    Approval approval{.actor = who.name(), .note = terms.note, .conditions = terms.conditions, .expires = expires};
    TRY(approve(context, tx, row, image, approval));
    return store_review(tx, row.number, who.name(), terms);
  }));
  log::info("image approved", {{"submission", row.submission.id}, {"reviewer", who.name()}});
  return {};
}

Status reject_by_reviewer(const Context& context, const identity::Principal& who, const Row& row,
                          const std::string& note) {
  TRY(check_reviewer(who, row.submission));
  TRY(check_waiting(row.submission));
  if (trim(note).empty()) return invalid("a rejection needs a note: what should the submitter do?");
  TRY(check_note(note));
  Json details = Json::object();
  details.set("note", note);
  TRY(context.database.write([&](db::Transaction& tx) -> Status {
    TRY(move(context, tx, row,
             {.to = State::Rejected, .actor = who.name(), .event = "image-rejected", .details = details}));
    return store_review(tx, row.number, who.name(), {.note = note, .conditions = {}, .lifetime = {}});
  }));
  log::info("image rejected", {{"submission", row.submission.id}, {"reviewer", who.name()}});
  return {};
}

Result<std::string> grant_waiver(const Context& context, const identity::Principal& who, policy::Waiver waiver) {
  if (!who.has(identity::Role::Reviewer)) return denied(format("{} is no reviewer", printable(who.name())));
  TRY(check_waiver(waiver, context.clock.now()));
  waiver.id = "W-" + random_hex(6);
  waiver.owner = who.name();
  Json details = Json::object();
  details.set("waiver", waiver.id).set("package", waiver.package).set("image", waiver.image);
  details.set("reason", waiver.reason).set("expires", waiver.expires.to_rfc3339());
  TRY(context.database.write([&](db::Transaction& tx) -> Status {
    TRY(store_waiver(tx, {waiver, who.has(identity::Role::Admin)}, context.now()));
    return context.journal.append(tx, who.name(), "waiver-granted", waiver.finding, details);
  }));
  // Every report of an image that is not let in is searched: too long to keep the pushes waiting behind it.
  auto rows = TRY(context.database.read([&](db::Transaction& tx) { return rows_concerned(tx, waiver); }));
  // The waiver is granted by now; an image that cannot be decided about at the moment waits for the next occasion.
  for (const auto& row : rows)
    if (auto outcome = decide_again(context, row); !outcome.ok())
      log::error("deciding again failed", {{"submission", row.submission.id}, {"reason", outcome.error().message()}});
  return waiver.id;
}

}  // namespace pratique::gate
