// A way from 127.0.0.1 of the host to the loopback of a job, for one user, without a route between the two.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/fd.h"
#include "run/run.h"

namespace pratique::run {

class PortRelay {
 public:
  // Takes the host ports at once; connections wait until open_into().
  static Result<PortRelay> listen(const std::vector<Port>& ports);
  ~PortRelay();
  PortRelay(PortRelay&&) noexcept;
  PortRelay& operator=(PortRelay&&) = delete;
  std::vector<std::uint16_t> host_ports() const;
  // `network` is the job's network namespace.
  Status open_into(os::Fd network);

  struct Impl;

 private:
  explicit PortRelay(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Who owns the socket at 127.0.0.1:`local` that is connected to 127.0.0.1:`remote`; `table` as in /proc/net/tcp.
std::optional<uid_t> owner_of_connection(std::string_view table, std::uint16_t local, std::uint16_t remote);

}  // namespace pratique::run
