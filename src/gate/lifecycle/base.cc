// What an image is built on, and what becomes known of the images others build on.
#include <algorithm>

#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {

namespace {

// A refusal names a few to choose from; the list has the rest.
constexpr std::size_t kOfferedMax = 5;
// A journal entry names so many of those who build on a starred base, and counts all.
constexpr std::size_t kNamedMax = 200;

using bases::Standing;

policy::BaseFact::Standing standing_of(const std::string& word) {
  using To = policy::BaseFact::Standing;
  for (auto [standing, to] : {std::pair{Standing::Current, To::Current}, std::pair{Standing::Kept, To::Kept},
                              std::pair{Standing::Outdated, To::Outdated}})
    if (bases::to_string(standing) == word) return to;
  return To::None;
}

std::set<std::string> keys_of(const scan::ScanReport& report) {
  std::set<std::string> keys;
  for (const auto& finding : report.findings) keys.insert(bases::finding_key(finding.id, finding.package.name));
  return keys;
}

// The base as something that can be judged like a submission.
Submission as_submission(const oci::RepositoryName& repository, const oci::Tag& tag, const oci::Digest& digest) {
  return {.id = "", .state = State::Staged, .submitter = "", .repository = repository, .tag = tag, .digest = digest};
}

struct Source {
  oci::RepositoryName repository;
  oci::Tag tag;
};

Result<Source> source_of(const std::string& text) {
  auto colon = text.rfind(':');
  if (colon == std::string::npos) return invalid(format("\"{}\" is no repository:tag", printable(text)));
  auto repository = TRY(oci::RepositoryName::parse(std::string_view(text).substr(0, colon)));
  return Source{std::move(repository), TRY(oci::Tag::parse(std::string_view(text).substr(colon + 1)))};
}

// Of an index, the image that the environment's machines run.
Result<oci::Digest> runnable_child(const oci::Index& index) {
  for (const auto& child : index.manifests)
    if (child.platform && child.platform->os == "linux" && child.platform->architecture == "amd64") return child.digest;
  return invalid("the index names no linux/amd64 image");
}

Result<bases::Generation> read_generation(const Context& context, const Source& source) {
  auto stored = TRY(context.registry.get_manifest(source.repository, source.tag));
  auto parsed = TRY(oci::parse_manifest(stored.bytes, stored.media_type));
  auto top = stored.digest;
  if (const auto* index = std::get_if<oci::Index>(&parsed)) {
    stored = TRY(context.registry.get_manifest(source.repository, TRY(runnable_child(*index))));
    parsed = TRY(oci::parse_manifest(stored.bytes, stored.media_type));
  }
  const auto* manifest = std::get_if<oci::Manifest>(&parsed);
  if (!manifest || !manifest->is_image() || manifest->layers.empty())
    return invalid("it is no image with layers, so nothing can be built on it");
  auto blob = TRY(context.store.open_blob(manifest->config.digest));
  auto config = TRY(oci::parse_image_config(TRY(blob.read_all(oci::kConfigBytesMax))));
  if (config.diff_ids.size() != manifest->layers.size())
    return invalid("its configuration and its manifest disagree on how many layers it has");
  return bases::Generation{.built = context.now(),
                           .last_layer = manifest->layers.back().digest,
                           .manifest = top,
                           .diff_ids = config.diff_ids};
}

// Who builds on it: ids for the journal, and how many.
Result<Json> builders_on(const Context& context, const std::string& reference) {
  return context.database.read([&](db::Transaction& tx) -> Result<Json> {
    auto found = tx.prepare(
        "SELECT DISTINCT s.id, s.submitter FROM gate_submissions s JOIN gate_reports r ON r.submission = s.number "
        "WHERE s.state IN ('approved', 'waiting') AND json_extract(r.report, '$.base.reference') = ? ORDER BY "
        "s.number");
    found.bind(reference);
    Json submissions = Json::array();
    std::set<std::string> people;
    std::uint64_t count = 0;
    while (TRY(found.next())) {
      if (++count <= kNamedMax) submissions.push(found.text(0));
      if (people.size() < kNamedMax) people.insert(found.text(1));
    }
    Json names = Json::array();
    for (const auto& name : people) names.push(name);
    return Json::object({{"count", count}, {"submissions", std::move(submissions)}, {"submitters", std::move(names)}});
  });
}

// "CVE-2026-1 (critical) in openssl 3.0": what makes the base one that the policy would not let in; "" for none.
std::string worst_of(const policy::Policy& policy, const std::vector<PartReport>& parts) {
  for (const auto& part : parts)
    for (const auto& finding : part.report.findings)
      if (finding.severity >= policy.reject_at && (finding.is_fixable() || !policy.only_fixable))
        return format("{} ({}) in {} {}", printable(finding.id), vuln::to_string(finding.severity),
                      printable(finding.package.name, 60), printable(finding.package.version, 60));
  return "";
}

// Gives whether the star changed.
Result<bool> judge_base(const Context& context, const bases::Base& base) {
  auto& bases = *context.options.bases;
  if (base.source.empty() || base.generations.empty() || !base.generations.front().manifest) return false;
  auto source = TRY(source_of(base.source));
  auto parts = TRY(judge_images(context, as_submission(source.repository, source.tag, *base.generations[0].manifest)));
  std::set<std::string> findings;
  for (const auto& part : parts) findings.merge(keys_of(part.report));
  TRY(bases.record_findings(base.reference, findings));
  auto why = worst_of(context.options.policy, parts);
  auto builders = TRY(builders_on(context, base.reference));
  auto changed = TRY(bases.star(std::string(kSystem), base.reference, why, std::move(builders)));
  if (changed)
    log::warn(why.empty() ? "base image available again" : "base image starred",
              {{"base", base.reference}, {"why", why}});
  return changed;
}

Result<bool> take_rebuild(const Context& context, const bases::Base& base) {
  if (base.source.empty()) return false;
  auto source = TRY(source_of(base.source));
  auto now = context.registry.describe_manifest(source.repository, source.tag);
  // A tag that is gone, or being replaced at this moment, is no rebuild; the generations still prove what they proved.
  if (!now.ok()) return now.error().kind() == ErrorKind::NotFound ? Result<bool>(false) : Result<bool>(now.error());
  if (!base.generations.empty() && base.generations.front().manifest == now->digest) return false;
  auto rebuilt = base;
  rebuilt.generations = {TRY(read_generation(context, source))};
  return context.options.bases->add(std::string(kSystem), rebuilt);
}

Result<bool> refresh(const Context& context, const bases::Base& base, bool is_new_data) {
  auto rebuilt = TRY(take_rebuild(context, base));
  if (!rebuilt && !is_new_data) return false;
  auto now = TRY(context.options.bases->find(base.reference));
  return TRY(judge_base(context, now)) || rebuilt;
}

}  // namespace

