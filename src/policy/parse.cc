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
constexpr std::size_t kProjectsMax = 1'000;

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

Status read_checks(Policy& policy, const Yaml& node, std::string_view key) {
  if (node.kind == Yaml::Kind::Null) return {};
  if (node.kind != Yaml::Kind::Mapping)
    return at(node, format("{} is {}; it must be a mapping such as \"T1: review\"", key, shown(node)));
  auto known = image_checks();
  for (const auto& member : node.members) {
    const auto& id = member.key.scalar;
    if (std::ranges::find(known, id) == known.end())
      return at(member.key,
                format("{} is no check of a built image{}; `pratique lint --block` knows those of Dockerfiles",
                       shown(member.key), suggestion(id, known)));
    policy.checks[id] = TRY(read_verdict(member.value, id, kVerdicts));
  }
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
constexpr std::array<Key, 17> kKeys = {{
    {"extends", read_nothing},   // taken before everything else
    {"projects", read_nothing},  // taken after it
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
    {"on_base_unproven", read_answer<&Policy::on_base_unproven, kVerdicts>},
    {"on_base_outdated", read_answer<&Policy::on_base_outdated, kVerdicts>},
    {"checks", read_checks},
    {"approval_lifetime_days", read_lifetime},
    {"waivers", read_waivers},
}};

// A project's part of a file, read when everything it builds on is known.
struct ProjectPart {
  YamlMember member;
  std::string file_name;
};

struct Source {
  std::string_view yaml;
  std::string file_name;
  const Policy::Loader& load;
  std::vector<ProjectPart>& projects;  // of this file and those it builds on, deepest first
  std::size_t depth = 0;
};

Status read_members(Policy& policy, const Yaml& root, const std::string& file_name) {
  std::vector<std::string_view> names;
  for (const auto& key : kKeys) names.push_back(key.name);
  for (const auto& member : root.members) {
    auto key = std::ranges::find(kKeys, member.key.scalar, &Key::name);
    if (key == kKeys.end())
      return at(member.key, format("unknown key {}{}", shown(member.key), suggestion(member.key.scalar, names)));
    TRY(key->read(policy, member.value, key->name));
    policy.origins[std::string(key->name)] = format("{} line {}", file_name, member.key.line);
  }
  return {};
}

// A review threshold at or above the rejection threshold would read as if it did something.
Status check_thresholds(const Policy& policy, const Yaml& node) {
  if (!policy.review_at || *policy.review_at <= policy.reject_at) return {};
  const Yaml* where = node.find("review_at") ? node.find("review_at") : node.find("reject_at");
  return at(where ? *where : node, "review_at is worse than reject_at; what rejects never reaches a reviewer");
}

Result<Policy> read_source(const Source& source);

bool is_file_name(const Yaml& node) {
  return node.kind == Yaml::Kind::Scalar && (node.scalar.ends_with(".yaml") || node.scalar.ends_with(".yml"));
}

Result<Policy> read_base(const Yaml& root, const Source& source) {
  const Yaml* extends = root.find("extends");
  if (!extends) return Policy();
  if (source.load && is_file_name(*extends)) {
    if (source.depth == kExtendsDepthMax)
      return at(*extends, format("files build on files more than {} deep; is there a circle?", kExtendsDepthMax));
    auto text = source.load(extends->scalar);
    if (!text.ok()) return at(*extends, text.error().message());
    auto file_name = printable(extends->scalar);
    return read_source({*text, file_name, source.load, source.projects, source.depth + 1}).with_context(file_name);
  }
  Words names;
  for (const auto& profile : profiles()) names.push_back(profile.name);
  return Policy::profile(TRY(read_word(*extends, "extends", names)));
}

Status check_project(const YamlMember& member) {
  if (member.key.scalar.size() > kImageBytesMax || trim(member.key.scalar).empty())
    return at(member.key, "a project is named by its repository, such as nextflow-staging/ann");
  if (member.value.kind != Yaml::Kind::Mapping)
    return at(member.value,
              format("the project is {}; it must be a mapping of what is different", shown(member.value)));
  for (std::string_view key : {"extends", "projects"})
    if (const Yaml* node = member.value.find(key))
      return at(*node, format("{} stands at the top of the file; a project builds on the file itself", key));
  return {};
}

Status collect_projects(const Yaml& root, const Source& source) {
  const Yaml* node = root.find("projects");
  if (!node || node->kind == Yaml::Kind::Null) return {};
  if (node->kind != Yaml::Kind::Mapping)
    return at(*node, format("projects is {}; it must be a mapping by repository", shown(*node)));
  if (source.projects.size() + node->members.size() > kProjectsMax)
    return at(*node, format("more than {} projects", kProjectsMax));
  for (const auto& member : node->members) {
    TRY(check_project(member));
    source.projects.push_back({member, source.file_name});
  }
  return {};
}

// On top of the whole file; its own waivers come on top of the file's.
Status apply_project(Policy& policy, const ProjectPart& part) {
  const auto& [name, changes] = part.member;
  auto known = std::ranges::find(policy.projects, name.scalar, &Policy::project);
  if (known == policy.projects.end()) {
    Policy project = policy;
    project.projects.clear();
    project.project = name.scalar;
    project.name = printable(format("{} for {}", policy.name, project.project), kNameBytesMax);
    policy.projects.push_back(std::move(project));
    known = policy.projects.end() - 1;
  }
  TRY(read_members(*known, changes, part.file_name));
  return check_thresholds(*known, changes);
}

Result<Policy> read_source(const Source& source) {
  if (!is_utf8(source.yaml)) return invalid("is not UTF-8 text");
  auto root = TRY(parse_yaml(source.yaml, kYamlLimits));
  if (root.kind == Yaml::Kind::Null)
    return invalid("line 1: the file is empty; \"extends: gen3\" is the shortest policy");
  if (root.kind != Yaml::Kind::Mapping) return at(root, format("the file is {}; it must be a mapping", shown(root)));
  Policy policy = TRY(read_base(root, source));
  policy.name.clear();  // a file that changes a profile is not that profile: decisions must not name it so
  TRY(read_members(policy, root, source.file_name));
  TRY(check_thresholds(policy, root));
  if (policy.name.empty()) policy.name = printable(source.file_name, kNameBytesMax);
  // Of a file that stands alone, the hash anybody can recompute; with what it builds on, one over both.
  bool is_alone = !(root.find("extends") && is_file_name(*root.find("extends")));
  policy.digest = sha256_hex(is_alone ? std::string(source.yaml) : policy.digest + std::string(source.yaml));
  policy.source_text = std::string(source.yaml);
  TRY(collect_projects(root, source));
  return policy;
}

Result<Policy> read_whole(std::string_view yaml, std::string_view file_name, const Policy::Loader& load) {
  std::vector<ProjectPart> projects;
  Policy policy = TRY(read_source({yaml, printable(file_name), load, projects}));
  for (const auto& part : projects) {
    auto applied = apply_project(policy, part);
    if (!applied.ok() && part.file_name != printable(file_name)) return applied.error().with_context(part.file_name);
    TRY(std::move(applied));
  }
  return policy;
}

}  // namespace

Result<Policy> Policy::profile(std::string_view name) {
  const Profile* found = find_profile(name);
  if (!found) return not_found(format("there is no policy profile \"{}\"; there are gen3 and tre", printable(name)));
  return parse(found->text, format("{}.yaml", name));
}

Result<Policy> Policy::parse(std::string_view yaml, std::string_view file_name, const Loader& load) {
  auto policy = read_whole(yaml, file_name, load);
  if (!policy.ok())
    return Error(policy.error().kind(), format("{} {}", printable(file_name), policy.error().message()));
  return policy;
}

const Policy& Policy::for_repository(std::string_view repository) const {
  const Policy* best = this;
  auto covers = [&](const Policy& of, std::string_view wanted) {
    return wanted == of.project ||
           (wanted.starts_with(of.project) && wanted.substr(of.project.size()).starts_with('/'));
  };
  // A project may leave the namespace away: it is the same in all of them.
  auto slash = repository.find('/');
  auto rest = slash == std::string_view::npos ? std::string_view() : repository.substr(slash + 1);
  for (const auto& one : projects)
    if ((covers(one, repository) || covers(one, rest)) && one.project.size() > best->project.size()) best = &one;
  return *best;
}

}  // namespace pratique::policy
