#include "lint/language_server.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "lint/lint.h"

namespace pratique::lint {
namespace {

class LanguageServerTest : public ::testing::Test {
 protected:
  Json send(const std::string& text) {
    auto answers = server_.handle(*parse_json(text));
    return answers.empty() ? Json() : answers.front();
  }
  Json request(const std::string& method, const std::string& params = "{}") {
    return send(R"({"jsonrpc":"2.0","id":7,"method":")" + method + R"(","params":)" + params + "}");
  }
  Json open(const std::string& text) {
    Json document = Json::object({{"uri", "file:///Dockerfile"}, {"text", text}});
    Json message = Json::object({{"method", "textDocument/didOpen"}});
    return send(message.set("params", Json::object({{"textDocument", document}})).dump());
  }
  static std::string at(int line, int character) {
    auto place = R"({"line":)" + std::to_string(line) + R"(,"character":)" + std::to_string(character) + "}";
    return R"({"textDocument":{"uri":"file:///Dockerfile"},"position":)" + place + R"(,"range":{"start":)" + place +
           R"(,"end":)" + place + "}}";
  }

  LanguageServer server_{[](const std::string&) { return Options{}; }};
};

const Json& first(const Json& published) {
  return published["params"]["diagnostics"].items().at(0);
}

TEST_F(LanguageServerTest, SaysWhatItCanDo) {
  auto capabilities = request("initialize")["result"]["capabilities"];
  EXPECT_EQ(capabilities["hoverProvider"].as_bool(), true);
  EXPECT_EQ(capabilities["textDocumentSync"].as_int(), 1);
}
TEST_F(LanguageServerTest, PublishesFindingsWhenAFileIsOpened) {
  auto published = open("FROM a:1\nUSER x\nADD x.py /app/\n");
  EXPECT_EQ(published["method"].text(), "textDocument/publishDiagnostics");
  EXPECT_EQ(first(published)["code"].text(), "DL3020");
  EXPECT_EQ(first(published)["range"]["start"]["line"].as_int(), 2);
}
TEST_F(LanguageServerTest, CountsColumnsInUtf16) {
  auto published = open("FROM a:1\nUSER x\nLABEL a=\"\U0001F600\" b=ü c=1 ADD\nEXPOSE 80 70000\n");
  ASSERT_FALSE(published["params"]["diagnostics"].items().empty());
  auto unicode = open("FROM a:1\nUSER x\nEXPOSE $ü\U0001F600 70000\n");
  bool is_seen = false;
  for (const auto& diagnostic : unicode["params"]["diagnostics"].items())
    if (diagnostic["code"].text() == "DL3011") {
      is_seen = true;
      EXPECT_EQ(diagnostic["range"]["start"]["character"].as_int(), 12) << "ü is one unit, the face two";
    }
  EXPECT_TRUE(is_seen);
}
TEST_F(LanguageServerTest, ForgetsTheFindingsOfAClosedFile) {
  open("FROM a:1\nADD x.py /app/\n");
  auto published = send(R"({"method":"textDocument/didClose","params":{"textDocument":{"uri":"file:///Dockerfile"}}})");
  EXPECT_TRUE(published["params"]["diagnostics"].items().empty());
  EXPECT_TRUE(request("textDocument/hover", at(0, 0)).has("error"));
}
TEST_F(LanguageServerTest, LooksAgainAtAChangedFile) {
  open("FROM a:1\nUSER x\n");
  auto published = send(R"({"method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///Dockerfile"},)"
                        R"("contentChanges":[{"text":"FROM a:1\nUSER x\nADD x.py /app/\n"}]}})");
  EXPECT_EQ(first(published)["code"].text(), "DL3020");
}
TEST_F(LanguageServerTest, ExplainsTheRuleUnderTheCursor) {
  open("FROM a:1\nUSER x\nADD x.py /app/\n");
  EXPECT_TRUE(contains(request("textDocument/hover", at(2, 1))["result"]["contents"]["value"].text(), "# DL3020"));
  EXPECT_TRUE(request("textDocument/hover", at(0, 0))["result"].is_null());
}
TEST_F(LanguageServerTest, OffersTheFixAndAnIgnoreWithAReason) {
  open("FROM a:1\nUSER x\nADD x.py /app/\n");
  auto actions = request("textDocument/codeAction", at(2, 0))["result"];
  ASSERT_EQ(actions.items().size(), 2u);
  const auto& edit = actions.items()[0]["edit"]["changes"]["file:///Dockerfile"].items().at(0);
  EXPECT_EQ(edit["newText"].text(), "FROM a:1\nUSER x\nCOPY x.py /app/\n");
  EXPECT_TRUE(contains(actions.items()[1]["title"].text(), "Ignore DL3020"));
}
TEST_F(LanguageServerTest, RefusesWhatItDoesNotKnowAndEverythingAfterShutdown) {
  EXPECT_EQ(request("textDocument/rename")["error"]["code"].as_int(), -32602);
  EXPECT_EQ(request("workspace/symbol")["error"]["code"].as_int(), -32601);
  request("shutdown");
  EXPECT_EQ(request("initialize")["error"]["code"].as_int(), -32600);
  send(R"({"method":"exit"})");
  EXPECT_TRUE(server_.is_over());
  EXPECT_EQ(server_.exit_code(), 0);
}
TEST_F(LanguageServerTest, SurvivesMessagesOfNoShape) {
  for (auto text :
       {"{}", "[]", "1", R"({"method":"textDocument/didOpen"})", R"({"id":1,"method":"textDocument/hover"})",
        R"({"method":"textDocument/didChange","params":{"textDocument":{"uri":"x"},"contentChanges":[]}})"})
    send(text);
  EXPECT_FALSE(server_.is_over());
}

}  // namespace
}  // namespace pratique::lint
