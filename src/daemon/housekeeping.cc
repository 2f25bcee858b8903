#include "daemon/housekeeping.h"

#include "base/log.h"

namespace pratique::daemon {

Housekeeping::Housekeeping(gate::Gate& gate, Advisories& advisories, seconds interval)
    : gate_(gate),
      advisories_(advisories),
      interval_(interval),
      thread_([this](std::stop_token stop) { loop(std::move(stop)); }) {}

Housekeeping::~Housekeeping() {
  thread_.request_stop();
  wake_.notify_all();
}

void Housekeeping::loop(std::stop_token stop) {
  while (!stop.stop_requested()) {
    run_once(gate_, advisories_);
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, interval_, [] { return false; });
  }
}

void Housekeeping::run_once(gate::Gate& gate, Advisories& advisories) {
  auto expired = gate.expire_due();
  if (!expired.ok()) log::error("expiry failed", {{"error", expired.error().message()}});
  auto changed = advisories.refresh();
  if (!changed.ok()) log::error("advisory refresh failed", {{"error", changed.error().message()}});
  if (!changed.ok() || !*changed) return;
  auto revoked = gate.judge_again();
  if (!revoked.ok())
    log::error("judging again failed", {{"error", revoked.error().message()}});
  else
    log::info("judging again finished", {{"revoked", *revoked}});
}

}  // namespace pratique::daemon
