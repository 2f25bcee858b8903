// Who may read what, now: admission by digest, and a refusal that says what to do.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "gate/impl.h"

namespace pratique::gate {

namespace {

struct Name {
  std::string repository;  // approved
  std::string reference;   // ":1.0" or "@sha256:…"
  std::string text() const { return repository + reference; }
};

// Where an image has to be pushed so that it may come to be called this; "" where nothing promotes there.
std::string staging_of(const registry::Registry& registry, const oci::RepositoryName& approved) {
  for (const auto& space : registry.namespaces())
    if (space.mode == registry::Mode::Staging && space.promotes_to == approved.first_component())
      return format("{}/{}", space.name, approved.after_first_component());
  return "";
}

// As much as fits a line that a client prints.
constexpr std::size_t kReasonBytesMax = 500;

std::string policy_reason(const Submission& submission) {
  if (!submission.decision) return "no reason is recorded";
  return printable(submission.decision->reasons.front().fact, kReasonBytesMax);
}

// A person's word, where a person rejected; a note of an approval is no reason against it.
std::string rejection_reason(const Submission& submission) {
  return submission.reviewer.empty() ? policy_reason(submission) : printable(submission.note, kReasonBytesMax);
}

Error expired(const Context& context, const Name& name, const Admission& admission) {
  auto staging = staging_of(context.registry, admission.repository);
  return refused(format(
      "{} expired on {}; approvals last {} days. Push the image to {}:{} again to have it judged anew.", name.text(),
      admission.expires.to_date(), context.options.policy.approval_lifetime.count(), staging, admission.tag.text()));
}

Error revoked(const Context& context, const Name& name, const Admission& admission, const Submission& submission) {
  auto staging = staging_of(context.registry, admission.repository);
  return refused(format("{} was revoked on {}: {}. Repair it and push it to {}:{} (submission {}).", name.text(),
                        admission.ended->to_date(), policy_reason(submission), staging, admission.tag.text(),
                        submission.id));
}

Error not_approved(const Name& name, const Submission& submission) {
  switch (submission.state) {
    case State::Staged:
    case State::Scanned:
      return refused(
          format("{} is still being judged (submission {}). Try again in a minute.", name.text(), submission.id));
    case State::Waiting:
      return refused(format("{} waits for a reviewer (submission {}): {}.", name.text(), submission.id,
                            policy_reason(submission)));
    case State::Rejected:
      return refused(format("{} was rejected (submission {}): {}. Repair it and push it to {}:{} again.", name.text(),
                            submission.id, rejection_reason(submission), submission.repository.text(),
                            submission.tag.text()));
    default:
      return not_found(format("there is no {}", name.text()));
  }
}

// Nobody describes what is in staging: that it is there and what is wrong with it is for its submitter, for those who
// decide about it and for those who run images for others. To everybody else there is no such image.
bool may_know(const identity::Principal* asker, const Submission& submission) {
  using identity::Role;
  return !asker || asker->name() == submission.submitter || asker->has(Role::Reviewer) || asker->has(Role::Admin) ||
         asker->has(Role::Runner);
}

Error unknown(const Name& name) {
  return not_found(format("there is no {}", name.text()));
}

// The live one of the newest; else the newest, so that the refusal speaks about that.
std::optional<Admission> choose(std::vector<Admission> newest_first, Time now) {
  if (newest_first.empty()) return std::nullopt;
  auto live = std::ranges::find_if(newest_first, [&](const auto& admission) { return admission.is_live(now); });
  return std::move(live == newest_first.end() ? newest_first.front() : *live);
}

Result<std::optional<Admission>> find_by_manifest(db::Transaction& tx, const oci::RepositoryName& repository,
                                                  const oci::Digest& digest, Time now) {
  return choose(TRY(admissions_of_manifest(tx, repository.text(), digest.to_string())), now);
}

// What the refusal says beyond the admission is read only when there is one.
Error refuse_ended(db::Transaction& tx, const Context& context, const Name& name, const Admission& admission) {
  if (admission.ending != "revoked") return expired(context, name, admission);
  auto row = load(tx, admission.submission);
  return row.ok() ? revoked(context, name, admission, row->submission) : row.error();
}

// A manifest is asked for by its own name. What merely stands in an admitted index is not admitted by that: a child
// that was not judged stays shut. Only blobs are admitted through the manifests that hold them.
Result<std::vector<oci::Digest>> admitting_holders(registry::Registry& registry, const oci::RepositoryName& repository,
                                                   const oci::Digest& part) {
  auto manifest = registry.describe_manifest(repository, part);
  if (manifest.ok()) return std::vector<oci::Digest>();
  if (manifest.error().kind() != ErrorKind::NotFound) return manifest.error();
  return registry.manifests_holding(repository, part);
}

}  // namespace

Result<AdmittedImage> Gate::admit(const oci::RepositoryName& repository, const oci::ManifestReference& reference,
                                  const identity::Principal* asker) {
  const auto& context = impl_->context;
  Time now = context.clock.now();
  const auto* tag = std::get_if<oci::Tag>(&reference);
  Name name{repository.text(), format("{}{}", tag ? ":" : "@", oci::to_string(reference))};
  return impl_->read([&](db::Transaction& tx) -> Result<AdmittedImage> {
    auto found = tag ? TRY(newest_admission_of_tag(tx, repository.text(), tag->text()))
                     : TRY(find_by_manifest(tx, repository, std::get<oci::Digest>(reference), now));
    if (found && found->is_live(now))
      return AdmittedImage(repository, tag ? found->digest : std::get<oci::Digest>(reference), found->expires);
    if (found) return refuse_ended(tx, context, name, *found);
    auto staging = staging_of(context.registry, repository);
    if (!tag || staging.empty()) return unknown(name);
    auto newest = TRY(load_newest_of_name(tx, staging, tag->text()));
    return newest && may_know(asker, newest->submission) ? not_approved(name, newest->submission) : unknown(name);
  });
}

Result<AdmittedImage> Gate::admit_part(const oci::RepositoryName& repository, const oci::Digest& part) {
  const auto& context = impl_->context;
  Time now = context.clock.now();
  Name name{repository.text(), "@" + part.to_string()};
  auto holders = TRY(admitting_holders(context.registry, repository, part));
  return impl_->read([&](db::Transaction& tx) -> Result<AdmittedImage> {
    auto ended = TRY(find_by_manifest(tx, repository, part, now));
    if (ended && ended->is_live(now)) return AdmittedImage(repository, part, ended->expires);
    for (const auto& holder : holders) {
      auto found = TRY(find_by_manifest(tx, repository, holder, now));
      if (!found) continue;
      if (found->is_live(now)) return AdmittedImage(repository, holder, found->expires);
      ended = std::move(found);
    }
    return ended ? refuse_ended(tx, context, name, *ended) : unknown(name);
  });
}

Status Gate::record_pull(const identity::Principal& who, const AdmittedImage& image) {
  Json details = Json::object();
  details.set("repository", image.repository().text());
  return impl_->context.database.write([&](db::Transaction& tx) {
    return impl_->context.journal.append(tx, who.name(), "image-pulled", image.digest().to_string(),
                                         std::move(details));
  });
}

Status Gate::record_run(const identity::Principal& who, const oci::Digest& digest, Json record) {
  return impl_->context.database.write([&](db::Transaction& tx) {
    return impl_->context.journal.append(tx, who.name(), "job-ended", digest.to_string(), std::move(record));
  });
}

Json admission_to_json(const AdmittedImage& image) {
  Json json = Json::object();
  json.set("repository", image.repository().text()).set("digest", image.digest().to_string());
  json.set("expires", image.expires().to_rfc3339());
  return json;
}

Result<AdmittedImage> admission_from_json(const Json& json, const Clock& clock) {
  auto repository = TRY(oci::RepositoryName::parse(json["repository"].text()).with_context("reading an admission"));
  auto digest = TRY(oci::Digest::parse(json["digest"].text()).with_context("reading an admission"));
  auto expires = TRY(Time::parse(json["expires"].text()).with_context("reading an admission"));
  if (expires <= clock.now())
    return denied(format("the admission of {}@{} expired on {}; ask the gate again", repository.text(),
                         digest.short_text(), expires.to_date()));
  return AdmittedImage(std::move(repository), std::move(digest), expires);
}

}  // namespace pratique::gate
