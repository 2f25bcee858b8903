#include "cli/commands/commands.h"

namespace pratique::cli {

Result<int> serve_command(const Context& context) {
  const Arguments& arguments = context.arguments;
  ServeOptions options{.config_file = arguments.value("--config"), .data = {}, .listen = {}};
  if (arguments.has("--data")) options.data = arguments.value("--data");
  if (arguments.has("--listen")) options.listen = arguments.value("--listen");
  TRY(context.services.serve(options));
  return kDone;
}

}  // namespace pratique::cli
