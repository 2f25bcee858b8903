// Language Server Protocol 3.17: the few methods a linter needs, whole documents at each change.
#include "lint/language_server.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "lint/lint.h"

namespace pratique::lint {

namespace {

// An editor has some dozens of files open; more is a client that never closes any.
constexpr std::size_t kDocumentsMax = 256;

// JSON-RPC 2.0 and the protocol's own.
constexpr int kMethodNotFound = -32601;
constexpr int kInvalidParams = -32602;
constexpr int kAfterShutdown = -32600;

// Positions of the protocol count UTF-16 units in a line; ours count bytes.
std::size_t units_of(std::string_view text) {
  std::size_t units = 0;
  for (unsigned char c : text) units += (c & 0xC0) == 0x80 ? 0 : c >= 0xF0 ? 2 : 1;
  return units;
}

Json position_json(const Dockerfile& file, const Position& position) {
  auto line = file.line(position.line);
  auto units = units_of(line.substr(0, std::min(position.column - 1, line.size())));
  return Json::object(
      {{"line", static_cast<std::uint64_t>(position.line - 1)}, {"character", static_cast<std::uint64_t>(units)}});
}

Json range_json(const Dockerfile& file, const Position& from, const Position& to) {
  return Json::object({{"start", position_json(file, from)}, {"end", position_json(file, to)}});
}

Json whole_range(const Dockerfile& file) {
  return range_json(file, {1, 1}, file.position(file.text.size()));
}

int severity_number(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return 1;
    case Severity::Warning:
      return 2;
    case Severity::Info:
      return 3;
    case Severity::Style:
      return 4;
  }
  return 4;
}

Json diagnostic_of(const Dockerfile& file, const Finding& finding) {
  Json json = Json::object({{"range", range_json(file, finding.from, finding.to)}});
  json.set("severity", severity_number(finding.severity)).set("code", finding.rule->id).set("source", "pratique");
  return json.set("message", finding.message);
}

bool holds(const Json& range, const Json& at) {
  auto place = [](const Json& position) {
    return std::pair(position["line"].as_int().value_or(-1), position["character"].as_int().value_or(-1));
  };
  return place(range["start"]) <= place(at) && place(at) <= place(range["end"]);
}

Json notification(std::string_view method, Json params) {
  return Json::object({{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
}

Json failure(const Json& id, int code, std::string_view message) {
  return Json::object(
      {{"jsonrpc", "2.0"}, {"id", id}, {"error", Json::object({{"code", code}, {"message", message}})}});
}

Json capabilities() {
  Json json = Json::object({{"textDocumentSync", 1}, {"hoverProvider", true}, {"positionEncoding", "utf-16"}});
  Json kinds = Json::array();
  kinds.push("quickfix").push("source.fixAll");
  return json.set("codeActionProvider", Json::object({{"codeActionKinds", std::move(kinds)}}));
}

Json edit_of(const std::string& uri, Json range, std::string text) {
  Json edits = Json::array();
  edits.push(Json::object({{"range", std::move(range)}, {"newText", std::move(text)}}));
  return Json::object({{"changes", Json::object({{uri, std::move(edits)}})}});
}

// A comment above the instruction, where the reason is for the person to write.
Json ignore_action(const Dockerfile& file, const std::string& uri, const Finding& finding) {
  Position above{finding.from.line, 1};
  Json action =
      Json::object({{"title", format("Ignore {} here, with a reason", finding.rule->id)}, {"kind", "quickfix"}});
  Json diagnostics = Json::array();
  diagnostics.push(diagnostic_of(file, finding));
  action.set("diagnostics", std::move(diagnostics));
  auto comment = format("# pratique ignore={} reason: …\n", finding.rule->id);
  return action.set("edit", edit_of(uri, range_json(file, above, above), comment));
}

}  // namespace

LanguageServer::LanguageServer(OptionsFor options) : options_(std::move(options)) {}

std::vector<Json> LanguageServer::handle(const Json& message) {
  auto method = std::string(message["method"].text());
  bool is_request = message.has("id") && !method.empty();
  if (!is_request) return method.empty() ? std::vector<Json>() : notify(method, message["params"]);
  if (is_shut_) return {failure(message["id"], kAfterShutdown, "the server was shut down")};
  auto result = answer(method, message["params"]);
  if (!result) {
    bool is_known = method.starts_with("textDocument/");
    return {failure(message["id"], is_known ? kInvalidParams : kMethodNotFound,
                    is_known ? "no such document is open" : "not a method of this server")};
  }
  return {Json::object({{"jsonrpc", "2.0"}, {"id", message["id"]}, {"result", std::move(*result)}})};
}

std::optional<Json> LanguageServer::answer(const std::string& method, const Json& params) {
  if (method == "initialize")
    return Json::object({{"capabilities", capabilities()}, {"serverInfo", Json::object({{"name", "pratique"}})}});
  if (method == "shutdown") {
    is_shut_ = true;
    return Json();
  }
  auto uri = std::string(params["textDocument"]["uri"].text());
  if (!texts_.contains(uri)) return std::nullopt;
  if (method == "textDocument/hover") return hover(params);
  if (method == "textDocument/codeAction") return actions(params);
  return std::nullopt;
}

std::vector<Json> LanguageServer::notify(const std::string& method, const Json& params) {
  auto uri = std::string(params["textDocument"]["uri"].text());
  if (method == "exit") is_over_ = true;
  if (method == "textDocument/didClose") {
    texts_.erase(uri);
    return {
        notification("textDocument/publishDiagnostics", Json::object({{"uri", uri}, {"diagnostics", Json::array()}}))};
  }
  bool is_opened = method == "textDocument/didOpen";
  if (!is_opened && method != "textDocument/didChange") return {};
  const auto& changes = params["contentChanges"].items();
  const Json& text = is_opened         ? params["textDocument"]["text"]
                     : changes.empty() ? params["none"]
                                       : changes.back()["text"];
  if (uri.empty() || !text.is_string()) return {};
  if (!texts_.contains(uri) && texts_.size() == kDocumentsMax) return {};
  texts_[uri] = *text.as_string();
  return {notification("textDocument/publishDiagnostics", diagnostics_of(uri))};
}

Json LanguageServer::diagnostics_of(const std::string& uri) {
  Json list = Json::array();
  auto file = parse(texts_[uri]);
  if (file.ok()) {
    auto report = check(*file, options_(uri), uri);
    for (const auto& finding : report.findings) list.push(diagnostic_of(*file, finding));
  } else {
    Json start = Json::object({{"line", 0}, {"character", 0}});
    list.push(Json::object({{"range", Json::object({{"start", start}, {"end", start}})},
                            {"severity", 1},
                            {"source", "pratique"},
                            {"message", file.error().message()}}));
  }
  return Json::object({{"uri", uri}, {"diagnostics", std::move(list)}});
}

Json LanguageServer::hover(const Json& params) {
  auto uri = std::string(params["textDocument"]["uri"].text());
  auto file = parse(texts_[uri]);
  if (!file.ok()) return {};
  auto report = check(*file, options_(uri), uri);
  std::string pages;
  for (const auto& finding : report.findings)
    if (holds(range_json(*file, finding.from, finding.to), params["position"]))
      pages += (pages.empty() ? "" : "\n---\n\n") + rule_page(*finding.rule);
  if (pages.empty()) return {};
  return Json::object({{"contents", Json::object({{"kind", "markdown"}, {"value", pages}})}});
}

Json LanguageServer::actions(const Json& params) {
  auto uri = std::string(params["textDocument"]["uri"].text());
  Json list = Json::array();
  auto file = parse(texts_[uri]);
  if (!file.ok()) return list;
  auto options = options_(uri);
  if (auto fixed = fix(*file, options); !fixed.changes.empty()) {
    Json action = Json::object({{"title", format("Fix what is safe to fix ({})", fixed.changes.size())},
                                {"kind", "source.fixAll"},
                                {"edit", edit_of(uri, whole_range(*file), fixed.text)}});
    list.push(std::move(action));
  }
  auto report = check(*file, options, uri);
  for (const auto& finding : report.findings)
    if (holds(range_json(*file, {finding.from.line, 1}, finding.to), params["range"]["start"]))
      list.push(ignore_action(*file, uri, finding));
  return list;
}

}  // namespace pratique::lint
