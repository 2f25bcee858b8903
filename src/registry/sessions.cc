#include "registry/sessions.h"

#include "base/format.h"
#include "base/text.h"

namespace pratique::registry {

namespace {

Error unknown_upload(const std::string& id) {
  return not_found(format("upload {} is not known", printable(id, 64)));
}

}  // namespace

Sessions::Sessions(db::Database& database, store::Store& store, const Clock& clock)
    : database_(database), store_(store), clock_(clock) {}

Result<Upload> Sessions::start(const std::string& principal, const oci::RepositoryName& repository) {
  TRY(make_room(principal));
  std::shared_lock birth(birth_);
  auto ingest = TRY(store_.start_ingest());
  const std::string id = ingest.id();
  {
    auto state = state_.lock();
    state->sessions.emplace(id, Session{.principal = principal, .repository = repository, .touched = clock_.now()});
    state->by_principal[principal].insert(id);
  }
  return Upload(std::make_unique<Upload::Impl>(Upload::Impl{*this, id, repository, std::move(ingest)}));
}

Result<Upload> Sessions::resume(const std::string& principal, const oci::RepositoryName& repository,
                                const std::string& id) {
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
    session.is_held = true;
    session.touched = clock_.now();
  }
  auto ingest = store_.resume_ingest(id);
  if (!ingest.ok()) {
    let_go(id);
    return ingest.error().kind() == ErrorKind::NotFound ? unknown_upload(id) : ingest.error();
  }
  return Upload(std::make_unique<Upload::Impl>(Upload::Impl{*this, id, repository, std::move(ingest).value()}));
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
  state->by_principal[row->principal].insert(id);
  state->sessions.emplace(id, Session{.principal = row->principal,
                                      .repository = std::move(repository),
                                      .touched = clock_.now(),
                                      .is_held = false,
                                      .is_recorded = true});
  return {};
}

Status Sessions::make_room(const std::string& principal) {
  std::string idlest;
  {
    auto state = state_.lock();
    auto own = state->by_principal.find(principal);
    if (own == state->by_principal.end() || own->second.size() < kSessionsPerPrincipalMax) return {};
    Session* oldest = nullptr;
    for (const auto& id : own->second) {
      Session& session = state->sessions.at(id);
      if (session.is_held || (oldest != nullptr && oldest->touched <= session.touched)) continue;
      oldest = &session;
      idlest = id;
    }
    if (oldest == nullptr) {
      return over_limit(format("{} uploads are open at once; finish some first", kSessionsPerPrincipalMax));
    }
    oldest->is_held = true;
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
  if (auto found = state->sessions.find(id); found != state->sessions.end()) found->second.is_held = false;
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
    statement.bind(clock_.now() - kSessionIdleMax);
    while (TRY(statement.next())) ids.insert(statement.text(0));
    return ids;
  });
}

Result<std::size_t> Sessions::sweep() {
  std::unique_lock birth(birth_);
  std::set<std::string> doomed = TRY(expired_rows());
  auto known = TRY(database_.read([&](db::Transaction& tx) -> Result<std::set<std::string>> {
    std::set<std::string> ids;
    auto statement = tx.prepare("SELECT id FROM uploads");
    while (TRY(statement.next())) ids.insert(statement.text(0));
    return ids;
  }));
  for (const auto& id : store_.unfinished_ingests()) {
    if (!known.contains(id)) doomed.insert(id);
  }
  std::size_t dropped = 0;
  for (const auto& id : doomed) {
    {
      auto state = state_.lock();
      if (auto found = state->sessions.find(id); found != state->sessions.end()) {
        Session& session = found->second;
        if (session.is_held || session.touched + kSessionIdleMax > clock_.now()) continue;
        session.is_held = true;
      }
    }
    TRY(drop(id));
    ++dropped;
  }
  return dropped;
}

void Sessions::erase(State& state, const std::string& id) {
  auto found = state.sessions.find(id);
  if (found == state.sessions.end()) return;
  auto own = state.by_principal.find(found->second.principal);
  if (own != state.by_principal.end()) {
    own->second.erase(id);
    if (own->second.empty()) state.by_principal.erase(own);
  }
  state.sessions.erase(found);
}

// -- Upload
// ------------------------------------------------------------------------------------------------------------

Upload::Upload(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Upload::Upload(Upload&&) noexcept = default;
Upload::~Upload() {
  if (!impl_ || !impl_->ingest) return;
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
  return impl_->ingest->append(bytes);
}

// Bytes before row: a row whose bytes were not down would promise too much.
Status Upload::checkpoint() {
  TRY(impl_->ingest->checkpoint());
  return impl_->sessions.record(impl_->id);
}

}  // namespace pratique::registry
