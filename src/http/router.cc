#include "base/check.h"
#include "base/format.h"
#include "base/text.h"
#include "http/http.h"

namespace pratique::http {

namespace {

using Captures = std::vector<std::pair<std::string, std::string>>;

bool is_capture(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}
bool takes_rest(std::string_view segment) {
  return is_capture(segment) && segment.ends_with("*}");
}

std::string capture_name(std::string_view segment) {
  return std::string(segment.substr(1, segment.size() - (takes_rest(segment) ? 3 : 2)));
}

// What the captures of `pattern` hold for `path` ("/a/b"), or nullopt where it does not match.
std::optional<Captures> match(const std::vector<std::string>& pattern, std::string_view path) {
  Captures captures;
  std::optional<std::string_view> rest = path.substr(path.starts_with('/') ? 1 : 0);
  for (const auto& expected : pattern) {
    if (!rest) return std::nullopt;
    if (takes_rest(expected)) {
      captures.emplace_back(capture_name(expected), std::string(*rest));
      return captures;
    }
    auto slash = rest->find('/');
    auto segment = rest->substr(0, slash);
    if (slash == std::string_view::npos)
      rest.reset();
    else
      rest->remove_prefix(slash + 1);
    if (!is_capture(expected)) {
      if (segment != expected) return std::nullopt;
    } else {
      if (segment.empty()) return std::nullopt;
      captures.emplace_back(capture_name(expected), std::string(segment));
    }
  }
  if (rest) return std::nullopt;
  return captures;
}

}  // namespace

void Router::add(std::string_view method, std::string_view pattern, Handler handler) {
  CHECK(pattern.starts_with('/'), "a route starts with a slash");
  Route route{.method = std::string(method), .segments = {}, .handler = std::move(handler)};
  for (auto segment : split(pattern.substr(1), '/')) {
    CHECK(route.segments.empty() || !takes_rest(route.segments.back()), "a {rest*} ends its route");
    route.segments.emplace_back(segment);
  }
  routes_.push_back(std::move(route));
}

Response Router::operator()(Request& request) const {
  const Route* fallback = nullptr;
  Captures fallback_captures;
  std::vector<std::string> allowed;
  for (const auto& route : routes_) {
    auto captures = match(route.segments, request.path);
    if (!captures) continue;
    if (route.method == request.method) {
      request.route = std::move(*captures);
      return route.handler(request);
    }
    if (request.method == "HEAD" && route.method == "GET" && fallback == nullptr) {
      fallback = &route;
      fallback_captures = std::move(*captures);
    }
    if (std::find(allowed.begin(), allowed.end(), route.method) == allowed.end()) allowed.push_back(route.method);
  }
  if (fallback != nullptr) {
    request.route = std::move(fallback_captures);
    return fallback->handler(request);
  }
  if (allowed.empty())
    return Response::problem(request, not_found(format("there is nothing at {}", printable(request.path))));
  if (std::find(allowed.begin(), allowed.end(), "GET") != allowed.end()) allowed.emplace_back("HEAD");
  auto response =
      Response::problem(request, invalid(format("{} is not possible here", printable(request.method))), 405);
  response.headers.add("Allow", join(allowed, ", "));
  return response;
}

}  // namespace pratique::http
