// No question that a push, a pull, a list, a promotion or a collection asks may grow with everything that is stored.
// Every statement that runs is recorded as SQLite begins it, and its plan must not walk a whole table.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <mutex>
#include <set>

#include "registry/test_world.h"

namespace pratique::faults {
namespace {

using registry::image_json;
using registry::index_json;
using registry::repo;
using registry::tag;

struct Recorder {
  std::mutex mutex;
  std::set<std::string> statements;
};
Recorder& recorder() {
  static Recorder made;
  return made;
}

int record(unsigned, void*, void* statement, void*) {
  const char* sql = sqlite3_sql(static_cast<sqlite3_stmt*>(statement));
  std::lock_guard lock(recorder().mutex);
  if (sql != nullptr) recorder().statements.insert(sql);
  return 0;
}

int watch(sqlite3* handle, const char**, const void*) {
  return sqlite3_trace_v2(handle, SQLITE_TRACE_STMT, record, nullptr);
}

// Whole walks that are bounded by something else.
constexpr std::string_view kBounded[] = {
    "SELECT id FROM uploads",                                       // sessions: a few hundred a principal
    "SELECT kind, name, bytes, links FROM usage",                   // a row a principal and namespace, and a LIMIT
    "SELECT digest, damaged FROM blobs WHERE damaged IS NOT NULL",  // a partial index of what is damaged
};

class Plans : public registry::World {
 protected:
  Plans() {
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch));
    restart();
    recorder().statements.clear();  // without the migrations
  }
  ~Plans() override { sqlite3_reset_auto_extension(); }

  void live() {
    push_image(ann, "open/a", "1", "x");
    push_image(ann, "in/ann", "1", "x");
    registry->mount(bob, repo("open/b"), registry::digest_of("layer x"), repo("open/a")).value();
    const std::string child = image_json("{\"salt\":\"x\"}", {"layer x"}).dump();
    put(ann, "in/ann", "2", index_json({child}).dump()).value();
    const auto id = registry->start_upload(ann, repo("open/a")).value().id();
    registry->resume_upload(ann, repo("open/a"), id).value().checkpoint().value();
    registry->resume_upload(ann, repo("open/a"), id).value();
    registry->cancel_upload(ann, repo("open/a"), id).value();
    registry->repositories(std::nullopt, 10).value();
    registry->tags(repo("open/a"), std::nullopt, 10).value();
    registry->possesses(ann, registry::digest_of("layer x")).value();
    registry->manifests_holding(repo("open/a"), registry::digest_of("layer x")).value();
    registry->referrers(repo("open/a"), registry::digest_of(child), std::nullopt).value();
    const auto staged = registry->staged_image(2).value();
    database->write([&](db::Transaction& tx) { return registry->promote(tx, staged); }).value();
    database->write([&](db::Transaction& tx) { return registry->unpromote(tx, repo("out/ann"), staged.digest()); })
        .value();
    push(ann, "open/a", "unused").value();
    registry->delete_manifest(ann, repo("open/a"), tag("1")).value();
    registry->on_needed([](db::Transaction&, std::int64_t, Time) -> Result<bool> { return false; });
    collect_all();
    collect(true);
    registry::Scrub walk;
    while (!walk.is_done) registry->scrub(walk).value();
    registry->damages().value();
    registry->usage().value();
  }
  std::vector<std::string> plan_of(sqlite3* handle, const std::string& sql) {
    std::vector<std::string> lines;
    sqlite3_stmt* statement = nullptr;
    const std::string question = "EXPLAIN QUERY PLAN " + sql;
    if (sqlite3_prepare_v2(handle, question.c_str(), -1, &statement, nullptr) != SQLITE_OK) return lines;
    while (sqlite3_step(statement) == SQLITE_ROW)
      lines.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 3)));
    sqlite3_finalize(statement);
    return lines;
  }
  static bool is_bounded(const std::string& sql) {
    for (auto known : kBounded)
      if (sql.starts_with(known)) return true;
    return false;
  }
};

TEST_F(Plans, WalkNoWholeTable) {
  live();
  const auto statements = recorder().statements;
  EXPECT_GT(statements.size(), 60U);
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open((directory.path() + "/state.db").c_str(), &handle), SQLITE_OK);
  for (const auto& sql : statements) {
    if (is_bounded(sql)) continue;
    for (const auto& line : plan_of(handle, sql)) {
      // The members of a recursion and of a list in memory are scanned; what is stored is searched. journal_head has
      // one row.
      const bool is_own =
          line.starts_with("SCAN tree") || line.starts_with("SCAN CONSTANT") || line.starts_with("SCAN journal_head");
      EXPECT_TRUE(is_own || !line.starts_with("SCAN ")) << line << "\n  in " << sql;
    }
  }
  sqlite3_close(handle);
}

}  // namespace
}  // namespace pratique::faults
