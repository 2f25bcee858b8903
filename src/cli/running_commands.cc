// The part of the table of commands that runs images.
#include "cli/commands/commands.h"

namespace pratique::cli {

namespace {

const Option kServer = {"--server", "URL", "the gate (default: $PRATIQUE_SERVER, else where `pratique login` went)"};
const Option kUser = {"-u,--user", "NAME", "sign in as (default: $PRATIQUE_USER, else what `pratique login` stored)"};
const Option kPasswordStdin = {"--password-stdin", "", "read the password from standard input"};
const Option kTextOrJson = {"--format", "text|json", "how to print", "text"};
constexpr std::size_t kWordsMax = 10'000;

std::vector<Option> run_options() {
  return {
      {"--project", "NAME", "whose data (default: the one project you are in)"},
      {"--data", "DIR", "directory for /safe_data, where the host's rules leave that open"},
      {"--data-writable", "", "let the job write to /safe_data, where the rules leave that open"},
      {"--outputs", "DIR", "directory for /safe_outputs, likewise (default: new, ~/outputs_<id>)"},
      {"-c,--cores", "N", "processors (default: 1)"},
      {"-m,--memory", "SIZE", "memory; a plain number is gigabytes (default: 4)"},
      {"--shm-size", "SIZE", "room in /dev/shm (default: half of the memory)"},
      {"--scratch", "SIZE", "room in /scratch", "8G"},
      {"--time", "TIME", "end it after this long: 90s, 30m, 6h, 2d or seconds"},
      {"-n,--name", "NAME", "call the run so"},
      {"-e,--env", "NAME=VALUE", "set an environment variable (repeatable)"},
      {"--env-file", "FILE", "NAME=VALUE lines, values taken literally (repeatable)"},
      {"--opt-file", "FILE", "options of docker run, one a line; those that would widen the job are refused"},
      {"--arg-file", "FILE", "arguments for the image, before those behind --"},
      {"--inputs", "FILE", "names below /safe_data, one a line: checked, then shown to the job in $PRATIQUE_INPUTS"},
      {"--entrypoint", "PROGRAM", "run this instead of the image's entrypoint"},
      {"-p,--port", "[HOST:]PORT", "publish a port of the job to 127.0.0.1, for you alone (repeatable)"},
      {"--profile", "jupyter|rstudio|vnc", "an interactive service: port, password and address set up"},
      {"-i,--interactive", "", "pass standard input on; otherwise it is empty"},
      {"--read-only", "", "make the container's file system read-only"},
      {"--keep", "", "keep the unpacked image for the next run, where the rules allow it"},
      {"--engine", "local|slurm|k8s", "where to run it; k8s only with --dry-run, which prints the manifest", "local"},
      {"--array", "SPEC", "with --engine slurm: tasks such as 0-9; each has its $SLURM_ARRAY_TASK_ID"},
      {"--haven", "NAME", "with --engine k8s: whose cluster", "haven"},
      {"--dry-run", "", "say what would run, and run nothing"},
      {"-v,--verbose", "", "say how long each step took"},
      kServer,
      kUser,
      kPasswordStdin};
}

std::vector<Option> rehearse_options() {
  return {{"--dockerfile", "FILE", "build this with podman, buildah or docker first, and rehearse the result"},
          {"--data", "DIR", "example data for /safe_data (read-only)"},
          {"--outputs", "DIR", "where results go (default: a directory that is removed)"},
          {"-c,--cores", "N", "processors (default: 1)"},
          {"-m,--memory", "SIZE", "memory; a plain number is gigabytes (default: 4)"},
          {"--shm-size", "SIZE", "room in /dev/shm (default: 64M, what most engines give)"},
          {"--time", "TIME", "how long it may take: 90s, 30m, 6h", "10m"},
          {"-e,--env", "NAME=VALUE", "set an environment variable (repeatable)"},
          {"--entrypoint", "PROGRAM", "run this instead of the image's entrypoint"},
          {"--quick", "", "leave out the second try as an ordinary user"},
          {"--fail-on", "blocks|warns|never", "exit 3 from here on", "blocks"},
          {"-q,--quiet", "", "do not show what the program prints"},
          {"--tls-verify", "true|false", "check registry certificates", "true"},
          {"--platform", "OS/ARCH", "which image of an index", "linux/amd64"},
          kTextOrJson};
}

}  // namespace

std::vector<Command> running_commands() {
  Command run{.path = "run",
              .operands = "IMAGE [-- ARGS...]",
              .summary = "Run an approved image: no network, /safe_data, /safe_outputs, /scratch",
              .operands_min = 1,
              .operands_max = 1,
              .options = run_options(),
              .action = run_command};
  Command rehearse{.path = "rehearse",
                   .operands = "IMAGE [-- ARGS...]",
                   .summary = "Try a local image under the conditions of the environment, and say what it trips over",
                   .operands_min = 0,
                   .operands_max = 1,
                   .options = rehearse_options(),
                   .action = rehearse_command};
  return {
      run,
      rehearse,
      {"jobs",
       "",
       "List your runs, newest first",
       0,
       0,
       {{"-a,--all", "", "ended ones, too"}, kTextOrJson},
       jobs_command},
      {"logs",
       "ID",
       "Print what a run printed",
       1,
       1,
       {{"-f,--follow", "", "go on until it ends"}, {"--stream", "out|err|both", "which output", "both"}},
       logs_command},
      {"stop",
       "ID...",
       "End runs: politely, and after ten seconds at once",
       1,
       kWordsMax,
       {{"--now", "", "do not wait ten seconds"}},
       stop_command},
      {"wait",
       "ID...",
       "Wait for runs to end, and exit as the last one did",
       1,
       kWordsMax,
       {kTextOrJson},
       wait_command},
      {.path = "ces run",
       .operands = "[podman] [OPTIONS] IMAGE",
       .summary = "Take the words of ces-run",
       .operands_max = kWordsMax,
       .action = ces_run_command,
       .takes_any_words = true},
      {.path = "ces pull",
       .operands = "[podman] USER TOKEN IMAGE",
       .summary = "Take the words of ces-pull",
       .operands_max = kWordsMax,
       .action = ces_pull_command,
       .takes_any_words = true},
      {.path = "docker",
       .operands = "run|pull|images|ps|logs|rm|inspect …",
       .summary = "Take the words of docker and podman, for workflow engines",
       .operands_max = kWordsMax,
       .action = docker_command,
       .takes_any_words = true},
  };
}

}  // namespace pratique::cli
