// A push becomes a submission, and the one door every change of state goes through.
#include "base/check.h"
#include "base/format.h"
#include "base/random.h"
#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {

Status move(const Context& context, db::Transaction& tx, const Row& row, Move move) {
  const auto& submission = row.submission;
  CHECK(may_follow(submission.state, move.to), "a forbidden arrow of the state machine");
  auto update = tx.prepare("UPDATE gate_submissions SET state = ? WHERE number = ? AND state = ?");
  TRY(update.bind(to_string(move.to)).bind(row.number).bind(to_string(submission.state)).run());
  if (tx.changes() != 1) {
    auto now = TRY(load(tx, row.number));
    return conflict(format("submission {} is {} by now", submission.id, to_string(now.submission.state)));
  }
  Json details = Json::object();
  details.set("submission", submission.id);
  details.set("repository", submission.repository.text()).set("tag", submission.tag.text());
  for (const auto& [key, value] : move.details.members()) details.set(key, value);
  TRY(context.journal.append(tx, move.actor, move.event, submission.digest.to_string(), std::move(details)));
  tx.after_commit(context.changed);
  return {};
}

Status open_submission(const Context& context, db::Transaction& tx, const registry::StagedImage& image) {
  auto id = random_hex(6);
  auto insert = tx.prepare(
      "INSERT INTO gate_submissions (id, staged_id, state, submitter, repository, tag, digest, staged) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(id).bind(image.id()).bind(to_string(State::Staged)).bind(image.submitter());
  insert.bind(image.repository().text()).bind(image.tag().text()).bind(image.digest().to_string());
  TRY(insert.bind(image.staged()).run());
  auto row = TRY(load_by_id(tx, id));

  Json details = Json::object();
  details.set("submission", id).set("repository", image.repository().text()).set("tag", image.tag().text());
  TRY(context.journal.append(tx, image.submitter(), "submission-opened", image.digest().to_string(),
                             std::move(details)));
  // A rejected one counts as open: a waiver must not bring back what its submitter has replaced.
  auto replaced = TRY(load_others_of_name(tx, row, {State::Staged, State::Scanned, State::Waiting, State::Rejected}));
  for (const auto& old : replaced) {
    Json by = Json::object();
    by.set("by", id);
    TRY(move(context, tx, old,
             {.to = State::Superseded, .actor = image.submitter(), .event = "image-superseded", .details = by}));
  }
  if (context.options.when_staged) TRY(context.options.when_staged(tx, image));
  tx.after_commit(context.changed);
  return {};
}

}  // namespace pratique::gate
