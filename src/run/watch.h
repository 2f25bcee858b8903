// Watching a rehearsal: the kernel stops a program at the system calls the profile names and asks us. We look, note,
// and let it go on; what a real run refuses is refused here, too. Nothing is decided by what is read from a program's
// memory: it may have changed by the time the kernel looks.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/fd.h"
#include "run/run.h"

namespace pratique::run {

class Watch {
 public:
  // Starts the thread that will look; from the thread that starts others, not the job's.
  static Result<Watch> start(DataAccess data_access);
  ~Watch();
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) = delete;
  // Makes the socket the runtime connects to, in the mount namespace of the calling thread.
  Status listen_at(const std::string& path);
  // After the job's end.
  Observed finish();

  struct Impl;

 private:
  explicit Watch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The name a DNS query asks for; nullopt for bytes that are no query.
std::optional<std::string> name_in_query(std::string_view packet);

}  // namespace pratique::run
