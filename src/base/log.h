// The log: what happened, as a constant message and variable fields.
//
//   log::info("scan finished", {{"digest", digest.to_string()}, {"findings", 12}});
//
// Levels: error = an operator must act; warn = degraded, or someone misbehaves; info = one line a state change;
// debug = for us. Never a secret, never log and return an error. Lines are logfmt (or JSON) on stderr. Thread-safe.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace pratique::log {

enum class Level { Debug, Info, Warn, Error, Off };
enum class Style { Logfmt, Json };

struct Field {
  std::string_view key;
  std::string value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <typename N>
    requires std::integral<N> || std::floating_point<N>
  Field(std::string_view k, N v) : key(k), value(std::to_string(v)) {}
};

using Fields = std::initializer_list<Field>;

void configure(Level lowest, Style style);
void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warn(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

// While alive, every line this thread logs carries request=<id>.
class RequestScope {
 public:
  explicit RequestScope(std::string id);
  ~RequestScope();
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;
};

// The line as it would be written, without time: what the tests compare.
std::string render(Style style, Level level, std::string_view message, Fields fields, std::string_view request);

}  // namespace pratique::log
