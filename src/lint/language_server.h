// The checks inside an editor: a language server's side of the protocol, without its transport. Part of lint.h.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace pratique::lint {

struct Options;

// One message in, the answers and notifications out. Diagnostics on every change, hover with the rule's page, code
// actions that fix what is safe to fix or ignore a finding with a reason. One thread.
class LanguageServer {
 public:
  // The options of a file, by its URI: what lies around it is the caller's to know.
  using OptionsFor = std::function<Options(const std::string& uri)>;
  explicit LanguageServer(OptionsFor options);

  std::vector<Json> handle(const Json& message);
  bool is_over() const { return is_over_; }           // "exit" has come
  int exit_code() const { return is_shut_ ? 0 : 1; }  // as the protocol says

 private:
  std::vector<Json> notify(const std::string& method, const Json& params);
  std::optional<Json> answer(const std::string& method, const Json& params);
  Json diagnostics_of(const std::string& uri);
  Json hover(const Json& params);
  Json actions(const Json& params);

  OptionsFor options_;
  std::map<std::string, std::string> texts_;  // by URI
  bool is_shut_ = false;
  bool is_over_ = false;
};

}  // namespace pratique::lint
