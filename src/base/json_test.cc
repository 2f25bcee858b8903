#include "base/json.h"

#include <gtest/gtest.h>

namespace pratique {
namespace {

std::string round(std::string_view text) {
  return parse_json(text)->dump();
}

TEST(Json, KeepsOrderAndTypes) {
  constexpr std::string_view kText = R"({"b":1,"a":[true,null,"x",-2.5],"c":{}})";
  EXPECT_EQ(round(kText), kText);
}
TEST(Json, EscapesControlCharacters) {
  EXPECT_EQ(Json("a\"\\\n\x01").dump(), R"("a\"\\\n\u0001")");
}
TEST(Json, KeepsInt64Exactly) {
  EXPECT_EQ(parse_json("9223372036854775807")->as_int(), 9223372036854775807);
}
TEST(Json, ReadsADoubleToItsLastBit) {
  for (auto text : {"0.20E50", "2e+49", "1.7976931348623157e308", "-0.1", "5e-324"})
    EXPECT_EQ(round(round(text)), round(text)) << text;
  EXPECT_EQ(parse_json("0.20E50")->as_double(), 0.20E50);
}
TEST(Json, HasOneZero) {
  for (auto text : {"-0", "-0.0", "-0E2", "0e5", "-1e-400"})
    EXPECT_EQ(parse_json(text)->dump(), parse_json(parse_json(text)->dump())->dump()) << text;
}
TEST(Json, ReadsStringsThatSpanEscapes) {
  EXPECT_EQ(*parse_json(R"("a\u00e9\n")")->as_string(), "aé\n");
}
TEST(Json, GivesNullForAbsentMembersAllTheWayDown) {
  EXPECT_TRUE((*parse_json("{}"))["a"]["b"].is_null());
}
TEST(Json, RefusesADuplicateKey) {
  auto parsed = parse_json(R"({"a":1,"a":2})");
  ASSERT_FALSE(parsed.ok());
  EXPECT_NE(parsed.error().message().find("\"a\" twice"), std::string::npos);
}
TEST(Json, AllowsTheSameKeyInDifferentObjects) {
  EXPECT_TRUE(parse_json(R"([{"a":1},{"a":{"a":2}}])").ok());
}
TEST(Json, RefusesMalformedText) {
  for (auto text : {"", "{", "[1,]", "{\"a\"}", "nul", "1 2", "{} x", "\"\xff\"", "[1", "'a'", "{a:1}"})
    EXPECT_FALSE(parse_json(text).ok()) << text;
}
TEST(Json, LimitsDepth) {
  std::string deep(100, '[');
  deep += std::string(100, ']');
  ASSERT_FALSE(parse_json(deep).ok());
  EXPECT_EQ(parse_json(deep).error().kind(), ErrorKind::Limit);
  EXPECT_TRUE(parse_json(deep, {.depth_max = 100}).ok());
}
TEST(Json, LimitsTheNumberOfValues) {
  EXPECT_EQ(parse_json("[1,2,3]", {.values_max = 3}).error().kind(), ErrorKind::Limit);
  EXPECT_TRUE(parse_json("[1,2,3]", {.values_max = 4}).ok());
}
TEST(Json, LimitsBytes) {
  EXPECT_EQ(parse_json("[1,2,3]", {.bytes_max = 6}).error().kind(), ErrorKind::Limit);
}
TEST(Json, PrettyPrintsWithTwoSpaces) {
  EXPECT_EQ(parse_json(R"({"a":[1],"b":{}})")->dump_pretty(), "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}\n");
}
TEST(Json, ReplacesAMemberThatExists) {
  Json json = Json::object();
  json.set("a", 1).set("a", 2);
  EXPECT_EQ(json.dump(), R"({"a":2})");
}

TEST(Json, writes_no_byte_that_steers_a_terminal) {
  Json json = Json::object({{"\xC2\x9B",
                             "a\x7F\xC2\x80\xC2\x9B"
                             "2J\xC2\x9F\xC2\xA0\xC3\x9F\xC2"}});
  EXPECT_EQ(json.dump(), "{\"\\u009b\":\"a\\u007f\\u0080\\u009b2J\\u009f\xC2\xA0\xC3\x9F\xC2\"}");
  Json sound = Json("\xC2\x9B\x1B\x7F");
  EXPECT_EQ(*parse_json(sound.dump()), sound);
}

}  // namespace
}  // namespace pratique
