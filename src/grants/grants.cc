// The life of a request. docs/formats/access-request.md has the states and who moves them.
#include "grants/grants.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "grants/rows.h"

namespace pratique::grants {

namespace {

using identity::Principal;
using identity::Role;

constexpr std::string_view kPolicyName = "policy";
constexpr std::string_view kLinkPrefix = "prl_";
constexpr std::size_t kLinkBytes = 32;
constexpr std::size_t kLinkCharactersMax = 128;
constexpr std::size_t kDueAtOnce = 100;

std::string make_link_secret() {
  return std::string(kLinkPrefix) + to_base64url(as_bytes(random_bytes(kLinkBytes)));
}

Status check_text(std::string_view what, std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) return over_limit(format("the {} may have {} bytes", what, bytes_max));
  if (!is_utf8(text)) return invalid(format("the {} is not UTF-8 text", what));
  return {};
}

Status check_wanted(const NewRequest& wanted) {
  if (trim(wanted.purpose).empty()) return invalid("a request says what the image is for (purpose)");
  TRY(check_text("purpose", wanted.purpose, kPurposeBytesMax));
  if (wanted.lifetime < identity::kSessionLifetimeMin || wanted.lifetime > identity::kSessionLifetimeMax)
    return invalid(format("credentials live {} to {} seconds", identity::kSessionLifetimeMin.count(),
                          identity::kSessionLifetimeMax.count()));
  if (!wanted.is_lifetime_acknowledged)
    return invalid(
        format("acknowledge that the credentials end {} after they are shown, and that the push has to start "
               "before (acknowledged)",
               human_duration(wanted.lifetime)));
  return {};
}

Status check_answer(const Principal& by, const Request& request, std::string_view note) {
  TRY(check_text("note", note, kNoteBytesMax));
  if (by.name() == request.requester && !by.has(Role::Admin))
    return denied("nobody answers their own request; another reviewer can");
  return {};
}

Status check_state(const Request& request, std::initializer_list<State> allowed, std::string_view verb) {
  if (std::find(allowed.begin(), allowed.end(), request.state) != allowed.end()) return {};
  return conflict(format("access request {} is {}; it cannot be {}", request.id, to_string(request.state), verb));
}

Status append(journal::Journal& journal, db::Transaction& tx, std::string_view actor, std::string_view event,
              const Request& request, std::string_view address = "") {
  Json details = Json::object();
  details.set("request", request.id).set("state", to_string(request.state)).set("repository", request.repository);
  if (!request.access_key_id.empty()) details.set("keys", request.access_key_id);
  if (!request.note.empty()) details.set("note", request.note);
  if (!request.closed_reason.empty()) details.set("reason", request.closed_reason);
  if (!address.empty()) details.set("address", address);
  return journal.append(tx, actor, event, request.requester, std::move(details));
}

void close_as(Request& request, State state, Time now, std::string_view reason) {
  request.state = state;
  request.closed = now;
  request.closed_reason = reason;
  request.expires = std::nullopt;
}

}  // namespace

Grants::Grants(db::Database& database, identity::Identity& identity, journal::Journal& journal, const Clock& clock,
               Options options)
    : database_(database), identity_(identity), journal_(journal), clock_(clock), options_(options) {}

Result<Request> Grants::ask(const Principal& who, const NewRequest& wanted) {
  TRY(check_wanted(wanted));
  return database_.write([&](db::Transaction& tx) -> Result<Request> {
    auto open = TRY(load_open_of(tx, who.name()));
    for (const Row& row : open)
      if (row.request.repository == wanted.repository)
        return conflict(format("access request {} for {} is {} already; close it first to ask anew", row.request.id,
                               wanted.repository, to_string(row.request.state)));
    if (open.size() >= kOpenRequestsMax) return over_limit(format("there are {} open requests already", open.size()));
    Time now = clock_.now();
    Request request{.id = "R-" + random_hex(6),
                    .requester = who.name(),
                    .repository = wanted.repository,
                    .purpose = std::string(trim(wanted.purpose)),
                    .window = wanted.window,
                    .lifetime = wanted.lifetime,
                    .created = now,
                    .expires = now + kAnswerTime};
    TRY(insert(tx, request));
    TRY(append(journal_, tx, who.name(), "access-requested", request, wanted.address));
    bool may_be_automatic = who.has(Role::Submitter) || who.has(Role::Admin);
    if (!options_.is_automatic || !may_be_automatic) return request;
    Row row = TRY(load(tx, request.id));
    row.request.state = State::Granted;
    row.request.decided = now;
    row.request.decided_by = kPolicyName;
    row.request.expires = now + kCollectTime;
    TRY(update(tx, row, State::Requested));
    TRY(append(journal_, tx, identity::make_system_principal().name(), "access-granted", row.request));
    return row.request;
  });
}

