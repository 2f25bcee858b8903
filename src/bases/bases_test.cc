#include "bases/bases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "os/file.h"

namespace pratique::bases {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

oci::Digest layer(int number) {
  return oci::Digest::of(as_bytes("layer " + std::to_string(number)));
}
std::vector<oci::Digest> chain(std::initializer_list<int> numbers) {
  std::vector<oci::Digest> digests;
  for (int number : numbers) digests.push_back(layer(number));
  return digests;
}
Time day(int number) {
  return *Time::parse("2026-11-01T00:00:00Z") + days(number);
}
Generation build(int when, std::initializer_list<int> layers) {
  auto digests = chain(layers);
  return {.built = day(when), .last_layer = digests.back(), .manifest = {}, .diff_ids = digests};
}
Generation recorded(int when, int last) {
  return {.built = day(when), .last_layer = layer(last), .manifest = {}, .diff_ids = {}};
}
Base base(std::string reference, std::vector<Generation> generations, std::size_t keep = 2) {
  return {.reference = std::move(reference), .source = "", .keep = keep, .generations = std::move(generations)};
}
Proof proof(const std::vector<Base>& known, std::initializer_list<int> layers) {
  return prove(known, chain(layers), chain(layers));
}

struct ListRow {
  const char* name;
  const char* text;
  const char* read;  // "reference" or "*reference", comma-separated, or the problem
};
class AllowList : public ::testing::TestWithParam<ListRow> {};
TEST_P(AllowList, IsReadAsPeopleWriteIt) {
  auto list = parse_allow_list(GetParam().text);
  std::vector<std::string> words;
  if (list.ok())
    for (const auto& one : *list) words.push_back((one.is_available ? "" : "*") + one.reference);
  EXPECT_EQ(list.ok() ? join(words, ",") : list.error().message(), GetParam().read);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, AllowList,
    ::testing::Values(ListRow{"empty", "", ""}, ListRow{"comments", "# a\n\n  # b\n", ""},
                      ListRow{"one", "quay.io/x/y:1\n", "quay.io/x/y:1"},
                      ListRow{"starred", "*quay.io/x/y:1\r\n* quay.io/x/z:1", "*quay.io/x/y:1,*quay.io/x/z:1"},
                      ListRow{"twice", "a/b:1\n*a/b:1\n", "line 2: a/b:1 is listed twice"},
                      ListRow{"star_alone", "a/b:1\n*\n", "line 2: \"\" is no image reference"},
                      ListRow{"no_reference", "UPPER CASE\n", "line 1: \"UPPER CASE\" is no image reference"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(AllowListFile, SurvivesBeingWrittenAndRead) {
  std::vector<Base> known = {base("a/b:1", {}), base("a/c:1", {})};
  known[1].is_available = false;
  known[1].starred_why = "CVE-2026-1 in\nopenssl";
  auto list = parse_allow_list(render_allow_list(known));
  ASSERT_TRUE(list.ok()) << list.error().message();
  ASSERT_EQ(list->size(), 2u);
  EXPECT_TRUE((*list)[0].is_available);
  EXPECT_FALSE((*list)[1].is_available);
}

struct RecordRow {
  const char* name;
  std::string text;
  const char* problem;
};
class LayerRecord : public ::testing::TestWithParam<RecordRow> {};
TEST_P(LayerRecord, OfAnotherShapeIsRefusedWithItsPlace) {
  auto record = parse_layer_record(GetParam().text);
  ASSERT_FALSE(record.ok());
  EXPECT_THAT(record.error().message(), HasSubstr(GetParam().problem));
}
INSTANTIATE_TEST_SUITE_P(Rows, LayerRecord,
                         ::testing::Values(RecordRow{"list", "[]", "no JSON object"},
                                           RecordRow{"name", R"({"A B": {}})", "no image reference"},
                                           RecordRow{"text", R"({"a/b:1": "x"})", "a/b:1: is no object"},
                                           RecordRow{"stamp", R"({"a/b:1": {"2026-11-14": "x"}})", "no time such as"},
                                           RecordRow{"month", R"({"a/b:1": {"2026_13_14_00:00:00": "x"}})", "a/b:1"},
                                           RecordRow{"digest", R"({"a/b:1": {"2026_11_14_00:00:00": "sha256:1"}})",
                                                     "is no digest"}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(LayerRecordFile, HoldsTheGenerationsThatStillProveSomethingNewestFirst) {
  std::vector<Base> known = {base("a/b:1", {build(9, {1, 4}), build(2, {1, 3}), build(1, {1, 2})})};
  auto record = layer_record(known);
  ASSERT_EQ(record["a/b:1"].members().size(), 2u) << "two are kept, the third is only remembered";
  EXPECT_EQ(record["a/b:1"].members()[0].first, "2026_11_10_00:00:00");
  EXPECT_EQ(record["a/b:1"].members()[0].second.text(), layer(4).to_string());
  auto read = parse_layer_record(record.dump());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->at("a/b:1")[0].built, day(9));
}

TEST(Proof, IsTheWholeChainOfTheBase) {
  std::vector<Base> known = {base("a/b:1", {build(1, {1, 2})})};
  EXPECT_EQ(proof(known, {1, 2, 7}).standing, Standing::Current);
  EXPECT_EQ(proof(known, {1, 2, 7}).layers, 2u);
  EXPECT_EQ(proof(known, {1, 2}).standing, Standing::Current) << "the base itself";
  EXPECT_EQ(proof(known, {1}).standing, Standing::None) << "half of it";
  EXPECT_EQ(proof(known, {7, 1, 2}).standing, Standing::None) << "the same layers on something else";
  EXPECT_EQ(proof(known, {2, 1}).standing, Standing::None) << "in another order";
  EXPECT_EQ(proof({}, {1, 2}).standing, Standing::None);
}
TEST(Proof, NamesTheGenerationAndHowFarItLiesBehind) {
  std::vector<Base> known = {base("a/b:1", {build(9, {1, 4}), build(2, {1, 3}), build(1, {1, 2})})};
  EXPECT_EQ(proof(known, {1, 4}).standing, Standing::Current);
  EXPECT_EQ(proof(known, {1, 3, 8}).standing, Standing::Kept);
  auto old = proof(known, {1, 2, 8});
  EXPECT_EQ(old.standing, Standing::Outdated);
  EXPECT_EQ(old.behind, 2u);
  EXPECT_EQ(old.built, day(1));
  EXPECT_EQ(old.current, day(9));
}
TEST(Proof, TakesTheBaseWithMoreLayersAndOfEqualOnesTheNewerBuild) {
  std::vector<Base> known = {base("a/small:1", {build(1, {1})}), base("a/large:1", {build(1, {1, 2})})};
  EXPECT_EQ(proof(known, {1, 2, 3}).reference, "a/large:1");
  std::vector<Base> rebuilt = {base("a/b:1", {build(5, {1, 2}), build(1, {1, 2})})};
  EXPECT_EQ(proof(rebuilt, {1, 2}).behind, 0u) << "a rebuild that changed nothing";
}
TEST(Proof, ByTheLastLayerIsWeakerThanByAChain) {
  std::vector<Base> known = {base("a/recorded:1", {recorded(1, 5)}), base("a/built:1", {build(1, {1})})};
  auto weak = proof(known, {3, 5, 6});
  EXPECT_EQ(weak.reference, "a/recorded:1");
  EXPECT_FALSE(weak.is_chain);
  EXPECT_EQ(weak.layers, 2u);
  EXPECT_EQ(proof(known, {1, 5}).reference, "a/built:1");
}

class BasesTest : public ::testing::Test {
 protected:
  BasesTest() {
    std::vector<db::Migration> all;
    for (auto module : {journal::Journal::migrations(), Bases::migrations()})
      all.insert(all.end(), module.begin(), module.end());
    database_ = std::move(*db::Database::open({.path = directory_.path() + "/db"}, all));
    journal_ = std::make_unique<journal::Journal>(*database_, clock_);
    bases_ = std::make_unique<Bases>(*database_, *journal_, clock_);
  }
  void TearDown() override { EXPECT_TRUE(journal_->verify()->holds()); }
  std::vector<std::string> events() {
    std::vector<std::string> events;
    const auto entries = journal_->read(0, 100);
    for (const auto& entry : *entries) events.push_back(entry.event);
    return events;
  }
  std::vector<std::string> shown() {
    std::vector<std::string> shown;
    const auto all = bases_->all();
    for (const auto& one : *all) shown.push_back((one.is_available ? "" : "*") + one.reference);
    return shown;
  }

  ManualClock clock_{*Time::parse("2026-11-20T12:00:00Z")};
  os::TemporaryDirectory directory_ = os::TemporaryDirectory::create().value();
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<Bases> bases_;
};

TEST_F(BasesTest, RemembersWhatWasAdded) {
  EXPECT_TRUE(*bases_->add("root", base("a/b:1", {build(1, {1, 2})}, 3)));
  auto found = bases_->find("a/b:1");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->generations[0].diff_ids, chain({1, 2}));
  EXPECT_EQ(found->keep, 3u);
  EXPECT_THAT(events(), ElementsAre("base-registered"));
}
TEST_F(BasesTest, AddsAGenerationOnceAndPutsTheNewestFirst) {
  EXPECT_TRUE(*bases_->add("root", base("a/b:1", {build(1, {1, 2})})));
  EXPECT_TRUE(*bases_->add("root", base("a/b:1", {build(8, {1, 3})})));
  EXPECT_FALSE(*bases_->add("root", base("a/b:1", {build(9, {1, 3})}))) << "the same layers";
  EXPECT_EQ(bases_->find("a/b:1")->generations.size(), 2u);
  EXPECT_EQ(bases_->find("a/b:1")->generations[0].last_layer, layer(3));
  EXPECT_THAT(events(), ElementsAre("base-registered", "base-rebuilt"));
}
TEST_F(BasesTest, ForgetsTheOldestGenerationsOnly) {
  for (int i = 0; i < static_cast<int>(kGenerationsRemembered) + 5; ++i)
    ASSERT_TRUE(*bases_->add("root", base("a/b:1", {build(i, {1, 100 + i})})));
  auto generations = bases_->find("a/b:1")->generations;
  EXPECT_EQ(generations.size(), kGenerationsRemembered);
  EXPECT_EQ(generations.back().last_layer, layer(105));
}
TEST_F(BasesTest, RefusesWhatIsNoReferenceAndWhatIsNotThere) {
  EXPECT_EQ(bases_->add("root", base("A B", {})).error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(bases_->add("root", base("a/b:1", {}, 0)).error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(bases_->find("a/b:1").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(bases_->remove("root", "a/b:1").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(bases_->star("root", "a/b:1", "x", Json::object()).error().kind(), ErrorKind::NotFound);
}
TEST_F(BasesTest, StarsOnceAndTakesTheStarBack) {
  ASSERT_TRUE(bases_->add("root", base("a/b:1", {build(1, {1})})).ok());
  EXPECT_TRUE(*bases_->star("root", "a/b:1", "CVE-2026-1", Json::object()));
  EXPECT_FALSE(*bases_->star("root", "a/b:1", "CVE-2026-1", Json::object()));
  EXPECT_THAT(shown(), ElementsAre("*a/b:1"));
  EXPECT_EQ(proof(*bases_->all(), {1}).starred_why, "CVE-2026-1");
  EXPECT_TRUE(*bases_->star("root", "a/b:1", "", Json::object()));
  EXPECT_THAT(shown(), ElementsAre("a/b:1"));
  EXPECT_THAT(events(), ElementsAre("base-registered", "base-starred", "base-available"));
}
TEST_F(BasesTest, WhatAPersonStarredTheProgramDoesNotTakeBack) {
  ASSERT_TRUE(bases_->add("root", base("a/b:1", {build(1, {1})})).ok());
  ASSERT_TRUE(*bases_->star("root", "a/b:1", "being rebuilt", Json::object()));
  EXPECT_FALSE(*bases_->star("system", "a/b:1", "", Json::object()));
  EXPECT_FALSE(*bases_->star("system", "a/b:1", "CVE-2026-1", Json::object()));
  EXPECT_THAT(shown(), ElementsAre("*a/b:1"));
}
TEST_F(BasesTest, KeepsTheFindingsOfTheNewestGeneration) {
  ASSERT_TRUE(bases_->add("root", base("a/b:1", {build(1, {1})})).ok());
  ASSERT_TRUE(bases_->record_findings("a/b:1", {finding_key("CVE-1", "curl")}).ok());
  EXPECT_THAT(bases_->find("a/b:1")->findings, ElementsAre("CVE-1 curl"));
  EXPECT_EQ(bases_->find("a/b:1")->judged, clock_.now());
}
TEST_F(BasesTest, ImportsTheTwoFilesAndExportsThemAgain) {
  std::vector<Base> elsewhere = {base("a/b:1", {recorded(3, 2), recorded(1, 1)}), base("a/c:1", {recorded(3, 5)})};
  elsewhere[1].is_available = false;
  auto list = render_allow_list(elsewhere), record = layer_record(elsewhere).dump();
  auto imported = bases_->import("root", list, record, false);
  ASSERT_TRUE(imported.ok()) << imported.error().message();
  EXPECT_EQ(imported->added, 2u);
  EXPECT_EQ(imported->generations, 3u);
  EXPECT_EQ(layer_record(*bases_->all()).dump(), record);
  EXPECT_EQ(bases_->import("root", list, record, false)->generations, 0u) << "twice changes nothing";
}
TEST_F(BasesTest, AnImportRemovesOnlyWhenItReplaces) {
  ASSERT_TRUE(bases_->import("root", "a/b:1\na/c:1\n", "", false).ok());
  ASSERT_TRUE(bases_->import("root", "*a/c:1\n", "", false).ok());
  EXPECT_THAT(shown(), ElementsAre("a/b:1", "*a/c:1"));
  EXPECT_EQ(bases_->import("root", "*a/c:1\n", "", true)->removed, 1u);
  EXPECT_THAT(shown(), ElementsAre("*a/c:1"));
}
TEST_F(BasesTest, AnImportThatIsRefusedChangesNothing) {
  EXPECT_FALSE(bases_->import("root", "a/b:1\n", R"({"a/zz:1": {}})", false).ok());
  EXPECT_FALSE(bases_->import("root", "a/b:1\n", "{", false).ok());
  EXPECT_THAT(shown(), ElementsAre());
}

}  // namespace
}  // namespace pratique::bases
