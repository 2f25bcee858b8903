#include "grants/grants.h"

#include <gtest/gtest.h>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::grants {
namespace {

using identity::Role;

class GrantsTest : public testing::Test {
 protected:
  GrantsTest() : directory_(os::TemporaryDirectory::create().value()) {
    std::vector<db::Migration> all;
    for (auto part : {identity::Identity::migrations(), journal::Journal::migrations(), Grants::migrations()})
      all.insert(all.end(), part.begin(), part.end());
    database_ = db::Database::open({.path = directory_.path() + "/state.db"}, all).value();
    journal_.emplace(*database_, clock_);
    identity_.emplace(*database_, clock_);
    grants_.emplace(*database_, *identity_, *journal_, clock_);
    for (const auto& [name, role] : {std::pair("ann", Role::Submitter), std::pair("sam", Role::Submitter),
                                     std::pair("bea", Role::Reviewer), std::pair("root", Role::Admin)}) {
      identity_->add_user(name, "correct horse", {role}).value();
      people_.emplace(name, identity_->authenticate(name, "correct horse").value());
    }
  }
  const identity::Principal& who(const std::string& name) { return people_.at(name); }
  static NewRequest wanted() {
    return {.repository = "staging/ann", .purpose = "torch on a GPU", .is_lifetime_acknowledged = true};
  }
  std::string ask() { return grants_->ask(who("ann"), wanted()).value().id; }
  std::string granted() {
    auto id = ask();
    link_ = grants_->grant(who("bea"), id, "").value().link_secret;
    return id;
  }
  State state(const std::string& id) { return grants_->find(id).value().state; }
  std::string reason(const std::string& id) { return grants_->find(id).value().closed_reason; }
  void push(std::string_view repository = "staging/ann", std::string_view by = "ann") {
    ASSERT_TRUE(database_->write([&](db::Transaction& tx) { return grants_->note_staged(tx, repository, by); }).ok());
  }
  identity::SessionState keys(const Credentials& credentials) {
    return identity_->find_session(credentials.keys.access_key_id)->value().state;
  }
  std::vector<std::string> journal() {
    std::vector<std::string> lines;
    const auto entries = journal_->read(0, 100).value();
    for (const auto& entry : entries) lines.push_back(format("{} {} {}", entry.actor, entry.event, entry.subject));
    return lines;
  }

