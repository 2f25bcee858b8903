// The YAML that people write, docs/formats/policy.md. Every error names the file's line, because the reader is a person
// with an editor open; what is not understood is refused, because a misspelt rule would silently be no rule.
#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <utility>

#include "base/format.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/yaml.h"
#include "policy/policy.h"
#include "policy/profiles.h"

namespace pratique::policy {

namespace {

// A policy is written by hand; the largest sensible one is a few hundred waivers.
constexpr YamlLimits kYamlLimits{.bytes_max = 1 << 20, .nodes_max = 100'000, .depth_max = 8};
constexpr std::size_t kWaiversMax = 10'000;
constexpr long long kDatabaseAgeDaysMax = 3'650;  // ten years: beyond it "none" is the honest word
constexpr long long kLifetimeDaysMax = 365;       // an approval nobody looks at for longer is not an approval
constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kFindingBytesMax = 128;
constexpr std::size_t kPackageBytesMax = 255;
constexpr std::size_t kImageBytesMax = 512;
constexpr std::size_t kOwnerBytesMax = 128;
constexpr std::size_t kReasonBytesMax = 2'000;

// Edits between two short words; names further apart than this are not a slip of the finger.
constexpr std::size_t kSuggestionDistanceMax = 3;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t cost = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, cost}));
    }
  }
  return row[b.size()];
}

template <typename Words>
std::string suggestion(std::string_view given, const Words& known) {
  if (given.size() > 64) return "";
  std::string_view best;
  std::size_t best_distance = kSuggestionDistanceMax + 1;
  for (std::string_view word : known) {
    auto distance = edit_distance(given, word);
    if (distance < best_distance) std::tie(best_distance, best) = std::pair(distance, word);
  }
  return best.empty() ? "" : format("; did you mean \"{}\"?", best);
}

Error at(const Yaml& node, std::string_view problem) {
  return invalid(format("line {}: {}", node.line, problem));
}

std::string shown(const Yaml& node) {
  switch (node.kind) {
    case Yaml::Kind::Null:
      return "nothing";
    case Yaml::Kind::Scalar:
      return format("\"{}\"", printable(node.scalar, 60));
    case Yaml::Kind::Sequence:
      return "a list";
    case Yaml::Kind::Mapping:
      return "a mapping";
  }
  return "";
}

using Words = std::vector<std::string_view>;

Result<std::string_view> read_word(const Yaml& node, std::string_view key, const Words& allowed) {
  if (node.kind == Yaml::Kind::Scalar)
    for (auto word : allowed)
      if (node.scalar == word) return word;
  std::vector<std::string> list(allowed.begin(), allowed.end());
  auto hint = node.kind == Yaml::Kind::Scalar ? suggestion(node.scalar, allowed) : "";
  return at(node, format("{} is {}; it must be one of {}{}", key, shown(node), join(list, ", "), hint));
}

Result<std::string> read_text(const Yaml& node, std::string_view key, std::size_t bytes_max) {
  if (node.kind != Yaml::Kind::Scalar || trim(node.scalar).empty())
    return at(node, format("{} is {}; it must be text", key, shown(node)));
  if (node.scalar.size() > bytes_max) return at(node, format("{} is longer than {} bytes", key, bytes_max));
  if (!is_utf8(node.scalar)) return at(node, format("{} is not UTF-8", key));
  return node.scalar;
}

Result<long long> read_number(const Yaml& node, std::string_view key, long long max) {
  auto number = node.as_int();
  if (!number || *number < 1 || *number > max)
    return at(node, format("{} is {}; it must be a number from 1 to {}", key, shown(node), max));
  return *number;
}

Result<Verdict> read_verdict(const Yaml& node, std::string_view key, const Words& allowed) {
  auto word = TRY(read_word(node, key, allowed));
  if (word == "approve") return Verdict::Approve;
  return word == "review" ? Verdict::Review : Verdict::Reject;
}

Result<bool> read_bool(const Yaml& node, std::string_view key) {
  if (auto value = node.as_bool()) return *value;
  return at(node, format("{} is {}; it must be true or false", key, shown(node)));
}

