// The language of this module's tests: requests as the command line sends them.
#pragma once

#include <string>

#include "aws/aws.h"

namespace pratique::aws::testing {

inline constexpr std::string_view kFormType = "application/x-www-form-urlencoded; charset=utf-8";
inline constexpr std::string_view kJsonType = "application/x-amz-json-1.1";
inline constexpr std::string_view kIdentityBody = "Action=GetCallerIdentity&Version=2011-06-15";
inline const Time kNow = *Time::parse("2026-11-20T13:21:09Z");
inline constexpr std::string_view kHost = "127.0.0.1:8099";

inline http::Request post(std::string_view content_type) {
  http::Request request;
  request.method = "POST";
  request.target = "/";
  request.path = "/";
  request.headers.add("Host", std::string(kHost));
  request.headers.add("Content-Type", std::string(content_type));
  return request;
}

inline const SigningCredentials kStsCredentials{"ASIAEXAMPLE", "sk", "tok", "us-east-1", "sts"};
inline const SigningCredentials kEcrCredentials{"ASIAEXAMPLE", "sk", "tok", "us-east-1", "ecr"};

inline http::Request signed_identity() {
  auto request = post(kFormType);
  sign(request, kIdentityBody, kStsCredentials, kNow);
  return request;
}

inline std::optional<Refusal> judge(const http::Request& request, std::string_view body = kIdentityBody,
                                    Time now = kNow, std::string_view secret = "sk", std::string_view host = kHost) {
  auto read = read_signature(request);
  if (auto* refusal = std::get_if<Refusal>(&read)) return *refusal;
  const auto& signature = std::get<Signature>(read);
  const auto key = derive_key(secret, signature.date, signature.region, signature.service);
  return verify(signature, request, {.key = key, .host = host, .body = body, .now = now});
}

// "ok", or the word of the refusal.
inline std::string verdict(const std::optional<Refusal>& refusal) {
  return refusal ? fault_of(Service::Sts, *refusal).code : "ok";
}

}  // namespace pratique::aws::testing
