// The judgement. Each fact that asks for something gives a reason; the verdict is the strictest that any reason asks
// for, so that adding a fact can only make it stricter (waivers are the one exception, and say so in a reason).
#include <algorithm>
#include <iterator>

#include "base/format.h"
#include "base/text.h"
#include "policy/policy.h"

namespace pratique::policy {

namespace {

// A database from tomorrow is a broken clock, here or there: its age says nothing.
constexpr Duration kClockSkewMax = days(1);

Time whole_seconds(Time time) {
  return Time::from_unix_seconds(time.unix_seconds());
}

bool concerns(const Waiver& waiver, const vuln::Finding& finding, const Facts& facts) {
  bool names_finding =
      waiver.finding == finding.id || std::ranges::find(finding.aliases, waiver.finding) != finding.aliases.end();
  if (!names_finding) return false;
  const auto& package = finding.package;
  if (!waiver.package.empty() && waiver.package != package.name && waiver.package != package.source_name) return false;
  if (waiver.image.empty() || waiver.image == facts.repository) return true;
  if (facts.digest && waiver.image == facts.digest->to_string()) return true;
  return waiver.image == format("{}:{}", facts.repository, facts.tag);
}

// Names and versions come out of the image: printable, so that a reason cannot write on a reviewer's terminal.
std::string describe(const vuln::Finding& finding) {
  auto text = format("{} ({}{}) in {} {}", printable(finding.id), vuln::to_string(finding.severity),
                     finding.is_known_exploited ? ", known exploited" : "", printable(finding.package.name),
                     printable(finding.package.version));
  return text + (finding.is_fixable() ? format(", fixed in {}", printable(finding.fixed_version)) : ", no fix");
}

class Judge {
 public:
  Judge(const Policy& policy, const Facts& facts) : policy_(policy), facts_(facts) {}

  Decision decide() {
    weigh_findings();
    weigh_unjudged();
    weigh_database();
    conclude();
    return std::move(decision_);
  }

 private:
  void add(Verdict verdict, std::string_view rule, std::string fact, std::string finding = "") {
    decision_.reasons.push_back({verdict, std::string(rule), std::move(fact), std::move(finding)});
  }

  void weigh_findings() {
    std::vector<const vuln::Finding*> worst_first;
    for (const auto& finding : facts_.findings) worst_first.push_back(&finding);
    std::ranges::sort(worst_first, [](const auto* a, const auto* b) { return vuln::ranks_before(*a, *b); });
    for (const auto* finding : worst_first)
      if (!is_waived(*finding)) weigh(*finding);
  }

  bool is_waived(const vuln::Finding& finding) {
    const Waiver* longest = nullptr;
    for (const auto& waiver : policy_.waivers)
      if (concerns(waiver, finding, facts_) && (!longest || waiver.expires > longest->expires)) longest = &waiver;
    if (!longest) return false;
    if (longest->expires <= facts_.now) {
      add(Verdict::Approve, "waiver",
          format("waiver {} for {} expired on {} and no longer counts", longest->id, printable(finding.id),
                 longest->expires.to_date()),
          finding.id);
      return false;
    }
    add(Verdict::Approve, "waiver",
        format("{} is waived until {} by {} ({}): {}", describe(finding), longest->expires.to_date(),
               printable(longest->owner), longest->id, printable(longest->reason)),
        finding.id);
    auto& until = decision_.waived_until;
    until = until ? std::min(*until, longest->expires) : longest->expires;
    return true;
  }

  void weigh(const vuln::Finding& finding) {
    if (finding.is_known_exploited) add(policy_.on_known_exploited, "known-exploited", describe(finding), finding.id);
    if (finding.severity == vuln::Severity::Unknown)
      return add(policy_.on_unknown_severity, "unknown-severity", describe(finding), finding.id);
    bool rejects = finding.severity >= policy_.reject_at;
    if (rejects && (finding.is_fixable() || !policy_.only_fixable))
      return add(Verdict::Reject, "severity", describe(finding), finding.id);
    if (policy_.review_at && finding.severity >= *policy_.review_at)
      return add(Verdict::Review, "severity", describe(finding), finding.id);
    if (rejects) add(Verdict::Approve, "only-fixable", describe(finding) + ", so it does not count", finding.id);
  }

