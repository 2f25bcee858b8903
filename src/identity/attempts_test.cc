#include "identity/attempts.h"

#include <gtest/gtest.h>

namespace pratique::identity {
namespace {

const Time kNow = Time::from_unix_seconds(1'800'000'000);

TEST(Lockout, ForgetsTheOldestOfTooManyNames) {
  Lockout lockout(Options{.failures_max = 1});
  for (int i = 0; i <= 10'000; ++i) lockout.note_failure(std::to_string(i), kNow + Duration(i));
  EXPECT_FALSE(lockout.locked_for("0", kNow));
  EXPECT_TRUE(lockout.locked_for("1", kNow));
  EXPECT_TRUE(lockout.locked_for("10000", kNow));
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
