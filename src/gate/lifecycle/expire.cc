// What ends an admission: its time, or a later decision.
#include <algorithm>

#include "base/log.h"
#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {

namespace {

// Another submission of the same bytes may still be admitted: then the manifest stays where it is. So does a child that
// was also approved by itself, even when no tag leads to it any more.
Result<std::vector<oci::Digest>> still_admitted(db::Transaction& tx, const Admission& ended, Time now) {
  std::vector<oci::Digest> kept;
  auto covered = TRY(manifests_of_admission(tx, ended.number));
  for (auto& manifest : covered) {
    auto others = TRY(admissions_of_manifest(tx, ended.repository.text(), manifest.to_string()));
    if (std::ranges::any_of(others, [&](const Admission& other) { return other.is_live(now); }))
      kept.push_back(std::move(manifest));
  }
  return kept;
}

struct End {
  State state;
  std::string_view ending;
  std::string_view event;
  Json details;
};

// A superseded submission keeps its state; only its admission ends, with the same journal entry.
Status end(const Context& context, db::Transaction& tx, const Admission& admission, const End& how) {
  TRY(end_admission(tx, admission.number, context.now(), how.ending));
  auto row = TRY(load(tx, admission.submission));
  if (row.submission.state == State::Approved) {
    TRY(move(context, tx, row, {.to = how.state, .actor = kSystem, .event = how.event, .details = how.details}));
  } else {
    Json details = Json::object();
    details.set("submission", row.submission.id).set("repository", admission.repository.text());
    for (const auto& [key, value] : how.details.members()) details.set(key, value);
    TRY(context.journal.append(tx, kSystem, how.event, admission.digest.to_string(), std::move(details)));
  }
  auto kept = TRY(still_admitted(tx, admission, context.clock.now()));
  if (std::ranges::find(kept, admission.digest) != kept.end()) return {};
  return context.registry.unpromote(tx, admission.repository, admission.digest, kept);
}

Status expire(const Context& context, const Admission& admission) {
  return context.database.write([&](db::Transaction& tx) {
    return end(context, tx, admission, {State::Expired, "expired", "image-expired", Json::object()});
  });
}

Result<std::vector<Admission>> all_open(const Context& context) {
  return context.database.read([](db::Transaction& tx) { return open_admissions(tx); });
}

// True when it was revoked.
Result<bool> judge_admitted_again(const Context& context, const Admission& admission) {
  auto row = TRY(context.database.read([&](db::Transaction& tx) { return load(tx, admission.submission); }));
  auto parts = TRY(judge_images(context, row.submission));
  auto decision = TRY(decide(context, row.submission, parts));
  Json details = Json::object();
  details.set("decision", decision.to_json());
  bool is_revoked = decision.verdict == policy::Verdict::Reject;
  TRY(context.database.write([&](db::Transaction& tx) -> Status {
    TRY(store_judgement(tx, row, parts, context.now()));
    TRY(store_decision(tx, row.number, decision));
    if (is_revoked) return end(context, tx, admission, {State::Revoked, "revoked", "image-revoked", details});
    if (says_the_same(row.submission.decision, decision)) return {};
    details.set("submission", row.submission.id);
    return context.journal.append(tx, kSystem, "image-judged-again", admission.digest.to_string(), details);
  }));
  if (is_revoked)
    log::warn("image revoked", {{"submission", row.submission.id}, {"digest", admission.digest.to_string()}});
  return is_revoked;
}

Status judge_waiting_again(const Context& context, const Row& row) {
  auto parts = TRY(judge_images(context, row.submission));
  auto decision = TRY(decide(context, row.submission, parts));
  auto outcome = carry_out(context, row, decision, parts);
  if (!outcome.ok() && outcome.error().kind() == ErrorKind::Conflict) return {};
  return outcome;
}

}  // namespace

Result<std::size_t> expire_due(const Context& context) {
  std::size_t count = 0;
  Time now = context.clock.now();
  auto admissions = TRY(all_open(context));
  for (const auto& admission : admissions) {
    if (admission.expires > now) continue;
    // One that cannot be ended now must not keep the others; nobody reads it anyway, its time is over.
    if (auto outcome = expire(context, admission); !outcome.ok()) {
      log::error("expiry failed", {{"digest", admission.digest.to_string()}, {"reason", outcome.error().message()}});
      continue;
    }
    log::info("image expired", {{"repository", admission.repository.text()}, {"digest", admission.digest.to_string()}});
    ++count;
  }
  return count;
}

Result<std::size_t> judge_again(const Context& context) {
  // First what others build on: their reports then say so.
  if (auto bases = refresh_bases(context, true); !bases.ok())
    log::error("looking at the base images failed", {{"reason", bases.error().message()}});
  auto waiting = TRY(context.database.read([](db::Transaction& tx) { return load_in_states(tx, {State::Waiting}); }));
  // One image that cannot be judged now must not shield the others.
  for (const auto& row : waiting)
    if (auto outcome = judge_waiting_again(context, row); !outcome.ok())
      log::error("judging again failed", {{"submission", row.submission.id}, {"reason", outcome.error().message()}});
  std::size_t revoked = 0;
  Time now = context.clock.now();
  auto admissions = TRY(all_open(context));
  for (const auto& admission : admissions) {
    if (admission.expires <= now) continue;
    auto outcome = judge_admitted_again(context, admission);
    if (!outcome.ok())
      log::error("judging again failed",
                 {{"digest", admission.digest.to_string()}, {"reason", outcome.error().message()}});
    else if (*outcome)
      ++revoked;
  }
  return revoked;
}

}  // namespace pratique::gate
