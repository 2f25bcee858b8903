#include "http/clients.h"

#include <gtest/gtest.h>

#include "base/format.h"

namespace pratique::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
const auto kStart = std::chrono::steady_clock::time_point(std::chrono::hours(1));

TEST(ClientKey, is_the_address_or_the_half_of_it_that_a_customer_gets) {
  EXPECT_EQ(client_key("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(client_key("2001:db8:1:2:3::4"), "2001:db8:1:2::");
  EXPECT_EQ(client_key("2001:db8:1:2:ffff:ffff:ffff:ffff"), client_key("2001:db8:1:2::1"));
  EXPECT_NE(client_key("2001:db8:1:3::1"), client_key("2001:db8:1:2::1"));
  EXPECT_EQ(client_key("unknown"), "unknown");
  EXPECT_EQ(client_key(""), "");
}

TEST(ClientConnections, are_counted_for_each_client_and_forgotten_at_the_last) {
  ClientConnections connections;
  EXPECT_EQ(connections.enter("192.0.2.7"), 1U);
  EXPECT_EQ(connections.enter("192.0.2.7"), 2U);
  EXPECT_EQ(connections.enter("192.0.2.8"), 1U);
  connections.leave("192.0.2.7");
  connections.leave("192.0.2.7");
  EXPECT_EQ(connections.enter("192.0.2.7"), 1U);
}

TEST(RateLimiter, lets_a_burst_through_and_then_the_rate) {
  RateLimiter limiter(2);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(limiter.admit("a", kStart)) << i;
  EXPECT_EQ(limiter.admit("a", kStart), seconds(1));
  EXPECT_FALSE(limiter.admit("a", kStart + milliseconds(500)));
  EXPECT_TRUE(limiter.admit("a", kStart + milliseconds(500)));
}

TEST(RateLimiter, keeps_clients_apart) {
  RateLimiter limiter(1);
  while (!limiter.admit("a", kStart)) {
  }
  EXPECT_FALSE(limiter.admit("b", kStart));
}

TEST(RateLimiter, of_nothing_limits_nothing_and_remembers_nobody) {
  RateLimiter limiter(0);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(limiter.admit("a", kStart));
  EXPECT_EQ(limiter.clients(), 0U);
}

TEST(RateLimiter, is_bounded_and_forgets_the_idle_before_the_busy) {
  RateLimiter limiter(1);
  while (!limiter.admit("busy", kStart + seconds(60))) {
  }
  for (int i = 0; i < 70'000; ++i) limiter.admit(format("{}", i), kStart);
  EXPECT_LE(limiter.clients(), 65'536U);
  EXPECT_TRUE(limiter.admit("busy", kStart + seconds(60)));
}

}  // namespace

}  // namespace pratique::http
