#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"

namespace pratique::log {

namespace {

std::atomic<Style> g_style = Style::Logfmt;
std::atomic<Level> g_lowest = Level::Info;
thread_local std::string t_request;

// One stderr sink, made at the first line; spdlog gives time stamps, locking and whole-line writes.
spdlog::logger& sink() {
  static auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("pratique", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc));
    return made;
  }();
  return *logger;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::Debug:
      return "debug";
    case Level::Info:
      return "info";
    case Level::Warn:
      return "warn";
    case Level::Error:
      return "error";
    case Level::Off:
      return "off";
  }
  return "off";
}

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"=\\") != std::string_view::npos;
}

std::string logfmt_value(std::string_view text) {
  constexpr std::size_t kValueBytesMax = 2000;  // one field may not flood a line
  std::string safe = printable(text, kValueBytesMax);
  if (!needs_quotes(safe)) return safe;
  return '"' + replace_all(replace_all(safe, "\\", "\\\\"), "\"", "\\\"") + '"';
}

std::string render_json(Level level, std::string_view message, Fields fields, std::string_view request) {
  Json line = Json::object();
  line.set("level", std::string(name(level)));
  line.set("message", std::string(message));
  if (!request.empty()) line.set("request", std::string(request));
  for (const auto& field : fields) line.set(field.key, printable(field.value, 2000));
  return line.dump();
}

void write(Level level, std::string_view message, Fields fields) {
  if (level < g_lowest.load()) return;
  Style style = g_style.load();
  std::string line = render(style, level, message, fields, t_request);
  auto now = std::chrono::system_clock::now();
  auto micros = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  std::time_t whole = micros / 1000;
  std::tm utc{};
  gmtime_r(&whole, &utc);
  std::string stamp = format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                             utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, micros % 1000);
  if (style == Style::Json)
    sink().info("{{\"time\":\"{}\",{}", stamp, std::string_view(line).substr(1));
  else
    sink().info("{} {}", stamp, line);
}

}  // namespace

void configure(Level lowest, Style style) {
  g_lowest = lowest;
  g_style = style;
}

void debug(std::string_view message, Fields fields) {
  write(Level::Debug, message, fields);
}
void info(std::string_view message, Fields fields) {
  write(Level::Info, message, fields);
}
void warn(std::string_view message, Fields fields) {
  write(Level::Warn, message, fields);
}
void error(std::string_view message, Fields fields) {
  write(Level::Error, message, fields);
}

RequestScope::RequestScope(std::string id) {
  t_request = std::move(id);
}
RequestScope::~RequestScope() {
  t_request.clear();
}

std::string render(Style style, Level level, std::string_view message, Fields fields, std::string_view request) {
  if (style == Style::Json) return render_json(level, message, fields, request);
  std::string line = format("{:<5} {}", name(level), message);
  if (!request.empty()) line += format(" request={}", request);
  for (const auto& field : fields) line += format(" {}={}", field.key, logfmt_value(field.value));
  return line;
}

}  // namespace pratique::log
