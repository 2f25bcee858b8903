#include "gate/gate.h"

#include "base/format.h"
#include "base/log.h"
#include "gate/impl.h"

namespace pratique::gate {

Gate::Impl::Impl(Context borrowed) : context(std::move(borrowed)), workers(context, context.options.workers) {
  context.changed = [this] { workers.notify(); };
}

Gate::Gate(db::Database& database, registry::Registry& registry, store::Store& store, journal::Journal& journal,
           scan::Cataloguer& cataloguer, scan::InventoryStore& inventories, DatabaseProvider advisories,
           const Clock& clock, Options options) {
  Context context{.database = database,
                  .registry = registry,
                  .store = store,
                  .journal = journal,
                  .cataloguer = cataloguer,
                  .inventories = inventories,
                  .clock = clock,
                  .advisories = std::move(advisories),
                  .options = std::move(options),
                  .changed = {}};
  impl_ = std::make_unique<Impl>(std::move(context));
  registry.on_staged([impl = impl_.get()](db::Transaction& tx, const registry::StagedImage& image) {
    return open_submission(impl->context, tx, image);
  });
  registry.on_needed(
      [](db::Transaction& tx, std::int64_t staged, Time before) { return is_needed(tx, staged, before); });
  registry.on_pressure([impl = impl_.get()] { return impl->pressure.check(impl->context); });
}

Gate::~Gate() {
  impl_->context.registry.on_staged({});
  impl_->context.registry.on_needed({});
  impl_->context.registry.on_pressure({});
}

const Options& Gate::options() const {
  return impl_->context.options;
}

std::string Submission::approved_reference() const {
  if (state != State::Approved || !approved_repository) return "";
  return format("{}:{}", approved_repository->text(), tag.text());
}

Result<Submission> Gate::Impl::current(std::int64_t number) {
  return TRY(read([&](db::Transaction& tx) { return load(tx, number); })).submission;
}

Result<Row> Gate::Impl::row_of(const std::string& id) {
  return read([&](db::Transaction& tx) { return load_by_id(tx, id); });
}

Status Gate::resume() {
  auto open = TRY(impl_->read([](db::Transaction& tx) { return load_in_states(tx, {State::Staged, State::Scanned}); }));
  if (!open.empty()) log::info("submissions resumed", {{"count", open.size()}});
  impl_->workers.try_all_again();
  return {};
}

Result<Submission> Gate::Impl::await_verdict(const std::function<Result<Row>(db::Transaction&)>& find,
                                             std::chrono::milliseconds wait) {
  auto deadline = std::chrono::steady_clock::now() + wait;
  while (true) {
    auto seen = workers.generation();
    auto row = TRY(read(find));
    bool is_settled = row.submission.state != State::Staged && row.submission.state != State::Scanned;
    if (is_settled || !workers.wait_beyond(seen, deadline)) return row.submission;
  }
}

Result<Submission> Gate::await_verdict(const registry::StagedImage& image, std::chrono::milliseconds wait) {
  return impl_->await_verdict([&](db::Transaction& tx) { return load_by_staged(tx, image.id()); }, wait);
}

Result<Submission> Gate::await_verdict(const std::string& id, std::chrono::milliseconds wait) {
  return impl_->await_verdict([&](db::Transaction& tx) { return load_by_id(tx, id); }, wait);
}

Result<Submission> Gate::submission(const std::string& id) {
  return TRY(impl_->row_of(id)).submission;
}

Result<std::vector<Submission>> Gate::submissions(const Filter& filter) {
  auto rows = TRY(impl_->read([&](db::Transaction& tx) { return load_filtered(tx, filter); }));
  std::vector<Submission> submissions;
  for (auto& row : rows) submissions.push_back(std::move(row.submission));
  return submissions;
}

Result<std::map<State, std::size_t>> Gate::counts() {
  return impl_->read([](db::Transaction& tx) { return count_by_state(tx); });
}

Result<std::vector<scan::ScanReport>> Gate::reports(const std::string& id) {
  auto parts = TRY(impl_->read([&](db::Transaction& tx) -> Result<std::vector<PartReport>> {
    auto row = TRY(load_by_id(tx, id));
    return load_reports(tx, row.number);
  }));
  if (parts.empty()) return not_found(format("submission {} has no report yet", id));
  std::vector<scan::ScanReport> reports;
  for (auto& part : parts) reports.push_back(std::move(part.report));
  return reports;
}

Result<Submission> Gate::approve(const identity::Principal& who, const std::string& id, const std::string& note) {
  return approve(who, id, Terms{.note = note, .conditions = {}, .lifetime = {}});
}

Result<Submission> Gate::approve(const identity::Principal& who, const std::string& id, const Terms& terms) {
  auto row = TRY(impl_->row_of(id));
  TRY(approve_by_reviewer(impl_->context, who, row, terms));
  return impl_->current(row.number);
}

Result<Submission> Gate::reject(const identity::Principal& who, const std::string& id, const std::string& note) {
  auto row = TRY(impl_->row_of(id));
  TRY(reject_by_reviewer(impl_->context, who, row, note));
  return impl_->current(row.number);
}

Result<std::string> Gate::waive(const identity::Principal& who, policy::Waiver waiver) {
  return grant_waiver(impl_->context, who, std::move(waiver));
}

Result<std::vector<policy::Waiver>> Gate::waivers() {
  auto stored = TRY(impl_->read([](db::Transaction& tx) { return load_waivers(tx); }));
  std::vector<policy::Waiver> waivers;
  for (auto& waiver : stored) waivers.push_back(std::move(waiver.waiver));
  return waivers;
}

Result<std::vector<policy::Explained>> Gate::explain(const std::string& id) {
  return gate::explain(impl_->context, TRY(impl_->row_of(id)));
}

Result<PolicyTrial> Gate::try_policy(const policy::Policy& policy) {
  return gate::try_policy(impl_->context, policy);
}

Result<bases::Base> Gate::register_base(const identity::Principal& who, const oci::RepositoryName& repository,
                                        const oci::Tag& tag, const std::string& reference, std::size_t keep) {
  return gate::register_base(impl_->context, who, repository, tag, reference, keep);
}

Result<std::size_t> Gate::refresh_bases() {
  return gate::refresh_bases(impl_->context, false);
}

Result<std::string> Gate::base_of(const std::string& id) {
  return impl_->read([&](db::Transaction& tx) -> Result<std::string> {
    auto row = TRY(load_by_id(tx, id));
    auto found = tx.prepare(
        "SELECT json_extract(report, '$.base.reference') FROM gate_reports WHERE submission = ? ORDER BY part LIMIT 1");
    found.bind(row.number);
    if (!TRY(found.next())) return std::string();
    return found.optional_text(0).value_or("");
  });
}

Result<std::size_t> Gate::expire_due() {
  // The daemon's timer: also the moment to look again at what could not be worked on.
  impl_->workers.try_all_again();
  return gate::expire_due(impl_->context);
}

Result<std::size_t> Gate::judge_again() {
  return gate::judge_again(impl_->context);
}

}  // namespace pratique::gate
