// What can go wrong, in nine kinds.
//
// An Error is a value: a kind that decides what callers do (HTTP status, exit code), a sentence for people, and the
// chain of contexts it passed on its way up. It is not for our own bugs: those are CHECKs. Immutable, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace pratique {

enum class ErrorKind {
  Invalid,      // the input is malformed; sending it again will not help
  NotFound,     // the named thing does not exist, or the asker may not know that it does
  Conflict,     // the state forbids it now: already exists, superseded, out of order
  Denied,       // the principal is not known or may not do this
  Refused,      // policy says no, with reasons
  Limit,        // a named limit was exceeded
  Corrupt,      // bytes at rest or in transit do not match their digest or format
  Unavailable,  // disk, network, another process: may work later
  Busy,         // too much at once, nothing was done: the same again after a while will do
};

// "invalid", "not-found", …: stable, used in JSON and logs.
std::string_view to_string(ErrorKind kind);

// The one table from kind to HTTP status (400, 404, 409, 403, 403, 413, 422, 503, 429).
int http_status(ErrorKind kind);

class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  // The whole sentence, outermost context first: "reading manifest sha256:…: unexpected end of input".
  const std::string& message() const { return message_; }
  // Adds what was being done. Done once, at a module's border.
  Error with_context(std::string_view doing) const&;

 private:
  ErrorKind kind_;
  std::string message_;
};

Error invalid(std::string message);
Error not_found(std::string message);
Error conflict(std::string message);
Error denied(std::string message);
Error refused(std::string message);
Error over_limit(std::string message);
Error corrupt(std::string message);
Error unavailable(std::string message);
Error busy(std::string message);
// Unavailable (NotFound for ENOENT, Limit for ENOSPC/EDQUOT/EMFILE) with errno's text: "opening x: No such file".
Error from_errno(std::string_view doing, int error_number);

}  // namespace pratique
