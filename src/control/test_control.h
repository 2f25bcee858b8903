// The language of the API's tests: the real gate on a temporary directory, asked through the router without a socket.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "base/format.h"
#include "control/control.h"
#include "os/file.h"
#include "wire/wire.h"

namespace pratique::control::testing {

inline constexpr std::string_view kPassword = "correct horse";

struct Answer {
  int status = 0;
  http::Headers headers;
  std::string body;
  Json json;  // null where the body is none

  std::string kind() const { return std::string(json["error"]["kind"].text()); }
  std::string message() const { return std::string(json["error"]["message"].text()); }
  std::string header(std::string_view name) const { return headers.find(name).value_or(""); }
};

struct Question {
  std::string method = "GET";
  std::string target;  // with its query
  std::string user = "";
  std::string body = "";
  std::string content_type = "application/json";
  std::string accept = "";
  std::string authorization = "";  // instead of the user's
};

class ControlTest : public ::testing::Test {
 protected:
  explicit ControlTest(Options options = {.public_url = "https://gate.example.org", .contact = "bea@example.org"});
  ~ControlTest() override;

  // ann and sam submit, bea reviews, ron runs, root may everything; made when first used.
  void ensure_user(const std::string& name);
  Answer ask(const Question& question);
  Answer get(const std::string& target, const std::string& user) { return ask({.target = target, .user = user}); }
  Answer send(const std::string& method, const std::string& target, const std::string& user,
              const std::string& body = "{}") {
    return ask({.method = method, .target = target, .user = user, .body = body});
  }

  // Pushes an image that cannot be judged, so that it waits for a reviewer. Gives the submission's id.
  std::string push(const std::string& user = "ann", const std::string& tag = "1.0");
  std::string state(const std::string& id) { return std::string(to_string(gate_->submission(id)->state)); }

  ManualClock clock_{*Time::parse("2026-11-20T12:00:00Z")};
  os::TemporaryDirectory directory_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<identity::Identity> identity_;
  std::unique_ptr<registry::Registry> registry_;
  scan::Cataloguer cataloguer_;
  std::unique_ptr<scan::InventoryStore> inventories_;
  std::unique_ptr<grants::Grants> grants_;
  std::unique_ptr<signin::ApiKeys> api_keys_;
  std::unique_ptr<signin::ExternalUsers> external_;
  std::unique_ptr<gate::Gate> gate_;
  std::unique_ptr<Control> control_;
  http::Router router_;
  std::map<std::string, identity::Principal> users_;
};

}  // namespace pratique::control::testing
