#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "identity/identity.h"
#include "os/file.h"

namespace pratique::identity {
namespace {

constexpr std::string_view kRepository = "staging/ann";

class SessionKeysTest : public testing::Test {
 protected:
  SessionKeysTest() : directory_(os::TemporaryDirectory::create().value()) {
    database_ = db::Database::open({.path = directory_.path() + "/state.db"}, Identity::migrations()).value();
    restart();
    EXPECT_TRUE(identity_->add_user("ann", "correct horse", {Role::Submitter, Role::Admin}).ok());
  }
  void restart() {
    identity_.emplace(*database_, clock_, Options{.key_file = key_file()});
    identity_->on_session([this](db::Transaction&, const SessionChange& change) -> Status {
      told_.push_back(format("{} {} {} {}", change.actor, change.event, change.user, change.reason));
      return {};
    });
  }
  std::string key_file() const { return directory_.path() + "/secret.key"; }
  SessionKeys issue(seconds lifetime = kSessionLifetimeDefault) {
    return identity_
        ->issue_session(SessionRequest{.user = "ann", .repository = std::string(kRepository), .lifetime = lifetime})
        .value();
  }
  Session find(const SessionKeys& keys) { return identity_->find_session(keys.access_key_id)->value(); }
  std::string password(const SessionKeys& keys) {
    return identity_->issue_registry_password(keys.access_key_id, "192.0.2.1").value();
  }
  Identity::RegistryLogin login(const std::string& password) {
    return identity_->authenticate_registry_password(password).value();
  }
  bool may_push(const std::string& password) { return login(password).principal.has_value(); }
  void push(const std::string& password, PushStep step) {
    auto who = login(password).principal;
    ASSERT_TRUE(who);
    ASSERT_TRUE(identity_->note_push(*who, step).ok());
  }
  std::string all_bytes() {
    std::string bytes;
    for (const auto& name : os::list_directory(directory_.path()))
      bytes += os::read_file(directory_.path() + "/" + name, 16 << 20).value();
    return bytes;
  }

