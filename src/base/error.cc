#include "base/error.h"

#include <cerrno>
#include <cstring>

#include "base/format.h"

namespace pratique {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Invalid:
      return "invalid";
    case ErrorKind::NotFound:
      return "not-found";
    case ErrorKind::Conflict:
      return "conflict";
    case ErrorKind::Denied:
      return "denied";
    case ErrorKind::Refused:
      return "refused";
    case ErrorKind::Limit:
      return "limit";
    case ErrorKind::Corrupt:
      return "corrupt";
    case ErrorKind::Unavailable:
      return "unavailable";
    case ErrorKind::Busy:
      return "busy";
  }
  return "unavailable";
}

int http_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Invalid:
      return 400;
    case ErrorKind::NotFound:
      return 404;
    case ErrorKind::Conflict:
      return 409;
    case ErrorKind::Denied:
      return 403;
    case ErrorKind::Refused:
      return 403;
    case ErrorKind::Limit:
      return 413;
    case ErrorKind::Corrupt:
      return 422;
    case ErrorKind::Unavailable:
      return 503;
    case ErrorKind::Busy:
      return 429;
  }
  return 503;
}

Error Error::with_context(std::string_view doing) const& {
  return Error(kind_, format("{}: {}", doing, message_));
}

Error invalid(std::string message) {
  return Error(ErrorKind::Invalid, std::move(message));
}
Error not_found(std::string message) {
  return Error(ErrorKind::NotFound, std::move(message));
}
Error conflict(std::string message) {
  return Error(ErrorKind::Conflict, std::move(message));
}
Error denied(std::string message) {
  return Error(ErrorKind::Denied, std::move(message));
}
Error refused(std::string message) {
  return Error(ErrorKind::Refused, std::move(message));
}
Error over_limit(std::string message) {
  return Error(ErrorKind::Limit, std::move(message));
}
Error corrupt(std::string message) {
  return Error(ErrorKind::Corrupt, std::move(message));
}
Error unavailable(std::string message) {
  return Error(ErrorKind::Unavailable, std::move(message));
}
Error busy(std::string message) {
  return Error(ErrorKind::Busy, std::move(message));
}

Error from_errno(std::string_view doing, int error_number) {
  ErrorKind kind = ErrorKind::Unavailable;
  if (error_number == ENOENT) kind = ErrorKind::NotFound;
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EMFILE) kind = ErrorKind::Limit;
  return Error(kind, format("{}: {}", doing, std::strerror(error_number)));
}

}  // namespace pratique
