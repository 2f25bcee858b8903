// Judgement: facts in, decision with reasons out. Pure — same policy and facts, same decision — so that any decision
// can be replayed. Not here: where facts come from, what happens next.
//
// Policies are YAML (docs/formats/policy.md, docs/formats/policy.schema.json). Value types.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
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
  std::string finding;  // vulnerability id, a check ("T1") or "base"; "*" is not allowed
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
  Verdict on_unjudged = Verdict::Review;        // distribution without data, unreadable layer, time-out …
  Verdict on_base_unproven = Verdict::Approve;  // built on none of the registered base images
  Verdict on_base_outdated = Verdict::Approve;  // built on a generation that is no longer kept
  std::map<std::string, Verdict> checks;        // by id: what a failed check of the checklist asks for; absent: advice
  days approval_lifetime{30};
  std::vector<Waiver> waivers;
  std::string source_text;  // the YAML it came from
  std::string digest;       // sha256 of source_text and what it extends: what a decision record names
  std::map<std::string, std::string, std::less<>> origins;  // by key: who set it: "gen3.yaml line 4"
  std::string project;                                      // the repositories this one is for; "" for all
  std::vector<Policy> projects;                             // each whole, with what it inherits

  // "gen3": automatic when clean. "tre": a reviewer decides. NotFound for other names.
  static Result<Policy> profile(std::string_view name);
  // Brings the text of a file that is named in `extends:`.
  using Loader = std::function<Result<std::string>(const std::string& name)>;
  // Unknown keys, wrong types and bad values are Invalid: "policy.yaml line 7: …". Starts from `extends:`, a profile or
  // (with a loader) another file.
  static Result<Policy> parse(std::string_view yaml, std::string_view file_name, const Loader& load = {});
  static std::string_view json_schema();
  // The project's own policy where one of `projects` is for this repository, else this one. The longest name wins.
  const Policy& for_repository(std::string_view repository) const;
};
// A file may build on a file, which may … : deeper than this nobody can say what holds.
inline constexpr std::size_t kExtendsDepthMax = 8;

// The checks of a built image that `checks:` may name. The others of the checklist are seen in a Dockerfile only.
std::span<const std::string_view> image_checks();

// Something in the image that was not, or not fully, judged, and why.
struct Unjudged {
  std::string what;    // "layer sha256:…", "debian:13", "package foo 1.x"
  std::string reason;  // "encrypted layer", "no advisory data", "version does not parse", "time limit" …
  std::string code;    // stable: "encrypted-layer", "no-advisory-data", …
};

// What is known of the base image under this one. Absent in Facts where no base is registered, or nobody looked.
struct BaseFact {
  enum class Standing { None, Outdated, Kept, Current };
  Standing standing = Standing::None;
  std::string reference;  // "" for None
  Time built;             // the generation it is built on
  Time current;           // the newest one
  std::size_t behind = 0;
  std::size_t keep = 0;
  bool is_chain = true;  // false: proven by its last layer alone
  std::string starred_why;
  bool is_starred = false;
  std::vector<std::string> offered;  // some of what may be built on instead
  bool is_admitted = false;          // it was let in on this base: age alone then takes nothing back
};

// A check of the checklist that the image fails, or that could not be decided.
struct CheckFact {
  std::string id;       // "T1"
  std::string message;  // a sentence
  bool is_known = true;
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
  std::optional<BaseFact> base;
  std::vector<CheckFact> checks;  // those that are not passed
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

// One rule of a policy at work: what it says, who set it, what it saw and what it asked for.
struct Explained {
  std::string rule;     // as in Reason
  std::string setting;  // "reject_at: critical"
  std::string origin;   // "gen3.yaml line 5"
  std::vector<Reason> reasons;
};
// Every rule, those that saw nothing too, in the order they are weighed; of a decision made by this policy.
std::vector<Explained> explain(const Policy& policy, const Decision& decision);

}  // namespace pratique::policy
