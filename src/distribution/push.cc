// Manifests on their way in, and the verdict on the way back: a push into staging is answered when the gate has
// decided, or when the wait is over.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>

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

// A push whose images are being judged.
struct VerdictWait {
  http::Response created;
  std::vector<registry::StagedImage> images;
  std::string origin;
  bool refuses = false;  // a rejected image fails the push
  std::chrono::steady_clock::time_point deadline;
};

// In steps, so that a server that stops is not held up.
constexpr milliseconds kVerdictStep{500};
// The inspection of what is left of a large image; clients that try again by themselves wait this long.
constexpr seconds kVerdictRetryAfter{30};

bool is_settled(const gate::Submission& submission) {
  return submission.state != gate::State::Staged && submission.state != gate::State::Scanned;
}

Result<gate::Submission> await_settled(gate::Gate& gate, const registry::StagedImage& image,
                                       std::chrono::steady_clock::time_point deadline, const std::atomic<bool>& hurry) {
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    const bool is_last = hurry || left <= kVerdictStep;
    const auto step = hurry ? milliseconds(0) : std::clamp(left, milliseconds(0), kVerdictStep);
    auto submission = gate.await_verdict(image, step);
    if (!submission.ok() || is_settled(*submission) || is_last) return submission;
  }
}

// Sent again, the manifest is judged by what is known of its layers by then; podman, skopeo and buildah do so by
// themselves.
http::Response no_verdict_yet(const std::string& address) {
  auto response = problem(429, "TOOMANYREQUESTS",
                          format("received, but not judged yet, so it is not accepted: push it again in a moment, or "
                                 "see {}",
                                 address));
  response.headers.set("Retry-After", std::to_string(kVerdictRetryAfter.count()));
  return response;
}

http::Response tell(gate::Gate& gate, VerdictWait& wait, const std::atomic<bool>& hurry) {
  std::vector<std::string> lines;
  bool is_late = false;
  std::string address = wait.origin + "/reports";
  for (const auto& image : wait.images) {
    const auto submission = await_settled(gate, image, wait.deadline, hurry);
    if (!submission.ok()) {
      log::error("verdict missing", {{"digest", image.digest().to_string()}, {"error", submission.error().message()}});
      lines.emplace_back("pratique: received, but the inspection could not be followed; ask for its status later");
      is_late = true;
      continue;
    }
    if (submission->state == gate::State::Rejected && wait.refuses) {
      return problem(403, "DENIED", rejection_message(*submission, wait.origin));
    }
    if (!is_settled(*submission)) {
      is_late = true;
      address = report_address(*submission, wait.origin);
    }
    const auto more = verdict_lines(*submission, wait.origin);
    lines.insert(lines.end(), more.begin(), more.end());
  }
  if (is_late && wait.refuses) return no_verdict_yet(address);
  http::Response answer = std::move(wait.created);
  for (auto& value : warning_values(lines)) answer.headers.add("Warning", std::move(value));
  return answer;
}

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

// The image is staged whatever happens here: no verdict in time, or none that can be had, is an image that nobody can
// pull yet. Where rejected images are warned of, the push has then succeeded; where they are refused, "no verdict yet"
// must not pass for "accepted", and the client is asked to send the manifest again, which costs it one request.
http::Response Distribution::Impl::answer_with_verdict(const Call& call, http::Response created,
                                                       std::vector<registry::StagedImage> images) {
  if (images.empty()) return created;
  // Shared, because a std::function must be copyable; it is called once.
  auto wait =
      std::make_shared<VerdictWait>(VerdictWait{.created = std::move(created),
                                                .images = std::move(images),
                                                .origin = call.origin,
                                                .refuses = options.refuse_at_push.contains(call.space.name),
                                                .deadline = std::chrono::steady_clock::now() + options.verdict_wait});
  http::Response response;
  response.later = [this, wait](const std::atomic<bool>& hurry) { return tell(gate, *wait, hurry); };
  return response;
}

}  // namespace pratique::distribution
