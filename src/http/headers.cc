#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "http/http.h"

namespace pratique::http {

void Headers::add(std::string name, std::string value) {
  lines_.emplace_back(std::move(name), std::move(value));
}

void Headers::set(std::string name, std::string value) {
  std::erase_if(lines_, [&](const auto& line) { return equals_ignoring_case(line.first, name); });
  add(std::move(name), std::move(value));
}

std::optional<std::string> Headers::find(std::string_view name) const {
  for (const auto& [key, value] : lines_) {
    if (equals_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Headers::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : lines_) {
    if (equals_ignoring_case(key, name)) values.push_back(value);
  }
  return values;
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Request::parameters(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::string_view Request::captured(std::string_view name) const {
  for (const auto& [key, value] : route) {
    if (key == name) return value;
  }
  return {};
}

std::string Request::origin() const {
  return scheme + "://" + host;
}

Response Response::text(int status, std::string body, std::string_view content_type) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", std::string(content_type));
  response.body = std::move(body);
  return response;
}

Response Response::json(int status, std::string body) {
  return text(status, std::move(body), "application/json");
}

Response Response::problem(const Request& request, const Error& error, std::optional<int> status) {
  Json detail = Json::object();
  detail.set("kind", std::string(to_string(error.kind())));
  detail.set("message", printable(error.message(), 2000));
  detail.set("request_id", request.id);
  return json(status.value_or(http_status(error.kind())), Json::object({{"error", std::move(detail)}}).dump() + "\n");
}

Response settle(Response response) {
  const std::atomic<bool> hurry = false;
  while (response.later) response = std::exchange(response.later, {})(hurry);
  return response;
}

Response Response::too_many(const Request& request, std::string_view message, std::chrono::seconds retry_after) {
  Json detail = Json::object({{"kind", "limit"}, {"message", message}, {"request_id", request.id}});
  // distribution-spec "Error Codes": registry clients read this list and not the object beside it.
  Json code = Json::object({{"code", "TOOMANYREQUESTS"}, {"message", message}, {"detail", Json()}});
  Json body = Json::object({{"errors", Json::array({std::move(code)})}, {"error", std::move(detail)}});
  auto response = json(429, body.dump() + "\n");
  response.headers.set("Retry-After", std::to_string(retry_after.count()));
  return response;
}

Result<std::string> read_all(BodyReader& body, std::size_t bytes_max) {
  constexpr std::size_t kStep = 64 << 10;  // grows with what really came, not with what a length promises
  if (auto length = body.length(); length && *length > bytes_max) {
    return over_limit(format("the body has {} bytes; at most {} are accepted here", *length, bytes_max));
  }
  std::string whole;
  for (;;) {
    auto filled = whole.size();
    whole.resize(filled + kStep);
    auto got = TRY(body.read(std::as_writable_bytes(std::span(whole).subspan(filled))));
    whole.resize(filled + got);
    if (got == 0) return whole;
    if (whole.size() > bytes_max)
      return over_limit(format("the body has more than the {} bytes accepted here", bytes_max));
  }
}

}  // namespace pratique::http
