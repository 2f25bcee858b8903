#include "db/db.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <future>
#include <limits>
#include <thread>

#include "base/format.h"
#include "os/file.h"

namespace pratique::db {
namespace {

constexpr Migration kSchema[] = {
    {"test", 1,
     "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT UNIQUE, note BLOB) STRICT;"
     "CREATE TABLE pet (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES person(id)) STRICT;"},
};

class DatabaseTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Database>> open(std::span<const Migration> migrations = kSchema, std::size_t readers = 4) {
    return Database::open({.path = path(), .readers_max = readers, .lock_wait = milliseconds(20)}, migrations);
  }
  Database& database() {
    if (!database_) database_ = open().value();
    return *database_;
  }
  std::string path() const { return directory_.path() + "/state.db"; }
  Status add(const std::string& name) {
    return database().write([&](Transaction& tx) { return insert(tx, name); });
  }
  static Status insert(Transaction& tx, const std::string& name) {
    return tx.prepare("INSERT INTO person (name) VALUES (?)").bind(name).run();
  }
  static Result<std::int64_t> count(Transaction& tx) {
    Statement rows = tx.prepare("SELECT count(*) FROM person");
    TRY(rows.next());
    return rows.integer(0);
  }
  std::int64_t people() {
    return database().read([](Transaction& tx) { return count(tx); }).value();
  }