  ManualClock clock_{*Time::parse("2026-11-20T12:00:00Z")};
  os::TemporaryDirectory directory_;
  std::unique_ptr<db::Database> database_;
  std::optional<journal::Journal> journal_;
  std::optional<identity::Identity> identity_;
  std::optional<Grants> grants_;
  std::map<std::string, identity::Principal> people_;
  std::string link_;
};

TEST_F(GrantsTest, ARequestIsAskedGrantedCollectedAndUsed) {
  auto id = granted();
  EXPECT_EQ(state(id), State::Granted);
  auto credentials = grants_->collect(who("ann"), id, "192.0.2.1").value();
  EXPECT_EQ(credentials.keys.expires, clock_.now() + seconds(3600));
  EXPECT_EQ(identity_->find_session(credentials.keys.access_key_id)->value().principal->push_only(), "staging/ann");
  push();
  auto used = grants_->find(id).value();
  EXPECT_EQ(used.state, State::Used);
  EXPECT_EQ(used.pushed, clock_.now());
  EXPECT_EQ(used.delivered_via, "terminal");
  EXPECT_EQ(keys(credentials), identity::SessionState::Valid);
  EXPECT_EQ(journal(), (std::vector<std::string>{"ann access-requested ann", "bea access-granted ann",
                                                 "ann access-collected ann", "ann access-used ann"}));
}

TEST_F(GrantsTest, ARequestSaysWhyAndThatTheHourIsUnderstood) {
  auto refuse = [&](NewRequest request) { return grants_->ask(who("ann"), request).error().kind(); };
  auto request = wanted();
  request.purpose = "  ";
  EXPECT_EQ(refuse(request), ErrorKind::Invalid);
  request.purpose = std::string(2'001, 'x');
  EXPECT_EQ(refuse(request), ErrorKind::Limit);
  request.purpose = "\xff";
  EXPECT_EQ(refuse(request), ErrorKind::Invalid);
  request = wanted();
  request.is_lifetime_acknowledged = false;
  EXPECT_EQ(refuse(request), ErrorKind::Invalid);
  for (int lifetime : {899, 43'201}) {
    request = wanted();
    request.lifetime = seconds(lifetime);
    EXPECT_EQ(refuse(request), ErrorKind::Invalid);
  }
}

TEST_F(GrantsTest, OneOpenRequestARepositoryAndAFewAPerson) {
  auto id = ask();
  EXPECT_TRUE(contains(grants_->ask(who("ann"), wanted()).error().message(), id));
  for (int i = 1; i < kOpenRequestsMax; ++i) {
    auto request = wanted();
    request.repository = format("staging/ann/{}", i);
    ASSERT_TRUE(grants_->ask(who("ann"), request).ok());
  }
  auto request = wanted();
  request.repository = "staging/ann/last";
  EXPECT_EQ(grants_->ask(who("ann"), request).error().kind(), ErrorKind::Limit);
}

TEST_F(GrantsTest, ThePolicyMayGrantAtOnce) {
  Grants automatic(*database_, *identity_, *journal_, clock_, {.is_automatic = true});
  auto request = automatic.ask(who("ann"), wanted()).value();
  EXPECT_EQ(request.state, State::Granted);
  EXPECT_EQ(request.decided_by, "policy");
  EXPECT_TRUE(automatic.collect(who("ann"), request.id, "").ok());
}

TEST_F(GrantsTest, NobodyAnswersTheirOwnRequestButAnAdministrator) {
  auto request = wanted();
  auto id = grants_->ask(who("bea"), request).value().id;
  EXPECT_EQ(grants_->grant(who("bea"), id, "").error().kind(), ErrorKind::Denied);
  EXPECT_EQ(grants_->deny(who("bea"), id, "no").error().kind(), ErrorKind::Denied);
  request.repository = "staging/root";
  id = grants_->ask(who("root"), request).value().id;
  EXPECT_TRUE(grants_->grant(who("root"), id, "").ok());
}

TEST_F(GrantsTest, ADenialSaysWhyAndIsFinal) {
  auto id = ask();
  EXPECT_EQ(grants_->deny(who("bea"), id, " ").error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(grants_->deny(who("bea"), id, "no project").value().state, State::Denied);
  EXPECT_EQ(reason(id), "no project");
  EXPECT_EQ(grants_->grant(who("bea"), id, "").error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(grants_->collect(who("ann"), id, "").error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(grants_->ask(who("ann"), wanted()).ok());
}

TEST_F(GrantsTest, CredentialsAreShownOnce) {
  auto id = granted();
  ASSERT_TRUE(grants_->collect_by_link(link_, "192.0.2.1").ok());
  EXPECT_EQ(grants_->collect_by_link(link_, "").error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(grants_->peek_link(link_).error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(grants_->collect(who("ann"), id, "").error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(grants_->grant(who("bea"), id, "").error().kind(), ErrorKind::Conflict);
}

TEST_F(GrantsTest, LookingAtALinkTakesNothing) {
  granted();
  EXPECT_EQ(grants_->peek_link(link_)->requester, "ann");
  EXPECT_EQ(grants_->peek_link(link_)->requester, "ann");
  EXPECT_TRUE(grants_->collect_by_link(link_, "").ok());
}

TEST_F(GrantsTest, KnowsNoOtherLinkAndNobodyElsesRequest) {
  auto id = granted();
  for (const auto& bad : {std::string(), std::string("prl_"), link_ + "x", std::string(5'000, 'x')})
    EXPECT_EQ(grants_->collect_by_link(bad, "").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(grants_->collect(who("sam"), id, "").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(grants_->collect(who("bea"), id, "").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(grants_->close(who("sam"), id).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(grants_->find("R-nothing").error().kind(), ErrorKind::NotFound);
}

TEST_F(GrantsTest, ANewLinkReplacesALostOne) {
  auto id = granted();
  auto lost = link_;
  link_ = grants_->grant(who("bea"), id, "").value().link_secret;
  EXPECT_EQ(grants_->collect_by_link(lost, "").error().kind(), ErrorKind::NotFound);
  EXPECT_TRUE(grants_->collect_by_link(link_, "").ok());
}

TEST_F(GrantsTest, ClosesAsUnusedWhenNothingIsPushed) {
  auto id = granted();
  grants_->collect(who("ann"), id, "").value();
  clock_.advance(seconds(3599));
  EXPECT_EQ(grants_->expire_due().value(), 0u);
  clock_.advance(seconds(1));
  EXPECT_EQ(grants_->expire_due().value(), 1u);
  EXPECT_EQ(state(id), State::Unused);
  EXPECT_EQ(reason(id), "nothing was pushed before the credentials ended");
  EXPECT_EQ(grants_->expire_due().value(), 0u);
  EXPECT_EQ(journal().back(), "system access-unused ann");
}

TEST_F(GrantsTest, WaitsForAPushThatBeganInTime) {
  auto id = granted();
  auto credentials = grants_->collect(who("ann"), id, "").value();
  clock_.advance(seconds(3590));
  auto pusher = *identity_->find_session(credentials.keys.access_key_id)->value().principal;
  identity_->note_push(pusher, identity::PushStep::Started).value();
  clock_.advance(seconds(60));
  EXPECT_EQ(grants_->expire_due().value(), 0u);
  push();
  EXPECT_EQ(state(id), State::Used);
}

TEST_F(GrantsTest, ClosesAsUnusedWhatNobodyCollects) {
  auto id = granted();
  clock_.advance(hours(24));
  EXPECT_EQ(grants_->collect_by_link(link_, "").error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(grants_->expire_due().value(), 1u);
  EXPECT_EQ(state(id), State::Unused);
}

TEST_F(GrantsTest, ARequestNobodyAnswersExpires) {
  auto id = ask();
  clock_.advance(hours(24 * 7));
  EXPECT_EQ(grants_->expire_due().value(), 1u);
  EXPECT_EQ(state(id), State::Expired);
}

TEST_F(GrantsTest, ItsRequesterMayCloseIt) {
  auto id = granted();
  auto credentials = grants_->collect(who("ann"), id, "").value();
  EXPECT_EQ(grants_->close(who("ann"), id).value().state, State::Unused);
  EXPECT_EQ(keys(credentials), identity::SessionState::Revoked);
  EXPECT_EQ(grants_->close(who("ann"), id).error().kind(), ErrorKind::Conflict);
}

TEST_F(GrantsTest, RevokingEndsTheKeysAtOnce) {
  auto id = granted();
  auto credentials = grants_->collect(who("ann"), id, "").value();
  push();
  EXPECT_EQ(grants_->revoke(who("bea"), id, "").error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(grants_->revoke(who("bea"), id, "lost laptop").value().state, State::Revoked);
  EXPECT_EQ(keys(credentials), identity::SessionState::Revoked);
  EXPECT_EQ(journal().back(), "bea access-revoked ann");
}

TEST_F(GrantsTest, IsUsedByItsRequestersPushIntoItsRepositoryOnly) {
  auto id = granted();
  push();
  EXPECT_EQ(state(id), State::Granted) << "not collected yet";
  grants_->collect(who("ann"), id, "").value();
  push("staging/sam");
  push("staging/ann", "sam");
  EXPECT_EQ(state(id), State::Granted);
  push();
  EXPECT_EQ(state(id), State::Used);
}

TEST_F(GrantsTest, ListsTheNewestFirst) {
  auto id = ask();
  auto request = wanted();
  request.repository = "staging/sam";
  auto other = grants_->ask(who("sam"), request).value().id;
  auto all = grants_->list({}).value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, other);
  EXPECT_EQ(grants_->list({.requester = "ann"}).value().at(0).id, id);
  EXPECT_TRUE(grants_->list({.state = State::Denied}).value().empty());
  EXPECT_EQ(grants_->list({.limit = 1}).value().size(), 1u);
}

TEST(Words, AreReadAsPeopleWriteThem) {
  for (const auto& [text, window] :
       {std::pair("asap", Window::Asap), std::pair("As soon as possible", Window::Asap),
        std::pair(" Tomorrow morning ", Window::TomorrowMorning),
        std::pair("tomorrow_morning", Window::TomorrowMorning), std::pair("AFTERNOON", Window::Afternoon)})
    EXPECT_EQ(parse_window(text), window) << text;
  for (const char* text : {"", "never", "morning"}) EXPECT_EQ(parse_window(text), std::nullopt) << text;
  for (auto state :
       {State::Requested, State::Granted, State::Used, State::Unused, State::Expired, State::Denied, State::Revoked})
    EXPECT_EQ(parse_state(to_string(state)), state);
  EXPECT_EQ(parse_shell("powershell"), Shell::PowerShell);
  EXPECT_EQ(parse_shell("bash"), std::nullopt);
}

}  // namespace
}  // namespace pratique::grants
