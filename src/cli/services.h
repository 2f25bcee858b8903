// Interactive services: what their profiles set, and finding out when one answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "cli/running.h"

namespace pratique::cli {

// "jupyter", "rstudio", "vnc": port, variables and the place of the generated secret. Invalid for another name.
Status apply_profile(const std::string& profile, const Site& site, RunRequest& request);

// Asks a port of this machine until something answers behind it, on a thread of its own.
class ReadyProbe {
 public:
  // `told` is called once, with true when it answered within `patience`.
  ReadyProbe(std::uint16_t port, std::chrono::seconds patience, std::function<void(bool)> told);
  ~ReadyProbe();  // stops asking
  ReadyProbe(const ReadyProbe&) = delete;
  ReadyProbe& operator=(const ReadyProbe&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::cli
