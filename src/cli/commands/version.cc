#include "base/format.h"
#include "base/json.h"
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "scan/scan.h"

namespace pratique::cli {

Result<int> version_command(const Context& context) {
  if (context.arguments.value("--format") == "json") {
    Json version = Json::object();
    version.set("version", kVersion).set("scanner", scan::kScannerVersion);
    print(version.dump_pretty());
  } else {
    print(format("pratique {} (scanner {})\n", kVersion, scan::kScannerVersion));
  }
  return kDone;
}

Result<int> completion_command(const Context& context) {
  const std::string& shell = context.arguments.operands()[0];
  std::string script = completion_script(shell);
  if (script.empty()) return invalid("there is no completion for \"" + shell + "\"; bash, zsh and fish have one");
  print(script);
  return kDone;
}

}  // namespace pratique::cli