Result<std::optional<scan::BaseNote>> note_base(const Context& context, const scan::ImageFacts& facts) {
  std::optional<scan::BaseNote> none;
  if (!context.options.bases) return none;
  auto known = TRY(context.options.bases->all());
  if (known.empty()) return none;
  // As computed from the bytes: what a configuration claims proves nothing.
  std::vector<oci::Digest> chain, layers;
  for (const auto& layer : facts.layers) {
    if (!layer.diff_id) break;
    chain.push_back(*layer.diff_id);
  }
  for (const auto& layer : facts.manifest.layers) layers.push_back(layer.digest);
  auto proof = bases::prove(known, chain, layers);
  scan::BaseNote note{.reference = proof.reference,
                      .standing = std::string(bases::to_string(proof.standing)),
                      .layers = proof.layers,
                      .proof = proof.standing == Standing::None ? ""
                               : proof.is_chain                 ? "chain"
                                                                : "last-layer",
                      .built = proof.built,
                      .current = proof.current,
                      .behind = proof.behind,
                      .keep = proof.keep,
                      .is_starred = proof.is_starred,
                      .starred_why = proof.starred_why};
  for (const auto& base : known)
    if (base.is_available && note.offered.size() < kOfferedMax) note.offered.push_back(base.reference);
  return std::optional(std::move(note));
}

