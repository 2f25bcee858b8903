#include "gate/rows.h"

#include "base/format.h"
#include "base/text.h"

namespace pratique::gate {

namespace {

constexpr std::string_view kColumns =
    "number, staged_id, id, state, submitter, repository, tag, digest, staged, decision, decided, reviewer, note, "
    "approved_repository, expires, counts, conditions";

// A listing is for people and pages; whoever needs everything follows the journal.
constexpr std::size_t kListMax = 1'000;

std::optional<Time> optional_time(const db::Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.time(column);
}

Result<State> state_of(const std::string& text) {
  if (auto state = parse_state(text)) return *state;
  return corrupt(format("a submission in the unknown state \"{}\"", printable(text)));
}

Result<std::optional<policy::Decision>> decision_of(const std::optional<std::string>& text) {
  if (!text) return std::optional<policy::Decision>();
  auto json = TRY(parse_json(*text));
  return std::optional<policy::Decision>(TRY(policy::Decision::from_json(json)));
}

Result<std::optional<oci::RepositoryName>> repository_of(const std::optional<std::string>& text) {
  if (!text) return std::optional<oci::RepositoryName>();
  return std::optional<oci::RepositoryName>(TRY(oci::RepositoryName::parse(*text)));
}

Result<std::map<vuln::Severity, std::size_t>> counts_of(const std::string& text) {
  std::map<vuln::Severity, std::size_t> counts;
  auto json = TRY(parse_json(text));
  for (const auto& [word, count] : json.members())
    if (auto severity = vuln::parse_severity(word))
      counts[*severity] = static_cast<std::size_t>(count.as_int().value_or(0));
  return counts;
}

Result<std::vector<std::string>> conditions_of(const std::string& text) {
  std::vector<std::string> conditions;
  auto json = TRY(parse_json(text));
  for (const auto& item : json.items()) conditions.emplace_back(item.text());
  return conditions;
}

Result<Row> read_submission(const db::Statement& s) {
  return Row{.number = s.integer(0),
             .staged_id = s.integer(1),
             .submission = {.id = s.text(2),
                            .state = TRY(state_of(s.text(3))),
                            .submitter = s.text(4),
                            .repository = TRY(oci::RepositoryName::parse(s.text(5))),
                            .tag = TRY(oci::Tag::parse(s.text(6))),
                            .digest = TRY(oci::Digest::parse(s.text(7))),
                            .decision = TRY(decision_of(s.optional_text(9))),
                            .approved_repository = TRY(repository_of(s.optional_text(13))),
                            .staged = s.time(8),
                            .decided = optional_time(s, 10),
                            .expires = optional_time(s, 14),
                            .reviewer = s.text(11),
                            .note = s.text(12),
                            .conditions = TRY(conditions_of(s.text(16))),
                            .counts = TRY(counts_of(s.text(15)))}};
}

Result<std::vector<Row>> read_all(db::Statement& statement) {
  std::vector<Row> rows;
  while (TRY(statement.next())) rows.push_back(TRY(read_submission(statement)));
  return rows;
}

Result<Row> read_one(db::Statement& statement, std::string_view what) {
  if (!TRY(statement.next())) return not_found(format("there is no submission {}", printable(what)));
  return read_submission(statement).with_context("reading a submission");
}

// State words are ours, so they may stand in the SQL.
std::string list_of(const std::vector<State>& states) {
  std::vector<std::string> words;
  for (auto state : states) words.push_back(format("'{}'", to_string(state)));
  return join(words, ", ");
}

Result<std::vector<Admission>> read_admissions(db::Statement& statement) {
  std::vector<Admission> admissions;
  while (TRY(statement.next()))
    admissions.push_back({.number = statement.integer(0),
                          .submission = statement.integer(1),
                          .repository = TRY(oci::RepositoryName::parse(statement.text(2))),
                          .tag = TRY(oci::Tag::parse(statement.text(3))),
                          .digest = TRY(oci::Digest::parse(statement.text(4))),
                          .granted = statement.time(5),
                          .expires = statement.time(6),
                          .ended = optional_time(statement, 7),
                          .ending = statement.optional_text(8).value_or("")});
  return admissions;
}

constexpr std::string_view kAdmissionColumns =
    "a.number, a.submission, a.repository, a.tag, a.digest, a.granted, a.expires, a.ended, a.ending";

}  // namespace

Result<Row> load(db::Transaction& tx, std::int64_t number) {
  auto statement = tx.prepare(format("SELECT {} FROM gate_submissions WHERE number = ?", kColumns));
  statement.bind(number);
  return read_one(statement, std::to_string(number));
}

Result<Row> load_by_id(db::Transaction& tx, const std::string& id) {
  auto statement = tx.prepare(format("SELECT {} FROM gate_submissions WHERE id = ?", kColumns));
  statement.bind(id);
  return read_one(statement, id);
}

Result<Row> load_by_staged(db::Transaction& tx, std::int64_t staged_id) {
  auto statement = tx.prepare(format("SELECT {} FROM gate_submissions WHERE staged_id = ?", kColumns));
  statement.bind(staged_id);
  return read_one(statement, format("for staged image {}", staged_id));
}

Result<std::vector<Row>> load_in_states(db::Transaction& tx, const std::vector<State>& states) {
  auto statement = tx.prepare(
      format("SELECT {} FROM gate_submissions WHERE state IN ({}) ORDER BY number", kColumns, list_of(states)));
  return read_all(statement);
}

Result<std::vector<std::int64_t>> unfinished(db::Transaction& tx, std::size_t limit) {
  std::vector<std::int64_t> numbers;
  auto statement =
      tx.prepare("SELECT number FROM gate_submissions WHERE state IN ('staged', 'scanned') ORDER BY number LIMIT ?");
  statement.bind(static_cast<std::int64_t>(limit));
  while (TRY(statement.next())) numbers.push_back(statement.integer(0));
  return numbers;
}

Result<std::vector<Row>> load_others_of_name(db::Transaction& tx, const Row& row, const std::vector<State>& states) {
  auto statement = tx.prepare(
      format("SELECT {} FROM gate_submissions WHERE repository = ? AND tag = ? AND number <> ? AND state IN ({}) "
             "ORDER BY number",
             kColumns, list_of(states)));
  statement.bind(row.submission.repository.text()).bind(row.submission.tag.text()).bind(row.number);
  return read_all(statement);
}

Result<std::vector<Row>> load_filtered(db::Transaction& tx, const Gate::Filter& filter) {
  // Each combination its own statement, so that a person's few among a million are found by their index.
  std::vector<std::string> conditions;
  if (filter.submitter) conditions.emplace_back("submitter = ?");
  if (filter.state) conditions.emplace_back("state = ?");
  if (filter.repository) conditions.emplace_back("(repository = ? OR approved_repository = ?)");
  auto statement = tx.prepare(format("SELECT {} FROM gate_submissions{}{} ORDER BY number DESC LIMIT ?", kColumns,
                                     conditions.empty() ? "" : " WHERE ", join(conditions, " AND ")));
  if (filter.submitter) statement.bind(*filter.submitter);
  if (filter.state) statement.bind(to_string(*filter.state));
  if (filter.repository) statement.bind(*filter.repository).bind(*filter.repository);
  statement.bind(static_cast<std::int64_t>(std::min(filter.limit, kListMax)));
  return read_all(statement);
}

Result<std::map<State, std::size_t>> count_by_state(db::Transaction& tx) {
  std::map<State, std::size_t> counts;
  auto statement = tx.prepare("SELECT state, count(*) FROM gate_submissions GROUP BY state");
  while (TRY(statement.next())) {
    auto state = parse_state(statement.text(0));
    if (!state) return corrupt("a submission is in an unknown state");
    counts[*state] = static_cast<std::size_t>(statement.integer(1));
  }
  return counts;
}

Result<std::optional<Row>> load_newest_of_name(db::Transaction& tx, const std::string& staging_repository,
                                               const std::string& tag) {
  auto statement = tx.prepare(format(
      "SELECT {} FROM gate_submissions WHERE repository = ? AND tag = ? ORDER BY number DESC LIMIT 1", kColumns));
  statement.bind(staging_repository).bind(tag);
  if (!TRY(statement.next())) return std::optional<Row>();
  return std::optional<Row>(TRY(read_submission(statement)));
}

Status store_reports(db::Transaction& tx, std::int64_t number, const std::vector<PartReport>& parts) {
  TRY(tx.prepare("DELETE FROM gate_reports WHERE submission = ?").bind(number).run());
  std::int64_t index = 0;
  for (const auto& part : parts) {
    auto insert = tx.prepare("INSERT INTO gate_reports (submission, part, digest, report) VALUES (?, ?, ?, ?)");
    TRY(insert.bind(number).bind(index++).bind(part.digest.to_string()).bind(part.report.to_json().dump()).run());
  }
  return {};
}

Result<std::vector<PartReport>> load_reports(db::Transaction& tx, std::int64_t number) {
  // Written by us: a report of a large image has a few hundred thousand values.
  constexpr JsonLimits kReportLimits{.bytes_max = 512 << 20, .depth_max = 32, .values_max = 50'000'000};
  std::vector<PartReport> parts;
  auto statement = tx.prepare("SELECT digest, report FROM gate_reports WHERE submission = ? ORDER BY part");
  statement.bind(number);
  while (TRY(statement.next())) {
    auto digest = TRY(oci::Digest::parse(statement.text(0)));
    auto json = TRY(parse_json(statement.text(1), kReportLimits));
    parts.push_back({digest, TRY(scan::ScanReport::from_json(json).with_context("reading a stored report"))});
  }
  return parts;
}

Status store_decision(db::Transaction& tx, std::int64_t number, const policy::Decision& decision) {
  auto update = tx.prepare("UPDATE gate_submissions SET decision = ?, decided = ? WHERE number = ?");
  return update.bind(decision.to_json().dump()).bind(decision.decided).bind(number).run();
}

Status store_waiver(db::Transaction& tx, const StoredWaiver& stored, Time granted) {
  const auto& waiver = stored.waiver;
  auto insert = tx.prepare(
      "INSERT INTO gate_waivers (id, finding, package, image, owner, owner_is_admin, reason, granted, expires) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(waiver.id).bind(waiver.finding).bind(waiver.package).bind(waiver.image).bind(waiver.owner);
  return insert.bind(stored.owner_is_admin ? 1 : 0).bind(waiver.reason).bind(granted).bind(waiver.expires).run();
}

Result<std::vector<StoredWaiver>> load_waivers(db::Transaction& tx) {
  std::vector<StoredWaiver> waivers;
  auto s = tx.prepare(
      "SELECT id, finding, package, image, owner, reason, expires, owner_is_admin FROM gate_waivers ORDER BY number");
  while (TRY(s.next()))
    waivers.push_back({.waiver = {.id = s.text(0),
                                  .finding = s.text(1),
                                  .package = s.text(2),
                                  .image = s.text(3),
                                  .owner = s.text(4),
                                  .reason = s.text(5),
                                  .expires = s.time(6)},
                       .owner_is_admin = s.integer(7) != 0});
  return waivers;
}

Result<std::int64_t> store_admission(db::Transaction& tx, const Admission& admission,
                                     const std::vector<oci::Digest>& manifests) {
  auto insert = tx.prepare(
      "INSERT INTO gate_admissions (submission, repository, tag, digest, granted, expires) VALUES (?, ?, ?, ?, ?, ?)");
  insert.bind(admission.submission).bind(admission.repository.text()).bind(admission.tag.text());
  TRY(insert.bind(admission.digest.to_string()).bind(admission.granted).bind(admission.expires).run());
  auto number = tx.last_insert_id();
  for (const auto& manifest : manifests) {
    auto cover =
        tx.prepare("INSERT INTO gate_admitted_manifests (admission, digest) VALUES (?, ?) ON CONFLICT DO NOTHING");
    TRY(cover.bind(number).bind(manifest.to_string()).run());
  }
  return number;
}

Status end_admission(db::Transaction& tx, std::int64_t number, Time now, std::string_view ending) {
  auto update = tx.prepare("UPDATE gate_admissions SET ended = ?, ending = ? WHERE number = ? AND ended IS NULL");
  return update.bind(now).bind(ending).bind(number).run();
}

Result<std::optional<Admission>> newest_admission_of_tag(db::Transaction& tx, const std::string& repository,
                                                         const std::string& tag) {
  auto statement = tx.prepare(
      format("SELECT {} FROM gate_admissions a WHERE a.repository = ? AND a.tag = ? ORDER BY a.number DESC LIMIT 1",
             kAdmissionColumns));
  statement.bind(repository).bind(tag);
  auto found = TRY(read_admissions(statement));
  return found.empty() ? std::optional<Admission>() : std::optional(std::move(found.front()));
}

Result<std::vector<Admission>> admissions_of_manifest(db::Transaction& tx, const std::string& repository,
                                                      const std::string& digest) {
  auto statement =
      tx.prepare(format("SELECT {} FROM gate_admissions a JOIN gate_admitted_manifests m ON m.admission = a.number "
                        "WHERE a.repository = ? AND m.digest = ? ORDER BY a.number DESC",
                        kAdmissionColumns));
  statement.bind(repository).bind(digest);
  return read_admissions(statement);
}

Result<std::vector<oci::Digest>> manifests_of_admission(db::Transaction& tx, std::int64_t number) {
  std::vector<oci::Digest> manifests;
  auto statement = tx.prepare("SELECT digest FROM gate_admitted_manifests WHERE admission = ?");
  statement.bind(number);
  while (TRY(statement.next())) manifests.push_back(TRY(oci::Digest::parse(statement.text(0))));
  return manifests;
}

Result<std::vector<Admission>> open_admissions(db::Transaction& tx) {
  auto statement =
      tx.prepare(format("SELECT {} FROM gate_admissions a WHERE a.ended IS NULL ORDER BY a.number", kAdmissionColumns));
  return read_admissions(statement);
}

}  // namespace pratique::gate
