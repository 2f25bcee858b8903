#include "daemon/advisories.h"

#include <sys/stat.h>

#include "base/log.h"

namespace pratique::daemon {

Advisories::Version Advisories::version_of(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_ino, static_cast<unsigned long long>(info.st_size),
          static_cast<unsigned long long>(info.st_ctim.tv_sec) * 1'000'000'000ull +
              static_cast<unsigned long long>(info.st_ctim.tv_nsec)};
}

Result<std::unique_ptr<Advisories>> Advisories::open(const std::string& path) {
  auto advisories = std::unique_ptr<Advisories>(new Advisories(path));
  TRY(advisories->refresh());
  auto state = advisories->state_.lock();
  if (!state->database) {
    log::warn("advisory database absent", {{"path", path}, {"using", "starter set"}});
    state->database = advisory::Database::starter();
  }
  return advisories;
}

std::shared_ptr<const advisory::Database> Advisories::current() {
  return state_.lock()->database;
}

Result<bool> Advisories::refresh() {
  Version version = version_of(path_);
  if (version == Version() || version == state_.lock()->version) return false;
  std::shared_ptr<const advisory::Database> opened =
      TRY(advisory::Database::open(path_).with_context("opening the advisory database " + path_));
  const auto& info = opened->info();
  log::info("advisory database opened",
            {{"digest", info.digest}, {"advisories", info.advisories}, {"newest", info.newest.to_rfc3339()}});
  auto state = state_.lock();
  // Unlocked readers hold their own reference, so replacing never pulls a mapping away under a scan.
  state->database = std::move(opened);
  state->version = version;
  return true;
}

}  // namespace pratique::daemon
