// STS and ECR: from a request to the operation that answers it. What the request is for follows from its X-Amz-Target
// or Action; that its signature is for the same service is checked with it.
#include "base/format.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "control/aws_impl.h"

namespace pratique::control {

namespace {

using aws::Reason;
using aws::Refusal;

// AssumeRole with every optional parameter is some KiB.
constexpr std::size_t kFormBytesMax = 64 << 10;
constexpr std::string_view kJsonType = "application/x-amz-json-1.1";
// For a client that has no idea: long enough that a loop of retries does not hurt.
constexpr seconds kRetryAfter{5};

std::string media_type(const http::Request& request) {
  auto type = request.headers.find("Content-Type").value_or("");
  return to_lower(trim(std::string_view(type).substr(0, type.find(';'))));
}

// A body beyond what the operation can need is refused before it is read to its end.
std::optional<Refusal> read_body(AwsCall& call, std::size_t bytes_max) {
  auto body = http::read_all(*call.request.body, bytes_max);
  if (!body.ok()) return Refusal{Reason::Invalid, printable(body.error().message())};
  call.body = std::move(*body);
  return std::nullopt;
}

aws::Fault fault_of(const AwsCall& call, const Error& error) {
  switch (error.kind()) {
    case ErrorKind::Denied:
    case ErrorKind::Refused:
      return aws::fault_of(call.service, {Reason::AccessDenied, printable(error.message(), 1'000)});
    case ErrorKind::Busy:
      return aws::fault_of(call.service, {Reason::Throttled, ""});
    case ErrorKind::Corrupt:
    case ErrorKind::Unavailable:
      // Our own trouble names paths and devices: the operator reads it in the log, the client does not.
      log::error("request failed", {{"request", call.id}, {"error", error.message()}});
      return aws::fault_of(call.service, {Reason::Internal, ""});
    default:
      return aws::fault_of(call.service, {Reason::Invalid, printable(error.message(), 1'000)});
  }
}

}  // namespace

Error AwsCall::fail(std::string code, std::string message) {
  fault = aws::Fault{.code = std::move(code), .message = message};
  return denied(std::move(message));
}

double ecr_time(Time time) {
  return static_cast<double>(time.unix_micros()) / 1e6;
}

AwsApi::AwsApi(registry::Registry& registry, identity::Identity& identity, gate::Gate& gate, const Clock& clock,
               AwsOptions options)
    : impl_(new Impl{registry, identity, gate, clock, std::move(options)}) {}
AwsApi::~AwsApi() = default;

void AwsApi::add_routes(http::Router& router) {
  for (auto method : {"GET", "POST"})
    router.add(method, "/", [impl = impl_.get()](http::Request& request) { return impl->serve(request); });
}

http::Response AwsApi::Impl::serve(http::Request& request) {
  AwsCall call{.request = request, .id = random_uuid()};
  std::string text;
  const auto targets = request.headers.all("X-Amz-Target");
  const bool is_ecr = !targets.empty();
  // Until the target is read: that is how its clients read errors.
  if (is_ecr) call.service = aws::Service::Ecr;
  const bool is_form = request.method == "POST" && media_type(request) == "application/x-www-form-urlencoded";
  if (!is_ecr && !is_form && !request.parameter("Action"))
    return http::Response::problem(request, not_found("there is nothing here but the AWS endpoints: see docs/aws.md"));
  auto refusal = is_ecr ? serve_ecr(call, text) : serve_sts(call, text);
  if (call.fault) return answer(call, *call.fault);
  if (refusal) return answer(call, aws::fault_of(call.service, *refusal));
  return answer(call, std::move(text));
}

std::optional<Refusal> AwsApi::Impl::serve_sts(AwsCall& call, std::string& answer) {
  const bool is_post = call.request.method == "POST";
  if (auto bad = read_body(call, kFormBytesMax)) return bad;
  if (!is_post && !call.body.empty()) return Refusal{Reason::Invalid, "a GET has no body"};
  const auto& target = call.request.target;
  const auto mark = target.find('?');
  const bool has_query = mark != std::string::npos;
  // Two places for parameters are two readings of one request.
  if (is_post && has_query) return Refusal{Reason::Invalid, "parameters are sent in the body of a POST"};
  auto form = aws::Form::parse(is_post     ? std::string_view(call.body)
                               : has_query ? std::string_view(target).substr(mark + 1)
                                           : std::string_view());
  if (!form.ok()) return Refusal{Reason::Invalid, printable(form.error().message())};
  call.operation = printable(form->value("Action"), 60);
  if (auto refused = authenticate(call)) return refused;
  auto asked = aws::parse_sts(*form);
  if (auto* bad = std::get_if<Refusal>(&asked)) return *bad;
  auto answered = answer_sts(call, std::get<aws::StsRequest>(asked));
  if (auto* bad = std::get_if<Refusal>(&answered)) return *bad;
  answer = std::get<std::string>(std::move(answered));
  return std::nullopt;
}

std::optional<Refusal> AwsApi::Impl::serve_ecr(AwsCall& call, std::string& answer) {
  const auto targets = call.request.headers.all("X-Amz-Target");
  if (targets.size() != 1) return Refusal{Reason::Invalid, "X-Amz-Target may be sent once only"};
  auto target = aws::parse_target(trim(targets.front()));
  if (auto* bad = std::get_if<Refusal>(&target)) return *bad;
  call.service = std::get<aws::EcrCall>(target).service;
  call.operation = std::get<aws::EcrCall>(target).operation;
  if (call.request.method != "POST" || media_type(call.request) != kJsonType)
    return Refusal{Reason::UnknownOperation,
                   format("{} is sent as POST with Content-Type {}", call.operation, kJsonType)};
  if (auto bad = read_body(call, aws::ecr_body_bytes_max(call.operation))) return bad;
  if (auto refused = authenticate(call)) return refused;
  auto input = aws::parse_input(call.operation, call.body);
  if (auto* bad = std::get_if<Refusal>(&input)) return *bad;
  call.input = std::get<aws::EcrInput>(std::move(input));
  auto handler = find_ecr_handler(call.operation);
  auto outcome = (this->*(handler ? handler : &Impl::deny_always))(call);
  if (!outcome.ok()) {
    if (!call.fault) call.fault = fault_of(call, outcome.error());
    return std::nullopt;
  }
  answer = outcome->dump();
  return std::nullopt;
}

http::Response AwsApi::Impl::answer(const AwsCall& call, std::string body) const {
  const bool is_sts = call.service == aws::Service::Sts;
  auto response = http::Response::text(200, std::move(body), is_sts ? "text/xml" : kJsonType);
  response.headers.set("x-amzn-RequestId", call.id);
  response.headers.set("Cache-Control", "no-store");
  return response;
}

http::Response AwsApi::Impl::answer(const AwsCall& call, const aws::Fault& fault) const {
  const bool is_sts = call.service == aws::Service::Sts;
  auto response = http::Response::text(fault.status, is_sts ? aws::sts_error(fault, call.id) : aws::ecr_error(fault),
                                       is_sts ? "text/xml" : kJsonType);
  response.headers.set("x-amzn-RequestId", call.id);
  response.headers.set("x-amzn-ErrorType", fault.code);
  response.headers.set("Cache-Control", "no-store");
  if (fault.code.starts_with("Throttling"))
    response.headers.set("Retry-After", std::to_string(call.retry_after.value_or(kRetryAfter).count()));
  return response;
}

std::string AwsApi::Impl::registry_origin(const http::Request& request) const {
  if (!options.public_url.empty()) return options.public_url;
  // By way of the proxy the client speaks to AWS's names; the registry's is one of them.
  if (contains(request.host, ".amazonaws.com") || request.host == "amazonaws.com")
    return format("https://{}.dkr.ecr.{}.amazonaws.com", options.account, options.region);
  return request.origin();
}

}  // namespace pratique::control
