#include "cli/linting.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/format.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/scanning.h"
#include "cli/targets.h"
#include "os/fd.h"

namespace pratique::cli {

namespace {

// A message carries one Dockerfile at most; JSON may double its size.
constexpr std::size_t kMessageBytesMax = 4 * lint::kFileBytesMax;
constexpr std::size_t kHeaderBytesMax = 4 << 10;

std::string describe(const scan::ImageCheck& check) {
  bool is_failed = check.state == scan::CheckState::Failed;
  auto text = format("{:<8} {}: {}\n", scan::to_string(check.state), check.id, printable(check.message, 1'000));
  for (const auto& place : check.places) text += format("         {}\n", printable(place, 300));
  if (is_failed) text += format("         → {}\n", check.fix);
  return text;
}

Json json_of(const std::vector<scan::ImageCheck>& checks) {
  Json list = Json::array();
  for (const auto& check : checks) {
    Json places = Json::array();
    for (const auto& place : check.places) places.push(place);
    Json json = Json::object({{"id", check.id}, {"state", scan::to_string(check.state)}, {"message", check.message}});
    list.push(json.set("places", std::move(places)).set("fix", check.fix));
  }
  return Json::object({{"version", 1}, {"checks", std::move(list)}});
}

// Which failed checks the project says are errors.
bool is_blocked(const scan::ImageCheck& check, const std::vector<std::string>& blocking) {
  if (check.state == scan::CheckState::Passed) return false;
  return std::ranges::any_of(blocking, [&](const std::string& ids) {
    auto all = split(ids, ',');
    return std::ranges::any_of(all, [&](auto id) { return equals_ignoring_case(trim(id), check.id); });
  });
}

// "Content-Length: N", blank line, N bytes: how the protocol frames its messages.
class Channel {
 public:
  // nullopt at the end of input.
  Result<std::optional<std::string>> next() {
    std::optional<std::uint64_t> length;
    for (;;) {
      auto line = TRY(header_line());
      if (!line) return std::optional<std::string>();
      if (line->empty()) break;
      if (auto parts = cut(*line, ":"); parts && equals_ignoring_case(parts->first, "Content-Length"))
        length = parse_decimal(trim(parts->second));
    }
    if (!length || *length > kMessageBytesMax) return invalid("a message without a length, or longer than any file");
    while (buffer_.size() < *length)
      if (!TRY(fill())) return std::optional<std::string>();
    std::optional<std::string> message = buffer_.substr(0, *length);
    buffer_.erase(0, *length);
    return message;
  }

 private:
  Result<bool> fill() {
    char bytes[64 << 10];
    ssize_t count = 0;
    do count = ::read(STDIN_FILENO, bytes, sizeof bytes);
    while (count < 0 && errno == EINTR);
    if (count < 0) return from_errno("reading from the editor", errno);
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return count > 0;
  }

  Result<std::optional<std::string>> header_line() {
    for (;;) {
      if (auto end = buffer_.find('\n'); end != std::string::npos) {
        std::optional<std::string> line(trim(std::string_view(buffer_).substr(0, end)));
        buffer_.erase(0, end + 1);
        return line;
      }
      if (buffer_.size() > kHeaderBytesMax) return invalid("a header line without an end");
      if (!TRY(fill())) return std::optional<std::string>();
    }
  }

  std::string buffer_;
};

std::string path_of(const std::string& uri) {
  constexpr std::string_view kScheme = "file://";
  if (!uri.starts_with(kScheme)) return "";
  auto path = percent_decode(std::string_view(uri).substr(kScheme.size()));
  return path.ok() ? *path : "";
}

}  // namespace

Result<int> lint_image(const Context& context, const std::string& target) {
  const auto& arguments = context.arguments;
  auto form = arguments.value("--format");
  if (form != "table" && form != "json") return invalid("--format is table or json for an image");
  auto image = TRY(transport::open(target, {}));
  auto facts = TRY(gather_facts(*image, target, nullptr));
  auto checks = scan::check_image(facts, scan::merge(facts.layers).sights, 0);
  std::string text;
  for (const auto& check : checks) text += describe(check);
  print(form == "json" ? json_of(checks).dump_pretty() : text);
  auto blocking = arguments.values("--block");
  bool fails = std::ranges::any_of(checks, [&](const auto& check) { return is_blocked(check, blocking); });
  return fails ? kVerdictNegative : kDone;
}

Result<int> serve_language(const std::string& profile) {
  auto chosen = lint::parse_profile(profile);
  if (!chosen) return invalid("--profile is general, gen3 or tre");
  lint::LanguageServer server([&](const std::string& uri) {
    lint::Options options{.profile = *chosen};
    if (auto path = path_of(uri); !path.empty()) options.surroundings = look_around(path);
    return options;
  });
  Channel channel;
  while (!server.is_over()) {
    auto message = TRY(channel.next());
    if (!message) break;
    auto json = parse_json(*message, {.bytes_max = kMessageBytesMax});
    if (!json.ok()) continue;  // the next message may be one
    for (const auto& answer : server.handle(*json)) {
      auto text = answer.dump();
      print(format("Content-Length: {}\r\n\r\n{}", text.size(), text));
    }
    std::fflush(stdout);
  }
  return server.exit_code();
}

std::string problem_matcher() {
  return R"json({
  "problemMatcher": [
    {
      "owner": "pratique",
      "pattern": [
        {
          "regexp": "^(.+):(\\d+):(\\d+): (error|warning|info|style) ([A-Z0-9-]+): (.*)$",
          "file": 1,
          "line": 2,
          "column": 3,
          "severity": 4,
          "code": 5,
          "message": 6
        }
      ]
    }
  ]
}
)json";
}

}  // namespace pratique::cli
