#include "base/clock.h"

#include <gtest/gtest.h>

namespace pratique {
namespace {

TEST(Time, ReadsBackWhatItWrites) {
  EXPECT_EQ(Time::parse("2026-11-20T15:38:09Z")->to_rfc3339(), "2026-11-20T15:38:09Z");
}
TEST(Time, AppliesAnOffset) {
  EXPECT_EQ(Time::parse("2026-01-01T00:30:00+01:00")->to_rfc3339(), "2025-12-31T23:30:00Z");
}
TEST(Time, ReadsAFraction) {
  EXPECT_EQ(Time::parse("1970-01-01T00:00:01.25Z")->unix_micros(), 1'250'000);
}
TEST(Time, ReadsABareDateAsMidnight) {
  EXPECT_EQ(Time::parse("2024-02-29")->to_rfc3339(), "2024-02-29T00:00:00Z");
}
TEST(Time, WritesHttpDates) {
  EXPECT_EQ(Time::parse("1994-11-06T08:49:37Z")->to_http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
}
TEST(Time, RefusesWhatIsNoTime) {
  for (auto text : {"", "2026", "2026-13-01", "2026-02-30", "2026-01-01T25:00:00Z", "2026-01-01T00:00",
                    "2026-01-01X00:00:00Z", "2026-01-01T00:00:00+1", "2026-01-01T00:00:00+01:99", "20260101"})
    EXPECT_FALSE(Time::parse(text).ok()) << text;
}
TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock(Time::from_unix_seconds(100));
  EXPECT_EQ(clock.now(), clock.now());
  clock.advance(days(30));
  EXPECT_EQ(clock.now() - Time::from_unix_seconds(100), days(30));
}
TEST(HumanDuration, NamesOneUnit) {
  EXPECT_EQ(human_duration(hours(49)), "2 days");
  EXPECT_EQ(human_duration(hours(1)), "1 hour");
  EXPECT_EQ(human_duration(milliseconds(12)), "12 ms");
}

}  // namespace
}  // namespace pratique
