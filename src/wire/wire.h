// The published JSON shapes of /api/v1: what the server writes and the command line reads. docs/formats/api.md.
//
// Pure. from_json() takes what a server of a later version may add (unknown members are ignored) and is Invalid for
// what is missing or of the wrong type. Times are RFC 3339 in whole seconds. Not here: who may ask for what (control).
// Value types.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "oci/oci.h"

namespace pratique::wire {

// Raised only when a member changes meaning or goes; additions do not count.
inline constexpr int kApiVersion = 1;

struct Reason {
  std::string verdict;  // "approve", "review", "reject"
  std::string rule;     // "severity"
  std::string fact;     // a sentence
  std::string finding;  // "" where it is about none
  bool operator==(const Reason&) const = default;
};

// One push and what became of it.
struct Submission {
  std::string id;     // 12 hex digits
  std::string state;  // "staged", "scanned", "approved", "waiting", "rejected", "expired", "revoked", "superseded"
  std::string submitter;
  std::string repository;  // where it was pushed: "nextflow-staging/ann"
  std::string tag;
  oci::Digest digest;
  Time staged;
  std::optional<Time> decided;
  std::string verdict;  // of the last decision; "" before there is one
  std::string policy;   // its name
  std::vector<Reason> reasons;
  std::map<std::string, std::size_t> counts;  // findings by severity: {"critical": 2}
  std::string reviewer;                       // "" where no person decided
  std::string note;
  std::vector<std::string> conditions;  // on which a reviewer approved
  std::string uri;  // what to pull or run: "gate.example.org/nextflow-approved/ann:1.0"; "" unless approved
  std::optional<Time> expires;
  std::string report_url;               // a page for people
  std::vector<std::string> next_steps;  // sentences: what to do now

  bool is_settled() const { return state != "staged" && state != "scanned"; }
  Json to_json() const;
  static Result<Submission> from_json(const Json& json);
  bool operator==(const Submission&) const = default;
};
Json to_json(const std::vector<Submission>& submissions);  // {"submissions": […]}
Result<std::vector<Submission>> submissions_from_json(const Json& json);

// A submission's report: one scan report (docs/formats/report.md) an image, so one a platform of an index.
struct Report {
  Submission submission;
  std::vector<Json> reports;

  Json to_json() const;
  static Result<Report> from_json(const Json& json);
};

struct Waiver {
  std::string id;  // "" in a request: the gate gives it
  std::string finding;
  std::string package;  // "" any
  std::string image;    // "" any
  std::string owner;    // "" in a request: who asks
  std::string reason;
  Time expires;

  Json to_json() const;
  static Result<Waiver> from_json(const Json& json);
  bool operator==(const Waiver&) const = default;
};
Json to_json(const std::vector<Waiver>& waivers);  // {"waivers": […]}
Result<std::vector<Waiver>> waivers_from_json(const Json& json);

struct UserInfo {
  std::string name;
  std::vector<std::string> roles;  // "submitter", "reviewer", "runner", "admin"
  bool is_disabled = false;
  std::optional<Time> created;       // absent in answers to whoami
  std::string repository_component;  // the user's own part of repository names; "" where it is not told
  std::vector<std::string> push_to;  // whoami only: the user's own staging repositories: "nextflow-staging/ann"

  Json to_json() const;
  static Result<UserInfo> from_json(const Json& json);
  bool operator==(const UserInfo&) const = default;
};
Json to_json(const std::vector<UserInfo>& users);  // {"users": […]}
Result<std::vector<UserInfo>> users_from_json(const Json& json);

// A wish to push, and what came of it: docs/formats/access-request.md.
struct AccessRequest {
  std::string id;     // "R-" and 12 hex digits; "" in a request
  std::string state;  // "requested", "granted", "used", "unused", "expired", "denied", "revoked"
  std::string requester;
  std::string repository;  // "" in a request: the requester's own
  std::string purpose;
  std::string window;  // "as-soon-as-possible", "tomorrow-morning", "afternoon"
  std::int64_t lifetime_seconds = 3600;
  bool is_acknowledged = false;  // in a request: the requester knows that the credentials end
  std::optional<Time> created;
  std::optional<Time> decided;
  std::string decided_by;
  std::string note;
  std::optional<Time> expires;
  std::optional<Time> collected;
  std::optional<Time> pushed;
  std::optional<Time> closed;
  std::string closed_reason;
  std::vector<std::string> next_steps;

  Json to_json() const;
  static Result<AccessRequest> from_json(const Json& json);
  bool operator==(const AccessRequest&) const = default;
};
Json to_json(const std::vector<AccessRequest>& requests);  // {"requests": […]}
Result<std::vector<AccessRequest>> requests_from_json(const Json& json);

// Shown once.
struct AccessCredentials {
  AccessRequest request;
  std::string repository_uri;  // "gate.example.org/nextflow-staging/ann"
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  std::string region;
  std::string endpoint_url;
  Time expires;
  std::map<std::string, std::string> sheets;  // by shell: "sh", "cmd", "powershell"

  Json to_json() const;
  static Result<AccessCredentials> from_json(const Json& json);
  bool operator==(const AccessCredentials&) const = default;
};

// The body of every answer that is an error: {"error": {"kind", "message", "next"}}.
struct Problem {
  std::string kind;     // base/error.h: "invalid", "not-found", …
  std::string message;  // a sentence
  std::string next;     // what to do about it; may be ""

  Json to_json() const;
  static Result<Problem> from_json(const Json& json);
  bool operator==(const Problem&) const = default;
};

struct Version {
  std::string program;  // "pratique"
  std::string version;  // "0.1.0"
  int api = kApiVersion;

  Json to_json() const;
  static Result<Version> from_json(const Json& json);
  bool operator==(const Version&) const = default;
};

}  // namespace pratique::wire
