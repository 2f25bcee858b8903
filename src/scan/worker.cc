// Reads a layer on descriptor 0, writes its records on descriptor 1, and can do nothing else: before the first byte it
// enters the sandbox. Exit codes are for the log only; the parent believes nothing but a well-formed inventory.
#include "scan/worker.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/format.h"
#include "base/text.h"
#include "os/sandbox.h"
#include "scan/layer_reader.h"

namespace pratique::scan {

namespace {

constexpr int kExitUsage = 2;
constexpr int kExitNoSandbox = 3;
constexpr int kExitLostPipe = 4;

// As much as the pipe holds.
constexpr std::size_t kReadBytes = 1 << 20;

// The limits as they cross the process boundary, in this order.
template <typename L, typename Visit>
void for_each_limit(L& limits, Visit visit) {
  visit(limits.uncompressed_bytes_max);
  visit(limits.ratio_max);
  visit(limits.ratio_floor_bytes);
  visit(limits.entries_max);
  visit(limits.path_bytes_max);
  visit(limits.kept_file_bytes_max);
  visit(limits.kept_bytes_max);
  visit(limits.worker_memory_bytes_max);
}

std::optional<Limits> parse_arguments(int argc, char** argv) {
  Limits limits;
  int next = 2;
  bool ok = true;
  auto take = [&] {
    auto number = next < argc ? parse_decimal(argv[next++]) : std::nullopt;
    ok = ok && number;
    return number.value_or(0);
  };
  for_each_limit(limits, [&](auto& limit) { limit = take(); });
  limits.worker_cpu_max = std::chrono::seconds(static_cast<std::int64_t>(take()));
  if (!ok || next != argc || limits.ratio_max == 0) return std::nullopt;
  return limits;
}

// Nothing to clean up and nothing to trust: no destructors, no exit handlers.
void write_or_die(std::string_view bytes) {
  while (!bytes.empty()) {
    auto count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) _exit(kExitLostPipe);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

Status close_the_door(const Limits& limits) {
  os::SandboxLimits sandbox{.memory_bytes_max = limits.worker_memory_bytes_max,
                            .cpu_seconds_max = limits.worker_cpu_max};
#ifdef PRATIQUE_SANITIZED
  return os::enter_sandbox(sandbox, {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO});
#else
  // Not even stderr: it is the server's log, and hostile bytes shall not write there.
  return os::enter_sandbox(sandbox, {STDIN_FILENO, STDOUT_FILENO});
#endif
}

[[noreturn]] void work(const Limits& limits) {
  // The reader starts its thread here, while threads may still be started.
  LayerReader reader(limits, DigestingOutput::Threads::Two, write_or_die);
  auto buffer = std::make_unique_for_overwrite<std::byte[]>(kReadBytes);
  if (!close_the_door(limits).ok()) _exit(kExitNoSandbox);
  while (!reader.is_stopped()) {
    auto count = ::read(STDIN_FILENO, buffer.get(), kReadBytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) _exit(kExitLostPipe);
    if (count == 0) break;
    reader.feed({buffer.get(), static_cast<std::size_t>(count)});
  }
  reader.finish();
  _exit(0);
}

}  // namespace

std::vector<std::string> worker_arguments(const Limits& limits) {
  std::vector<std::string> arguments{std::string(kWorkerArgument)};
  for_each_limit(limits, [&](const auto& limit) { arguments.push_back(std::to_string(limit)); });
  arguments.push_back(std::to_string(limits.worker_cpu_max.count()));
  return arguments;
}

std::optional<int> run_worker_if_asked(int argc, char** argv) {
  if (argc < 2 || argv[1] != kWorkerArgument) return std::nullopt;
  auto limits = parse_arguments(argc, argv);
  if (!limits) return kExitUsage;
  work(*limits);
}

}  // namespace pratique::scan
