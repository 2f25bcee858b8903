// The server's clock: the system's, and in tests that of a file beside it. HACKING.md says how tests use it.
#pragma once

#include <string>

#include "base/clock.h"

namespace pratique::daemon {

class ServerClock final : public Clock {
 public:
  // `shift_file` holds a whole number of seconds to add ("-3700"); "" for the system's time. The file is read at each
  // look at the clock, so that a test moves a running server's time; an absent file adds nothing.
  explicit ServerClock(std::string shift_file);
  Time now() const override;

 private:
  const std::string shift_file_;
  SystemClock system_;
};

}  // namespace pratique::daemon