Status compare_with_rebuild(const Context& context, scan::ScanReport& report) {
  if (!report.base || report.base->reference.empty()) return {};
  auto base = context.options.bases->find(report.base->reference);
  if (!base.ok()) return base.error().kind() == ErrorKind::NotFound ? Status() : Status(base.error());
  if (!base->judged) return {};
  report.base->removed_by_rebuild =
      static_cast<std::size_t>(std::ranges::count_if(report.findings, [&](const vuln::Finding& finding) {
        return report.is_of_base(finding) &&
               !base->findings.contains(bases::finding_key(finding.id, finding.package.name));
      }));
  return {};
}

std::optional<policy::BaseFact> base_fact_of(const std::vector<PartReport>& parts) {
  std::optional<policy::BaseFact> weakest;
  bool is_asked = std::ranges::any_of(parts, [](const auto& part) { return part.report.base.has_value(); });
  if (!is_asked) return weakest;
  for (const auto& part : parts) {
    // A part that could not be read is built on nothing we know.
    auto note = part.report.base.value_or(scan::BaseNote{.reference = "", .standing = "none"});
    policy::BaseFact fact{.standing = standing_of(note.standing),
                          .reference = note.reference,
                          .built = note.built,
                          .current = note.current,
                          .behind = note.behind,
                          .keep = note.keep,
                          .is_chain = note.proof != "last-layer",
                          .starred_why = note.starred_why,
                          .is_starred = note.is_starred,
                          .offered = note.offered};
    if (!weakest || fact.standing < weakest->standing) weakest = std::move(fact);
  }
  return weakest;
}

std::vector<policy::CheckFact> check_facts_of(const std::vector<PartReport>& parts) {
  std::vector<policy::CheckFact> facts;
  std::set<std::string> seen;
  for (const auto& part : parts)
    for (const auto& check : part.report.checks) {
      if (check.state == scan::CheckState::Passed || !seen.insert(check.id).second) continue;
      auto where = check.places.empty() ? std::string() : format(" ({})", check.places.front());
      facts.push_back({check.id, check.message + where, check.state == scan::CheckState::Failed});
    }
  return facts;
}

Result<bases::Base> register_base(const Context& context, const identity::Principal& who,
                                  const oci::RepositoryName& repository, const oci::Tag& tag,
                                  const std::string& reference, std::size_t keep) {
  if (!who.has(identity::Role::Admin)) return denied(format("{} is no administrator", printable(who.name())));
  if (!context.options.bases) return conflict("this gate keeps no base images");
  // A submitter could otherwise wait in staging for what was never judged to become a base.
  auto space = TRY(context.registry.namespace_of(repository));
  if (space.mode == registry::Mode::Staging)
    return invalid(
        format("{} is staging; register what was approved, or what lies in an open namespace", repository.text()));
  bases::Base base{.reference = reference,
                   .source = format("{}:{}", repository.text(), tag.text()),
                   .keep = keep,
                   .generations = {TRY(read_generation(context, {repository, tag}))},
                   .findings = {}};
  TRY(context.options.bases->add(who.name(), base));
  auto added = TRY(context.options.bases->find(reference));
  // What is known of it may have to wait; that it is registered does not.
  if (auto judged = judge_base(context, added); !judged.ok())
    log::error("looking at a base image failed", {{"base", reference}, {"reason", judged.error().message()}});
  return context.options.bases->find(reference);
}

Result<std::size_t> refresh_bases(const Context& context, bool is_new_data) {
  std::size_t count = 0;
  if (!context.options.bases) return count;
  auto known = TRY(context.options.bases->all());
  // One base that cannot be read must not keep the others.
  for (const auto& base : known) {
    auto changed = refresh(context, base, is_new_data);
    if (!changed.ok())
      log::error("looking at a base image failed", {{"base", base.reference}, {"reason", changed.error().message()}});
    else if (*changed)
      ++count;
  }
  return count;
}

}  // namespace pratique::gate
