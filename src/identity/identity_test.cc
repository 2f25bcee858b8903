#include "identity/identity.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <thread>

#include "base/format.h"
#include "base/text.h"

namespace pratique::identity {
namespace {

class IdentityTest : public testing::Test {
 protected:
  IdentityTest() {
    char name[] = "/tmp/pratique-identity-XXXXXX";
    directory_ = ::mkdtemp(name);
    database_ = db::Database::open({.path = directory_ + "/state.db"}, Identity::migrations()).value();
    restart();
  }
  ~IdentityTest() override {
    identity_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }
  void restart() { identity_.emplace(*database_, clock_, Options{.failures_max = 3}); }
  void add(std::string_view name, const std::set<Role>& roles = {Role::Submitter}) {
    Status status = identity_->add_user(name, kPassword, roles);
    ASSERT_TRUE(status.ok()) << status.error().message();
  }
  Result<Principal> login(std::string_view name, std::string_view password = kPassword) {
    return identity_->authenticate(name, password);
  }
  std::string refusal(std::string_view name, std::string_view password) {
    auto outcome = login(name, password);
    EXPECT_FALSE(outcome.ok());
    if (outcome.ok()) return "";
    EXPECT_EQ(outcome.error().kind(), ErrorKind::Denied);
    return outcome.error().message();
  }
  void fail(std::string_view name, int times) {
    for (int i = 0; i < times; ++i) refusal(name, "wrong password");
  }
  // What this thread computed meanwhile: unlike the wall clock, it does not see who else is busy.
  static Duration computed() {
    timespec spent;
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return Duration(spent.tv_sec * 1'000'000 + spent.tv_nsec / 1000);
  }
  Duration cost_of_login(std::string_view name, std::string_view password) {
    Duration start = computed();
    (void)login(name, password).ok();
    return computed() - start;
  }
  std::string single(std::string_view query) {
    return database_
        ->read([&](db::Transaction& tx) -> Result<std::string> {
          db::Statement row = tx.prepare(query);
          return TRY(row.next()) ? row.text(0) : std::string();
        })
        .value();
  }

