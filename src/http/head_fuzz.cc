// Any bytes as a request: what is accepted has unambiguous framing and a path without tricks.
#include "http/head.h"

#include <algorithm>

#include "base/check.h"
#include "base/encoding.h"
#include "base/text.h"
#include "http/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  using namespace pratique::http;
  std::string input(reinterpret_cast<const char*>(data), size);
  std::size_t scanned = 0;
  auto end = find_head_end(input, scanned);
  // Byte by byte gives the same end as all at once.
  std::size_t stepwise = 0;
  auto last = find_head_end(std::string_view(input).substr(0, size / 2), stepwise);
  if (last.state != HeadEnd::State::Incomplete)
    CHECK(last.state == end.state && last.length == end.length);
  else
    CHECK(find_head_end(input, stepwise).state == end.state);
  auto parsed =
      parse_head(end.state == HeadEnd::State::Complete ? std::string_view(input).substr(0, end.length) : input);
  const auto* head = std::get_if<Head>(&parsed);
  if (head == nullptr) {
    CHECK(std::get<Refusal>(parsed).status >= 400 && !std::get<Refusal>(parsed).message.empty());
    return 0;
  }
  CHECK(!head->method.empty() && !head->target.empty());
  CHECK(head->headers.all("Content-Length").size() + head->headers.all("Transfer-Encoding").size() <= 1);
  CHECK(!head->is_chunked || head->content_length == 0);
  CHECK(head->minor_version == 0 || is_authority(head->headers.find("Host").value_or("")));
  for (const auto& [name, value] : head->headers.lines()) {
    CHECK(!name.empty() && name.find_first_of(" \t\r\n:") == std::string::npos);
    CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  auto target = parse_target(head->target);
  if (!target.ok() || target->path == "*") return 0;
  CHECK(target->path.starts_with('/') && target->path.find('\0') == std::string::npos);
  CHECK(!contains(target->path, "//") && !contains(target->path + "/", "/../") && !contains(target->path + "/", "/./"));
  return 0;
}
