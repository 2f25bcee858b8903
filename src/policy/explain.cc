// Which rule saw what: a decision taken apart for people.
#include <algorithm>
#include <array>

#include "base/format.h"
#include "base/text.h"
#include "policy/policy.h"

namespace pratique::policy {

namespace {

// A checklist of a built image; `scan` decides them, and a test holds the two together.
constexpr std::array<std::string_view, 16> kImageChecks = {"D2", "D4", "D5", "D7", "D8",  "T1",  "T2", "T4",
                                                           "T5", "T6", "T7", "T8", "T10", "T11", "B3", "DS-0031"};

std::string days_or_none(const std::optional<days>& age) {
  return age ? format("{}", age->count()) : "none";
}

std::string checks_in_words(const Policy& policy) {
  std::vector<std::string> words;
  for (const auto& [id, verdict] : policy.checks) words.push_back(format("{}: {}", id, to_string(verdict)));
  return words.empty() ? "advice only" : join(words, ", ");
}

struct Rule {
  std::string_view name;  // as in Reason
  std::string_view key;
  std::string (*value)(const Policy&);
};

constexpr Rule kRules[] = {
    {"known-exploited", "on_known_exploited",
     [](const Policy& p) { return std::string(to_string(p.on_known_exploited)); }},
    {"unknown-severity", "on_unknown_severity",
     [](const Policy& p) { return std::string(to_string(p.on_unknown_severity)); }},
    {"severity", "reject_at",
     [](const Policy& p) {
       return format("{}, review_at: {}", vuln::to_string(p.reject_at),
                     p.review_at ? vuln::to_string(*p.review_at) : "none");
     }},
    {"only-fixable", "only_fixable", [](const Policy& p) { return std::string(p.only_fixable ? "true" : "false"); }},
    {"waiver", "waivers", [](const Policy& p) { return format("{} in force", p.waivers.size()); }},
    {"unjudged", "on_unjudged", [](const Policy& p) { return std::string(to_string(p.on_unjudged)); }},
    {"database-age", "on_stale_database",
     [](const Policy& p) {
       return format("{}, database_age_max_days: {}", to_string(p.on_stale_database), days_or_none(p.database_age_max));
     }},
    {"base", "", [](const Policy&) { return std::string(); }},
    {"base-unproven", "on_base_unproven", [](const Policy& p) { return std::string(to_string(p.on_base_unproven)); }},
    {"base-outdated", "on_base_outdated", [](const Policy& p) { return std::string(to_string(p.on_base_outdated)); }},
    {"check", "checks", checks_in_words},
    {"clean", "when_clean", [](const Policy& p) { return std::string(to_string(p.when_clean)); }},
};

}  // namespace

std::span<const std::string_view> image_checks() {
  return kImageChecks;
}

std::vector<Explained> explain(const Policy& policy, const Decision& decision) {
  std::vector<Explained> all;
  for (const auto& rule : kRules) {
    auto origin = policy.origins.find(rule.key);
    Explained one{.rule = std::string(rule.name),
                  .setting = rule.key.empty() ? std::string() : format("{}: {}", rule.key, rule.value(policy)),
                  .origin = origin == policy.origins.end() ? "built in" : origin->second,
                  .reasons = {}};
    std::ranges::copy_if(decision.reasons, std::back_inserter(one.reasons),
                         [&](const Reason& reason) { return reason.rule == rule.name; });
    all.push_back(std::move(one));
  }
  // What no rule of the policy asked for: reasons left out, a promotion that failed.
  for (const auto& reason : decision.reasons) {
    auto is_its = [&](const Explained& one) { return one.rule == reason.rule; };
    if (auto found = std::ranges::find_if(all, is_its); found == all.end())
      all.push_back({reason.rule, "", "", {reason}});
    else if (found->setting.empty() && found->origin.empty())
      found->reasons.push_back(reason);
  }
  return all;
}

}  // namespace pratique::policy
