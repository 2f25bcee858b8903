// Who asked to push, who allowed it, and what came of it: requests, grants and the credential sheet.
//
// A grant gives temporary keys (identity) for its requester's staging repository. The keys are made when they are
// collected, once, so that no secret waits anywhere to be read. Every change is one transaction with its journal entry.
// docs/formats/access-request.md has the states. Not here: HTTP and who counts as staff (control). Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "db/db.h"
#include "identity/identity.h"
#include "journal/journal.h"

namespace pratique::grants {

enum class State { Requested, Granted, Used, Unused, Expired, Denied, Revoked };
std::string_view to_string(State state);  // "requested"
std::optional<State> parse_state(std::string_view text);

// When the requester wants the credentials, which live for an hour only.
enum class Window { Asap, TomorrowMorning, Afternoon };
std::string_view to_string(Window window);  // "as-soon-as-possible", "tomorrow-morning", "afternoon"
// Also as people write it: "As soon as possible", "ASAP", "tomorrow morning".
std::optional<Window> parse_window(std::string_view text);

struct Request {
  std::string id;  // "R-" and 12 hex digits
  State state = State::Requested;
  std::string requester;
  std::string repository;  // "nextflow-staging/ann"
  std::string purpose;
  Window window = Window::Asap;
  seconds lifetime = identity::kSessionLifetimeDefault;
  Time created;
  std::optional<Time> decided;
  std::string decided_by;  // "policy" where nobody had to be asked
  std::string note;        // what they said
  // The end of waiting in this state: for an answer, for the credentials to be collected, of the credentials.
  std::optional<Time> expires;
  std::optional<Time> collected;
  std::string delivered_via;  // "link", "terminal"; "" before
  std::string access_key_id;  // "" before
  std::optional<Time> pushed;
  std::optional<Time> closed;
  std::string closed_reason;

  bool is_open() const { return state == State::Requested || state == State::Granted; }
};

struct NewRequest {
  std::string repository;  // the requester's own staging repository
  std::string purpose;
  Window window = Window::Asap;
  seconds lifetime = identity::kSessionLifetimeDefault;
  bool is_lifetime_acknowledged = false;
  std::string address = "";
};

// What is shown once.
struct Credentials {
  Request request;
  identity::SessionKeys keys;
};

struct Options {
  // Submitters are granted at once, without asking anybody.
  bool is_automatic = false;
};

inline constexpr std::size_t kPurposeBytesMax = 2'000;
inline constexpr std::size_t kNoteBytesMax = 2'000;
// A second request while one is open is a mistake; a few cover several repositories.
inline constexpr int kOpenRequestsMax = 5;
inline constexpr days kAnswerTime{7};     // then an unanswered request expires
inline constexpr hours kCollectTime{24};  // covers "tomorrow morning"
inline constexpr std::size_t kListMax = 500;

class Grants {
 public:
  Grants(db::Database& database, identity::Identity& identity, journal::Journal& journal, const Clock& clock,
         Options options = {});
  static std::span<const db::Migration> migrations();

  // Invalid without a purpose, without the acknowledgement, or for a lifetime out of range; Conflict while the same
  // person has an open request for the same repository; Limit beyond kOpenRequestsMax. Granted at once where the policy
  // says so.
  Result<Request> ask(const identity::Principal& who, const NewRequest& wanted);

  // The staff's answers; NotFound, or Conflict in any other state. Denied for one's own request, except to an
  // administrator. grant() gives the secret of the one-time link; deny() and revoke() need a note.
  struct Granted {
    Request request;
    std::string link_secret;
  };
  Result<Granted> grant(const identity::Principal& by, const std::string& id, const std::string& note);
  Result<Request> deny(const identity::Principal& by, const std::string& id, const std::string& note);
  // The keys end at once.
  Result<Request> revoke(const identity::Principal& by, const std::string& id, const std::string& note);
  // The requester needs it no longer, before or after the answer; keys that were collected end.
  Result<Request> close(const identity::Principal& who, const std::string& id);

  // Makes the keys and gives them, once: Conflict afterwards, and when the time to collect is over. The first form is
  // for the requester, signed in (NotFound for others'); the second for whoever holds the link (NotFound for a secret
  // that never was one).
  Result<Credentials> collect(const identity::Principal& who, const std::string& id, const std::string& address);
  Result<Credentials> collect_by_link(std::string_view link_secret, const std::string& address);
  // The request whose credentials this link would give, without giving them. Errors as above.
  Result<Request> peek_link(std::string_view link_secret);

  Result<Request> find(const std::string& id);
  struct Filter {
    std::optional<State> state;
    std::optional<std::string> requester;
    std::size_t limit = 100;
  };
  Result<std::vector<Request>> list(const Filter& filter);  // newest first

  // Runs inside the transaction in which an image arrives: the grant for that repository is used.
  Status note_staged(db::Transaction& tx, std::string_view repository, std::string_view submitter);
  // Closes what waited too long. Gives how many. For the daemon's timer.
  Result<std::size_t> expire_due();

 private:
  db::Database& database_;
  identity::Identity& identity_;
  journal::Journal& journal_;
  const Clock& clock_;
  const Options options_;
};

// -- the sheet -------------------------------------------------------------------------------------------------------
enum class Shell { Posix, Cmd, PowerShell };
std::string_view to_string(Shell shell);  // "sh", "cmd", "powershell"
std::optional<Shell> parse_shell(std::string_view text);

struct SheetContext {
  std::string registry_host;  // "gate.example.org"
  std::string region;         // "us-east-1"
  std::string endpoint_url;   // where STS and ECR are: "https://gate.example.org"
  Time now;
};
// Commands to paste, the repository's URI first, in the order and the words of the documentation.
std::string credential_sheet(const Credentials& credentials, const SheetContext& context, Shell shell);

}  // namespace pratique::grants
