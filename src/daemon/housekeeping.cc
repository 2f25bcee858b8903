#include "daemon/housekeeping.h"

#include <chrono>
#include <optional>

#include "base/log.h"

namespace pratique::daemon {

Housekeeping::Housekeeping(gate::Gate& gate, registry::Registry& registry, Advisories& advisories, seconds interval)
    : gate_(gate),
      registry_(registry),
      advisories_(advisories),
      interval_(interval),
      thread_([this](std::stop_token stop) { loop(std::move(stop)); }) {}

Housekeeping::~Housekeeping() {
  thread_.request_stop();
  wake_.notify_all();
}

void Housekeeping::loop(std::stop_token stop) {
  // A sweep looks at every blob once; what it finds are the crumbs of a crash, which can wait.
  constexpr std::chrono::hours kSweepInterval{1};
  std::optional<std::chrono::steady_clock::time_point> swept;
  while (!stop.stop_requested()) {
    run_once();
    auto now = std::chrono::steady_clock::now();
    if (!swept || now - *swept >= kSweepInterval) {
      sweep_once();
      swept = now;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, interval_, [] { return false; });
  }
}

void Housekeeping::sweep_once() {
  auto swept = registry_.sweep();
  if (!swept.ok())
    log::error("sweep failed", {{"error", swept.error().message()}});
  else if (swept->blobs + swept->uploads > 0)
    log::info("sweep finished", {{"blobs", swept->blobs}, {"uploads", swept->uploads}});
}

void Housekeeping::run_once() {
  auto expired = gate_.expire_due();
  if (!expired.ok()) log::error("expiry failed", {{"error", expired.error().message()}});
  if (auto bases = gate_.refresh_bases(); !bases.ok())
    log::error("looking at the base images failed", {{"error", bases.error().message()}});
  auto changed = advisories_.refresh();
  if (!changed.ok()) log::error("advisory refresh failed", {{"error", changed.error().message()}});
  if (changed.ok() && *changed) is_judging_due_ = true;
  if (!is_judging_due_) return;
  auto revoked = gate_.judge_again();
  is_judging_due_ = !revoked.ok();
  if (!revoked.ok())
    log::error("judging again failed", {{"error", revoked.error().message()}});
  else
    log::info("judging again finished", {{"revoked", *revoked}});
}

}  // namespace pratique::daemon
