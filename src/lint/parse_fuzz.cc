#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/text.h"
#include "lint/lint.h"

// Whatever the bytes are: spans lie inside the file, reports can be written, and a fixed file is a file that needs no
// more fixing and has as many instructions.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  using namespace pratique::lint;
  auto file = parse(std::string(reinterpret_cast<const char*>(data), size));
  if (!file.ok()) return 0;
  for (const auto& instruction : file->instructions) {
    CHECK(instruction.span.begin <= instruction.span.end && instruction.span.end <= size);
    for (const auto& word : instruction.words) CHECK(word.span.begin <= word.span.end && word.span.end <= size);
  }
  for (const auto& stage : file->stages) CHECK(!stage.parent || *stage.parent < file->stages.size());

  Options options{.profile = Profile::Tre, .labels = {{"v", LabelKind::Semver}, {"s", LabelKind::Spdx}}};
  options.surroundings = {.dockerignore = file->text, .is_in_git = false, .automation = ""};
  Checked checked{&*file, check(*file, options)};
  for (const auto& finding : checked.report.findings) {
    CHECK(finding.rule != nullptr && !finding.message.empty());
    CHECK(finding.span.end <= size && finding.from <= finding.to);
  }
  CHECK(is_utf8(to_json({&checked, 1}).dump()) && is_utf8(to_sarif({&checked, 1}).dump()));
  CHECK(render_text(checked, false).find('\033') == std::string::npos);

  auto fixed = fix(*file);
  auto again = parse(fixed.text);
  CHECK(again.ok() && again->instructions.size() == file->instructions.size());
  CHECK(fixed.changes.empty() == (fixed.text == file->text));
  CHECK(fix(*again).changes.empty(), "fixing twice changes nothing");
  return 0;
}
