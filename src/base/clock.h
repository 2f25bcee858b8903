// Time as the program sees it: a point, a duration, and the clock that is handed in.
//
// Every rule with a date (one hour, 30 days, a waiver's end) asks an injected Clock, so tests move time by hand.
// Waiting for sockets and processes uses the kernel's monotonic time instead and is not this module's business.
#pragma once

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pratique {

using Duration = std::chrono::microseconds;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// A point in UTC, microseconds since 1970. A distinct type: not a number, not a duration.
class Time {
 public:
  constexpr Time() = default;  // 1970-01-01T00:00:00Z
  static constexpr Time from_unix_micros(std::int64_t micros) { return Time(micros); }
  static constexpr Time from_unix_seconds(std::int64_t count) { return Time(count * 1'000'000); }
  // RFC 3339 ("2026-11-20T15:38:00Z", fraction and offset allowed) or a bare date (midnight UTC). Invalid otherwise.
  static Result<Time> parse(std::string_view text);

  constexpr std::int64_t unix_micros() const { return micros_; }
  constexpr std::int64_t unix_seconds() const { return micros_ / 1'000'000; }
  std::string to_rfc3339() const;    // whole seconds, "Z"
  std::string to_date() const;       // "2026-11-20"
  std::string to_http_date() const;  // "Fri, 20 Nov 2026 15:38:00 GMT"

  constexpr auto operator<=>(const Time&) const = default;
  constexpr Time operator+(Duration d) const { return Time(micros_ + d.count()); }
  constexpr Time operator-(Duration d) const { return Time(micros_ - d.count()); }
  constexpr Duration operator-(Time other) const { return Duration(micros_ - other.micros_); }

 private:
  constexpr explicit Time(std::int64_t micros) : micros_(micros) {}
  std::int64_t micros_ = 0;
};

// "2 days", "3 hours", "45 s": one unit, rounded down, for people.
std::string human_duration(Duration duration);

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;  // thread-safe
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
};

// Stands still until told; thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start) : micros_(start.unix_micros()) {}
  Time now() const override { return Time::from_unix_micros(micros_.load()); }
  void advance(Duration by) { micros_ += by.count(); }

 private:
  std::atomic<std::int64_t> micros_;
};

}  // namespace pratique
