#include "lint/shell.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"

// Places lie inside the text, and a word's raw text is what stands there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = lint::shell::parse(text);
  if (parsed.failure) {
    CHECK(parsed.failure->at <= size && !parsed.failure->message.empty());
    return 0;
  }
  lint::shell::visit(parsed.script, [&](const lint::shell::Node& node) {
    CHECK(node.begin <= node.end && node.end <= size);
    for (const auto& word : node.words) CHECK(text.substr(word.begin, word.end - word.begin) == word.raw);
  });
  return 0;
}
