#include <gtest/gtest.h>

#include "os/file.h"
#include "signin/signin.h"

namespace pratique::signin {
namespace {

using identity::Role;

class ExternalUsersTest : public testing::Test {
 protected:
  ExternalUsersTest() : directory_(os::TemporaryDirectory::create().value()) {
    std::vector<db::Migration> all;
    for (auto part : {identity::Identity::migrations(), ExternalUsers::migrations()})
      all.insert(all.end(), part.begin(), part.end());
    database_ = db::Database::open({.path = directory_.path() + "/state.db"}, all).value();
    identity_.emplace(*database_, clock_);
    users_.emplace(*database_, *identity_, clock_);
  }
  Result<identity::Principal> sign_in(std::string subject, std::string name) {
    return users_->sign_in({"https://id.example.org", std::move(subject), std::move(name), {Role::Submitter}});
  }
  ManualClock clock_{*Time::parse("2026-11-20T12:00:00Z")};
  os::TemporaryDirectory directory_;
  std::unique_ptr<db::Database> database_;
  std::optional<identity::Identity> identity_;
  std::optional<ExternalUsers> users_;
};

TEST_F(ExternalUsersTest, AreMadeWhenTheyFirstComeAndFoundAgain) {
  EXPECT_EQ(sign_in("1", "ann")->roles(), std::set<Role>{Role::Submitter});
  ASSERT_TRUE(identity_->set_roles("ann", {Role::Reviewer}).ok());
  EXPECT_EQ(sign_in("1", "ann")->roles(), std::set<Role>{Role::Reviewer});
}

TEST_F(ExternalUsersTest, AreKnownByTheirSubjectNotByTheNameTheyBring) {
  ASSERT_TRUE(sign_in("1", "ann").ok());
  EXPECT_EQ(sign_in("1", "renamed")->name(), "ann");
  EXPECT_EQ(sign_in("2", "ann").error().kind(), ErrorKind::Denied);
}

TEST_F(ExternalUsersTest, NeverBecomeAnAccountThatWasThereBefore) {
  ASSERT_TRUE(identity_->add_user("admin", "correct horse", {Role::Admin}).ok());
  EXPECT_EQ(sign_in("1", "admin").error().kind(), ErrorKind::Denied);
  EXPECT_EQ(sign_in("1", "system").error().kind(), ErrorKind::Invalid);
}

TEST_F(ExternalUsersTest, StayOutWhenDisabledHere) {
  ASSERT_TRUE(sign_in("1", "ann").ok());
  ASSERT_TRUE(identity_->disable_user("ann").ok());
  EXPECT_EQ(sign_in("1", "ann").error().kind(), ErrorKind::Denied);
}

TEST_F(ExternalUsersTest, HaveASubject) {
  EXPECT_FALSE(sign_in("", "ann").ok());
  EXPECT_FALSE(sign_in(std::string(256, 'x'), "ann").ok());
}

}  // namespace
}  // namespace pratique::signin
