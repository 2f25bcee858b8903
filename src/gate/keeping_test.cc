#include "gate/keeping.h"

#include "gate/test_gate.h"

namespace pratique::gate::testing {
namespace {

class Keeping : public GateTest {
 protected:
  void collect() {
    for (int i = 0; i < 3; ++i) {
      clock_.advance(hours(3));
      registry::Collection run;
      while (!run.is_done()) registry_->collect(run).value();
    }
  }
  bool is_staged(const Submission& submission) {
    return registry_->get_manifest(submission.repository, submission.digest).ok();
  }
};

TEST_F(Keeping, ARejectedImageIsKeptForAMonthAndThenCollected) {
  start();
  auto rejected = pushed_and_settled(kCritical);
  ASSERT_EQ(rejected.state, State::Rejected);
  clock_.advance(days(29));
  collect();
  EXPECT_TRUE(is_staged(rejected));
  clock_.advance(days(2));
  collect();
  EXPECT_FALSE(is_staged(rejected));
  EXPECT_EQ(count("manifest-collected"), 1u);
}

TEST_F(Keeping, AWaitingImageIsKeptForEver) {
  start();
  auto waiting = pushed_and_settled(kUnrated);
  ASSERT_EQ(waiting.state, State::Waiting);
  clock_.advance(days(400));
  collect();
  EXPECT_TRUE(is_staged(waiting));
}

TEST_F(Keeping, AFullQueueMakesPushesComeBackLater) {
  auto options = gen3(0);
  options.waiting_max = 1;
  start(options);
  push(kClean);
  Pressure pressure;
  auto at = context(options);
  EXPECT_EQ(pressure.check(at).error().kind(), ErrorKind::Busy);
  at.options.waiting_max = 2;
  EXPECT_TRUE(Pressure().check(at).ok());
}

}  // namespace
}  // namespace pratique::gate::testing
