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

bool concerns_image(const Waiver& waiver, const Facts& facts) {
  if (waiver.image.empty() || waiver.image == facts.repository) return true;
  if (facts.digest && waiver.image == facts.digest->to_string()) return true;
  return waiver.image == format("{}:{}", facts.repository, facts.tag);
}

bool concerns(const Waiver& waiver, const vuln::Finding& finding, const Facts& facts) {
  bool names_finding =
      waiver.finding == finding.id || std::ranges::find(finding.aliases, waiver.finding) != finding.aliases.end();
  if (!names_finding) return false;
  const auto& package = finding.package;
  if (!waiver.package.empty() && waiver.package != package.name && waiver.package != package.source_name) return false;
  return concerns_image(waiver, facts);
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
    weigh_base();
    weigh_checks();
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
    return longest && uses(*longest, finding.id, describe(finding));
  }

  // Says that the waiver is used, or that it no longer counts.
  bool uses(const Waiver& waiver, const std::string& what, const std::string& described) {
    if (waiver.expires <= facts_.now) {
      add(Verdict::Approve, "waiver",
          format("waiver {} for {} expired on {} and no longer counts", waiver.id, printable(what),
                 waiver.expires.to_date()),
          what);
      return false;
    }
    add(Verdict::Approve, "waiver",
        format("{} is waived until {} by {} ({}): {}", described, waiver.expires.to_date(), printable(waiver.owner),
               waiver.id, printable(waiver.reason)),
        what);
    auto& until = decision_.waived_until;
    until = until ? std::min(*until, waiver.expires) : waiver.expires;
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

  // A waiver of what is no vulnerability: a check's id, or "base".
  bool is_waived(std::string_view what, const std::string& described) {
    const Waiver* longest = nullptr;
    for (const auto& waiver : policy_.waivers)
      if (waiver.finding == what && waiver.package.empty() && concerns_image(waiver, facts_) &&
          (!longest || waiver.expires > longest->expires))
        longest = &waiver;
    return longest && uses(*longest, std::string(what), described);
  }

  void weigh_base() {
    using Standing = BaseFact::Standing;
    if (!facts_.base) return;
    const auto& base = *facts_.base;
    if (base.is_starred)
      add(Verdict::Approve, "base",
          format("its base {} is starred: {}", printable(base.reference), printable(starred_why(base))));
    if (base.standing == Standing::Current || base.standing == Standing::Kept)
      return add(Verdict::Approve, "base", describe_proven(base));
    bool is_outdated = base.standing == Standing::Outdated;
    auto asked = is_outdated ? policy_.on_base_outdated : policy_.on_base_unproven;
    // It was let in on this base: nobody is thrown out of a running project because a base was rebuilt since.
    if (base.is_admitted) asked = std::min(asked, Verdict::Review);
    auto described = is_outdated ? describe_outdated(base) : describe_unproven(base);
    if (!is_waived("base", described)) add(asked, is_outdated ? "base-outdated" : "base-unproven", described);
  }

  static std::string starred_why(const BaseFact& base) {
    return base.starred_why.empty() ? "it is unavailable for now" : base.starred_why;
  }

  static std::string describe_proven(const BaseFact& base) {
    auto text = format("built on {} of {}", printable(base.reference), base.built.to_date());
    if (base.standing == BaseFact::Standing::Kept) text += format(", the current one is of {}", base.current.to_date());
    return base.is_chain ? text : text + " (by its last layer; its chain of layers is not known here)";
  }

  static std::string describe_outdated(const BaseFact& base) {
    return format(
        "it is built on {} of {}, which is {} {} old; the newest {} are accepted. Build it again on the current one: "
        "docker build --pull",
        printable(base.reference), base.built.to_date(), base.behind, base.behind == 1 ? "generation" : "generations",
        base.keep);
  }

  static std::string describe_unproven(const BaseFact& base) {
    std::vector<std::string> offered;
    for (const auto& one : base.offered) offered.push_back(printable(one));
    return format(
        "it is not built on an allowed base image: its lowest layers are those of none. Write one of them behind FROM "
        "and build again with --pull: {}",
        offered.empty() ? "`pratique base list` shows them" : join(offered, ", "));
  }

  void weigh_checks() {
    for (const auto& check : facts_.checks) {
      auto rule = policy_.checks.find(check.id);
      if (rule == policy_.checks.end() || rule->second == Verdict::Approve) continue;
      auto described = format("{}: {}", printable(check.id), printable(check.message, 1'000));
      if (is_waived(check.id, described)) continue;
      if (!check.is_known) described += " (it could not be decided)";
      add(check.is_known ? rule->second : strict(Verdict::Review), "check", described, check.id);
    }
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
