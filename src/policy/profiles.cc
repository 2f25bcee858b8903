#include "policy/profiles.h"

namespace pratique::policy {

namespace {

// The files in profiles/ are what people read and copy; these are the same bytes inside the program (a test compares).
constexpr std::string_view kGen3 =
    R"yaml(# gen3: the gate decides by itself. A critical or known-exploited vulnerability rejects; so does an image that is not
# built on a kept generation of a registered base image (as soon as one is registered); what could not be judged goes to
# a reviewer; everything else is approved for 30 days.
name: gen3
when_clean: approve
reject_at: critical
review_at: none
on_unknown_severity: review
only_fixable: false
on_known_exploited: reject
database_age_max_days: 7
on_stale_database: review
on_unjudged: review
on_base_unproven: reject
on_base_outdated: reject
approval_lifetime_days: 30
)yaml";

constexpr std::string_view kTre =
    R"yaml(# tre: a reviewer decides about every image. A critical or known-exploited vulnerability still rejects without one, so
# that nobody is asked about what cannot be accepted. Base images and the checklist advise, until a project says otherwise.
name: tre
when_clean: review
reject_at: critical
review_at: high
on_unknown_severity: review
only_fixable: false
on_known_exploited: reject
database_age_max_days: 7
on_stale_database: review
on_unjudged: review
on_base_unproven: approve
on_base_outdated: approve
approval_lifetime_days: 30
)yaml";

}  // namespace

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> all = {{"gen3", kGen3}, {"tre", kTre}};
  return all;
}

const Profile* find_profile(std::string_view name) {
  for (const auto& profile : profiles())
    if (profile.name == name) return &profile;
  return nullptr;
}

}  // namespace pratique::policy
