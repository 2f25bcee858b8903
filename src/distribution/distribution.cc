// From a request to the handler that answers it. The table of endpoints is kRoutes.
#include "distribution/distribution.h"

#include "base/format.h"
#include "base/text.h"
#include "distribution/access.h"
#include "distribution/errors.h"
#include "distribution/impl.h"

namespace pratique::distribution {

namespace {

http::Response with_version(http::Response response) {
  response.headers.set("Docker-Distribution-Api-Version", "registry/2.0");
  return response;
}

}  // namespace

Distribution::Distribution(registry::Registry& registry, store::Store& store, identity::Identity& identity,
                           gate::Gate& gate, Options options)
    : impl_(new Impl{registry, store, identity, gate, std::move(options)}) {}
Distribution::~Distribution() = default;

http::Response Distribution::handle(http::Request& request) {
  http::Response response = impl_->answer(request);
  if (!response.later) return with_version(std::move(response));
  // The answer itself gets the header, not the promise of one.
  response.later = [later = std::move(response.later)](const std::atomic<bool>& hurry) {
    return with_version(later(hurry));
  };
  return response;
}

http::Response Distribution::handle_v1(http::Request& request) {
  return impl_->answer_v1(request);
}

http::Response Distribution::Impl::answer(http::Request& request) {
  const auto target = parse_target(request.path);
  if (target && target->endpoint == Endpoint::Token) return issue_token(request);
  // Strangers learn nothing, not even which paths exist.
  auto who = authenticate(request);
  if (!who.ok()) return challenge(request, target.value_or(Target{}), who.error());
  if (!target) return problem(404, "UNSUPPORTED", "there is no such endpoint below /v2/");
  return dispatch(request, *target, *who);
}

namespace {

http::Response no_such_method(std::string allowed) {
  auto response = problem(405, "UNSUPPORTED", "this endpoint does not know that method");
  response.headers.set("Allow", std::move(allowed));
  return response;
}

}  // namespace

http::Response Distribution::Impl::dispatch(http::Request& request, const Target& target,
                                            const identity::Principal& who) {
  if (auto allowed = may_reach(who, target, request.method); !allowed.ok()) {
    return problem(allowed.error(), Subject::Repository);
  }
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
  if (target.endpoint == Endpoint::Base || target.endpoint == Endpoint::Catalog) {
    if (method != "GET") return no_such_method("GET, HEAD");
    return target.endpoint == Endpoint::Base ? http::Response::json(200, "{}") : list_repositories(request);
  }
  auto repository = oci::RepositoryName::parse(target.repository);
  if (!repository.ok()) return problem(repository.error(), Subject::Repository);
  auto space = registry.namespace_of(*repository);
  if (!space.ok()) return problem(space.error(), Subject::Repository);
  Call call{request, who, *repository, *space, std::string(target.last), origin_of(request)};
  return call_handler(call, target.endpoint, method);
}

std::span<const Route> Distribution::Impl::routes() {
  // The end-… numbers of the specification's endpoint table; HEAD goes where GET does.
  static constexpr Route kRoutes[] = {
      {Endpoint::Blob, "GET", &Impl::read_blob},               // end-2
      {Endpoint::Manifest, "GET", &Impl::read_manifest},       // end-3
      {Endpoint::StartUpload, "POST", &Impl::start_upload},    // end-4a, 4b, 4c, 11
      {Endpoint::Upload, "PATCH", &Impl::append_upload},       // end-5
      {Endpoint::Upload, "PUT", &Impl::finish_upload},         // end-6
      {Endpoint::Manifest, "PUT", &Impl::put_manifest},        // end-7a, 7b
      {Endpoint::Tags, "GET", &Impl::list_tags},               // end-8a, 8b
      {Endpoint::Manifest, "DELETE", &Impl::delete_manifest},  // end-9
      {Endpoint::Blob, "DELETE", &Impl::delete_blob},          // end-10
      {Endpoint::Referrers, "GET", &Impl::list_referrers},     // end-12a, 12b
      {Endpoint::Upload, "GET", &Impl::describe_upload},       // end-13
      {Endpoint::Upload, "DELETE", &Impl::cancel_upload},      // end-14
  };
  return kRoutes;
}

http::Response Distribution::Impl::call_handler(Call& call, Endpoint endpoint, std::string_view method) {
  std::vector<std::string> allowed;
  for (const auto& route : routes()) {
    if (route.endpoint != endpoint) continue;
    if (route.method == method) return (this->*route.handler)(call);
    allowed.emplace_back(route.method);
    if (route.method == "GET") allowed.emplace_back("HEAD");
  }
  return no_such_method(join(allowed, ", "));
}

std::string Distribution::Impl::origin_of(const http::Request& request) const {
  return options.public_url.empty() ? request.origin() : options.public_url;
}

std::string Call::address(std::string_view rest) const {
  return format("{}/v2/{}/{}", origin, repository.text(), rest);
}

}  // namespace pratique::distribution
