// Base images: the list for everybody who builds, and what an administrator does with it.
#include "bases/bases.h"

#include "base/format.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

// A list and a record of layers at their own limits, as JSON text.
constexpr std::size_t kImportBytesMax = 40 << 20;
constexpr JsonLimits kImportLimits{.bytes_max = kImportBytesMax, .depth_max = 4, .values_max = 16};

Result<bases::Bases*> bases_of(gate::Gate& gate) {
  if (auto* bases = gate.options().bases) return bases;
  return not_found("this gate keeps no base images");
}

struct Source {
  oci::RepositoryName repository;
  oci::Tag tag;
};

Result<Source> source_from(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon < text.rfind('/') + 1)
    return invalid(format("\"{}\" is no repository:tag of this gate", printable(text)));
  auto repository = TRY(oci::RepositoryName::parse(text.substr(0, colon)));
  return Source{std::move(repository), TRY(oci::Tag::parse(text.substr(colon + 1)))};
}

Result<std::string> reference_in(const Json& body) {
  auto reference = body["reference"].text();
  if (reference.empty()) return invalid("\"reference\" is missing");
  return std::string(reference);
}

http::Response answer_file(std::string text, std::string_view type) {
  auto response = answer(Json());
  response.headers.set("Content-Type", std::string(type));
  response.body = std::move(text);
  return response;
}

}  // namespace

Control::Impl::Outcome Control::Impl::list_bases(Call&) {
  auto known = TRY(TRY(bases_of(gate))->all());
  Json list = Json::array();
  for (const auto& base : known) list.push(bases::to_json(base));
  return answer(Json::object({{"bases", std::move(list)}}));
}

Control::Impl::Outcome Control::Impl::register_base(Call& call) {
  auto body = TRY(read_object(call.request));
  auto [repository, tag] = TRY(source_from(body["source"].text()));
  auto keep = body["keep"].is_null() ? static_cast<std::int64_t>(bases::kGenerationsKept) : body["keep"].as_int();
  if (!keep || *keep < 1 || *keep > static_cast<std::int64_t>(bases::kGenerationsKeptMax))
    return invalid(format("\"keep\" is a number from 1 to {}", bases::kGenerationsKeptMax));
  auto reference = std::string(body["reference"].text());
  if (reference.empty()) reference = format("{}/{}:{}", host(call.request), repository.text(), tag.text());
  auto base = TRY(gate.register_base(call.who, repository, tag, reference, static_cast<std::size_t>(*keep)));
  return answer(bases::to_json(base), 201);
}

Control::Impl::Outcome Control::Impl::star_base(Call& call) {
  auto body = TRY(read_object(call.request));
  auto reference = TRY(reference_in(body));
  auto why = std::string(trim(body["why"].text()));
  auto* known = TRY(bases_of(gate));
  if (why.empty() && body["available"].as_bool() != true)
    return invalid("\"why\" is missing: those who build on it read it");
  TRY(known->star(call.who.name(), reference, body["available"].as_bool() == true ? "" : why, Json::object()));
  return answer(bases::to_json(TRY(known->find(reference))));
}

Control::Impl::Outcome Control::Impl::remove_base(Call& call) {
  auto body = TRY(read_object(call.request));
  auto reference = TRY(reference_in(body));
  TRY(TRY(bases_of(gate))->remove(call.who.name(), reference));
  return answer(Json::object({{"removed", reference}}));
}

Control::Impl::Outcome Control::Impl::import_bases(Call& call) {
  auto text = TRY(http::read_all(*call.request.body, kImportBytesMax));
  auto body = TRY(parse_json(text, kImportLimits).with_context("reading the request"));
  auto* known = TRY(bases_of(gate));
  auto count = TRY(known->import(call.who.name(), body["list"].text(), body["record"].text(),
                                 body["replace"].as_bool().value_or(false)));
  Json json = Json::object();
  json.set("added", static_cast<std::uint64_t>(count.added));
  json.set("changed", static_cast<std::uint64_t>(count.changed));
  json.set("removed", static_cast<std::uint64_t>(count.removed));
  return answer(json.set("generations", static_cast<std::uint64_t>(count.generations)));
}

// Without signing in: who builds an image for the first time has no account yet, and a list of names is no secret.
Control::Impl::Outcome Control::Impl::serve_base_list() {
  auto known = TRY(TRY(bases_of(gate))->all());
  return answer_file(bases::render_allow_list(known), "text/plain; charset=utf-8");
}

Control::Impl::Outcome Control::Impl::serve_base_record() {
  auto known = TRY(TRY(bases_of(gate))->all());
  return answer_file(bases::layer_record(known).dump_pretty(), "application/json");
}

std::vector<std::string> Control::Impl::base_steps(const gate::Submission& submission) {
  auto* known = gate.options().bases;
  auto reference = known ? gate.base_of(submission.id) : Result<std::string>(std::string());
  if (!reference.ok() || reference->empty()) return {};
  auto base = known->find(*reference);
  if (!base.ok() || base->is_available) return {};
  auto why = base->starred_why.empty() ? "it is unavailable for now" : base->starred_why;
  return {format("The base image it is built on, {}, is starred: {}. Build it again when that base is available again.",
                 *reference, why)};
}

}  // namespace pratique::control
