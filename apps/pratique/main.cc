// pratique: the licence to enter port once health inspection has cleared the ship.
#include "cli/cli.h"
#include "daemon/daemon.h"
#include "scan/scan.h"

int main(int argc, char** argv) {
  using namespace pratique;
  // A layer's hostile bytes are read by this same program, started again inside a sandbox.
  if (auto code = scan::run_worker_if_asked(argc, argv)) return *code;
  return cli::run(argc, argv,
                  {.serve = daemon::serve,
                   .reset_password = daemon::reset_password,
                   .check_config = daemon::check_config,
                   .describe_config = daemon::describe_configuration,
                   .config_reference = daemon::reference_of_configuration});
}
