#include "cli/syslog.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace pratique::cli {
namespace {

Json entry(std::string_view actor, std::string_view event = "access-granted") {
  return Json::object({{"sequence", 7},
                       {"time", "2026-11-20T12:00:00Z"},
                       {"actor", actor},
                       {"event", event},
                       {"subject", "ann"},
                       {"details", Json::object({{"note", "line\nend"}})},
                       {"hash", "ab"}});
}

TEST(SyslogLine, IsTheRfcsForm) {
  EXPECT_EQ(syslog_line(entry("bea"), "gate.example.org"),
            "<110>1 2026-11-20T12:00:00Z gate.example.org pratique - access-granted [pratique@32473 sequence=\"7\" "
            "actor=\"bea\" subject=\"ann\" hash=\"ab\"] \xEF\xBB\xBF{\"note\":\"line\\nend\"}");
}

TEST(SyslogLine, IsOneLineWhateverItHolds) {
  std::string line = syslog_line(entry("a\"]\\\n<110>1 forged", "e v\nent"), "");
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 0);
  EXPECT_NE(line.find("actor=\"a\\\"\\]"), std::string::npos) << line;
  EXPECT_NE(line.find(" - pratique - event ["), std::string::npos) << line;
}

TEST(SyslogLine, HasADashForWhatIsMissing) {
  EXPECT_TRUE(syslog_line(Json::object(), "h").starts_with("<110>1 - h pratique - - [")) << syslog_line(Json(), "h");
}

}  // namespace
}  // namespace pratique::cli
