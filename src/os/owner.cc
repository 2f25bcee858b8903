#include "os/owner.h"

#include <unistd.h>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::os {

namespace {

// Clock ticks since boot; field 22 of proc_pid_stat(5). "" when there is no such process.
std::string start_time_of(std::string_view pid) {
  auto stat = read_file(format("/proc/{}/stat", pid), 4096);
  if (!stat) return "";
  // The second field is the program's name in parentheses and may hold anything, spaces and parentheses too.
  auto end = stat->rfind(')');
  if (end == std::string::npos) return "";
  auto fields = split(std::string_view(*stat).substr(end + 1), ' ');
  constexpr std::size_t kStartTime = 22 - 2;
  return fields.size() > kStartTime ? std::string(fields[kStartTime]) : "";
}

}  // namespace

std::string owned_name(std::string_view label) {
  auto pid = std::to_string(::getpid());
  return format("{}-{}-{}", label, pid, start_time_of(pid));
}

bool owner_is_alive(std::string_view name) {
  auto pieces = split(name, '-');
  if (pieces.size() < 3) return false;
  auto pid = pieces[pieces.size() - 2], start = pieces.back();
  if (!parse_decimal(pid) || !parse_decimal(start)) return false;
  return start_time_of(pid) == start;
}

}  // namespace pratique::os