  os::TemporaryDirectory directory_ = os::TemporaryDirectory::create().value();
  std::unique_ptr<Database> database_;
};

TEST_F(DatabaseTest, KeepsWhatWasWrittenAcrossAReopen) {
  ASSERT_TRUE(add("ann").ok());
  database_.reset();
  EXPECT_EQ(people(), 1);
}

TEST_F(DatabaseTest, CreatesAFileThatOnlyTheOwnerReads) {
  ASSERT_TRUE(add("ann").ok());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info;
    ASSERT_EQ(::stat((path() + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(DatabaseTest, RollsBackOnAnErrorAndReturnsIt) {
  Status status = database().write([&](Transaction& tx) -> Status {
    TRY(insert(tx, "ann"));
    return refused("no");
  });
  EXPECT_EQ(status.error().kind(), ErrorKind::Refused);
  EXPECT_EQ(people(), 0);
}

TEST_F(DatabaseTest, RollsBackOnAForeignException) {
  EXPECT_THROW((void)database().write([&](Transaction& tx) -> Status {
    TRY(insert(tx, "ann"));
    throw std::runtime_error("foreign");
  }),
               std::runtime_error);
  EXPECT_EQ(people(), 0);
  EXPECT_TRUE(add("bob").ok());
}

TEST_F(DatabaseTest, GivesTheBodysValue) {
  auto id = database().write([&](Transaction& tx) -> Result<std::int64_t> {
    TRY(insert(tx, "ann"));
    return tx.last_insert_id();
  });
  EXPECT_EQ(id.value(), 1);
}

TEST_F(DatabaseTest, TakesABodyThatCanOnlyBeMoved) {
  auto name = std::make_unique<std::string>("ann");
  EXPECT_TRUE(database().write([n = std::move(name)](Transaction& tx) { return insert(tx, *n); }).ok());
}

TEST_F(DatabaseTest, RoundTripsEveryKindOfValue) {
  std::string bytes("a\0b\xff", 4);
  Status status = database().write([&](Transaction& tx) -> Status {
    TRY(tx.execute("CREATE TABLE kinds (a, b, c, d, e, f, g)"));
    Statement in = tx.prepare("INSERT INTO kinds VALUES (?, ?, ?, ?, ?, ?, ?)");
    in.bind(std::numeric_limits<std::int64_t>::min()).bind("").bind_blob("").bind_blob(bytes);
    in.bind(std::optional<std::string>()).bind(std::optional<int>(7)).bind(Time::from_unix_seconds(-5));
    TRY(in.run());
    Statement out = tx.prepare("SELECT * FROM kinds");
    EXPECT_TRUE(TRY(out.next()));
    EXPECT_EQ(out.integer(0), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(out.optional_text(1), "");
    EXPECT_EQ(out.optional_text(2), "");
    EXPECT_EQ(out.text(3), bytes);
    EXPECT_TRUE(out.is_null(4));
    EXPECT_EQ(out.optional_text(4), std::nullopt);
    EXPECT_EQ(out.text(5), "7");
    EXPECT_EQ(out.time(6), Time::from_unix_seconds(-5));
    EXPECT_FALSE(TRY(out.next()));
    return {};
  });
  EXPECT_TRUE(status.ok()) << status.error().message();
}

TEST_F(DatabaseTest, BindsAnewAfterAStep) {
  Status status = database().write([&](Transaction& tx) -> Status {
    Statement in = tx.prepare("INSERT INTO person (name) VALUES (?)");
    for (const char* name : {"ann", "bob", "cy"}) TRY(in.bind(name).run());
    EXPECT_EQ(tx.changes(), 1);
    return {};
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(people(), 3);
}

TEST_F(DatabaseTest, RunsTheSameSqlTwiceAtATime) {
  ASSERT_TRUE(add("ann").ok() && add("bob").ok());
  int pairs = 0;
  Status status = database().read([&](Transaction& tx) -> Status {
    Statement outer = tx.prepare("SELECT name FROM person");
    while (TRY(outer.next())) {
      Statement inner = tx.prepare("SELECT name FROM person");
      while (TRY(inner.next())) ++pairs;
    }
    return {};
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(pairs, 4);
}

TEST_F(DatabaseTest, KeepsABoundedNumberOfStatements) {
  Status status = database().read([&](Transaction& tx) -> Status {
    for (int i = 0; i < 2000; ++i) TRY(tx.prepare(format("SELECT {}", i)).run());
    return {};
  });
  EXPECT_TRUE(status.ok());
}

TEST_F(DatabaseTest, CallsAViolatedConstraintAConflict) {
  ASSERT_TRUE(add("ann").ok());
  EXPECT_EQ(add("ann").error().kind(), ErrorKind::Conflict);
  Status orphan = database().write([](Transaction& tx) { return tx.execute("INSERT INTO pet (owner) VALUES (99)"); });
  EXPECT_EQ(orphan.error().kind(), ErrorKind::Conflict);
}

TEST_F(DatabaseTest, GoesOnAfterAStatementThatFailed) {
  ASSERT_TRUE(add("ann").ok());
  Status status = database().write([&](Transaction& tx) -> Status {
    EXPECT_FALSE(insert(tx, "ann").ok());
    return insert(tx, "bob");
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(people(), 2);
}

TEST_F(DatabaseTest, CallsANumberBeyond63BitsALimit) {
  Status status = database().write([](Transaction& tx) {
    return tx.prepare("INSERT INTO pet (owner) VALUES (?)").bind(std::numeric_limits<std::uint64_t>::max()).run();
  });
  EXPECT_EQ(status.error().kind(), ErrorKind::Limit);
}

TEST_F(DatabaseTest, CallsAFullDiskUnavailableAndKeepsWhatWasThere) {
  ASSERT_TRUE(add("ann").ok());
  Status full = database().write([](Transaction& tx) -> Status {
    TRY(tx.execute("PRAGMA max_page_count = 1"));
    for (int i = 0; i < 100; ++i) TRY(insert(tx, std::string(4000, 'x') + std::to_string(i)));
    return {};
  });
  EXPECT_EQ(full.error().kind(), ErrorKind::Unavailable);
  EXPECT_NE(full.error().message().find("disk is full"), std::string::npos) << full.error().message();
  database_.reset();
  EXPECT_EQ(people(), 1);
}

TEST_F(DatabaseTest, NeverCallsATransactionDoneThatTheDiskRolledBack) {
  Status status = database().write([](Transaction& tx) -> Status {
    TRY(insert(tx, "ann"));
    return tx.execute("ROLLBACK");
  });
  EXPECT_EQ(status.error().kind(), ErrorKind::Unavailable);
}

TEST_F(DatabaseTest, ReadsOneSnapshotWhileOthersWrite) {
  ASSERT_TRUE(add("ann").ok());
  auto counts = database().read([&](Transaction& tx) -> Result<std::pair<std::int64_t, std::int64_t>> {
    std::int64_t before = TRY(count(tx));
    std::async(std::launch::async, [&] { EXPECT_TRUE(add("bob").ok()); }).get();
    return std::pair(before, TRY(count(tx)));
  });
  EXPECT_EQ(counts.value(), std::pair(std::int64_t{1}, std::int64_t{1}));
  EXPECT_EQ(people(), 2);
}

TEST_F(DatabaseTest, RunsActionsAfterTheCommitInOrderAndNeverAfterARollback) {
  std::string seen;
  auto write = [&](bool ok) {
    return database().write([&](Transaction& tx) -> Status {
      tx.after_commit([&] { seen += format("a{}", people()); });
      tx.after_commit([&] { seen += "b"; });
      TRY(insert(tx, "ann"));
      return ok ? Status() : Status(refused("no"));
    });
  };
  EXPECT_FALSE(write(false).ok());
  EXPECT_EQ(seen, "");
  EXPECT_TRUE(write(true).ok());
  EXPECT_EQ(seen, "a1b");
}

TEST_F(DatabaseTest, LetsManyThreadsReadAndWrite) {
  database();
  std::atomic<int> failures = 0;
  auto work = [&](int thread) {
    for (int i = 0; i < 20; ++i) {
      if (!add(format("{}-{}", thread, i)).ok()) ++failures;
      if (people() < i) ++failures;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(people(), 160);
}

// While one writer holds the turn the others queue up; their group is done by whichever of them comes next.
class GroupTest : public DatabaseTest {
 protected:
  // Runs `bodies` at once: all but the first are queued before the first one ends.
  std::vector<Status> together(const std::vector<std::function<Status(Transaction&)>>& bodies) {
    std::atomic<bool> is_begun = false, may_end = false;
    std::thread first([&] {
      database()
          .write([&](Transaction&) -> Status {
            is_begun = true;
            while (!may_end) std::this_thread::yield();
            return {};
          })
          .value();
    });
    while (!is_begun) std::this_thread::yield();
    std::vector<Status> outcomes(bodies.size());
    std::vector<std::thread> threads;
    std::atomic<std::size_t> arrived = 0;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      threads.emplace_back([&, i] {
        ++arrived;
        outcomes[i] = database().write(bodies[i]);
      });
    }
    while (arrived < bodies.size()) std::this_thread::yield();
    may_end = true;
    first.join();
    for (auto& thread : threads) thread.join();
    return outcomes;
  }
};

TEST_F(GroupTest, AWriteThatFailsTakesNoOtherWithIt) {
  const auto outcomes = together({[](Transaction& tx) { return insert(tx, "ann"); },
                                  [](Transaction& tx) -> Status {
                                    TRY(insert(tx, "undone"));
                                    return refused("no");
                                  },
                                  [](Transaction& tx) -> Status {
                                    TRY(insert(tx, "twice"));
                                    return insert(tx, "twice");
                                  },
                                  [](Transaction& tx) { return insert(tx, "bob"); }});
  EXPECT_TRUE(outcomes[0].ok());
  EXPECT_EQ(outcomes[1].error().kind(), ErrorKind::Refused);
  EXPECT_EQ(outcomes[2].error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(outcomes[3].ok());
  EXPECT_EQ(people(), 2);
}

TEST_F(GroupTest, AForeignExceptionReachesTheThreadWhoseBodyItLeft) {
  std::atomic<int> caught = 0;
  database();  // opened before the threads ask for it
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      try {
        database()
            .write([&](Transaction& tx) -> Status {
              TRY(insert(tx, format("person {}", i)));
              if (i % 2 == 0) static_cast<void>(std::string().at(1));
              return {};
            })
            .value();
      } catch (const std::out_of_range&) {
        ++caught;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(caught, 4);
  EXPECT_EQ(people(), 4);
}

TEST_F(GroupTest, OfMoreWritesThanShareACommitLosesNone) {
  std::vector<std::function<Status(Transaction&)>> bodies;
  for (int i = 0; i < 70; ++i) bodies.emplace_back([i](Transaction& tx) { return insert(tx, format("person {}", i)); });
  for (const auto& outcome : together(bodies)) EXPECT_TRUE(outcome.ok());
  EXPECT_EQ(people(), 70);
}

TEST_F(GroupTest, ActionsRunOnTheThreadsOfTheirWrites) {
  std::atomic<int> own = 0;
  database();  // opened before the threads ask for it
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      const auto me = std::this_thread::get_id();
      database()
          .write([&](Transaction& tx) -> Status {
            tx.after_commit([&, me] { own += std::this_thread::get_id() == me ? 1 : 0; });
            return {};
          })
          .value();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(own, 16);
}

TEST_F(DatabaseTest, SaysThatAnotherProgramHoldsTheLock) {
  database();
  auto other = open().value();
  Status status = other->write([&](Transaction& tx) -> Status {
    TRY(insert(tx, "ann"));
    return std::async(std::launch::async,
                      [&] {
                        return database().write([&](Transaction& mine) -> Status {
                          (void)mine;
                          return {};
                        });
                      })
        .get();
  });
  EXPECT_EQ(status.error().kind(), ErrorKind::Unavailable);
  EXPECT_NE(status.error().message().find("another program"), std::string::npos) << status.error().message();
}

TEST_F(DatabaseTest, KeepsEveryAcknowledgedRowThroughAKill) {
  database_.reset();
  os::Pipe pipe = os::make_pipe().value();
  pid_t child = ::fork();
  if (child == 0) {
    auto mine = open().value();
    for (int i = 0;; ++i) {
      if (!mine->write([&](Transaction& tx) { return insert(tx, std::to_string(i)); }).ok()) ::_exit(1);
      if (!os::write_all(pipe.write_end, as_bytes("+")).ok()) ::_exit(1);
    }
  }
  pipe.write_end.reset();
  std::string acknowledged(200, '\0');
  std::size_t got = 0;
  while (got < acknowledged.size())
    got += os::read_some(pipe.read_end, std::as_writable_bytes(std::span(acknowledged).subspan(got))).value();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_GE(people(), 200);
  EXPECT_TRUE(database().check_integrity().ok());
}

using DatabaseDeathTest = DatabaseTest;

TEST_F(DatabaseDeathTest, AbortsOnNestedTransactions) {
  database();
  auto nested = [&](Transaction&) -> Status {
    people();
    return {};
  };
  EXPECT_DEATH((void)database().write(nested).ok(), "transaction inside a transaction");
  EXPECT_DEATH((void)database().read(nested).ok(), "transaction inside a transaction");
}

TEST_F(DatabaseDeathTest, AbortsOnSqlThatIsWrong) {
  database();
  auto run = [&](std::string sql) {
    (void)database().read([&](Transaction& tx) { return tx.prepare(sql).run(); }).ok();
  };
  EXPECT_DEATH(run("SELEKT 1"), "syntax error");
  EXPECT_DEATH(run("SELECT 1; SELECT 2"), "exactly one statement");
  EXPECT_DEATH(run("INSERT INTO person (name) VALUES ('x')"), "writes inside read");
  EXPECT_DEATH(run("SELECT ?"), "not bound");
}

TEST_F(DatabaseDeathTest, AbortsOnAColumnThatIsNotThere) {
  database();
  auto read_column = [&](int column, bool step) {
    (void)database()
        .read([&](Transaction& tx) -> Status {
          Statement rows = tx.prepare("SELECT 1");
          if (step) TRY(rows.next());
          rows.text(column);
          return {};
        })
        .ok();
  };
  EXPECT_DEATH(read_column(1, true), "no such column");
  EXPECT_DEATH(read_column(0, false), "without a row");
}

TEST_F(DatabaseDeathTest, AbortsWhenAStatementOutlivesItsTransaction) {
  database();
  auto leak = [&] {
    (void)database().read([](Transaction& tx) -> Result<Statement> { return tx.prepare("SELECT 1"); }).ok();
  };
  EXPECT_DEATH(leak(), "outlived its transaction");
}

}  // namespace
}  // namespace pratique::db
