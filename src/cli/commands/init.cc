// init: a project to start from, which passes every check.
#include <filesystem>

#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/starters.h"
#include "oci/oci.h"
#include "os/file.h"

namespace pratique::cli {

namespace {

namespace fs = std::filesystem;

// "My Project" → "my-project": what a repository may be called.
std::string image_name(std::string_view text) {
  std::string name;
  for (char c : to_lower(text)) {
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_plain)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "image" : name;
}

std::string known_kinds() {
  std::string text;
  for (const auto& kind : starter_kinds()) text += format("  {:<10} {}\n", kind.name, kind.summary);
  return text;
}

Status check_free(const std::string& directory, const std::vector<StarterFile>& files) {
  for (const auto& file : files)
    if (!file.is_example && os::exists(directory + "/" + file.path))
      return conflict(format("{}/{} is there already; --force overwrites it", directory, file.path));
  return {};
}

Status write(const std::string& directory, const StarterFile& file) {
  auto path = directory + "/" + file.path;
  if (file.is_example && os::exists(path)) return {};
  TRY(os::make_directories(fs::path(path).parent_path().string()));
  TRY(os::write_file(path, file.text, file.path.ends_with(".sh") ? 0755 : 0644));
  print(format("{}\n", path));
  return {};
}

}  // namespace

Result<int> init_command(const Context& context) {
  const auto& arguments = context.arguments;
  const auto& operands = arguments.operands();
  if (arguments.has("--list")) return print(known_kinds()), kDone;
  if (operands.empty()) {
    print_note("pratique init: KIND is missing; there are\n" + known_kinds());
    return kWrongUsage;
  }
  std::string directory = operands.size() > 1 ? operands[1] : ".";
  auto own_name = fs::weakly_canonical(fs::absolute(directory)).filename().string();
  auto name = image_name(arguments.value("--name").empty() ? own_name : arguments.value("--name"));
  auto files = starter_files(operands[0], name);
  if (!files) {
    print_note(format("pratique init: there is no kind \"{}\"; there are\n", printable(operands[0], 40)) +
               known_kinds());
    return kWrongUsage;
  }
  if (!arguments.has("--force")) TRY(check_free(directory, *files));
  for (const auto& file : *files) TRY(write(directory, file));
  print("Next: pin the base image where the Dockerfile says so, `git init` and commit, build, `pratique submit`.\n");
  return kDone;
}

}  // namespace pratique::cli
