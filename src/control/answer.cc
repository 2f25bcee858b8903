#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

// The largest request is a waiver with its reason: a few KiB.
constexpr std::size_t kBodyBytesMax = 64 << 10;
constexpr JsonLimits kBodyLimits{.bytes_max = kBodyBytesMax, .depth_max = 8, .values_max = 1'000};
constexpr std::size_t kMessageBytesMax = 4'000;

// Answers are about one person's images and change: nothing between us keeps them, and no browser guesses their type.
void harden(http::Response& response) {
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
}

}  // namespace

http::Response answer(const Json& json, int status) {
  auto response = http::Response::json(status, json.dump_pretty());
  harden(response);
  return response;
}

http::Response answer_page(std::string html) {
  auto response = http::Response::text(200, std::move(html), "text/html; charset=utf-8");
  harden(response);
  // The page holds words out of images. Were one of them to get past the escaping, there is nothing it could load, run,
  // send or be framed by.
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
                       "frame-ancestors 'none'");
  response.headers.set("X-Frame-Options", "DENY");
  response.headers.set("Referrer-Policy", "no-referrer");
  return response;
}

http::Response answer_failure(const Failure& failure) {
  const Error& error = failure.error;
  // Nobody else hears of it: the operator's log is where our own trouble belongs.
  if (error.kind() == ErrorKind::Unavailable || error.kind() == ErrorKind::Corrupt)
    log::error("request failed", {{"error", error.message()}});
  wire::Problem problem{.kind = std::string(to_string(error.kind())),
                        .message = printable(error.message(), kMessageBytesMax),
                        .next = failure.next};
  auto response = answer(problem.to_json(), failure.status.value_or(http_status(error.kind())));
  if (response.status == 401) response.headers.set("WWW-Authenticate", "Basic realm=\"pratique\", charset=\"UTF-8\"");
  return response;
}

Result<Json> read_object(http::Request& request) {
  auto text = TRY(http::read_all(*request.body, kBodyBytesMax));
  auto json = TRY(parse_json(text, kBodyLimits).with_context("reading the request"));
  if (!json.is_object()) return invalid("the request is no JSON object");
  return json;
}

Result<std::size_t> read_number(const http::Request& request, std::string_view name, std::size_t fallback,
                                std::size_t max) {
  auto text = request.parameter(name);
  if (!text) return fallback;
  auto number = parse_decimal(*text);
  if (!number) return invalid(format("\"{}\" is \"{}\"; it must be a number", name, printable(*text, 40)));
  return static_cast<std::size_t>(std::min<std::uint64_t>(*number, max));
}

}  // namespace pratique::control
