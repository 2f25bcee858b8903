#include <sys/stat.h>

#include <algorithm>

#include "advisory/advisory.h"
#include "advisory/collector.h"
#include "advisory/feed_file.h"
#include "advisory/sources/source.h"
#include "advisory/starter.h"
#include "advisory/writer.h"
#include "base/format.h"
#include "os/file.h"

namespace pratique::advisory {

namespace {

constexpr std::size_t kProblemsMax = 100;
// Enough to meet a second record of any feed, and the first of a tracker file.
constexpr std::size_t kPeekBytes = 64 << 10;
// A directory of feeds has a few levels (feeds/osv/<ecosystem>/all.zip).
constexpr int kDirectoryDepthMax = 6;

bool is_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<std::optional<BuildInput>> recognise_file(const std::string& path) {
  std::string head = TRY(peek_feed(path, kPeekBytes));
  const Source* source = recognise_source(path, head);
  if (source == nullptr) return std::optional<BuildInput>();
  return std::optional(BuildInput{.kind = source->kind, .path = path, .stream = source->stream_of_path(path)});
}

// Files that are unreadable or no feed are passed over: a directory may hold anything.
void recognise_directory(const std::string& directory, int depth, std::vector<BuildInput>& inputs) {
  bool has_records = false;
  for (const auto& name : os::list_directory(directory)) {
    std::string path = directory + "/" + name;
    if (is_directory(path)) {
      if (depth < kDirectoryDepthMax) recognise_directory(path, depth + 1, inputs);
      continue;
    }
    // A directory of single OSV records is one feed; looking at the first of them is enough.
    if (has_records && name.ends_with(".json")) continue;
    auto input = recognise_file(path);
    if (!input.ok() || !*input) continue;
    if ((*input)->kind == SourceKind::Osv && name.ends_with(".json")) {
      has_records = true;
      (*input)->path = directory;
    }
    inputs.push_back(**input);
  }
}

Status compile(const BuildInput& input, const BuildOptions& options, Time now, Writer& writer, BuildReport& report) {
  const Source* source = source_of(input.kind);
  if (source == nullptr) return invalid("the starter set is no file");
  Collector collector(&writer, input.kind, input.path, now);
  collector.set_progress(&options.progress);
  TRY(source->import(input, collector).with_context("reading " + input.path));
  report.info.sources.push_back(collector.info());
  report.skipped += collector.skipped();
  for (const auto& problem : collector.problems())
    if (report.problems.size() < kProblemsMax) report.problems.push_back(problem);
  return {};
}

}  // namespace

Result<std::vector<BuildInput>> recognise(const std::string& path) {
  std::vector<BuildInput> inputs;
  if (is_directory(path)) {
    recognise_directory(path, 0, inputs);
  } else if (auto input = TRY(recognise_file(path))) {
    inputs.push_back(std::move(*input));
  }
  if (inputs.empty()) return not_found(format("{} holds no advisory feed that this program knows", path));
  return inputs;
}

Result<BuildReport> build(const BuildOptions& options, const Clock& clock) {
  if (options.inputs.empty() && !options.with_starter) return invalid("there is nothing to build a database from");
  BuildReport report;
  Writer writer;
  report.info.built = clock.now();
  if (options.with_starter) report.info.sources.push_back(add_starter(writer));
  std::uint64_t done = 0;
  for (const auto& input : options.inputs) {
    if (options.progress) options.progress({input.path, done++, options.inputs.size(), "files"});
    TRY(compile(input, options, report.info.built, writer, report));
  }
  std::string file = TRY(writer.finish(report.info));
  // Processes that have the old file mapped keep it: a rename replaces the name, not the bytes.
  TRY(os::write_file(options.output, file, 0644).with_context("writing the advisory database"));
  if (options.progress) options.progress({options.output, options.inputs.size(), options.inputs.size(), "files"});
  return report;
}

}  // namespace pratique::advisory
