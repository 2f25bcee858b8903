#include <gtest/gtest.h>

#include "base/text.h"
#include "os/file.h"
#include "signin/signin.h"

namespace pratique::signin {
namespace {

using identity::Role;

class ApiKeysTest : public testing::Test {
 protected:
  ApiKeysTest() : directory_(os::TemporaryDirectory::create().value()) {
    std::vector<db::Migration> all;
    for (auto part : {identity::Identity::migrations(), journal::Journal::migrations(), ApiKeys::migrations()})
      all.insert(all.end(), part.begin(), part.end());
    database_ = db::Database::open({.path = directory_.path() + "/state.db"}, all).value();
    journal_.emplace(*database_, clock_);
    identity_.emplace(*database_, clock_);
    keys_.emplace(*database_, *identity_, *journal_, clock_);
    identity_->add_user("ann", "correct horse", {Role::Submitter, Role::Runner}).value();
    identity_->add_user("root", "correct horse", {Role::Admin}).value();
  }
  identity::Principal who(const std::string& name) { return identity_->vouch_for(name).value(); }
  static NewApiKey wanted() { return {.label = "nightly build", .roles = {Role::Submitter}, .lifetime = hours(24)}; }
  ApiKeys::Issued issue() { return keys_->issue(who("ann"), wanted()).value(); }
  bool opens(const std::string& secret) { return identity_->authenticate_token(secret).ok(); }

  ManualClock clock_{*Time::parse("2026-11-20T12:00:00Z")};
  os::TemporaryDirectory directory_;
  std::unique_ptr<db::Database> database_;
  std::optional<journal::Journal> journal_;
  std::optional<identity::Identity> identity_;
  std::optional<ApiKeys> keys_;
};

TEST_F(ApiKeysTest, StandForTheirOwnerWithFewerRights) {
  auto issued = issue();
  auto as_token = identity_->authenticate_token(issued.secret).value();
  EXPECT_EQ(as_token.name(), "ann");
  EXPECT_EQ(as_token.roles(), std::set<Role>{Role::Submitter});
  EXPECT_TRUE(as_token.is_narrowed());
  EXPECT_TRUE(identity_->authenticate("ann", issued.secret).ok());
  EXPECT_FALSE(identity_->authenticate("root", issued.secret).ok());
}

TEST_F(ApiKeysTest, EndInTimeWhenRevokedAndWithTheirOwner) {
  auto first = issue(), second = issue(), third = issue();
  EXPECT_TRUE(keys_->revoke(who("ann"), first.key.id)->is_revoked);
  EXPECT_FALSE(opens(first.secret));
  EXPECT_TRUE(opens(second.secret));
  clock_.advance(hours(24) - seconds(1));
  EXPECT_TRUE(opens(second.secret));
  clock_.advance(seconds(1));
  EXPECT_FALSE(opens(second.secret));
  auto late = issue();
  ASSERT_TRUE(identity_->disable_user("ann").ok());
  EXPECT_FALSE(opens(late.secret));
}

TEST_F(ApiKeysTest, FollowTheirOwnersRoles) {
  auto issued = issue();
  ASSERT_TRUE(identity_->set_roles("ann", {Role::Runner}).ok());
  EXPECT_TRUE(identity_->authenticate_token(issued.secret)->roles().empty());
}

TEST_F(ApiKeysTest, AreRefusedWhereTheyWouldGiveMore) {
  auto refuse = [&](NewApiKey key) { return keys_->issue(who("ann"), key).error().kind(); };
  auto key = wanted();
  key.roles = {Role::Admin};
  EXPECT_EQ(refuse(key), ErrorKind::Denied);
  auto narrowed = identity_->authenticate_token(issue().secret).value();
  EXPECT_EQ(keys_->issue(narrowed, wanted()).error().kind(), ErrorKind::Denied);
}

TEST_F(ApiKeysTest, NeedALabelARoleAndALifetime) {
  auto refuse = [&](NewApiKey key) { return keys_->issue(who("ann"), key).error().kind(); };
  for (int row = 0; row < 5; ++row) {
    auto key = wanted();
    if (row == 0) key.label = " ";
    if (row == 1) key.label = std::string(201, 'x');
    if (row == 2) key.roles = {};
    if (row == 3) key.lifetime = seconds(3'599);
    if (row == 4) key.lifetime = kApiKeyLifetimeMax + seconds(1);
    EXPECT_EQ(refuse(key), ErrorKind::Invalid) << row;
  }
}

TEST_F(ApiKeysTest, AreRevokedByTheirOwnerOrAnAdministrator) {
  auto issued = issue();
  identity_->add_user("sam", "correct horse", {Role::Submitter}).value();
  EXPECT_EQ(keys_->revoke(who("sam"), issued.key.id).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(keys_->revoke(who("root"), "K-nothing").error().kind(), ErrorKind::NotFound);
  EXPECT_TRUE(keys_->revoke(who("root"), issued.key.id).ok());
  EXPECT_TRUE(keys_->revoke(who("root"), issued.key.id).ok());
  auto entries = journal_->read(0, 10, {.event = "api-key-*"}).value();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].actor, "root");
}

TEST_F(ApiKeysTest, AreListedWithoutTheirSecrets) {
  auto issued = issue();
  EXPECT_EQ(keys_->list("ann")->at(0).id, issued.key.id);
  EXPECT_EQ(keys_->list("ann")->at(0).used, std::nullopt);
  ASSERT_TRUE(opens(issued.secret));
  EXPECT_EQ(keys_->list(std::nullopt)->at(0).used, clock_.now());
  EXPECT_TRUE(keys_->list("root")->empty());
}

TEST_F(ApiKeysTest, AreLimitedAPerson) {
  for (std::size_t i = 0; i < kApiKeysPerUserMax; ++i) issue();
  EXPECT_EQ(keys_->issue(who("ann"), wanted()).error().kind(), ErrorKind::Limit);
}

TEST_F(ApiKeysTest, RefusesWhatIsNone) {
  for (const auto& bad : {std::string("prk_"), std::string("prk_x"), "prk_" + std::string(500, 'x')})
    EXPECT_FALSE(opens(bad));
}

}  // namespace
}  // namespace pratique::signin
