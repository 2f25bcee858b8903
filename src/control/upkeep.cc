// Garbage collection, scrubbing and what is used of the quotas: for administrators.
#include "base/format.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

// How long a question for a running job may wait for its end.
constexpr std::size_t kWaitSecondsMax = 30;

Result<upkeep::Upkeep*> need(const Options& options) {
  if (options.upkeep == nullptr) return not_found("this server does no upkeep");
  return options.upkeep;
}

Result<milliseconds> patience_of(const http::Request& request) {
  return milliseconds(1'000 * TRY(read_number(request, "wait", 0, kWaitSecondsMax)));
}

Json job_to_json(const upkeep::Job& job) {
  Json json = Json::object();
  json.set("running", job.is_running).set("started", job.started ? Json(job.started->to_rfc3339()) : Json());
  json.set("ended", job.ended ? Json(job.ended->to_rfc3339()) : Json()).set("problem", job.problem);
  return json;
}

Json collection_to_json(const upkeep::CollectionJob& job) {
  const auto& run = job.run;
  Json json = job_to_json(job);
  json.set("dry_run", run.is_dry_run).set("stage", run.stage).set("looked_at", run.looked_at);
  json.set("manifests", run.manifests).set("links", run.links).set("blobs", run.blobs).set("bytes", run.bytes);
  return json.set("uploads", run.uploads).set("temporaries", run.temporaries);
}

}  // namespace

Control::Impl::Outcome Control::Impl::start_collection(Call& call) {
  auto* upkeep = TRY(need(options));
  const Json body = TRY(read_object(call.request));
  TRY(upkeep->start_collection(body["dry_run"].as_bool().value_or(false)));
  return answer(collection_to_json(upkeep->collection()), 202);
}

Control::Impl::Outcome Control::Impl::show_collection(Call& call) {
  auto* upkeep = TRY(need(options));
  return answer(collection_to_json(upkeep->collection(TRY(patience_of(call.request)))));
}

Control::Impl::Outcome Control::Impl::start_scrub(Call& call) {
  TRY(read_object(call.request));
  auto* upkeep = TRY(need(options));
  TRY(upkeep->start_scrub());
  return answer(job_to_json(upkeep->scrub()), 202);
}

// Everything that is damaged now, whichever walk found it; an approval it hits is named, for somebody may be running
// it.
Control::Impl::Outcome Control::Impl::show_scrub(Call& call) {
  auto* upkeep = TRY(need(options));
  const auto job = upkeep->scrub(TRY(patience_of(call.request)));
  const auto damages = TRY(registry.damages());
  Json list = Json::array();
  for (const auto& damage : damages) {
    Json images = Json::array();
    for (const auto& [repository, digest] : damage.images) {
      const auto name = TRY(oci::RepositoryName::parse(repository));
      Json image = Json::object({{"repository", repository}, {"digest", digest.to_string()}});
      images.push(image.set("approved", gate.admit(name, digest, &call.who).ok()));
    }
    Json entry = Json::object({{"blob", damage.blob.to_string()}, {"found", damage.found.to_rfc3339()}});
    list.push(entry.set("images", std::move(images)));
  }
  Json json = job_to_json(job);
  json.set("blobs", job.run.blobs).set("bytes", job.run.bytes).set("newly_damaged", job.run.damaged);
  return answer(json.set("damaged", std::move(list)));
}

Control::Impl::Outcome Control::Impl::show_usage(Call&) {
  const auto used = TRY(registry.usage());
  Json list = Json::array();
  for (const auto& one : used) {
    Json entry = Json::object({{"kind", one.is_namespace ? "namespace" : "principal"}, {"name", one.name}});
    entry.set("bytes", one.bytes).set("bytes_max", one.bytes_max).set("links", one.links);
    list.push(entry.set("uploads", one.uploads).set("uploads_max", one.uploads_max));
  }
  return answer(Json::object({{"usage", std::move(list)}}));
}

}  // namespace pratique::control