Result<Grants::Granted> Grants::grant(const Principal& by, const std::string& id, const std::string& note) {
  return database_.write([&](db::Transaction& tx) -> Result<Granted> {
    Row row = TRY(load(tx, id));
    // What was granted already and not collected yet gets a new link: the first one may have been lost.
    TRY(check_state(row.request, {State::Requested, State::Granted}, "granted"));
    TRY(check_answer(by, row.request, note));
    if (row.request.collected) return conflict(format("the credentials of {} were collected already", id));
    State from = row.request.state;
    Time now = clock_.now();
    row.request.state = State::Granted;
    row.request.decided = now;
    row.request.decided_by = by.name();
    row.request.note = note;
    row.request.expires = now + kCollectTime;
    TRY(update(tx, row, from));
    std::string secret = make_link_secret();
    TRY(set_link(tx, row.number, secret));
    TRY(append(journal_, tx, by.name(), "access-granted", row.request));
    return Granted{row.request, secret};
  });
}

Result<Request> Grants::deny(const Principal& by, const std::string& id, const std::string& note) {
  if (trim(note).empty()) return invalid("a denial says why (note)");
  return database_.write([&](db::Transaction& tx) -> Result<Request> {
    Row row = TRY(load(tx, id));
    TRY(check_state(row.request, {State::Requested}, "denied"));
    TRY(check_answer(by, row.request, note));
    row.request.decided = clock_.now();
    row.request.decided_by = by.name();
    row.request.note = note;
    close_as(row.request, State::Denied, clock_.now(), note);
    TRY(update(tx, row, State::Requested));
    TRY(append(journal_, tx, by.name(), "access-denied", row.request));
    return row.request;
  });
}

Result<Request> Grants::revoke(const Principal& by, const std::string& id, const std::string& note) {
  if (trim(note).empty()) return invalid("a revocation says why (note)");
  TRY(check_text("note", note, kNoteBytesMax));
  return database_.write([&](db::Transaction& tx) -> Result<Request> {
    Row row = TRY(load(tx, id));
    TRY(check_state(row.request, {State::Granted, State::Used}, "revoked"));
    State from = row.request.state;
    close_as(row.request, State::Revoked, clock_.now(), note);
    TRY(update(tx, row, from));
    if (!row.request.access_key_id.empty())
      TRY(identity_.revoke_session(tx, row.request.access_key_id, by.name(), note));
    TRY(append(journal_, tx, by.name(), "access-revoked", row.request));
    return row.request;
  });
}

Result<Request> Grants::close(const Principal& who, const std::string& id) {
  return database_.write([&](db::Transaction& tx) -> Result<Request> {
    Row row = TRY(load(tx, id));
    if (row.request.requester != who.name())
      return not_found(format("there is no access request {}", printable(id, 40)));
    TRY(check_state(row.request, {State::Requested, State::Granted}, "closed"));
    State from = row.request.state;
    close_as(row.request, State::Unused, clock_.now(), "closed by its requester");
    TRY(update(tx, row, from));
    if (!row.request.access_key_id.empty())
      TRY(identity_.revoke_session(tx, row.request.access_key_id, who.name(), "closed by its requester"));
    TRY(append(journal_, tx, who.name(), "access-closed", row.request));
    return row.request;
  });
}