  ManualClock clock_{Time::from_unix_seconds(1'800'000'000)};
  os::TemporaryDirectory directory_;
  std::unique_ptr<db::Database> database_;
  std::optional<Identity> identity_;
  std::vector<std::string> told_;
};

TEST_F(SessionKeysTest, AnAccountsOwnKeysCarryItsPresentRoles) {
  auto keys = identity_->issue_session(SessionRequest{.user = "ann", .repository = ""}).value();
  EXPECT_TRUE(find(keys).principal->has(Role::Admin));
  EXPECT_EQ(find(keys).principal->push_only(), "");
  EXPECT_EQ(find(keys).principal->session(), keys.access_key_id);
  EXPECT_TRUE(identity_->add_user("bob", "correct horse", {Role::Admin}).ok());
  EXPECT_TRUE(identity_->set_roles("ann", {Role::Runner}).ok());
  EXPECT_FALSE(find(keys).principal->has(Role::Admin));
  EXPECT_TRUE(find(keys).principal->has(Role::Runner));
}

TEST_F(SessionKeysTest, AGrantCarriesNoRoleOfItsUser) {
  EXPECT_EQ(find(issue()).principal->roles(), std::set<Role>{Role::Submitter});
}

TEST_F(SessionKeysTest, LookLikeTemporaryKeysOfAws) {
  auto keys = issue();
  EXPECT_EQ(keys.access_key_id.size(), 20u);
  EXPECT_TRUE(keys.access_key_id.starts_with("ASIA"));
  EXPECT_EQ(keys.access_key_id.substr(4).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), std::string::npos);
  EXPECT_EQ(keys.secret.size(), 40u);
  EXPECT_EQ(keys.session_token.size(), 128u);
  EXPECT_EQ(keys.expires - keys.issued, Duration(seconds(3600)));
  EXPECT_NE(issue().access_key_id, keys.access_key_id);
}

TEST_F(SessionKeysTest, AreFoundWithTheirSecretAndMayPushToOneRepository) {
  auto keys = issue();
  restart();
  auto session = find(keys);
  EXPECT_EQ(session.secret, keys.secret);
  EXPECT_EQ(session.state, SessionState::Valid);
  ASSERT_TRUE(session.principal);
  EXPECT_EQ(session.principal->name(), "ann");
  EXPECT_EQ(session.principal->push_only(), kRepository);
  EXPECT_EQ(session.principal->session(), keys.access_key_id);
  EXPECT_FALSE(session.principal->has(Role::Admin));
  EXPECT_TRUE(session.is_token(keys.session_token));
  for (const auto& bad :
       {std::string(), keys.session_token.substr(1), keys.session_token + "A", std::string(5000, 'x')})
    EXPECT_FALSE(session.is_token(bad));
}

TEST_F(SessionKeysTest, AreUnknownWhenNobodyIssuedThem) {
  EXPECT_EQ(*identity_->find_session("ASIAAAAAAAAAAAAAAAAA"), std::nullopt);
  EXPECT_EQ(*identity_->find_session(""), std::nullopt);
}

TEST_F(SessionKeysTest, LastAsLongAsTheySayToTheSecond) {
  auto keys = issue();
  clock_.advance(seconds(3599));
  EXPECT_EQ(find(keys).state, SessionState::Valid);
  clock_.advance(seconds(1));
  EXPECT_EQ(find(keys).state, SessionState::Expired);
  clock_.advance(seconds(1));
  EXPECT_EQ(find(keys).state, SessionState::Expired);
  EXPECT_FALSE(find(keys).principal);
}

TEST_F(SessionKeysTest, HaveALifetimeInAwsRange) {
  for (int lifetime : {899, 0, -1, 43'201}) {
    auto issued = identity_->issue_session(SessionRequest{.user = "ann", .lifetime = seconds(lifetime)});
    EXPECT_EQ(issued.error().kind(), ErrorKind::Invalid) << lifetime;
  }
  for (int lifetime : {900, 43'200})
    EXPECT_TRUE(identity_->issue_session(SessionRequest{.user = "ann", .lifetime = seconds(lifetime)}).ok());
}

TEST_F(SessionKeysTest, AreForUsersWhoAreThereAndEnabled) {
  EXPECT_EQ(identity_->issue_session(SessionRequest{.user = "bob"}).error().kind(), ErrorKind::NotFound);
  ASSERT_TRUE(identity_->add_user("bob", "correct horse", {Role::Admin}).ok());
  ASSERT_TRUE(identity_->disable_user("bob").ok());
  EXPECT_EQ(identity_->issue_session(SessionRequest{.user = "bob"}).error().kind(), ErrorKind::Denied);
}

TEST_F(SessionKeysTest, AreRevokedAtOnceAndOnce) {
  auto keys = issue();
  auto secret = password(keys);
  ASSERT_TRUE(identity_->revoke_session(keys.access_key_id, "bea", "lost laptop").ok());
  ASSERT_TRUE(identity_->revoke_session(keys.access_key_id, "bea", "again").ok());
  EXPECT_EQ(find(keys).state, SessionState::Revoked);
  EXPECT_EQ(login(secret).state, SessionState::Revoked);
  EXPECT_FALSE(may_push(secret));
  EXPECT_EQ(told_.back(), "bea session-revoked ann lost laptop");
  EXPECT_EQ(identity_->revoke_session("ASIAAAAAAAAAAAAAAAAA", "bea", "").error().kind(), ErrorKind::NotFound);
}

TEST_F(SessionKeysTest, DoNotComeBackWithADisabledUser) {
  auto keys = issue();
  ASSERT_TRUE(identity_->add_user("root", "correct horse", {Role::Admin}).ok());
  ASSERT_TRUE(identity_->disable_user("ann").ok());
  EXPECT_EQ(find(keys).state, SessionState::Revoked);
  ASSERT_TRUE(identity_->enable_user("ann").ok());
  EXPECT_EQ(find(keys).state, SessionState::Revoked);
}

TEST_F(SessionKeysTest, RegistryPasswordsHaveNoColonAndDieWithTheKeys) {
  auto keys = issue();
  auto secret = password(keys);
  EXPECT_EQ(secret.find(':'), std::string::npos);
  EXPECT_EQ(login(secret).principal->push_only(), kRepository);
  clock_.advance(seconds(3599));
  EXPECT_TRUE(may_push(secret));
  clock_.advance(seconds(2));
  EXPECT_FALSE(may_push(secret));
  EXPECT_EQ(login(secret).state, SessionState::Expired);
  EXPECT_EQ(identity_->issue_registry_password(keys.access_key_id, "").error().kind(), ErrorKind::Denied);
}

TEST_F(SessionKeysTest, RefusesRegistryPasswordsThatWereNeverIssued) {
  auto secret = password(issue());
  for (const auto& bad :
       {std::string(), std::string("prp_"), secret + "x", secret.substr(0, 20), std::string(500, 'x')})
    EXPECT_EQ(identity_->authenticate_registry_password(bad).error().kind(), ErrorKind::Denied);
}

TEST_F(SessionKeysTest, KeepsTheNewestRegistryPasswordsOnly) {
  auto keys = issue();
  auto first = password(keys);
  for (int i = 0; i < 64; ++i) {
    clock_.advance(seconds(1));
    password(keys);
  }
  EXPECT_FALSE(identity_->authenticate_registry_password(first).ok());
}

TEST_F(SessionKeysTest, APushThatStartedInTimeMayFinish) {
  auto secret = password(issue());
  clock_.advance(seconds(3590));
  push(secret, PushStep::Started);
  clock_.advance(seconds(600));
  ASSERT_TRUE(may_push(secret));
  push(secret, PushStep::Continued);
  clock_.advance(seconds(600));
  ASSERT_TRUE(may_push(secret));
  push(secret, PushStep::Finished);
  EXPECT_FALSE(may_push(secret));
}

TEST_F(SessionKeysTest, APushThatGoesQuietIsOver) {
  auto secret = password(issue());
  push(secret, PushStep::Started);
  clock_.advance(seconds(3601));
  EXPECT_FALSE(may_push(secret));
}

TEST_F(SessionKeysTest, APushMayNotGoOnForEver) {
  auto secret = password(issue());
  clock_.advance(seconds(3599));
  push(secret, PushStep::Started);
  for (int minute = 0; minute < 60; ++minute) {
    ASSERT_TRUE(may_push(secret)) << minute;
    push(secret, PushStep::Continued);
    clock_.advance(minutes(1));
  }
  clock_.advance(seconds(2));
  EXPECT_FALSE(may_push(secret));
}

TEST_F(SessionKeysTest, APushThatGoesOnEndsWhenItIsRevoked) {
  auto keys = issue();
  auto secret = password(keys);
  clock_.advance(seconds(3590));
  push(secret, PushStep::Started);
  clock_.advance(seconds(60));
  ASSERT_TRUE(may_push(secret));
  ASSERT_TRUE(identity_->revoke_session(keys.access_key_id, "bea", "").ok());
  EXPECT_FALSE(may_push(secret));
}

TEST_F(SessionKeysTest, BearerTokensOfASessionMayDoNoMoreThanItAndDieWithIt) {
  auto keys = issue();
  auto token = identity_->issue_token(*find(keys).principal).value();
  EXPECT_EQ(identity_->authenticate_token(token.secret)->push_only(), kRepository);
  ASSERT_TRUE(identity_->revoke_session(keys.access_key_id, "bea", "").ok());
  EXPECT_EQ(identity_->authenticate_token(token.secret).error().kind(), ErrorKind::Denied);
}

TEST_F(SessionKeysTest, SecretsAreNowhereOnDiskInClear) {
  auto keys = issue();
  auto secret = password(keys);
  std::string bytes = all_bytes();
  for (const auto& text : {keys.secret, keys.session_token, secret}) EXPECT_FALSE(contains(bytes, text));
  EXPECT_TRUE(contains(bytes, keys.access_key_id));
}

TEST_F(SessionKeysTest, TheKeyFileIsForItsOwnerOnly) {
  issue();
  struct stat found{};
  ASSERT_EQ(::stat(key_file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0600u);
  ASSERT_EQ(::chmod(key_file().c_str(), 0644), 0);
  restart();
  EXPECT_TRUE(contains(identity_->issue_session(SessionRequest{.user = "ann"}).error().message(), "chmod 600"));
}

TEST_F(SessionKeysTest, AnotherKeyFileOpensNothing) {
  auto keys = issue();
  ASSERT_TRUE(os::remove_file(key_file()).ok());
  restart();
  EXPECT_EQ(identity_->find_session(keys.access_key_id).error().kind(), ErrorKind::Corrupt);
  for (const char* text : {"", "pratique-keys 1\n", "pratique-keys 1\n00 11\n", "pratique-keys 2\n"}) {
    ASSERT_TRUE(os::write_file(key_file(), text).ok());
    restart();
    EXPECT_EQ(identity_->find_session(keys.access_key_id).error().kind(), ErrorKind::Corrupt) << text;
  }
}

TEST_F(SessionKeysTest, ANewKeySealsWhatTheOldOneDid) {
  auto keys = issue();
  std::string before = os::read_file(key_file(), 1 << 10).value();
  ASSERT_TRUE(identity_->rotate_key(make_system_principal()).ok());
  std::string after = os::read_file(key_file(), 1 << 10).value();
  EXPECT_EQ(after.size(), before.size());
  EXPECT_NE(after, before);
  restart();
  EXPECT_EQ(find(keys).secret, keys.secret);
  EXPECT_EQ(told_.back(), "system key-rotated  ");
}

TEST_F(SessionKeysTest, ARowCannotPoseAsAnother) {
  auto first = issue();
  auto second = issue();
  auto swap = [&](db::Transaction& tx) {
    return tx
        .prepare(
            "UPDATE identity_session SET sealed_secret = (SELECT sealed_secret FROM identity_session WHERE "
            "access_key_id = ?) WHERE access_key_id = ?")
        .bind(first.access_key_id)
        .bind(second.access_key_id)
        .run();
  };
  ASSERT_TRUE(database_->write(swap).ok());
  EXPECT_EQ(identity_->find_session(second.access_key_id).error().kind(), ErrorKind::Corrupt);
}

TEST_F(SessionKeysTest, TheJournalHearsOfIssueUseAndEnd) {
  auto keys = issue();
  password(keys);
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(identity_->note_session("session-refused", keys.access_key_id, "192.0.2.9", "bad signature").ok());
  clock_.advance(seconds(3600));
  EXPECT_EQ(identity_->expire_sessions().value(), 1u);
  EXPECT_EQ(identity_->expire_sessions().value(), 0u);
  EXPECT_EQ(told_, (std::vector<std::string>{"ann session-issued ann ", "ann session-password-issued ann ",
                                             "ann session-refused ann bad signature", "system session-expired ann "}));
}

TEST_F(SessionKeysTest, AreForgottenAMonthAfterTheirEnd) {
  auto keys = issue();
  clock_.advance(hours(24 * 30) + seconds(3599));
  ASSERT_TRUE(identity_->expire_sessions().ok());
  EXPECT_EQ(find(keys).state, SessionState::Expired);
  clock_.advance(seconds(1));
  ASSERT_TRUE(identity_->expire_sessions().ok());
  EXPECT_FALSE(*identity_->find_session(keys.access_key_id));
}

TEST_F(SessionKeysTest, AreNotIssuedWhenThatCannotBeToldOf) {
  identity_->on_session([](db::Transaction&, const SessionChange&) { return Status(unavailable("the disk is full")); });
  EXPECT_FALSE(identity_->issue_session(SessionRequest{.user = "ann"}).ok());
  auto count = [](db::Transaction& tx) -> Result<std::int64_t> {
    auto row = tx.prepare("SELECT count(*) FROM identity_session");
    TRY(row.next());
    return row.integer(0);
  };
  EXPECT_EQ(database_->read(count).value(), 0);
}

}  // namespace
}  // namespace pratique::identity
