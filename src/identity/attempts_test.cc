#include "identity/attempts.h"

#include <gtest/gtest.h>

namespace pratique::identity {
namespace {

const Time kNow = Time::from_unix_seconds(1'800'000'000);

const Options kOptions{.failures_max = 3, .address_failures_max = 20, .name_addresses_max = 10};

struct LockoutTest : testing::Test {
  void fail(const std::string& name, const std::string& address, int times) {
    for (int i = 0; i < times; ++i) lockout.note_failure(name, address, now);
  }
  bool is_locked(const std::string& name, const std::string& address) {
    return lockout.locked_for(name, address, now).has_value();
  }
  Lockout lockout{kOptions};
  Time now = kNow;
};

TEST_F(LockoutTest, LocksTheGuesserNotTheirVictim) {
  fail("ann", "192.0.2.66", 3);
  EXPECT_TRUE(is_locked("ann", "192.0.2.66"));
  EXPECT_FALSE(is_locked("ann", "192.0.2.1"));
  EXPECT_FALSE(is_locked("bob", "192.0.2.66"));
  now = now + seconds(60);
  EXPECT_FALSE(is_locked("ann", "192.0.2.66"));
}

TEST_F(LockoutTest, LocksAnAddressThatGuessesManyNames) {
  for (int i = 0; i < 20; ++i) fail(std::to_string(i), "192.0.2.66", 1);
  EXPECT_TRUE(is_locked("ann", "192.0.2.66"));
  EXPECT_FALSE(is_locked("ann", "192.0.2.67"));
}

TEST_F(LockoutTest, ASuccessOfTheirOwnDoesNotHelpWhoGuesses) {
  for (int i = 0; i < 20; ++i) {
    fail(std::to_string(i), "192.0.2.66", 1);
    lockout.note_success("mallory", "192.0.2.66", now);
  }
  EXPECT_TRUE(is_locked("ann", "192.0.2.66"));
}

TEST_F(LockoutTest, ANameGuessedFromManyAddressesStaysOpenWhereItsOwnerWorks) {
  lockout.note_success("ann", "192.0.2.1", now);
  for (int i = 0; i < 10; ++i) fail("ann", "198.51.100." + std::to_string(i), 1);
  EXPECT_TRUE(is_locked("ann", "198.51.100.200"));
  EXPECT_FALSE(is_locked("ann", "192.0.2.1"));
  lockout.forget("ann");
  EXPECT_FALSE(is_locked("ann", "198.51.100.200"));
}

TEST_F(LockoutTest, OneAddressCannotLockANameForOthersHoweverLongItTries) {
  for (int minute = 0; minute < 60; ++minute) {
    if (!is_locked("ann", "192.0.2.66")) fail("ann", "192.0.2.66", 3);
    now = now + seconds(61);
    EXPECT_FALSE(is_locked("ann", "192.0.2.1")) << minute;
  }
}

TEST_F(LockoutTest, ForgetsWhatIsLongAgo) {
  fail("0", "192.0.2.66", 19);
  now = now + seconds(600);
  fail("1", "192.0.2.66", 1);
  EXPECT_FALSE(is_locked("ann", "192.0.2.66"));
}

TEST_F(LockoutTest, CountsACustomersIpv6AddressesAsOne) {
  fail("ann", "2001:db8:1:2::1", 2);
  fail("ann", "2001:db8:1:2:3:4:5:6", 1);
  EXPECT_TRUE(is_locked("ann", "2001:db8:1:2::77"));
  EXPECT_FALSE(is_locked("ann", "2001:db8:1:3::1"));
  EXPECT_NE(address_key("::ffff:192.0.2.1"), address_key("::ffff:192.0.2.2"));
  EXPECT_EQ(address_key("not an address"), "not an address");
}

TEST_F(LockoutTest, ForgetsTheOldestOfTooManyNames) {
  for (int i = 0; i <= 10'000; ++i) {
    now = now + Duration(1);
    fail(std::to_string(i), std::to_string(i), i == 0 ? 3 : 1);
  }
  EXPECT_FALSE(is_locked("0", "0"));
}

TEST(VerifiedPasswords, RemembersExactlyWhatWasRight) {
  VerifiedPasswords verified;
  verified.remember("ann", "password", "hash", kNow);
  EXPECT_TRUE(verified.remembers("ann", "password", "hash", kNow));
  EXPECT_FALSE(verified.remembers("ann", "passwordx", "hash", kNow));
  EXPECT_FALSE(verified.remembers("ann", "password", "other", kNow));
  EXPECT_FALSE(verified.remembers("bob", "password", "hash", kNow));
  EXPECT_FALSE(verified.remembers("ann", "password", "hash", kNow + minutes(5)));
  EXPECT_FALSE(verified.remembers("ann", "password", "hash", kNow)) << "an expired memory is gone";
}

TEST(VerifiedPasswords, DoesNotConfuseWhereFieldsEnd) {
  VerifiedPasswords verified;
  verified.remember("ann", "ab", "c", kNow);
  EXPECT_FALSE(verified.remembers("ann", "a", "bc", kNow));
}

TEST(VerifiedPasswords, ForgetsWhenTold) {
  VerifiedPasswords verified;
  verified.remember("ann", "password", "hash", kNow);
  verified.forget("ann");
  verified.forget("bob");
  EXPECT_FALSE(verified.remembers("ann", "password", "hash", kNow));
}

}  // namespace
}  // namespace pratique::identity
