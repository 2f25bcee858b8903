// The gate's tables as values. Private to the module; all functions belong to their caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/db.h"
#include "gate/gate.h"

namespace pratique::gate {

struct Row {
  std::int64_t number = 0;
  std::int64_t staged_id = 0;
  Submission submission;
};

Result<Row> load(db::Transaction& tx, std::int64_t number);
Result<Row> load_by_id(db::Transaction& tx, const std::string& id);  // NotFound
Result<Row> load_by_staged(db::Transaction& tx, std::int64_t staged_id);
// Oldest first.
Result<std::vector<Row>> load_in_states(db::Transaction& tx, const std::vector<State>& states);
// Numbers of the oldest submissions that have no verdict.
Result<std::vector<std::int64_t>> unfinished(db::Transaction& tx, std::size_t limit);
// Submissions of the same name as `row`, other than it, in one of `states`.
Result<std::vector<Row>> load_others_of_name(db::Transaction& tx, const Row& row, const std::vector<State>& states);
// Newest first.
Result<std::vector<Row>> load_filtered(db::Transaction& tx, const Gate::Filter& filter);
Result<std::map<State, std::size_t>> count_by_state(db::Transaction& tx);
// The newest submission that would be approved under this name.
Result<std::optional<Row>> load_newest_of_name(db::Transaction& tx, const std::string& staging_repository,
                                               const std::string& tag);

struct PartReport {
  oci::Digest digest;
  scan::ScanReport report;
};
Status store_reports(db::Transaction& tx, std::int64_t number, const std::vector<PartReport>& parts);
Result<std::vector<PartReport>> load_reports(db::Transaction& tx, std::int64_t number);
Status store_decision(db::Transaction& tx, std::int64_t number, const policy::Decision& decision);

struct StoredWaiver {
  policy::Waiver waiver;
  bool owner_is_admin = false;
};
Status store_waiver(db::Transaction& tx, const StoredWaiver& waiver, Time granted);
Result<std::vector<StoredWaiver>> load_waivers(db::Transaction& tx);

struct Admission {
  std::int64_t number = 0;
  std::int64_t submission = 0;
  oci::RepositoryName repository;
  oci::Tag tag;
  oci::Digest digest;
  Time granted;
  Time expires;
  std::optional<Time> ended;
  std::string ending;  // "expired", "revoked", ""

  bool is_live(Time now) const { return !ended && expires > now; }
};
Result<std::int64_t> store_admission(db::Transaction& tx, const Admission& admission,
                                     const std::vector<oci::Digest>& manifests);
Status end_admission(db::Transaction& tx, std::int64_t number, Time now, std::string_view ending);
// A tag means what it was last approved as: an older image must not come back under it.
Result<std::optional<Admission>> newest_admission_of_tag(db::Transaction& tx, const std::string& repository,
                                                         const std::string& tag);
// Newest first: what ever covered this manifest in that repository.
Result<std::vector<Admission>> admissions_of_manifest(db::Transaction& tx, const std::string& repository,
                                                      const std::string& digest);
// The manifests that this admission covers.
Result<std::vector<oci::Digest>> manifests_of_admission(db::Transaction& tx, std::int64_t number);
// Not ended yet, whether their time is over or not.
Result<std::vector<Admission>> open_admissions(db::Transaction& tx);

}  // namespace pratique::gate
