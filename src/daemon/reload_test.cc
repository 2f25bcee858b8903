#include "daemon/reload.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "os/file.h"

namespace pratique::daemon {
namespace {

TEST(Reload, TellsWhatChangesAtOnceFromWhatWaits) {
  auto before = parse_config("log: {level: info}\nlisten: :80\n", "p.yaml");
  auto after = parse_config("log: {level: debug}\nlisten: :81\nlimits: {connections: 16}\n", "p.yaml");
  ASSERT_TRUE(before.ok() && after.ok());
  Changes changes = compare(*before, *after);
  EXPECT_EQ(join(changes.at_once, ","), "log.level");
  EXPECT_EQ(join(changes.waiting, ","), "listen,limits.connections");
  EXPECT_TRUE(compare(*before, *before).waiting.empty());
}

TEST(Reload, ChangesNothingWhenTheFileHasAnError) {
  auto directory = os::TemporaryDirectory::create();
  ASSERT_TRUE(directory.ok());
  std::string file = directory->path() + "/p.yaml";
  auto running = default_config();
  ASSERT_TRUE(os::write_file(file, "log: {level: debug}\n").ok());
  reload({.config_file = file, .data = {}, .listen = {}}, *running);
  EXPECT_EQ(running->log_level, log::Level::Debug);
  ASSERT_TRUE(os::write_file(file, "log: {level: error}\nlisten_at: x\n").ok());
  reload({.config_file = file, .data = {}, .listen = {}}, *running);
  EXPECT_EQ(running->log_level, log::Level::Debug);
  log::configure(log::Level::Info, log::Style::Logfmt);
}

}  // namespace
}  // namespace pratique::daemon