namespace {

Status check_collectable(const Request& request, Time now) {
  if (request.collected) return conflict(format("the credentials of {} were shown already, once", request.id));
  TRY(check_state(request, {State::Granted}, "collected"));
  if (request.expires && now >= *request.expires)
    return conflict(format("the time to collect the credentials of {} is over; ask again", request.id));
  return {};
}

struct Delivery {
  std::string via;
  std::string by;  // whom the journal names
  std::string address;
};

// Makes the keys and marks them as shown, together.
Result<Credentials> hand_out(db::Transaction& tx, identity::Identity& identity, journal::Journal& journal, Row row,
                             const Delivery& delivery, Time now) {
  TRY(check_collectable(row.request, now));
  auto keys = TRY(identity.issue_session(tx, identity::SessionRequest{.user = row.request.requester,
                                                                      .repository = row.request.repository,
                                                                      .lifetime = row.request.lifetime,
                                                                      .grant = row.request.id,
                                                                      .by = delivery.by,
                                                                      .address = delivery.address}));
  row.request.collected = now;
  row.request.delivered_via = delivery.via;
  row.request.access_key_id = keys.access_key_id;
  row.request.expires = keys.expires;
  TRY(update(tx, row, State::Granted));
  TRY(append(journal, tx, delivery.by, "access-collected", row.request, delivery.address));
  return Credentials{row.request, std::move(keys)};
}

}  // namespace

Result<Credentials> Grants::collect(const Principal& who, const std::string& id, const std::string& address) {
  return database_.write([&](db::Transaction& tx) -> Result<Credentials> {
    Row row = TRY(load(tx, id));
    if (row.request.requester != who.name())
      return not_found(format("there is no access request {}", printable(id, 40)));
    return hand_out(tx, identity_, journal_, std::move(row), {"terminal", who.name(), address}, clock_.now());
  });
}

Result<Credentials> Grants::collect_by_link(std::string_view link_secret, const std::string& address) {
  return database_.write([&](db::Transaction& tx) -> Result<Credentials> {
    auto row = link_secret.size() <= kLinkCharactersMax ? TRY(load_by_link(tx, link_secret)) : std::nullopt;
    if (!row) return not_found("there is no such link");
    // Whoever holds the link stands for the requester; from where is in the journal.
    Delivery delivery{"link", row->request.requester, address};
    return hand_out(tx, identity_, journal_, std::move(*row), delivery, clock_.now());
  });
}

Result<Request> Grants::peek_link(std::string_view link_secret) {
  return database_.read([&](db::Transaction& tx) -> Result<Request> {
    auto row = link_secret.size() <= kLinkCharactersMax ? TRY(load_by_link(tx, link_secret)) : std::nullopt;
    if (!row) return not_found("there is no such link");
    TRY(check_collectable(row->request, clock_.now()));
    return row->request;
  });
}

Result<Request> Grants::find(const std::string& id) {
  return database_.read([&](db::Transaction& tx) -> Result<Request> { return TRY(load(tx, id)).request; });
}

Result<std::vector<Request>> Grants::list(const Filter& filter) {
  return database_.read([&](db::Transaction& tx) -> Result<std::vector<Request>> {
    std::vector<Request> requests;
    for (auto& row : TRY(load_all(tx, filter))) requests.push_back(std::move(row.request));
    return requests;
  });
}

Status Grants::note_staged(db::Transaction& tx, std::string_view repository, std::string_view submitter) {
  for (Row& row : TRY(load_waiting_for_push(tx, repository))) {
    // Pushed with a password, before the credentials were collected: the grant is still to be used.
    if (!row.request.collected || row.request.requester != submitter) continue;
    row.request.state = State::Used;
    row.request.pushed = clock_.now();
    TRY(update(tx, row, State::Granted));
    TRY(append(journal_, tx, submitter, "access-used", row.request));
  }
  return {};
}

Result<std::size_t> Grants::expire_due() {
  return database_.write([&](db::Transaction& tx) -> Result<std::size_t> {
    Time now = clock_.now();
    std::size_t count = 0;
    for (Row& row : TRY(load_due(tx, now, kDueAtOnce))) {
      State from = row.request.state;
      // A push that began in time may still arrive: the grant waits for it as long as the registry does.
      if (row.request.collected && now < *row.request.expires + identity::kPushGrace &&
          TRY(identity_.is_push_going_on(tx, row.request.access_key_id)))
        continue;
      bool was_granted = from == State::Granted;
      close_as(row.request, was_granted ? State::Unused : State::Expired, now,
               !was_granted            ? "nobody answered in time"
               : row.request.collected ? "nothing was pushed before the credentials ended"
                                       : "the credentials were not collected in time");
      TRY(update(tx, row, from));
      TRY(append(journal_, tx, identity::make_system_principal().name(),
                 was_granted ? "access-unused" : "access-expired", row.request));
      ++count;
    }
    return count;
  });
}

}  // namespace pratique::grants
