#include "daemon/clock.h"

#include "base/log.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::daemon {

ServerClock::ServerClock(std::string shift_file) : shift_file_(std::move(shift_file)) {
  if (!shift_file_.empty())
    log::warn("test clock in use", {{"file", shift_file_}, {"note", "expiry means nothing on this server"}});
}

Time ServerClock::now() const {
  const Time now = system_.now();
  if (shift_file_.empty()) return now;
  auto text = os::read_file(shift_file_, 64);
  if (!text.ok()) return now;
  auto digits = trim(*text);
  const bool is_back = digits.starts_with('-');
  auto count = parse_decimal(digits.substr(is_back ? 1 : 0));
  const seconds shift(count ? static_cast<std::int64_t>(std::min<std::uint64_t>(*count, INT32_MAX)) : 0);
  return is_back ? now - shift : now + shift;
}

}  // namespace pratique::daemon
