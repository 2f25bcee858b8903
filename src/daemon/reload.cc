#include "daemon/reload.h"

#include "base/log.h"
#include "base/text.h"

namespace pratique::daemon {

Changes compare(const Config& running, const Config& given) {
  Changes changes;
  for (const auto& setting : config_table())
    if (setting.show(running) != setting.show(given))
      (setting.page.reloads ? changes.at_once : changes.waiting).push_back(setting.page.key);
  return changes;
}

void reload(const cli::ServeOptions& options, Config& running) {
  auto given = load_config(options);
  if (!given.ok()) {
    log::error("configuration refused", {{"error", given.error().message()}});
    return;
  }
  Changes changes = compare(running, *given);
  running.log_level = given->log_level;
  running.log_style = given->log_style;
  log::configure(running.log_level, running.log_style);
  log::info("configuration reloaded", {{"changed", join(changes.at_once, ",")}});
  if (!changes.waiting.empty()) log::warn("settings wait for a restart", {{"settings", join(changes.waiting, ",")}});
}

}  // namespace pratique::daemon
