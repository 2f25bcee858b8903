// The steps of an image's life, one file each, in the order of the walk: stage, scan, decide, approve, expire. Private
// to the module. Each step that changes state is one transaction with its journal entry and first looks whether the
// state is still the one it starts from (Conflict otherwise), so that two of them at once, or one of them twice, do the
// work once.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gate/gate.h"
#include "gate/rows.h"

namespace pratique::gate {

struct Context {
  // Borrowed; constant.
  db::Database& database;
  registry::Registry& registry;
  store::Store& store;
  journal::Journal& journal;
  scan::Cataloguer& cataloguer;
  scan::InventoryStore& inventories;
  const Clock& clock;
  Gate::DatabaseProvider advisories;
  Options options;
  // Called after a commit that changed a state: wakes workers and waiters.
  std::function<void()> changed;

  Time now() const { return Time::from_unix_seconds(clock.now().unix_seconds()); }  // as it is written down
};

inline constexpr std::string_view kSystem = "system";  // the actor of what no person did

bool may_follow(State from, State to);

// -- stage.cc -----------------------------------------------------------------------------------------------------
// Opens the submission of an image just staged, in the registry's transaction; supersedes open ones of the same name.
Status open_submission(const Context& context, db::Transaction& tx, const registry::StagedImage& image);
// The only function that changes a state. Conflict when the row's state is no longer the one in `row`.
struct Move {
  State to;
  std::string_view actor;
  std::string_view event;
  Json details;  // joined with submission, repository and tag
};
Status move(const Context& context, db::Transaction& tx, const Row& row, Move move);

// -- scan.cc ------------------------------------------------------------------------------------------------------
// staged → scanned.
Status scan_submission(const Context& context, std::int64_t number);
// Judges every image of a submission, from inventories where they are kept. Whatever could not be read is a gap in a
// report; an error (Unavailable) means only that it has to be tried again.
Result<std::vector<PartReport>> judge_images(const Context& context, const Submission& submission);
// The code of the one gap that is a note and no doubt: an attestation in an index, neither judged nor admitted.
inline constexpr std::string_view kSkippedAttestation = "attestation-not-admitted";
Status store_judgement(db::Transaction& tx, const Row& row, const std::vector<PartReport>& parts, Time now);
Json summary_of(const std::vector<PartReport>& parts);

// -- decide.cc ----------------------------------------------------------------------------------------------------
// scanned → approved | waiting | rejected.
Status decide_submission(const Context& context, std::int64_t number);
// What the policy and the waivers of now say of these reports.
policy::Facts facts_of_parts(const std::vector<PartReport>& parts, Time now);
policy::Facts facts_of(const Submission& submission, const std::vector<PartReport>& parts, Time now);
// `policy` for the submission's project, with the waivers that count for it.
Result<policy::Policy> with_waivers(const Context& context, const policy::Policy& policy, const Submission& submission);
Result<policy::Decision> decide(const Context& context, const Submission& submission,
                                const std::vector<PartReport>& parts);
// The same verdict for the same things, whatever the dates in its sentences: nothing to write into the journal again.
bool says_the_same(const std::optional<policy::Decision>& before, const policy::Decision& after);
// Carries a decision out on a row that is scanned, waiting or rejected by policy; in any of them it may leave the
// state.
Status carry_out(const Context& context, const Row& row, const policy::Decision& decision,
                 const std::vector<PartReport>& parts);

// -- base.cc ------------------------------------------------------------------------------------------------------
// What the image is built on, of the registered bases; nullopt where none is registered.
Result<std::optional<scan::BaseNote>> note_base(const Context& context, const scan::ImageFacts& facts);
// How many of the report's findings a build on the newest generation would not have.
Status compare_with_rebuild(const Context& context, scan::ScanReport& report);
std::optional<policy::BaseFact> base_fact_of(const std::vector<PartReport>& parts);
std::vector<policy::CheckFact> check_facts_of(const std::vector<PartReport>& parts);
Result<bases::Base> register_base(const Context& context, const identity::Principal& who,
                                  const oci::RepositoryName& repository, const oci::Tag& tag,
                                  const std::string& reference, std::size_t keep);
// `is_new_data`: judges every base, not only the rebuilt ones.
Result<std::size_t> refresh_bases(const Context& context, bool is_new_data);

// -- trial.cc -----------------------------------------------------------------------------------------------------
Result<std::vector<policy::Explained>> explain(const Context& context, const Row& row);
Result<PolicyTrial> try_policy(const Context& context, const policy::Policy& policy);

// -- approve.cc ---------------------------------------------------------------------------------------------------
struct Approval {
  std::string actor;
  std::string note;
  std::vector<std::string> conditions;
  Time expires;
};
// → approved: promotes, admits, supersedes what was approved under the name before. Inside the caller's transaction.
Status approve(const Context& context, db::Transaction& tx, const Row& row, const registry::StagedImage& image,
               const Approval& approval);
Status approve_by_reviewer(const Context& context, const identity::Principal& who, const Row& row, const Terms& terms);
Status reject_by_reviewer(const Context& context, const identity::Principal& who, const Row& row,
                          const std::string& note);
Result<std::string> grant_waiver(const Context& context, const identity::Principal& who, policy::Waiver waiver);

// -- expire.cc ----------------------------------------------------------------------------------------------------
Result<std::size_t> expire_due(const Context& context);
Result<std::size_t> judge_again(const Context& context);

}  // namespace pratique::gate
