// admin man: the manual pages, as packages install them.
#include "base/format.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "os/file.h"

namespace pratique::cli {

Result<int> man_command(const Context& context) {
  const std::string& directory = context.arguments.operands()[0];
  auto pages = manual_pages();
  pages.push_back({"pratique.yaml.5", TRY(context.services.config_reference("man"))});
  for (const auto& page : pages) {
    std::string section = format("{}/man{}", directory, page.file.back());
    TRY(os::make_directories(section));
    TRY(os::write_file(format("{}/{}", section, page.file), page.text, 0644));
  }
  print(format("{} pages below {}\n", pages.size(), directory));
  return kDone;
}

}  // namespace pratique::cli
