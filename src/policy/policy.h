// Judgement: facts in, decision with reasons out. Pure — same policy and facts, same decision — so that any decision
// can be replayed. Not here: where facts come from, what happens next.
//
// Policies are YAML (docs/formats/policy.md, docs/formats/policy.schema.json). Value types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "oci/oci.h"
#include "vuln/vuln.h"

namespace pratique::policy {

enum class Verdict { Approve, Review, Reject };  // in rising strictness
std::string_view to_string(Verdict verdict);     // "approve", "review", "reject"

// Permission to ignore a finding, for a while, for a reason, by somebody.
struct Waiver {
  std::string id;       // "W-…" for those kept by the gate; the policy file's own otherwise
  std::string finding;  // vulnerability id, or "*" is not allowed
  std::string package;  // "" : any package
  std::string image;    // "" : any; else a repository, "repository:tag" or a manifest digest
  std::string owner;
  std::string reason;
  Time expires;
};

// How the image's own words for "cannot be judged" are answered.
struct Policy {
  std::string name;                                     // "gen3", "tre", or the file's
  Verdict when_clean = Verdict::Approve;                // tre: Review
  vuln::Severity reject_at = vuln::Severity::Critical;  // this severity or worse rejects
  std::optional<vuln::Severity> review_at;              // this or worse (below reject_at) needs a reviewer
  Verdict on_unknown_severity = Verdict::Review;
  bool only_fixable = false;  // findings without a fix do not count against reject_at
  Verdict on_known_exploited = Verdict::Reject;
  std::optional<days> database_age_max = days(7);
  Verdict on_stale_database = Verdict::Review;
  Verdict on_unjudged = Verdict::Review;  // distribution without data, unreadable layer, time-out …
  days approval_lifetime{30};
  std::vector<Waiver> waivers;
  std::string source_text;  // the YAML it came from
  std::string digest;       // sha256 of source_text: what a decision record names

  // "gen3": automatic when clean. "tre": a reviewer decides. NotFound for other names.
  static Result<Policy> profile(std::string_view name);
  // Unknown keys, wrong types and bad values are Invalid: "policy.yaml line 7: …". Starts from `extends:` (a profile).
  static Result<Policy> parse(std::string_view yaml, std::string_view file_name);
  static std::string_view json_schema();
};

// Something in the image that was not, or not fully, judged, and why.
struct Unjudged {
  std::string what;    // "layer sha256:…", "debian:13", "package foo 1.x"
  std::string reason;  // "encrypted layer", "no advisory data", "version does not parse", "time limit" …
  std::string code;    // stable: "encrypted-layer", "no-advisory-data", …
};

struct Facts {
  std::string repository;  // for waivers
  std::string tag;
  std::optional<oci::Digest> digest;
  std::vector<vuln::Finding> findings;
  std::vector<Unjudged> unjudged;
  std::size_t packages = 0;
  std::string stream;                   // the distribution's advisory stream, "" unknown
  std::optional<Time> database_newest;  // date of the newest advisory data that was used
  Time now;
};

struct Reason {
  Verdict verdict;  // what this reason alone asks for
  std::string
      rule;  // "severity", "known-exploited", "unknown-severity", "unjudged", "database-age", "waiver", "clean", …
  std::string fact;     // "CVE-2024-3094 (critical) in xz-utils 5.6.0, fixed in 5.6.1+really5.4.5-1"
  std::string finding;  // its id, where the reason is about one
  bool operator==(const Reason&) const = default;
};

struct Decision {
  Verdict verdict = Verdict::Reject;
  std::vector<Reason> reasons;  // never empty; the decisive ones first
  std::string policy_name;
  std::string policy_digest;
  Time decided;                          // whole seconds, as everything that is written down
  std::optional<Time> approval_expires;  // for Approve: decided + lifetime, cut by the first waiver used
  std::optional<Time> waived_until;      // when the first of the waivers it rests on ends: no approval may outlast it
  Json to_json() const;
  static Result<Decision> from_json(const Json& json);
  bool operator==(const Decision&) const = default;
};

// A decision lists at most this many reasons; the last one then counts the rest. A hopeless image has thousands.
inline constexpr std::size_t kReasonsMax = 200;
// O(findings × waivers). Adding a finding never makes the verdict milder.
Decision evaluate(const Policy& policy, const Facts& facts);

}  // namespace pratique::policy
