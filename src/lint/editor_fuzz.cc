// An editor may send anything: the first byte chooses between a message of its own and a document. Answers are
// JSON-RPC.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "lint/lint.h"

namespace {

using namespace pratique;

void expect_sound(const std::vector<Json>& answers) {
  for (const auto& answer : answers) {
    CHECK(answer["jsonrpc"].text() == "2.0" && (answer.has("result") || answer.has("error") || answer.has("params")));
    for (const auto& diagnostic : answer["params"]["diagnostics"].items()) {
      CHECK(diagnostic["range"]["start"]["line"].as_int().value_or(-1) >= 0);
      CHECK(diagnostic["range"]["end"]["character"].as_int().value_or(-1) >= 0);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  lint::LanguageServer server([](const std::string&) { return lint::Options{.profile = lint::Profile::Tre}; });
  if (data[0] % 2 == 0) {
    if (auto message = parse_json(text); message.ok()) expect_sound(server.handle(*message));
    return 0;
  }
  Json document = Json::object({{"uri", "file:///x"}, {"text", text}});
  Json params = Json::object({{"textDocument", document}});
  expect_sound(server.handle(Json::object({{"method", "textDocument/didOpen"}, {"params", params}})));
  Json place = Json::object({{"line", data[0] % 16}, {"character", 0}});
  params.set("position", place).set("range", Json::object({{"start", place}, {"end", place}}));
  for (auto method : {"textDocument/hover", "textDocument/codeAction"})
    expect_sound(server.handle(Json::object({{"id", 1}, {"method", method}, {"params", params}})));
  return 0;
}