const Words kVerdicts = {"approve", "review", "reject"};
// Clean may not mean rejected, and what was not judged may not mean approved: these two are not choices.
const Words kWhenClean = {"approve", "review"};
const Words kWhenInDoubt = {"review", "reject"};
const Words kSeverities = {"negligible", "low", "medium", "high", "critical"};
const Words kSeveritiesOrNone = {"negligible", "low", "medium", "high", "critical", "none"};

using Member = Status (*)(Policy&, const Yaml&, std::string_view key);

Status read_name(Policy& policy, const Yaml& node, std::string_view key) {
  policy.name = TRY(read_text(node, key, kNameBytesMax));
  return {};
}

template <Verdict Policy::* member, const Words& allowed>
Status read_answer(Policy& policy, const Yaml& node, std::string_view key) {
  policy.*member = TRY(read_verdict(node, key, allowed));
  return {};
}

Status read_reject_at(Policy& policy, const Yaml& node, std::string_view key) {
  policy.reject_at = *vuln::parse_severity(TRY(read_word(node, key, kSeverities)));
  return {};
}

Status read_review_at(Policy& policy, const Yaml& node, std::string_view key) {
  policy.review_at = vuln::parse_severity(TRY(read_word(node, key, kSeveritiesOrNone)));
  return {};
}

Status read_only_fixable(Policy& policy, const Yaml& node, std::string_view key) {
  policy.only_fixable = TRY(read_bool(node, key));
  return {};
}

Status read_database_age(Policy& policy, const Yaml& node, std::string_view key) {
  if (node.kind == Yaml::Kind::Scalar && node.scalar == "none") {
    policy.database_age_max.reset();
  } else {
    policy.database_age_max = days(TRY(read_number(node, key, kDatabaseAgeDaysMax)));
  }
  return {};
}

Status read_lifetime(Policy& policy, const Yaml& node, std::string_view key) {
  policy.approval_lifetime = days(TRY(read_number(node, key, kLifetimeDaysMax)));
  return {};
}

constexpr std::array<std::string_view, 7> kWaiverKeys = {"id",    "finding", "package", "image",
                                                         "owner", "reason",  "expires"};

Result<Waiver> read_waiver(const Yaml& node) {
  if (node.kind != Yaml::Kind::Mapping) return at(node, format("a waiver is {}; it must be a mapping", shown(node)));
  for (const auto& member : node.members)
    if (std::ranges::find(kWaiverKeys, member.key.scalar) == kWaiverKeys.end())
      return at(member.key,
                format("unknown key {} in a waiver{}", shown(member.key), suggestion(member.key.scalar, kWaiverKeys)));
  auto required = [&](std::string_view key, std::size_t bytes_max) -> Result<std::string> {
    const Yaml* value = node.find(key);
    if (!value) return at(node, format("the waiver has no {}; it needs id, finding, owner, reason and expires", key));
    return read_text(*value, key, bytes_max);
  };
  auto optional = [&](std::string_view key, std::size_t bytes_max) -> Result<std::string> {
    const Yaml* value = node.find(key);
    return value ? read_text(*value, key, bytes_max) : std::string();
  };
  Waiver waiver{.id = TRY(required("id", kNameBytesMax)),
                .finding = TRY(required("finding", kFindingBytesMax)),
                .package = TRY(optional("package", kPackageBytesMax)),
                .image = TRY(optional("image", kImageBytesMax)),
                .owner = TRY(required("owner", kOwnerBytesMax)),
                .reason = TRY(required("reason", kReasonBytesMax))};
  if (waiver.finding == "*") return at(*node.find("finding"), "finding is \"*\"; a waiver names one vulnerability");
  auto expires = Time::parse(TRY(required("expires", kNameBytesMax)));
  if (!expires.ok())
    return at(*node.find("expires"),
              format("expires is {}; it must be a date such as 2026-12-31", shown(*node.find("expires"))));
  waiver.expires = *expires;
  return waiver;
}

