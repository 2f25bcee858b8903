#include "base/format.h"
#include "cli/commands/commands.h"
#include "cli/output.h"

namespace pratique::cli {

Result<int> serve_command(const Context& context) {
  ServeOptions options = serve_options(context.arguments);
  if (context.arguments.has("--check-config")) {
    TRY(context.services.check_config(options));
    print(format("{} holds: a server would start with it.\n",
                 options.config_file.empty() ? "The configuration" : options.config_file));
    return kDone;
  }
  TRY(context.services.serve(options));
  return kDone;
}

}  // namespace pratique::cli
