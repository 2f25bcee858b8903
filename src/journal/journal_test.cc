#include "journal/journal.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/format.h"
#include "base/hash.h"
#include "base/text.h"
#include "journal/chain.h"

namespace pratique::journal {
namespace {

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    char name[] = "/tmp/pratique-journal-XXXXXX";
    directory_ = ::mkdtemp(name);
    open();
  }
  ~JournalTest() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }
  void open() {
    database_ = db::Database::open({.path = path()}, Journal::migrations()).value();
    journal_.emplace(*database_, clock_);
  }
  std::string path() const { return directory_ + "/state.db"; }
  Status append(std::string_view event, std::string_view actor = "ann", std::string_view subject = "image",
                Json details = Json::object()) {
    return database_->write([&](db::Transaction& tx) { return journal_->append(tx, actor, event, subject, details); });
  }
  void append_three() {
    for (const char* event : {"one", "two", "three"}) ASSERT_TRUE(append(event).ok());
  }
  Status sql(std::string_view text) {
    return database_->write([&](db::Transaction& tx) { return tx.execute(text); });
  }
  // As somebody with the file and a shell, who has dropped the triggers.
  void tamper(std::string_view text) {
    for (const char* trigger : {"no_update", "no_delete", "in_order", "head_no_delete", "head_forward"})
      (void)sql(format("DROP TRIGGER IF EXISTS journal_{}", trigger)).ok();
    ASSERT_TRUE(sql(text).ok());
  }
  Verification verified() { return journal_->verify().value(); }

  ManualClock clock_{Time::from_unix_seconds(1'800'000'000)};
  std::string directory_;
  std::unique_ptr<db::Database> database_;
  std::optional<Journal> journal_;
};

TEST_F(JournalTest, NumbersEntriesWithoutGapsAndKeepsThem) {
  ASSERT_TRUE(append("one", "ann", "sha256:00", Json::object({{"tag", "v1"}})).ok());
  clock_.advance(seconds(5));
  ASSERT_TRUE(append("two", "système").ok());
  open();
  auto entries = journal_->read(0, 10).value();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].sequence, 1);
  EXPECT_EQ(entries[0].actor, "ann");
  EXPECT_EQ(entries[0].subject, "sha256:00");
  EXPECT_EQ(entries[0].details["tag"].text(), "v1");
  EXPECT_EQ(entries[1].event, "two");
  EXPECT_EQ(entries[1].time, Time::from_unix_seconds(1'800'000'005));
}

TEST_F(JournalTest, FollowsACursor) {
  append_three();
  EXPECT_EQ(journal_->read(0, 2).value().size(), 2u);
  EXPECT_EQ(journal_->read(2, 2).value().at(0).event, "three");
  EXPECT_TRUE(journal_->read(3, 2).value().empty());
  EXPECT_TRUE(journal_->read(0, 0).value().empty());
}

TEST_F(JournalTest, GivesWhatAFilterAsksFor) {
  Time start = clock_.now();
  for (const auto& [event, actor, subject] :
       {std::tuple("access-requested", "ann", "ann"), std::tuple("access-granted", "bea", "ann"),
        std::tuple("image-staged", "ann", "sha256:00"), std::tuple("accession", "bea", "x")}) {
    ASSERT_TRUE(append(event, actor, subject).ok());
    clock_.advance(seconds(10));
  }
  auto count = [&](const Filter& filter) { return journal_->read(0, 10, filter).value().size(); };
  EXPECT_EQ(count({.actor = "ann"}), 2u);
  EXPECT_EQ(count({.event = "access-granted"}), 1u);
  EXPECT_EQ(count({.event = "access-*"}), 2u);
  EXPECT_EQ(count({.event = "*"}), 4u);
  EXPECT_EQ(count({.subject = "ann"}), 2u);
  EXPECT_EQ(count({.since = start + seconds(10), .until = start + seconds(30)}), 2u);
  EXPECT_EQ(count({.actor = "bea", .event = "access-*", .subject = "ann"}), 1u);
  EXPECT_EQ(count({.actor = "nobody' OR '1'='1"}), 0u);
}

TEST_F(JournalTest, IsWrittenWithItsTransactionOrNotAtAll) {
  Status status = database_->write([&](db::Transaction& tx) -> Status {
    TRY(journal_->append(tx, "ann", "one", "x", Json::object()));
    TRY(journal_->append(tx, "ann", "two", "x", Json::object()));
    return refused("no");
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(verified().entries, 0);
  append_three();
  EXPECT_EQ(verified().entries, 3);
}

TEST_F(JournalTest, HashesTheDocumentedText) {
  ASSERT_TRUE(append("image-staged", "ann", "sha256:00", Json::object({{"tag", "v1"}})).ok());
  std::string text = "pratique-journal 1\n64:" + std::string(64, '0') +
                     ",1:1,16:1800000000000000,3:ann,12:image-staged,9:sha256:00,12:{\"tag\":\"v1\"},";
  EXPECT_EQ(journal_->read(0, 1).value().at(0).hash, sha256_hex(text));
  EXPECT_EQ(sha256_hex(text), "1cda2452f4cd21cf7a354716e6d4be85e59325a01d4e0e9406f46a6e68060b49");
}

TEST_F(JournalTest, HoldsWhenNobodyTouchesIt) {
  EXPECT_TRUE(verified().holds());
  EXPECT_EQ(verified().head, genesis());
  append_three();
  Verification verification = verified();
  EXPECT_TRUE(verification.holds()) << verification.problem;
  EXPECT_EQ(verification.entries, 3);
  EXPECT_EQ(verification.head, journal_->read(2, 1).value().at(0).hash);
}

TEST_F(JournalTest, TheDatabaseRefusesToChangeIt) {
  append_three();
  const std::string copy = ", time, actor, event, subject, details, hash FROM journal WHERE sequence = 2";
  const std::string attempts[] = {
      "UPDATE journal SET actor = 'eve' WHERE sequence = 2",
      "DELETE FROM journal WHERE sequence = 3",
      "INSERT OR REPLACE INTO journal SELECT 2" + copy,
      "INSERT INTO journal SELECT 9" + copy,
      "INSERT INTO journal SELECT 0" + copy,
      "DELETE FROM journal_head",
      "UPDATE journal_head SET sequence = 1",
      "UPDATE journal_head SET hash = ''",
  };
  for (const std::string& attempt : attempts) EXPECT_EQ(sql(attempt).error().kind(), ErrorKind::Conflict) << attempt;
  EXPECT_TRUE(verified().holds());
}

struct Tampering {
  const char* name;
  const char* sql;
  std::int64_t first_bad;
  const char* problem;
};

constexpr Tampering kTamperings[] = {
    {"actor", "UPDATE journal SET actor = 'eve' WHERE sequence = 2", 2,
     "entry 2 or its place in the chain was changed"},
    {"time", "UPDATE journal SET time = time + 1 WHERE sequence = 1", 1, "entry 1 or its place"},
    {"event", "UPDATE journal SET event = 'x' WHERE sequence = 3", 3, "entry 3 or its place"},
    {"subject", "UPDATE journal SET subject = 'x' WHERE sequence = 1", 1, "entry 1 or its place"},
    {"details", "UPDATE journal SET details = '{ }' WHERE sequence = 2", 2, "entry 2 or its place"},
    {"hash", "UPDATE journal SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE sequence = 2", 2,
     "entry 2 or its place"},
    {"text moved between fields", "UPDATE journal SET actor = 'an', event = 'ntwo' WHERE sequence = 2", 2, "entry 2"},
    {"deleted", "DELETE FROM journal WHERE sequence = 2", 2, "entry 2 is missing"},
    {"deleted and closed up",
     "DELETE FROM journal WHERE sequence = 2; UPDATE journal SET sequence = 2 WHERE sequence = 3", 2, "entry 2 or"},
    {"first deleted", "DELETE FROM journal WHERE sequence = 1", 1, "entry 1 is missing"},
    {"last deleted", "DELETE FROM journal WHERE sequence = 3", 3, "ends at entry 2 but went up to 3"},
    {"all deleted", "DELETE FROM journal", 1, "ends at entry 0 but went up to 3"},
    {"inserted at the end",
     "INSERT INTO journal SELECT 4, time, actor, event, subject, details, hash FROM journal WHERE sequence = 3", 4,
     "entry 4 or"},
    {"inserted within",
     "UPDATE journal SET sequence = 4 WHERE sequence = 3;"
     "INSERT INTO journal SELECT 3, time, actor, event, subject, details, hash FROM journal WHERE sequence = 2",
     3, "entry 3 or"},
    {"reordered",
     "UPDATE journal SET sequence = 9 WHERE sequence = 1; UPDATE journal SET sequence = 1 WHERE sequence = 2;"
     "UPDATE journal SET sequence = 2 WHERE sequence = 9",
     1, "entry 1 or its place"},
    {"head removed", "DELETE FROM journal_head", 4, "head is missing"},
    {"head changed", "UPDATE journal_head SET hash = 'x'", 4, "head is not its last entry"},
};

TEST_F(JournalTest, FindsEveryKindOfTampering) {
  for (const Tampering& tampering : kTamperings) {
    SCOPED_TRACE(tampering.name);
    database_.reset();
    std::filesystem::remove(path());
    open();
    append_three();
    tamper(tampering.sql);
    Verification verification = verified();
    EXPECT_FALSE(verification.holds());
    EXPECT_EQ(verification.first_bad, tampering.first_bad);
    EXPECT_TRUE(contains(verification.problem, tampering.problem)) << verification.problem;
  }
}

TEST_F(JournalTest, SaysWhichEntryCannotBeRead) {
  append_three();
  tamper("UPDATE journal SET details = '{' WHERE sequence = 2");
  auto entries = journal_->read(0, 10);
  EXPECT_EQ(entries.error().kind(), ErrorKind::Corrupt);
  EXPECT_TRUE(contains(entries.error().message(), "entry 2")) << entries.error().message();
}

TEST_F(JournalTest, RefusesToAppendWithoutItsHead) {
  tamper("DELETE FROM journal_head");
  EXPECT_EQ(append("one").error().kind(), ErrorKind::Corrupt);
}

TEST_F(JournalTest, RefusesWhatItCouldNotReadBack) {
  EXPECT_EQ(append("one", "\xff").error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(append("one", "ann", "\xc3").error().kind(), ErrorKind::Invalid);
  EXPECT_FALSE(append("one", "ann", "x", Json::object({{"note", "\xff"}})).ok());
  EXPECT_EQ(append("one", std::string(kNameBytesMax + 1, 'a')).error().kind(), ErrorKind::Limit);
  EXPECT_EQ(append(std::string(kNameBytesMax + 1, 'a')).error().kind(), ErrorKind::Limit);
  EXPECT_EQ(append("one", "ann", std::string(kNameBytesMax + 1, 'a')).error().kind(), ErrorKind::Limit);
  EXPECT_EQ(append("one", "ann", "x", Json::object({{"note", std::string(kDetailsBytesMax, 'a')}})).error().kind(),
            ErrorKind::Limit);
  EXPECT_TRUE(append("one", std::string(kNameBytesMax, 'a')).ok());
  EXPECT_EQ(verified().entries, 1);
}

using JournalDeathTest = JournalTest;

TEST_F(JournalDeathTest, AbortsOnAnEntryWithoutAnEventOrAnObject) {
  EXPECT_DEATH((void)append("").ok(), "has an event");
  EXPECT_DEATH((void)append("one", "ann", "x", Json("text")).ok(), "are an object");
}

}  // namespace
}  // namespace pratique::journal
