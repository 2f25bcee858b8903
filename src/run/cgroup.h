// The limits of a job, set in control groups of our own: a runtime may accept limits and silently not apply them.
//
// Version 1 hierarchies are used where their controllers are mounted, version 2 otherwise. A limit that cannot be set
// is a note, never silence.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"
#include "run/run.h"

namespace pratique::run {

struct CgroupMount {
  std::string directory;
  bool is_v2 = false;
  std::vector<std::string> controllers;  // v1: of this hierarchy; v2: those on offer at its root
};

// Reads mountinfo; `text` as in proc_pid_mountinfo(5).
std::vector<CgroupMount> parse_cgroup_mounts(std::string_view text);

// The groups of one job. Whatever still runs in them is killed and they are removed when this goes.
class JobCgroups {
 public:
  static JobCgroups create(const std::string& job, const JobSpec& spec);
  ~JobCgroups();
  JobCgroups(JobCgroups&&) noexcept = default;
  JobCgroups& operator=(JobCgroups&&) = delete;

  // Descriptors of the cgroup.procs files, for os::Command::cgroups.
  std::vector<int> entrances() const;
  const std::vector<std::string>& notes() const { return notes_; }
  // How often the kernel killed a process of the job for memory.
  std::uint64_t out_of_memory_kills() const;
  struct Usage {
    std::uint64_t memory_peak = 0;
    double cpu_seconds = 0;
  };
  Usage usage() const;  // zeros where the kernel does not count
  void kill_all() const;

 private:
  struct Group {
    std::string directory;
    os::Fd entrance;
  };
  JobCgroups() = default;
  Status limit(const std::vector<CgroupMount>& mounts, const std::string& job, const std::string& controller,
               const std::vector<std::pair<std::string, std::string>>& v1,
               const std::vector<std::pair<std::string, std::string>>& v2);
  Result<std::string> make_group(const CgroupMount& mount, const std::string& job, const std::string& controller);

  std::vector<Group> groups_;
  std::vector<std::string> notes_;
};

// Kills and removes the groups of jobs whose runner is gone.
void sweep_cgroups();

}  // namespace pratique::run
