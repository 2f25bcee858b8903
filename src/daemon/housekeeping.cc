#include "daemon/housekeeping.h"

#include "base/log.h"

namespace pratique::daemon {

Housekeeping::Housekeeping(gate::Gate& gate, grants::Grants& grants, identity::Identity& identity,
                           Advisories& advisories, seconds interval)
    : gate_(gate),
      grants_(grants),
      identity_(identity),
      advisories_(advisories),
      interval_(interval),
      thread_([this](std::stop_token stop) { loop(std::move(stop)); }) {}

Housekeeping::~Housekeeping() {
  thread_.request_stop();
  wake_.notify_all();
}

void Housekeeping::loop(std::stop_token stop) {
  while (!stop.stop_requested()) {
    run_once();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, interval_, [] { return false; });
  }
}

void Housekeeping::run_once() {
  auto expired = gate_.expire_due();
  if (!expired.ok()) log::error("expiry failed", {{"error", expired.error().message()}});
  if (auto bases = gate_.refresh_bases(); !bases.ok())
    log::error("looking at the base images failed", {{"error", bases.error().message()}});
  auto closed = grants_.expire_due();
  if (!closed.ok()) log::error("closing requests failed", {{"error", closed.error().message()}});
  auto ended = identity_.expire_sessions();
  if (!ended.ok()) log::error("ending temporary keys failed", {{"error", ended.error().message()}});
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
