#include "distribution/errors.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

namespace pratique::distribution {

namespace {

// Inspections end within seconds, uploads within minutes: long enough not to be a hammer, short enough for a person.
constexpr seconds kBusyRetryAfter{10};

struct Codes {
  std::string_view invalid;
  std::string_view not_found;
};

Codes codes_of(Subject subject) {
  switch (subject) {
    case Subject::Repository:
      return {"NAME_INVALID", "NAME_UNKNOWN"};
    case Subject::Blob:
      return {"DIGEST_INVALID", "BLOB_UNKNOWN"};
    case Subject::Upload:
      return {"BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN"};
    case Subject::Manifest:
      return {"MANIFEST_INVALID", "MANIFEST_UNKNOWN"};
    case Subject::References:
      return {"MANIFEST_INVALID", "MANIFEST_BLOB_UNKNOWN"};
  }
  return {"UNKNOWN", "UNKNOWN"};
}

std::string_view code_of(ErrorKind kind, Subject subject) {
  switch (kind) {
    case ErrorKind::Invalid:
      return codes_of(subject).invalid;
    case ErrorKind::NotFound:
      return codes_of(subject).not_found;
    case ErrorKind::Conflict:
      return codes_of(subject).invalid;
    case ErrorKind::Denied:
    case ErrorKind::Refused:
      return "DENIED";
    case ErrorKind::Limit:
      return "SIZE_INVALID";
    case ErrorKind::Busy:
      return "TOOMANYREQUESTS";
    // The specification has no code for our own trouble; clients show the message whatever the code.
    case ErrorKind::Corrupt:
    case ErrorKind::Unavailable:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

}  // namespace

http::Response problem(int status, std::string_view code, std::string_view message) {
  Json error = Json::object({{"code", code}, {"message", message}, {"detail", Json()}});
  return http::Response::json(status, Json::object({{"errors", Json::array({std::move(error)})}}).dump());
}

http::Response problem(const Error& error, Subject subject) {
  const int status = http_status(error.kind());
  const bool is_ours = error.kind() == ErrorKind::Unavailable || error.kind() == ErrorKind::Corrupt;
  if (error.kind() == ErrorKind::Busy) {
    auto response = problem(status, code_of(error.kind(), subject), error.message());
    response.headers.set("Retry-After", std::to_string(kBusyRetryAfter.count()));
    return response;
  }
  if (!is_ours) return problem(status, code_of(error.kind(), subject), error.message());
  // Our own trouble names paths and devices: the operator reads it in the log, the client does not.
  log::error("request failed", {{"error", error.message()}});
  return problem(
      status, code_of(error.kind(), subject),
      error.kind() == ErrorKind::Corrupt
          ? "what is stored here under that name is damaged; tell the people who run this gate"
          : "the gate cannot do this at the moment; try again, and tell the people who run it if that fails");
}

}  // namespace pratique::distribution