  void weigh_unjudged() {
    for (const auto& gap : facts_.unjudged)
      add(strict(policy_.on_unjudged), "unjudged",
          format("{} was not judged: {} ({})", printable(gap.what), printable(gap.reason), printable(gap.code)));
    if (!facts_.unjudged.empty()) return;
    // An image in which nothing was found was not looked at, whatever the reason: a program may lie in it all the same.
    if (facts_.packages == 0) add(strict(policy_.on_unjudged), "unjudged", "no package was found in the image");
    if (facts_.stream.empty())
      add(strict(policy_.on_unjudged), "unjudged",
          "the image's distribution is not known, so its advisories are not either");
  }

  void weigh_database() {
    auto answer = strict(policy_.on_stale_database);
    if (!facts_.database_newest) return add(answer, "database-age", "there was no advisory data to judge by");
    auto date = facts_.database_newest->to_date();
    auto age = facts_.now - *facts_.database_newest;
    if (age < -kClockSkewMax)
      return add(answer, "database-age", format("the advisory data is dated {}, in the future", date));
    if (policy_.database_age_max && age > *policy_.database_age_max)
      add(answer, "database-age",
          format("the advisory data is of {}, {} old; at most {} days are accepted", date, human_duration(age),
                 policy_.database_age_max->count()));
  }

  // What is unknown never means clean, whatever a policy that was built in code says.
  static Verdict strict(Verdict answer) { return std::max(answer, Verdict::Review); }

  void conclude() {
    auto& reasons = decision_.reasons;
    Verdict asked = Verdict::Approve;
    for (const auto& reason : reasons) asked = std::max(asked, reason.verdict);
    if (asked == Verdict::Approve || asked < policy_.when_clean) add(policy_.when_clean, "clean", describe_clean());
    decision_.verdict = std::max(asked, policy_.when_clean);
    put_decisive_first();
    bound_reasons();
    decision_.policy_name = policy_.name;
    decision_.policy_digest = policy_.digest;
    decision_.decided = whole_seconds(facts_.now);
    if (decision_.verdict != Verdict::Approve) return;
    Time expires = decision_.decided + policy_.approval_lifetime;
    decision_.approval_expires = decision_.waived_until ? std::min(expires, *decision_.waived_until) : expires;
  }

  // Within one verdict the order of weighing stays: findings worst first, then what was not judged.
  void put_decisive_first() {
    std::vector<Reason> sorted;
    for (auto verdict : {Verdict::Reject, Verdict::Review, Verdict::Approve})
      std::ranges::copy_if(decision_.reasons, std::back_inserter(sorted),
                           [&](const Reason& reason) { return reason.verdict == verdict; });
    decision_.reasons = std::move(sorted);
  }

  std::string describe_clean() const {
    auto date = facts_.database_newest ? facts_.database_newest->to_date() : "no date";
    auto text = format("nothing in {} packages counts as {} or worse, by advisory data of {}", facts_.packages,
                       vuln::to_string(policy_.review_at.value_or(policy_.reject_at)), date);
    return policy_.when_clean == Verdict::Approve ? text
                                                  : text + "; this policy has a reviewer decide about every image";
  }

  void bound_reasons() {
    auto& reasons = decision_.reasons;
    if (reasons.size() <= kReasonsMax) return;
    auto left_out = reasons.size() - (kReasonsMax - 1);
    Verdict strictest = reasons[kReasonsMax - 1].verdict;
    reasons.resize(kReasonsMax - 1);
    add(strictest, "more", format("{} more reasons; the report lists every finding", left_out));
  }

  const Policy& policy_;
  const Facts& facts_;
  Decision decision_;
};

}  // namespace

Decision evaluate(const Policy& policy, const Facts& facts) {
  return Judge(policy, facts).decide();
}

}  // namespace pratique::policy
