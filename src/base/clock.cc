#include "base/clock.h"

#include <array>

#include "base/format.h"
#include "base/text.h"

namespace pratique {

namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

struct Civil {
  year_month_day date;
  int hour, minute, second;
  unsigned weekday;
};

Civil civil(Time time) {
  auto since_epoch = std::chrono::floor<seconds>(Duration(time.unix_micros()));
  auto day = std::chrono::floor<days>(since_epoch);
  auto rest = since_epoch - day;
  sys_days date{std::chrono::duration_cast<days>(day)};
  return {year_month_day(date), static_cast<int>(rest.count() / 3600), static_cast<int>(rest.count() / 60 % 60),
          static_cast<int>(rest.count() % 60), std::chrono::weekday(date).c_encoding()};
}

// Exactly `width` digits at `at`, or -1.
int digits(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return -1;
  auto number = parse_decimal(text.substr(at, width));
  return number ? static_cast<int>(*number) : -1;
}

Result<Time> parse_date(std::string_view text) {
  int y = digits(text, 0, 4), m = digits(text, 5, 2), d = digits(text, 8, 2);
  if (y < 0 || m < 0 || d < 0 || text[4] != '-' || text[7] != '-') return invalid("not a date: " + printable(text));
  year_month_day date{std::chrono::year(y), std::chrono::month(static_cast<unsigned>(m)),
                      std::chrono::day(static_cast<unsigned>(d))};
  if (!date.ok()) return invalid("no such day: " + printable(text));
  return Time::from_unix_seconds(std::chrono::duration_cast<seconds>(sys_days(date).time_since_epoch()).count());
}

// "Z", "+01:00" or nothing: how far the clock text is ahead of UTC.
Result<Duration> parse_offset(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z") return Duration(0);
  int h = digits(text, 1, 2), m = digits(text, text.size() == 6 ? 4 : 3, 2);
  bool shape = (text.size() == 6 && text[3] == ':') || text.size() == 5;
  if (!shape || (text[0] != '+' && text[0] != '-') || h < 0 || h > 23 || m < 0 || m > 59)
    return invalid("not a time zone offset: " + printable(text));
  Duration ahead = hours(h) + minutes(m);
  return text[0] == '-' ? -ahead : ahead;
}

}  // namespace

Result<Time> Time::parse(std::string_view text) {
  Time day = TRY(parse_date(text));
  if (text.size() == 10) return day;
  int h = digits(text, 11, 2), m = digits(text, 14, 2), s = digits(text, 17, 2);
  bool shape = (text[10] == 'T' || text[10] == 't' || text[10] == ' ') && text.size() >= 19 && text[13] == ':' &&
               text[16] == ':';
  if (!shape || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60)
    return invalid("not an RFC 3339 time: " + printable(text));
  std::size_t at = 19;
  std::int64_t micros = 0;
  if (at < text.size() && text[at] == '.') {
    std::int64_t unit = 100'000;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
      micros += (text[at] - '0') * unit;
  }
  Duration ahead = TRY(parse_offset(text.substr(at)));
  return day + (hours(h) + minutes(m) + seconds(s) + Duration(micros)) - ahead;
}

std::string Time::to_rfc3339() const {
  auto c = civil(*this);
  return format("{}T{:02}:{:02}:{:02}Z", to_date(), c.hour, c.minute, c.second);
}

std::string Time::to_date() const {
  auto c = civil(*this);
  return format("{:04}-{:02}-{:02}", static_cast<int>(c.date.year()), static_cast<unsigned>(c.date.month()),
                static_cast<unsigned>(c.date.day()));
}

std::string Time::to_http_date() const {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto c = civil(*this);
  return format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[c.weekday], static_cast<unsigned>(c.date.day()),
                kMonths[static_cast<unsigned>(c.date.month()) - 1], static_cast<int>(c.date.year()), c.hour, c.minute,
                c.second);
}

std::string human_duration(Duration duration) {
  auto count = [&](auto unit) { return static_cast<long>(duration / unit); };
  auto spelled = [](long n, const char* unit) { return format("{} {}{}", n, unit, n == 1 ? "" : "s"); };
  if (count(days(1)) >= 1) return spelled(count(days(1)), "day");
  if (count(hours(1)) >= 1) return spelled(count(hours(1)), "hour");
  if (count(minutes(1)) >= 1) return spelled(count(minutes(1)), "minute");
  if (count(seconds(1)) >= 1) return format("{:.1f} s", static_cast<double>(duration.count()) / 1e6);
  return format("{} ms", duration.count() / 1000);
}

Time SystemClock::now() const {
  auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return Time::from_unix_micros(std::chrono::duration_cast<Duration>(since_epoch).count());
}

}  // namespace pratique