Status read_waivers(Policy& policy, const Yaml& node, std::string_view key) {
  if (node.kind == Yaml::Kind::Null) return {};
  if (node.kind != Yaml::Kind::Sequence) return at(node, format("{} is {}; it must be a list", key, shown(node)));
  if (node.items.size() > kWaiversMax) return at(node, format("more than {} waivers", kWaiversMax));
  std::set<std::string> ids;
  for (const auto& item : node.items) {
    auto waiver = TRY(read_waiver(item));
    if (!ids.insert(waiver.id).second)
      return at(item, format("the waiver id \"{}\" is used twice", printable(waiver.id)));
    policy.waivers.push_back(std::move(waiver));
  }
  return {};
}

Status read_nothing(Policy&, const Yaml&, std::string_view) {
  return {};
}

struct Key {
  std::string_view name;
  Member read;
};

// One line a key; policy.schema.json says the same to editors, and a test holds them together.
constexpr std::array<Key, 13> kKeys = {{
    {"extends", read_nothing},  // taken before everything else
    {"name", read_name},
    {"when_clean", read_answer<&Policy::when_clean, kWhenClean>},
    {"reject_at", read_reject_at},
    {"review_at", read_review_at},
    {"on_unknown_severity", read_answer<&Policy::on_unknown_severity, kVerdicts>},
    {"only_fixable", read_only_fixable},
    {"on_known_exploited", read_answer<&Policy::on_known_exploited, kVerdicts>},
    {"database_age_max_days", read_database_age},
    {"on_stale_database", read_answer<&Policy::on_stale_database, kWhenInDoubt>},
    {"on_unjudged", read_answer<&Policy::on_unjudged, kWhenInDoubt>},
    {"approval_lifetime_days", read_lifetime},
    {"waivers", read_waivers},
}};

Status read_members(Policy& policy, const Yaml& root) {
  std::vector<std::string_view> names;
  for (const auto& key : kKeys) names.push_back(key.name);
  for (const auto& member : root.members) {
    auto key = std::ranges::find(kKeys, member.key.scalar, &Key::name);
    if (key == kKeys.end())
      return at(member.key, format("unknown key {}{}", shown(member.key), suggestion(member.key.scalar, names)));
    TRY(key->read(policy, member.value, key->name));
  }
  return {};
}

Result<Policy> read_base(const Yaml& root) {
  const Yaml* extends = root.find("extends");
  if (!extends) return Policy();
  Words names;
  for (const auto& profile : profiles()) names.push_back(profile.name);
  return Policy::profile(TRY(read_word(*extends, "extends", names)));
}

Result<Policy> parse_text(std::string_view yaml) {
  if (!is_utf8(yaml)) return invalid("is not UTF-8 text");
  auto root = TRY(parse_yaml(yaml, kYamlLimits));
  if (root.kind == Yaml::Kind::Null)
    return invalid("line 1: the file is empty; \"extends: gen3\" is the shortest policy");
  if (root.kind != Yaml::Kind::Mapping) return at(root, format("the file is {}; it must be a mapping", shown(root)));
  Policy policy = TRY(read_base(root));
  policy.name.clear();  // a file that changes a profile is not that profile: decisions must not name it so
  TRY(read_members(policy, root));
  // A review threshold at or above the rejection threshold would read as if it did something.
  if (policy.review_at && *policy.review_at > policy.reject_at)
    return at(root.find("review_at") ? *root.find("review_at") : *root.find("reject_at"),
              "review_at is worse than reject_at; what rejects never reaches a reviewer");
  return policy;
}

}  // namespace

Result<Policy> Policy::profile(std::string_view name) {
  const Profile* found = find_profile(name);
  if (!found) return not_found(format("there is no policy profile \"{}\"; there are gen3 and tre", printable(name)));
  return parse(found->text, format("{}.yaml", name));
}

Result<Policy> Policy::parse(std::string_view yaml, std::string_view file_name) {
  auto policy = parse_text(yaml);
  if (!policy.ok())
    return Error(policy.error().kind(), format("{} {}", printable(file_name), policy.error().message()));
  if (policy->name.empty()) policy->name = printable(file_name, kNameBytesMax);
  policy->source_text = std::string(yaml);
  policy->digest = sha256_hex(yaml);
  return policy;
}

}  // namespace pratique::policy
