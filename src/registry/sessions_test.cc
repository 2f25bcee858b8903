#include "registry/sessions.h"

#include "registry/test_world.h"

namespace pratique::registry {
namespace {

class Uploads : public World {
 protected:
  std::string started(std::string_view bytes, bool checkpointed) {
    Upload upload = registry->start_upload(ann, repo("open/a")).value();
    EXPECT_TRUE(upload.append(as_bytes(bytes)).ok());
    if (checkpointed) {
      EXPECT_TRUE(upload.checkpoint().ok());
    }
    return upload.id();
  }
  Result<Upload> resume(const std::string& id) { return registry->resume_upload(ann, repo("open/a"), id); }
};

TEST_F(Uploads, GoOnWhereTheyStopped) {
  const auto id = started("hel", true);
  Upload upload = resume(id).value();
  EXPECT_EQ(upload.size(), 3U);
  EXPECT_TRUE(upload.append(as_bytes("lo")).ok());
  EXPECT_TRUE(registry->finish_upload(ann, std::move(upload), digest_of("hello")).ok());
  EXPECT_EQ(resume(id).error().kind(), ErrorKind::NotFound);
}

TEST_F(Uploads, AreUnknownToEverybodyElse) {
  const auto id = started("x", true);
  EXPECT_EQ(registry->resume_upload(bob, repo("open/a"), id).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(registry->resume_upload(ann, repo("open/b"), id).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(registry->cancel_upload(bob, repo("open/a"), id).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(resume("../../etc/passwd").error().kind(), ErrorKind::NotFound);
  EXPECT_TRUE(resume(id).ok());
}

TEST_F(Uploads, BelongToOneRequestAtATime) {
  const auto id = started("x", true);
  {
    const Upload held = resume(id).value();
    EXPECT_EQ(resume(id).error().kind(), ErrorKind::Conflict);
  }
  EXPECT_TRUE(resume(id).ok());
}

TEST_F(Uploads, AreGoneOnceCancelled) {
  const auto id = started("x", true);
  EXPECT_TRUE(registry->cancel_upload(ann, repo("open/a"), id).ok());
  EXPECT_EQ(resume(id).error().kind(), ErrorKind::NotFound);
  EXPECT_TRUE(store->unfinished_ingests().empty());
}

TEST_F(Uploads, SurviveARestartFromTheirCheckpoint) {
  const auto id = started("hel", true);
  restart();
  Upload upload = resume(id).value();
  EXPECT_EQ(upload.size(), 3U);
  EXPECT_TRUE(upload.append(as_bytes("lo")).ok());
  EXPECT_TRUE(registry->finish_upload(ann, std::move(upload), digest_of("hello")).ok());
}

TEST_F(Uploads, WithoutACheckpointAreForgottenByARestartAndSwept) {
  const auto id = started("hel", false);
  restart();
  EXPECT_EQ(resume(id).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(collect().uploads, 1U);
  EXPECT_TRUE(store->unfinished_ingests().empty());
}

TEST_F(Uploads, AreSweptAfterAnIdleWeekOnly) {
  const auto id = started("x", true);
  clock.advance(days(6));
  EXPECT_EQ(collect().uploads, 0U);
  clock.advance(days(2));
  EXPECT_EQ(collect().uploads, 1U);
  EXPECT_EQ(resume(id).error().kind(), ErrorKind::NotFound);
}

TEST_F(Uploads, InUseAreNeverSwept) {
  Upload upload = registry->start_upload(ann, repo("open/a")).value();
  clock.advance(days(30));
  EXPECT_EQ(collect().uploads, 0U);
  EXPECT_TRUE(upload.append(as_bytes("x")).ok());
  EXPECT_TRUE(registry->finish_upload(ann, std::move(upload), digest_of("x")).ok());
}

TEST_F(Uploads, BeyondTheLimitCostTheirOwnerTheIdlestOne) {
  const auto first = started("x", false);
  for (std::size_t i = 1; i < kSessionsPerPrincipalMax; ++i) {
    clock.advance(seconds(1));
    started("", false);
  }
  EXPECT_TRUE(resume(first).ok());  // touched again: no longer the idlest
  const auto other = registry->start_upload(bob, repo("open/a")).value().id();
  started("", false);
  EXPECT_TRUE(resume(first).ok());
  EXPECT_TRUE(registry->resume_upload(bob, repo("open/a"), other).ok());
  EXPECT_EQ(store->unfinished_ingests().size(), kSessionsPerPrincipalMax + 1);
}

TEST_F(Uploads, InUseBeyondTheQuotaMakeTheirOwnerWaitAndNobodyElse) {
  std::vector<Upload> held;
  for (std::size_t i = 0; i < options.principal_uploads_max; ++i) {
    held.push_back(registry->start_upload(ann, repo("open/a")).value());
  }
  EXPECT_EQ(registry->start_upload(ann, repo("open/a")).error().kind(), ErrorKind::Busy);
  EXPECT_TRUE(registry->start_upload(bob, repo("open/a")).ok());
  const auto parked = held.back().id();
  held.pop_back();
  EXPECT_TRUE(resume(parked).ok());
}

TEST_F(Uploads, AllInUseLetNoFurtherOneStart) {
  options.principal_uploads_max = 0;
  restart();
  std::vector<Upload> held;
  for (std::size_t i = 0; i < kSessionsPerPrincipalMax; ++i) {
    held.push_back(registry->start_upload(ann, repo("open/a")).value());
  }
  EXPECT_EQ(registry->start_upload(ann, repo("open/a")).error().kind(), ErrorKind::Limit);
  EXPECT_TRUE(registry->start_upload(bob, repo("open/a")).ok());
}

}  // namespace
}  // namespace pratique::registry
