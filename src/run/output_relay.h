// The job's standard output and error on their way to ours, with a bounded copy of each on disk.
#pragma once

#include <string>
#include <thread>

#include "base/result.h"
#include "os/fd.h"

namespace pratique::run {

class OutputRelay {
 public:
  // Copies to <log>.out and <log>.err, and to two descriptors where these are not -1.
  static Result<OutputRelay> start(const std::string& log, int out, int err);
  ~OutputRelay();  // after close_entrances() and the end of all writers
  OutputRelay(OutputRelay&&) noexcept = default;
  OutputRelay& operator=(OutputRelay&&) = delete;

  const os::Fd& out() const { return out_; }  // the job writes here
  const os::Fd& err() const { return err_; }
  // Ours; the relay ends when the job's are closed, too.
  void close_entrances();

 private:
  OutputRelay(os::Fd out, os::Fd err, std::thread thread)
      : out_(std::move(out)), err_(std::move(err)), thread_(std::move(thread)) {}
  os::Fd out_, err_;
  std::thread thread_;
};

}  // namespace pratique::run
