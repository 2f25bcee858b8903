#include "registry/sessions.h"

#include "base/format.h"
#include "base/text.h"

namespace pratique::registry {

namespace {

Error unknown_upload(const std::string& id) {
  return not_found(format("upload {} is not known", printable(id, 64)));
}

}  // namespace

Sessions::Sessions(db::Database& database, store::Store& store, const Clock& clock, Duration idle_max)
    : database_(database), store_(store), clock_(clock), idle_max_(idle_max) {}

Result<Upload> Sessions::start(const std::string& principal, const oci::RepositoryName& repository,
                               const UploadLimits& limits) {
  TRY(make_room(principal));
  std::shared_lock birth(birth_);
  TRY(within(*state_.lock(), principal, repository, limits));
  auto ingest = TRY(store_.start_ingest());
  const std::string id = ingest.id();
  {
    auto state = state_.lock();
    Session born{.principal = principal, .repository = repository, .touched = clock_.now()};
    auto& session = state->sessions.emplace(id, std::move(born)).first->second;
    state->by_principal[principal].ids.insert(id);
    hold(*state, session);
  }
  return Upload(
      std::make_unique<Upload::Impl>(Upload::Impl{*this, id, repository, std::move(ingest), limits.allowance, false}));
}

Result<Upload> Sessions::resume(const std::string& principal, const oci::RepositoryName& repository,
                                const std::string& id, const UploadLimits& limits) {
  TRY(load(id));
  {
    auto state = state_.lock();
    auto found = state->sessions.find(id);
    // One answer for "never was", "not yours" and "other repository": an id must not be worth guessing.
    if (found == state->sessions.end() || found->second.principal != principal ||
        found->second.repository != repository) {
      return unknown_upload(id);
    }
    Session& session = found->second;
    if (session.is_held) return conflict(format("upload {} is in use by another request", id));
    TRY(within(*state, principal, repository, limits));
    hold(*state, session);
    session.touched = clock_.now();
  }
  auto ingest = store_.resume_ingest(id);
  if (!ingest.ok()) {
    let_go(id);
    return ingest.error().kind() == ErrorKind::NotFound ? unknown_upload(id) : ingest.error();
  }
  {
    auto state = state_.lock();
    resize(*state, state->sessions.at(id), ingest->size());
  }
  return Upload(std::make_unique<Upload::Impl>(
      Upload::Impl{*this, id, repository, std::move(ingest).value(), limits.allowance, false}));
}

Status Sessions::within(State& state, const std::string& principal, const oci::RepositoryName& repository,
                        const UploadLimits& limits) {
  const std::string space(repository.first_component());
  if (limits.held_by_principal_max > 0 && state.by_principal[principal].held >= limits.held_by_principal_max) {
    return busy(format("{} uploads of yours are under way at once; go on when one of them has ended",
                       limits.held_by_principal_max));
  }
  auto there = state.held_by_namespace.find(space);
  if (limits.held_in_namespace_max > 0 && there != state.held_by_namespace.end() &&
      there->second >= limits.held_in_namespace_max) {
    return busy(format("{} uploads into {} are under way at once; go on when one of them has ended",
                       limits.held_in_namespace_max, space));
  }
  return {};
}

void Sessions::hold(State& state, Session& session) {
  session.is_held = true;
  ++state.held;
  ++state.by_principal[session.principal].held;
  ++state.held_by_namespace[std::string(session.repository.first_component())];
}

void Sessions::release(State& state, Session& session) {
  if (!session.is_held) return;
  session.is_held = false;
  --state.held;
  --state.by_principal[session.principal].held;
  auto there = state.held_by_namespace.find(session.repository.first_component());
  if (--there->second == 0) state.held_by_namespace.erase(there);
}

void Sessions::resize(State& state, Session& session, std::uint64_t size) {
  state.by_principal[session.principal].bytes += size - session.size;
  session.size = size;
}

Status Sessions::grow(const std::string& id, std::uint64_t size, std::uint64_t allowance) {
  auto state = state_.lock();
  Session& session = state->sessions.at(id);
  const std::uint64_t total = state->by_principal[session.principal].bytes + size - session.size;
  if (total > allowance) {
    return denied(
        format("your uploads hold {} and more than {} is not left of the quota: delete what is not needed any more, or "
               "ask the people who run this gate for more",
               human_bytes(total), human_bytes(allowance)));
  }
  resize(*state, session, size);
  return {};
}

std::size_t Sessions::held_by(const std::string& principal) {
  auto state = state_.lock();
  auto found = state->by_principal.find(principal);
  return found == state->by_principal.end() ? 0 : found->second.held;
}

std::size_t Sessions::held_in(const std::string& space) {
  auto state = state_.lock();
  auto found = state->held_by_namespace.find(space);
  return found == state->held_by_namespace.end() ? 0 : found->second;
}

std::size_t Sessions::held() {
  return state_.lock()->held;
}

std::uint64_t Sessions::bytes_of(const std::string& principal) {
  auto state = state_.lock();
  auto found = state->by_principal.find(principal);
  return found == state->by_principal.end() ? 0 : found->second.bytes;
}

Status Sessions::cancel(const std::string& principal, const oci::RepositoryName& repository, const std::string& id) {
  Upload upload = TRY(resume(principal, repository, id));
  std::exchange(upload.impl_->ingest, std::nullopt)->abandon();
  return drop(id);
}

// A session the database knows but memory does not: after a restart.
Status Sessions::load(const std::string& id) {
  if (state_.lock()->sessions.contains(id)) return {};
  struct Row {
    std::string repository, principal;
  };
  auto row = TRY(database_.read([&](db::Transaction& tx) -> Result<std::optional<Row>> {
    auto statement = tx.prepare("SELECT repository, principal FROM uploads WHERE id = ?");
    statement.bind(id);
    if (!TRY(statement.next())) return std::optional<Row>();
    return std::optional(Row{statement.text(0), statement.text(1)});
  }));
  if (!row) return {};
  auto repository = TRY(oci::RepositoryName::parse(row->repository));
  auto state = state_.lock();
  state->by_principal[row->principal].ids.insert(id);
  state->sessions.emplace(id, Session{.principal = row->principal,
                                      .repository = std::move(repository),
                                      .touched = clock_.now(),
                                      .is_recorded = true});
  return {};
}

Status Sessions::make_room(const std::string& principal) {
  std::string idlest;
  {
    auto state = state_.lock();
    auto own = state->by_principal.find(principal);
    if (own == state->by_principal.end() || own->second.ids.size() < kSessionsPerPrincipalMax) return {};
    Session* oldest = nullptr;
    for (const auto& id : own->second.ids) {
      Session& session = state->sessions.at(id);
      if (session.is_held || (oldest != nullptr && oldest->touched <= session.touched)) continue;
      oldest = &session;
      idlest = id;
    }
    if (oldest == nullptr) {
      return over_limit(format("{} uploads are open at once; finish some first", kSessionsPerPrincipalMax));
    }
    hold(*state, *oldest);
  }
  return drop(idlest);
}

Status Sessions::record(const std::string& id) {
  std::string repository, principal;
  {
    auto state = state_.lock();
    const auto& session = state->sessions.at(id);
    repository = session.repository.text();
    principal = session.principal;
  }
  TRY(database_.write([&](db::Transaction& tx) -> Status {
    auto statement = tx.prepare(
        "INSERT INTO uploads (id, repository, principal, touched) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET touched = excluded.touched");
    return statement.bind(id).bind(repository).bind(principal).bind(clock_.now()).run();
  }));
  state_.lock()->sessions.at(id).is_recorded = true;
  return {};
}

void Sessions::let_go(const std::string& id) {
  auto state = state_.lock();
  if (auto found = state->sessions.find(id); found != state->sessions.end()) release(*state, found->second);
}

void Sessions::forget(const std::string& id) {
  auto state = state_.lock();
  erase(*state, id);
}

Status Sessions::forget_row(db::Transaction& tx, const std::string& id) {
  {
    auto state = state_.lock();
    auto found = state->sessions.find(id);
    if (found != state->sessions.end() && !found->second.is_recorded) return {};
  }
  auto statement = tx.prepare("DELETE FROM uploads WHERE id = ?");
  return statement.bind(id).run();
}

// What could not be removed is free again: on a full disk a principal's sessions must not be lost one by one.
Status Sessions::drop(const std::string& id) {
  Status dropped = remove(id);
  if (!dropped.ok()) let_go(id);
  return dropped;
}

// The row goes first: a row without bytes would answer "resume" for nothing.
Status Sessions::remove(const std::string& id) {
  bool is_recorded = false;
  {
    auto state = state_.lock();
    auto found = state->sessions.find(id);
    is_recorded = found == state->sessions.end() || found->second.is_recorded;
  }
  if (is_recorded) {
    TRY(database_.write([&](db::Transaction& tx) -> Status {
      auto statement = tx.prepare("DELETE FROM uploads WHERE id = ?");
      return statement.bind(id).run();
    }));
  }
  TRY(store_.discard_ingest(id));
  forget(id);
  return {};
}

Result<std::set<std::string>> Sessions::expired_rows() {
  return database_.read([&](db::Transaction& tx) -> Result<std::set<std::string>> {
    std::set<std::string> ids;
    auto statement = tx.prepare("SELECT id FROM uploads WHERE touched < ?");
    statement.bind(clock_.now() - idle_max_);
    while (TRY(statement.next())) ids.insert(statement.text(0));
    return ids;
  });
}

// Uploads that neither memory nor the database knows: a process that died before the first checkpoint left them. While
// we look no upload is being born, and ids never come twice: what is unclaimed now stays so.
Result<std::set<std::string>> Sessions::unclaimed() {
  std::unique_lock birth(birth_);
  std::set<std::string> ids;
  {
    auto state = state_.lock();
    for (const auto& id : store_.unfinished_ingests())
      if (!state->sessions.contains(id)) ids.insert(id);
  }
  if (ids.empty()) return ids;
  TRY(database_.read([&](db::Transaction& tx) -> Status {
    auto statement = tx.prepare("SELECT id FROM uploads");
    while (TRY(statement.next())) ids.erase(statement.text(0));
    return {};
  }));
  return ids;
}

Result<std::size_t> Sessions::sweep(bool is_dry_run) {
  std::set<std::string> doomed = TRY(expired_rows());
  doomed.merge(TRY(unclaimed()));
  {
    // Sessions that never had a checkpoint are in memory only.
    auto state = state_.lock();
    for (const auto& [id, session] : state->sessions)
      if (!session.is_recorded && session.touched + idle_max_ <= clock_.now()) doomed.insert(id);
  }
  std::size_t dropped = 0;
  for (const auto& id : doomed) {
    {
      auto state = state_.lock();
      if (auto found = state->sessions.find(id); found != state->sessions.end()) {
        Session& session = found->second;
        if (session.is_held || session.touched + idle_max_ > clock_.now()) continue;
        if (!is_dry_run) hold(*state, session);
      }
    }
    if (!is_dry_run) TRY(drop(id));
    ++dropped;
  }
  return dropped;
}

void Sessions::erase(State& state, const std::string& id) {
  auto found = state.sessions.find(id);
  if (found == state.sessions.end()) return;
  release(state, found->second);
  resize(state, found->second, 0);
  auto own = state.by_principal.find(found->second.principal);
  own->second.ids.erase(id);
  if (own->second.ids.empty()) state.by_principal.erase(own);
  state.sessions.erase(found);
}

// -- Upload
// ------------------------------------------------------------------------------------------------------------

Upload::Upload(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Upload::Upload(Upload&&) noexcept = default;
Upload::~Upload() {
  if (!impl_ || !impl_->ingest) return;
  if (impl_->is_doomed) {
    std::exchange(impl_->ingest, std::nullopt)->abandon();
    // What cannot go now is free, and goes when it is idle for too long.
    static_cast<void>(impl_->sessions.drop(impl_->id).ok());
    return;
  }
  impl_->ingest.reset();  // closed before the next request may have it
  impl_->sessions.let_go(impl_->id);
}

const std::string& Upload::id() const {
  return impl_->id;
}
const oci::RepositoryName& Upload::repository() const {
  return impl_->repository;
}
std::uint64_t Upload::size() const {
  return impl_->ingest->size();
}
Status Upload::append(Bytes bytes) {
  if (Status allowed = impl_->sessions.grow(impl_->id, size() + bytes.size(), impl_->allowance); !allowed.ok()) {
    impl_->is_doomed = true;
    return allowed;
  }
  return impl_->ingest->append(bytes);
}

// Bytes before row: a row whose bytes were not down would promise too much.
Status Upload::checkpoint() {
  TRY(impl_->ingest->checkpoint());
  return impl_->sessions.record(impl_->id);
}

}  // namespace pratique::registry
