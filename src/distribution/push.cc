// Manifests on their way in, and the verdict on the way back: a push into staging is answered when the gate has
// decided, or when the wait is over.
#include <chrono>

#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "distribution/access.h"
#include "distribution/errors.h"
#include "distribution/impl.h"
#include "distribution/verdict.h"

namespace pratique::distribution {

namespace {

// distribution-spec end-7b: at least ten; more than this is no release process.
constexpr std::size_t kTagParametersMax = 100;

// The media type without parameters: "application/…+json; charset=utf-8" is what some proxies make of it.
std::string bare_content_type(const http::Request& request) {
  const std::string header = request.headers.find("Content-Type").value_or("");
  return to_lower(trim(std::string_view(header).substr(0, header.find(';'))));
}

Result<std::vector<oci::Tag>> asked_tags(const http::Request& request) {
  std::vector<oci::Tag> tags;
  for (const auto& text : request.parameters("tag")) {
    if (tags.size() == kTagParametersMax) return over_limit(format("more than {} tags in one push", kTagParametersMax));
    tags.push_back(TRY(oci::Tag::parse(text)));
  }
  return tags;
}

std::vector<registry::StagedImage> staged_of(const registry::PutResult& put) {
  std::vector<registry::StagedImage> all;
  if (put.staged) all.push_back(*put.staged);
  all.insert(all.end(), put.also_staged.begin(), put.also_staged.end());
  return all;
}

// A place among those who wait for a verdict, if there is one.
class WaitingPlace {
 public:
  explicit WaitingPlace(std::counting_semaphore<>& places) : places_(places), is_taken_(places.try_acquire()) {}
  ~WaitingPlace() {
    if (is_taken_) places_.release();
  }
  WaitingPlace(const WaitingPlace&) = delete;
  WaitingPlace& operator=(const WaitingPlace&) = delete;
  bool is_taken() const { return is_taken_; }

 private:
  std::counting_semaphore<>& places_;
  const bool is_taken_;
};

http::Response created_manifest(const Call& call, const registry::PutResult& put, const std::vector<oci::Tag>& tags) {
  http::Response response{.status = 201};
  response.headers.set("Location", call.address(format("manifests/{}", put.digest.to_string())));
  response.headers.set("Docker-Content-Digest", put.digest.to_string());
  if (put.subject) response.headers.set("OCI-Subject", put.subject->to_string());
  for (const auto& tag : tags) response.headers.add("OCI-Tag", tag.text());
  return response;
}

}  // namespace

http::Response Distribution::Impl::put_manifest(Call& call) {
  if (auto allowed = may_push(call.who, call.space, call.repository); !allowed.ok()) {
    return problem(allowed.error(), Subject::Manifest);
  }
  const auto reference = oci::parse_manifest_reference(call.last);
  if (!reference.ok()) return problem(reference.error(), Subject::Manifest);
  const auto tags = asked_tags(call.request);
  if (!tags.ok()) return problem(tags.error(), Subject::Manifest);
  const auto bytes = http::read_all(*call.request.body, oci::kManifestBytesMax);
  if (!bytes.ok()) return problem(bytes.error(), Subject::Manifest);
  const auto put =
      registry.put_manifest(call.who, call.repository, *reference, *bytes, bare_content_type(call.request), *tags);
  if (!put.ok()) return problem(put.error(), Subject::References);
  // An index comes after its children: what is put by digest is not yet the end of a push.
  const bool is_end = std::holds_alternative<oci::Tag>(*reference) || !tags->empty();
  auto noted = identity.note_push(call.who, is_end ? identity::PushStep::Finished : identity::PushStep::Continued);
  if (!noted.ok()) return problem(noted.error(), Subject::Manifest);
  return answer_with_verdict(call, created_manifest(call, *put, *tags), staged_of(*put));
}

// The image is staged whatever happens here: no verdict in time, or none that can be had, is a push that succeeded and
// an image that nobody can pull yet.
http::Response Distribution::Impl::answer_with_verdict(const Call& call, http::Response created,
                                                       const std::vector<registry::StagedImage>& images) {
  if (images.empty()) return created;
  const WaitingPlace place(verdict_waits);
  const auto deadline = std::chrono::steady_clock::now() + (place.is_taken() ? options.verdict_wait : milliseconds(0));
  std::vector<std::string> lines;
  for (const auto& image : images) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto submission = gate.await_verdict(image, std::max(left, milliseconds(0)));
    if (!submission.ok()) {
      log::error("verdict missing", {{"digest", image.digest().to_string()}, {"error", submission.error().message()}});
      lines.emplace_back("pratique: received, but the inspection could not be followed; ask for its status later");
      continue;
    }
    if (submission->state == gate::State::Rejected && options.refuse_at_push.contains(call.space.name)) {
      return problem(403, "DENIED", rejection_message(*submission, call.origin));
    }
    const auto more = verdict_lines(*submission, call.origin);
    lines.insert(lines.end(), more.begin(), more.end());
  }
  for (auto& value : warning_values(lines)) created.headers.add("Warning", std::move(value));
  return created;
}

}  // namespace pratique::distribution
