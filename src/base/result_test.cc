#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace pratique {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return invalid("odd");
  return number / 2;
}
Result<int> quarter(int number) { return TRY(half(TRY(half(number)))); }
Status needs_even(int number) {
  TRY(half(number));
  return {};
}

TEST(Result, TryGivesTheValue) { EXPECT_EQ(quarter(8).value(), 2); }
TEST(Result, TryReturnsTheFirstError) { EXPECT_EQ(quarter(6).error().message(), "odd"); }
TEST(Result, TryWorksInAStatus) {
  EXPECT_TRUE(needs_even(2).ok());
  EXPECT_FALSE(needs_even(1).ok());
}
TEST(Result, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  auto taken = std::move(result).value();
  EXPECT_EQ(*taken, 3);
}
TEST(Result, ContextIsPutInFrontOfTheMessage) {
  auto failed = half(1).with_context("halving");
  EXPECT_EQ(failed.error().message(), "halving: odd");
  EXPECT_EQ(failed.error().kind(), ErrorKind::Invalid);
}
TEST(ResultDeathTest, ReadingTheValueOfAnErrorAborts) { EXPECT_DEATH((void)half(1).value(), "odd"); }
TEST(Error, EveryKindHasANameAndAStatus) {
  for (auto kind : {ErrorKind::Invalid, ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::Denied, ErrorKind::Refused,
                    ErrorKind::Limit, ErrorKind::Corrupt, ErrorKind::Unavailable}) {
    EXPECT_FALSE(to_string(kind).empty());
    EXPECT_GE(http_status(kind), 400);
  }
}
TEST(Error, AFullDiskIsALimitAndAnAbsentFileIsNotFound) {
  EXPECT_EQ(from_errno("x", ENOSPC).kind(), ErrorKind::Limit);
  EXPECT_EQ(from_errno("x", ENOENT).kind(), ErrorKind::NotFound);
}

}  // namespace
}  // namespace pratique
