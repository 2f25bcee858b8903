// admin config show and admin config reference.
#include "cli/commands/commands.h"
#include "cli/output.h"

namespace pratique::cli {

ServeOptions serve_options(const Arguments& arguments) {
  ServeOptions options{.config_file = arguments.value("--config"), .data = {}, .listen = {}};
  if (arguments.has("--data")) options.data = arguments.value("--data");
  if (arguments.has("--listen")) options.listen = arguments.value("--listen");
  return options;
}

Result<int> config_show_command(const Context& context) {
  Json described = TRY(context.services.describe_config(serve_options(context.arguments)));
  if (context.arguments.value("--format") == "json") return print(described.dump_pretty()), kDone;
  std::vector<std::vector<std::string>> rows;
  for (const auto& setting : described["settings"].items())
    rows.push_back({std::string(setting["key"].text()), std::string(setting["from"].text()),
                    std::string(setting["value"].text())});
  print(render_table({"SETTING", "FROM", "VALUE"}, rows, context.colour));
  return kDone;
}

Result<int> config_reference_command(const Context& context) {
  print(TRY(context.services.config_reference(context.arguments.value("--format"))));
  return kDone;
}

}  // namespace pratique::cli
