// The language of the STS and ECR tests: keys, signed requests, answers; on the gate of test_control.h.
#pragma once

#include <cstring>
#include <memory>
#include <string>

#include "aws/aws.h"
#include "base/text.h"
#include "control/test_control.h"

namespace pratique::control::testing {

// How a request differs from the ordinary one.
struct Shape {
  std::string region = "eu-west-2";
  std::string host = "gate.example.org";
  std::string peer = "192.0.2.1";
  std::string service = "";  // "": the right one
};

class AwsTest : public ControlTest {
 protected:
  explicit AwsTest(AwsOptions options = {.public_url = "https://gate.example.org",
                                         .account = "123456789012",
                                         .region = "eu-west-2"})
      : aws_(*registry_, *identity_, *gate_, clock_, std::move(options)) {
    aws_.add_routes(router_);
  }

  // Keys that push into the user's staging repository, and the account's own.
  identity::SessionKeys push_keys(const std::string& user, seconds lifetime = identity::kSessionLifetimeDefault) {
    return keys(user, "staging/" + identity::escape_user_name(user), lifetime);
  }
  identity::SessionKeys own_keys(const std::string& user, seconds lifetime = identity::kSessionLifetimeDefault) {
    return keys(user, "", lifetime);
  }
  identity::SessionKeys keys(const std::string& user, std::string repository, seconds lifetime) {
    ensure_user(user);
    return identity_->issue_session({.user = user, .repository = std::move(repository), .lifetime = lifetime}).value();
  }

  http::Request sts(const identity::SessionKeys& keys, std::string_view body, const Shape& shape = {}) {
    return make(keys, body, "application/x-www-form-urlencoded; charset=utf-8", "", shape, "sts");
  }
  http::Request ecr(const identity::SessionKeys& keys, std::string_view operation, std::string_view body,
                    const Shape& shape = {}) {
    return make(keys, body, "application/x-amz-json-1.1", format("AmazonEC2ContainerRegistry_V20150921.{}", operation),
                shape, "ecr");
  }
  http::Request make(const identity::SessionKeys& keys, std::string_view body, const std::string& type,
                     const std::string& target, const Shape& shape, const std::string& service) {
    http::Request request;
    request.id = "0123456789abcdef";
    request.method = "POST";
    request.target = request.path = "/";
    request.scheme = "https";
    request.host = shape.host;
    request.peer = shape.peer;
    request.headers.set("Host", shape.host);
    request.headers.set("Content-Type", type);
    if (!target.empty()) request.headers.set("X-Amz-Target", target);
    aws::sign(request, body,
              {keys.access_key_id, keys.secret, keys.session_token, shape.region,
               shape.service.empty() ? service : shape.service},
              clock_.now());
    return request;
  }

  Answer send(http::Request request, std::string_view body) {
    StringBody reader(body);
    request.body = &reader;
    auto response = http::settle(router_(request));
    Answer answer{.status = response.status, .headers = response.headers, .body = std::get<std::string>(response.body)};
    if (auto json = parse_json(answer.body); json.ok()) answer.json = *json;
    return answer;
  }
  Answer ask_sts(const identity::SessionKeys& keys, std::string_view body, const Shape& shape = {}) {
    return send(sts(keys, body, shape), body);
  }
  Answer ask_ecr(const identity::SessionKeys& keys, std::string_view operation, std::string_view body = "{}",
                 const Shape& shape = {}) {
    return send(ecr(keys, operation, body, shape), body);
  }
  // "ok", or the word of the error, in either protocol.
  static std::string word(const Answer& answer) {
    if (answer.status == 200) return "ok";
    auto type = std::string(answer.json["__type"].text());
    return type.empty() ? element(answer, "Code") : type;
  }
  static std::string words(const Answer& answer) {
    auto message = std::string(answer.json["message"].text());
    return message.empty() ? element(answer, "Message") : message;
  }
  static std::string element(const Answer& answer, const std::string& name) {
    auto open = answer.body.find("<" + name + ">");
    auto close = answer.body.find("</" + name + ">");
    if (open == std::string::npos || close == std::string::npos) return "";
    open += name.size() + 2;
    return answer.body.substr(open, close - open);
  }
  static constexpr std::string_view kWhoAmI = "Action=GetCallerIdentity&Version=2011-06-15";

  class StringBody final : public http::BodyReader {
   public:
    explicit StringBody(std::string_view text) : rest_(text), length_(text.size()) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
      auto count = std::min(buffer.size(), rest_.size());
      std::memcpy(buffer.data(), rest_.data(), count);
      rest_.remove_prefix(count);
      return count;
    }
    std::optional<std::uint64_t> length() const override { return length_; }

   private:
    std::string_view rest_;
    std::uint64_t length_;
  };

  AwsApi aws_;
};

}  // namespace pratique::control::testing
