#include "db/migrate.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "base/text.h"
#include "db/db.h"
#include "os/file.h"

namespace pratique::db {
namespace {

constexpr Migration kFirst{"a", 1, "CREATE TABLE first (id INTEGER PRIMARY KEY) STRICT"};
constexpr Migration kSecond{"a", 2, "INSERT INTO first VALUES (1); INSERT INTO first VALUES (2)"};
constexpr Migration kOther{"b", 1,
                           "CREATE TABLE other (id INTEGER PRIMARY KEY, x INTEGER REFERENCES first(id)) STRICT"};

class MigrateTest : public testing::Test {
 protected:
  Status open(std::vector<Migration> migrations) {
    auto opened = Database::open({.path = path()}, migrations);
    if (!opened.ok()) return opened.error();
    database_ = std::move(*opened);
    return {};
  }
  ErrorKind refusal(std::vector<Migration> migrations) {
    Status status = open(std::move(migrations));
    EXPECT_FALSE(status.ok());
    return status.ok() ? ErrorKind::Invalid : status.error().kind();
  }
  std::int64_t rows() {
    return database_
        ->read([](Transaction& tx) -> Result<std::int64_t> {
          Statement count = tx.prepare("SELECT count(*) FROM first");
          TRY(count.next());
          return count.integer(0);
        })
        .value();
  }
  // Edits the file as another program would.
  void edit(const std::string& sql) {
    database_.reset();
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &handle), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
    sqlite3_close(handle);
  }
  std::string path() const { return directory_.path() + "/state.db"; }

  os::TemporaryDirectory directory_ = os::TemporaryDirectory::create().value();
  std::unique_ptr<Database> database_;
};

TEST_F(MigrateTest, AppliesEachMigrationOnce) {
  ASSERT_TRUE(open({kFirst, kSecond}).ok());
  ASSERT_TRUE(open({kFirst, kSecond}).ok());
  EXPECT_EQ(rows(), 2);
}

TEST_F(MigrateTest, AppliesOnlyWhatIsMissing) {
  ASSERT_TRUE(open({kFirst}).ok());
  EXPECT_EQ(rows(), 0);
  ASSERT_TRUE(open({kFirst, kSecond, kOther}).ok());
  EXPECT_EQ(rows(), 2);
}

TEST_F(MigrateTest, RefusesADatabaseThatIsNewer) {
  ASSERT_TRUE(open({kFirst, kSecond, kOther}).ok());
  EXPECT_EQ(refusal({kFirst, kOther}), ErrorKind::Conflict);
  EXPECT_EQ(refusal({kFirst, kSecond}), ErrorKind::Conflict);
  Status status = open({kFirst, kSecond});
  EXPECT_TRUE(contains(status.error().message(), "newer version")) << status.error().message();
  EXPECT_TRUE(contains(status.error().message(), "its b schema is at 1, this program knows 0"));
}

TEST_F(MigrateTest, LeavesNothingOfAMigrationThatFails) {
  ASSERT_TRUE(open({kFirst, kSecond}).ok());
  Migration clash{"a", 3, "INSERT INTO first VALUES (3); INSERT INTO first VALUES (1)"};
  EXPECT_EQ(refusal({kFirst, kSecond, clash}), ErrorKind::Conflict);
  ASSERT_TRUE(open({kFirst, kSecond}).ok());
  EXPECT_EQ(rows(), 2);
}

TEST_F(MigrateTest, RefusesAMigrationThatLeavesDanglingRows) {
  Migration dangling{"b", 2, "INSERT INTO other VALUES (1, 99)"};
  EXPECT_EQ(refusal({kFirst, kOther, dangling}), ErrorKind::Corrupt);
}

TEST_F(MigrateTest, CallsAFileThatIsNoDatabaseCorrupt) {
  ASSERT_TRUE(os::write_file(path(), std::string(8192, 'x')).ok());
  EXPECT_EQ(refusal({kFirst}), ErrorKind::Corrupt);
}

TEST_F(MigrateTest, CallsAnotherProgramsDatabaseCorrupt) {
  edit("CREATE TABLE theirs (x); PRAGMA application_id = 77");
  EXPECT_EQ(refusal({kFirst}), ErrorKind::Corrupt);
  edit("PRAGMA application_id = 0");
  EXPECT_EQ(refusal({kFirst}), ErrorKind::Corrupt);
}

TEST_F(MigrateTest, CallsADamagedHistoryCorrupt) {
  ASSERT_TRUE(open({kFirst, kSecond}).ok());
  edit("DELETE FROM schema_migration WHERE number = 1");
  EXPECT_EQ(refusal({kFirst, kSecond}), ErrorKind::Corrupt);
  edit("DROP TABLE schema_migration");
  EXPECT_EQ(refusal({kFirst, kSecond}), ErrorKind::Corrupt);
}

TEST_F(MigrateTest, SaysWhenTheFileCannotBeMade) {
  auto opened = Database::open({.path = directory_.path() + "/absent/state.db"}, {});
  EXPECT_EQ(opened.error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(Database::open({.path = directory_.path()}, {}).error().kind(), ErrorKind::Unavailable);
}

TEST_F(MigrateTest, FindsDamagedPagesAndKeys) {
  ASSERT_TRUE(open({kFirst, kSecond, kOther}).ok());
  EXPECT_TRUE(database_->check_integrity().ok());
  edit("INSERT INTO other VALUES (1, 99)");
  ASSERT_TRUE(open({kFirst, kSecond, kOther}).ok());
  EXPECT_EQ(database_->check_integrity().error().kind(), ErrorKind::Corrupt);
  database_.reset();
  std::string bytes = os::read_file(path(), 1 << 20).value();
  for (std::size_t i = 4096 + 100; i < bytes.size(); ++i) bytes[i] = '\x5a';
  ASSERT_TRUE(os::write_file(path(), bytes).ok());
  Status status = open({kFirst, kSecond, kOther});
  if (status.ok()) status = database_->check_integrity();
  EXPECT_EQ(status.error().kind(), ErrorKind::Corrupt) << status.error().message();
}

using MigrateDeathTest = MigrateTest;

TEST_F(MigrateDeathTest, AbortsOnNumbersWithHoles) {
  EXPECT_DEATH((void)open({kFirst, Migration{"a", 3, "SELECT 1"}}).ok(), "numbered 1, 2, 3");
}

}  // namespace
}  // namespace pratique::db
