// <directory>/jobs/<id>-<pid>-<start time>: the trace a running job leaves on disk, so that a crash can be cleaned up.
#pragma once

#include <string>

#include "base/result.h"
#include "run/outputs.h"
#include "run/run.h"

namespace pratique::run {

class JobDirectory {
 public:
  static Result<JobDirectory> create(const Options& options, std::string id = "");
  ~JobDirectory();
  JobDirectory(JobDirectory&& other) noexcept;
  JobDirectory& operator=(JobDirectory&&) = delete;

  const std::string& id() const { return id_; }      // 12 hex digits
  const std::string& name() const { return name_; }  // of the directory, and of the control groups
  const std::string& path() const { return path_; }
  // Durably, before it happens: this directory's owner will be changed.
  Status record_loan(const SharedDirectory& outputs);

 private:
  JobDirectory(std::string id, std::string name, std::string path, os::Fd fd)
      : id_(std::move(id)), name_(std::move(name)), path_(std::move(path)), fd_(std::move(fd)) {}
  std::string id_, name_, path_;
  os::Fd fd_;  // reaches the directory also where something is mounted over its path
};

// Gives back what dead jobs had on loan and removes their directories.
Status sweep_jobs(const Options& options);

}  // namespace pratique::run
