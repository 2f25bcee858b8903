#include <gtest/gtest.h>

#include <set>

#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {
namespace {

constexpr State kAll[] = {State::Staged,   State::Scanned, State::Approved, State::Waiting,
                          State::Rejected, State::Expired, State::Revoked,  State::Superseded};

// The table of gate.h, written out once more: every arrow that is not here is forbidden.
const std::set<std::pair<State, State>> kAllowed = {
    {State::Staged, State::Scanned},     {State::Scanned, State::Approved},    {State::Scanned, State::Waiting},
    {State::Scanned, State::Rejected},   {State::Waiting, State::Approved},    {State::Waiting, State::Rejected},
    {State::Rejected, State::Approved},  {State::Rejected, State::Waiting},    {State::Approved, State::Expired},
    {State::Approved, State::Revoked},   {State::Staged, State::Superseded},   {State::Scanned, State::Superseded},
    {State::Waiting, State::Superseded}, {State::Rejected, State::Superseded}, {State::Approved, State::Superseded}};

TEST(State, FollowsTheArrowsAndNoOthers) {
  for (auto from : kAll)
    for (auto to : kAll)
      EXPECT_EQ(may_follow(from, to), kAllowed.contains({from, to})) << to_string(from) << " to " << to_string(to);
}

TEST(State, WordsReadBack) {
  for (auto state : kAll) EXPECT_EQ(parse_state(to_string(state)), state);
  EXPECT_EQ(parse_state("clean"), std::nullopt);
}

}  // namespace
}  // namespace pratique::gate