  static constexpr std::string_view kPassword = "correct horse";
  ManualClock clock_{Time::from_unix_seconds(1'800'000'000)};
  std::string directory_;
  std::unique_ptr<db::Database> database_;
  std::optional<Identity> identity_;
};

TEST_F(IdentityTest, KnowsAUserByTheRightPasswordOnly) {
  add("Ann", {Role::Submitter, Role::Runner});
  auto ann = login("Ann");
  ASSERT_TRUE(ann.ok());
  EXPECT_EQ(ann->name(), "Ann");
  EXPECT_EQ(ann->repository_component(), "u_41nn");
  EXPECT_TRUE(ann->has(Role::Runner));
  EXPECT_FALSE(ann->has(Role::Admin));
  refusal("Ann", "wrong password");
  refusal("ann", kPassword);
}

TEST_F(IdentityTest, SaysTheSameForEveryWayToFail) {
  add("ann");
  add("bob");
  ASSERT_TRUE(identity_->disable_user("bob").ok());
  std::string words = refusal("ann", "wrong password");
  EXPECT_EQ(refusal("nobody", "wrong password"), words);
  EXPECT_EQ(refusal("bob", kPassword), words);
  EXPECT_EQ(refusal("", ""), words);
  EXPECT_EQ(refusal("ann", ""), words);
  EXPECT_EQ(refusal(std::string(5000, 'a'), kPassword), words);
}

TEST_F(IdentityTest, SpendsAHashOnNamesThatDoNotExist) {
  add("ann");
  Duration known = cost_of_login("ann", "wrong password");
  for (const auto& [name, password] : {std::pair<std::string, std::string>{"nobody", "wrong password"},
                                       {"ann", std::string(1000, 'x')},
                                       {"ann", std::string("a\0b", 3)}}) {
    Duration other = cost_of_login(name, password);
    EXPECT_GT(other * 3, known) << name;
  }
}

TEST_F(IdentityTest, ComparesPasswordsWholly) {
  ASSERT_TRUE(identity_->add_user("ann", "12345678", {}).ok());
  ASSERT_TRUE(login("ann", "12345678").ok());
  refusal("ann", std::string("12345678\0x", 10));
  refusal("ann", "123456789");
}

TEST_F(IdentityTest, StoresPasswordsAsYescryptWithTheirOwnSalt) {
  add("ann");
  add("bob");
  std::string ann = single("SELECT password FROM identity_user WHERE name = 'ann'");
  EXPECT_TRUE(ann.starts_with("$y$")) << ann;
  EXPECT_NE(ann, single("SELECT password FROM identity_user WHERE name = 'bob'"));
}

TEST_F(IdentityTest, DoesNotTakeABrokenHashForAPassword) {
  add("ann");
  for (const char* stored : {"", "*", "x", "$y$", "$y$j9T$", "$1$abcdefgh$x"}) {
    auto edit = [&](db::Transaction& tx) {
      return tx.prepare("UPDATE identity_user SET password = ?").bind(stored).run();
    };
    ASSERT_TRUE(database_->write(edit).ok());
    restart();
    refusal("ann", kPassword);
    refusal("ann", stored);
  }
}

TEST_F(IdentityTest, RefusesNamesAndPasswordsThatCannotWork) {
  const std::string bad_names[] = {
      "", std::string(129, 'a'), "a:b", "a\nb", std::string("a\0b", 3), "\xff", "\x7f", "system", "AWS"};
  for (const auto& name : bad_names)
    EXPECT_EQ(identity_->add_user(name, kPassword, {}).error().kind(), ErrorKind::Invalid) << printable(name);
  for (const auto& password : {std::string("1234567"), std::string(257, 'a'), std::string("12345678\0", 9)})
    EXPECT_EQ(identity_->add_user("ann", password, {}).error().kind(), ErrorKind::Invalid);
  EXPECT_TRUE(identity_->add_user(std::string(128, 'a'), std::string(256, 'a'), {}).ok());
  EXPECT_TRUE(login(std::string(128, 'a'), std::string(256, 'a')).ok());
}

TEST_F(IdentityTest, RefusesTheSameNameTwice) {
  add("ann");
  EXPECT_EQ(identity_->add_user("ann", "other password", {}).error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(login("ann").ok());
}

TEST_F(IdentityTest, RemembersARightPasswordForAWhile) {
  add("ann");
  ASSERT_TRUE(login("ann").ok());
  Duration again = cost_of_login("ann", kPassword);
  clock_.advance(minutes(6));
  EXPECT_GT(cost_of_login("ann", kPassword), again * 2);
  EXPECT_TRUE(login("ann").ok());
}

TEST_F(IdentityTest, ForgetsARememberedPasswordWhenItChanges) {
  add("ann");
  ASSERT_TRUE(login("ann").ok());
  ASSERT_TRUE(identity_->set_password("ann", "new password").ok());
  refusal("ann", kPassword);
  EXPECT_TRUE(login("ann", "new password").ok());
}

TEST_F(IdentityTest, NoticesAPasswordThatAnotherProcessChanged) {
  add("ann");
  ASSERT_TRUE(login("ann").ok());
  Identity other(*database_, clock_);
  ASSERT_TRUE(other.set_password("ann", "new password").ok());
  refusal("ann", kPassword);
}

TEST_F(IdentityTest, DisablingWorksAtOnceAndCanBeUndone) {
  add("ann");
  auto token = identity_->issue_token(login("ann").value()).value();
  ASSERT_TRUE(identity_->disable_user("ann").ok());
  refusal("ann", kPassword);
  EXPECT_EQ(identity_->authenticate_token(token.secret).error().kind(), ErrorKind::Denied);
  ASSERT_TRUE(identity_->enable_user("ann").ok());
  EXPECT_TRUE(login("ann").ok());
  EXPECT_FALSE(identity_->authenticate_token(token.secret).ok());
}

TEST_F(IdentityTest, LocksANameAfterTooManyFailures) {
  add("ann");
  fail("ann", 3);
  EXPECT_TRUE(contains(refusal("ann", kPassword), "wait 1 minute")) << refusal("ann", kPassword);
  clock_.advance(seconds(59));
  EXPECT_TRUE(contains(refusal("ann", kPassword), "wait 1.0 s"));
  clock_.advance(seconds(1));
  EXPECT_TRUE(login("ann").ok());
}

TEST_F(IdentityTest, LocksNamesThatDoNotExistAlike) {
  fail("nobody", 3);
  EXPECT_TRUE(contains(refusal("nobody", kPassword), "too many"));
  EXPECT_FALSE(contains(refusal("other", kPassword), "too many"));
}

TEST_F(IdentityTest, CountsFailuresInARowOnly) {
  add("ann");
  for (int round = 0; round < 3; ++round) {
    fail("ann", 2);
    EXPECT_TRUE(login("ann").ok());
  }
}

TEST_F(IdentityTest, StartsCountingAgainAfterALock) {
  add("ann");
  fail("ann", 3);
  clock_.advance(seconds(60));
  fail("ann", 2);
  EXPECT_TRUE(login("ann").ok());
}

TEST_F(IdentityTest, LocksADisabledUserLikeAnyOther) {
  add("ann");
  ASSERT_TRUE(identity_->disable_user("ann").ok());
  for (int i = 0; i < 3; ++i) refusal("ann", kPassword);
  EXPECT_TRUE(contains(refusal("ann", kPassword), "too many"));
}

TEST_F(IdentityTest, ANewPasswordOpensALockedName) {
  add("ann");
  fail("ann", 3);
  ASSERT_TRUE(identity_->set_password("ann", "new password").ok());
  EXPECT_TRUE(login("ann", "new password").ok());
}

TEST_F(IdentityTest, TokensWorkUntilTheyExpire) {
  add("ann", {Role::Reviewer});
  auto token = identity_->issue_token(login("ann").value()).value();
  EXPECT_EQ(token.issued, clock_.now());
  EXPECT_EQ(token.lifetime, seconds(900));
  clock_.advance(seconds(899));
  auto ann = identity_->authenticate_token(token.secret);
  ASSERT_TRUE(ann.ok());
  EXPECT_EQ(ann->name(), "ann");
  EXPECT_TRUE(ann->has(Role::Reviewer));
  clock_.advance(seconds(1));
  EXPECT_EQ(identity_->authenticate_token(token.secret).error().kind(), ErrorKind::Denied);
}

TEST_F(IdentityTest, TokensSurviveARestartAndAreNotStoredInClear) {
  add("ann");
  auto token = identity_->issue_token(login("ann").value()).value();
  restart();
  EXPECT_TRUE(identity_->authenticate_token(token.secret).ok());
  EXPECT_EQ(single("SELECT length(hash) FROM identity_token"), "32");
  EXPECT_FALSE(contains(single("SELECT hash FROM identity_token"), token.secret));
  EXPECT_GE(token.secret.size(), 43u);
}

TEST_F(IdentityTest, RefusesTokensThatAreNone) {
  add("ann");
  auto token = identity_->issue_token(login("ann").value()).value();
  for (const auto& bad : {std::string(), token.secret + "x", token.secret.substr(1), std::string(100'000, 'x')})
    EXPECT_EQ(identity_->authenticate_token(bad).error().kind(), ErrorKind::Denied);
}

TEST_F(IdentityTest, TokensFollowTheUsersPresentRoles) {
  add("ann");
  auto token = identity_->issue_token(login("ann").value()).value();
  ASSERT_TRUE(identity_->set_roles("ann", {Role::Reviewer}).ok());
  auto ann = identity_->authenticate_token(token.secret).value();
  EXPECT_EQ(ann.roles(), std::set<Role>{Role::Reviewer});
}

TEST_F(IdentityTest, ANewPasswordEndsTokens) {
  add("ann");
  auto token = identity_->issue_token(login("ann").value()).value();
  ASSERT_TRUE(identity_->set_password("ann", "new password").ok());
  EXPECT_FALSE(identity_->authenticate_token(token.secret).ok());
}

TEST_F(IdentityTest, RemovesExpiredTokens) {
  add("ann");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(identity_->issue_token(login("ann").value()).ok());
  clock_.advance(seconds(900));
  ASSERT_TRUE(identity_->issue_token(login("ann").value()).ok());
  EXPECT_EQ(single("SELECT count(*) FROM identity_token"), "1");
}

TEST_F(IdentityTest, GivesNoTokenToTheSystemOrTheDisabled) {
  EXPECT_EQ(identity_->issue_token(make_system_principal()).error().kind(), ErrorKind::Denied);
  add("ann");
  Principal ann = login("ann").value();
  ASSERT_TRUE(identity_->disable_user("ann").ok());
  EXPECT_EQ(identity_->issue_token(ann).error().kind(), ErrorKind::Denied);
}

TEST_F(IdentityTest, BootstrapsAnAdministratorOnce) {
  auto password = identity_->bootstrap_admin().value();
  ASSERT_TRUE(password);
  Principal admin = login("admin", *password).value();
  for (Role role : {Role::Submitter, Role::Reviewer, Role::Runner, Role::Admin}) EXPECT_TRUE(admin.has(role));
  EXPECT_EQ(identity_->bootstrap_admin().value(), std::nullopt);
}

TEST_F(IdentityTest, DoesNotBootstrapWhereUsersAre) {
  add("ann");
  EXPECT_EQ(identity_->bootstrap_admin().value(), std::nullopt);
}

TEST_F(IdentityTest, KeepsTheLastAdministrator) {
  auto password = identity_->bootstrap_admin().value();
  EXPECT_EQ(identity_->disable_user("admin").error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(identity_->set_roles("admin", {Role::Reviewer}).error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(login("admin", *password).ok());
  add("ann", {Role::Admin});
  EXPECT_TRUE(identity_->disable_user("admin").ok());
  EXPECT_EQ(identity_->disable_user("ann").error().kind(), ErrorKind::Conflict);
}

TEST_F(IdentityTest, TellsOfEveryChangeAndWhoMadeIt) {
  std::vector<std::string> told;
  identity_->on_change([&](db::Transaction&, const UserChange& change) -> Status {
    told.push_back(format("{} {} {} {}{}", change.actor, change.event, change.user.name, change.user.roles.size(),
                          change.user.is_disabled ? " off" : ""));
    return {};
  });
  ASSERT_TRUE(identity_->bootstrap_admin().ok());
  add("root", {Role::Admin});
  auto by = login("root").value();
  ASSERT_TRUE(identity_->add_user("ann", kPassword, {Role::Submitter}, by).ok());
  ASSERT_TRUE(identity_->set_roles("ann", {}, by).ok());
  ASSERT_TRUE(identity_->set_password("ann", "another password", by).ok());
  ASSERT_TRUE(identity_->disable_user("ann", by).ok());
  ASSERT_TRUE(identity_->enable_user("ann", by).ok());
  ASSERT_FALSE(identity_->enable_user("nobody", by).ok());
  EXPECT_EQ(told,
            (std::vector<std::string>{"system user-added admin 4", "system user-added root 1", "root user-added ann 1",
                                      "root user-roles-set ann 0", "root user-password-set ann 0",
                                      "root user-disabled ann 0 off", "root user-enabled ann 0"}));
}
TEST_F(IdentityTest, ChangesNothingThatCannotBeToldOf) {
  add("ann");
  identity_->on_change([](db::Transaction&, const UserChange&) { return Status(unavailable("the disk is full")); });
  EXPECT_FALSE(identity_->add_user("bob", kPassword, {Role::Submitter}).ok());
  EXPECT_FALSE(identity_->set_password("ann", "another password").ok());
  EXPECT_FALSE(identity_->disable_user("ann").ok());
  EXPECT_FALSE(identity_->set_roles("ann", {Role::Admin}).ok());
  EXPECT_TRUE(login("ann").value().has(Role::Submitter));
  EXPECT_EQ(identity_->users()->size(), 1u);
}

TEST_F(IdentityTest, AsksOthersAboutSecretsOfTheirs) {
  add("ann", {Role::Submitter, Role::Admin});
  add("bob");
  identity_->add_recogniser("prk_", [&](std::string_view, std::string_view secret) -> Result<Principal> {
    if (secret != "prk_right") return denied("no such key");
    auto ann = identity_->vouch_for("ann");
    return ann.ok() ? ann->narrowed({Role::Submitter}, "") : ann;
  });
  EXPECT_EQ(identity_->authenticate_token("prk_right")->roles(), std::set<Role>{Role::Submitter});
  EXPECT_TRUE(login("ann", "prk_right").ok());
  refusal("bob", "prk_right");
  refusal("ann", "prk_wrong");
  ASSERT_TRUE(identity_->set_roles("bob", {Role::Admin}).ok());
  ASSERT_TRUE(identity_->disable_user("ann").ok());
  EXPECT_FALSE(identity_->authenticate_token("prk_right").ok());
}

TEST_F(IdentityTest, AsksADirectoryWhenThePasswordIsNotTheLocalOne) {
  add("ann");
  identity_->add_recogniser("", [&](std::string_view name, std::string_view secret) -> Result<Principal> {
    if (secret == "cut") return unavailable("the directory does not answer");
    return secret == "of the directory" ? identity_->vouch_for(name) : denied("wrong");
  });
  EXPECT_TRUE(login("ann").ok());
  EXPECT_TRUE(login("ann", "of the directory").ok());
  refusal("ann", "wrong password");
  refusal("nobody", "of the directory");
  EXPECT_EQ(login("ann", "cut").error().kind(), ErrorKind::Unavailable);
}

TEST_F(IdentityTest, ATokenIsWorthNoMoreThanWhatBoughtIt) {
  add("ann", {Role::Submitter, Role::Admin});
  auto ann = login("ann").value().narrowed({Role::Submitter}, "staging/ann");
  auto token = identity_->issue_token(ann).value();
  auto again = identity_->authenticate_token(token.secret).value();
  EXPECT_EQ(again.roles(), std::set<Role>{Role::Submitter});
  EXPECT_EQ(again.push_only(), "staging/ann");
  EXPECT_TRUE(again.is_narrowed());
}

TEST_F(IdentityTest, NarrowingNeverAdds) {
  add("ann", {Role::Submitter});
  auto ann = login("ann").value();
  EXPECT_TRUE(ann.narrowed({Role::Admin}, "").roles().empty());
  auto pusher = ann.narrowed({Role::Submitter}, "staging/ann");
  EXPECT_EQ(pusher.push_only(), "staging/ann");
  EXPECT_EQ(pusher.narrowed({Role::Submitter}, "").push_only(), "staging/ann");
  EXPECT_EQ(pusher.narrowed({Role::Submitter}, "staging/bob").push_only(), "-");
}

TEST_F(IdentityTest, ListsUsersByName) {
  add("bob");
  add("ann", {Role::Runner});
  ASSERT_TRUE(identity_->disable_user("bob").ok());
  auto users = identity_->users().value();
  ASSERT_EQ(users.size(), 2u);
  EXPECT_EQ(users[0].name, "ann");
  EXPECT_EQ(users[0].roles, std::set<Role>{Role::Runner});
  EXPECT_EQ(users[0].created, clock_.now());
  EXPECT_TRUE(users[1].is_disabled);
}

TEST_F(IdentityTest, SaysThatAUserIsNotThere) {
  for (const Status& status : {identity_->set_password("nobody", kPassword), identity_->set_roles("nobody", {}),
                               identity_->disable_user("nobody"), identity_->enable_user("nobody")})
    EXPECT_EQ(status.error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(identity_->set_password("nobody", "short").error().kind(), ErrorKind::Invalid);
}

TEST_F(IdentityTest, SurvivesManyNamesAndThreads) {
  add("ann");
  std::atomic<int> wrong = 0;
  auto work = [&](int thread) {
    for (int i = 0; i < 5; ++i) {
      if (!login("ann").ok()) ++wrong;
      if (login(format("nobody-{}-{}", thread, i)).ok()) ++wrong;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace pratique::identity
