#include "base/log.h"

#include <gtest/gtest.h>

namespace pratique::log {
namespace {

TEST(Log, WritesFieldsAsKeyValue) {
  EXPECT_EQ(render(Style::Logfmt, Level::Info, "scan finished", {{"findings", 12}, {"tag", "a b"}}, "r1"),
            "info  scan finished request=r1 findings=12 tag=\"a b\"");
}
TEST(Log, CannotBeForgedThroughAValue) {
  EXPECT_EQ(render(Style::Logfmt, Level::Warn, "m", {{"k", "x\nerror fake=\"1\""}}, ""),
            "warn  m k=\"x\\\\x0aerror fake=\\\"1\\\"\"");
}
TEST(Log, WritesJsonLines) {
  EXPECT_EQ(render(Style::Json, Level::Error, "m", {{"k", "\""}}, ""), R"({"level":"error","message":"m","k":"\""})");
}

}  // namespace
}  // namespace pratique::log
