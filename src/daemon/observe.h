// What operators and orchestrators ask: /healthz, /readyz, /metrics (Prometheus text format 0.0.4).
#pragma once

#include <functional>

#include "advisory/advisory.h"
#include "base/clock.h"
#include "db/db.h"
#include "gate/gate.h"
#include "http/http.h"
#include "registry/registry.h"
#include "upkeep/upkeep.h"

namespace pratique::daemon {

struct Observed {
  db::Database& database;
  gate::Gate& gate;
  registry::Registry& registry;
  upkeep::Upkeep& upkeep;
  std::function<std::shared_ptr<const advisory::Database>()> advisories;
  std::function<http::ServerCounters()> server;
  const Clock& clock;
  Time started;
};

// Health and readiness are open to everybody and say nothing but a word; metrics count, and name nobody.
void add_observation_routes(http::Router& router, const Observed& observed);

}  // namespace pratique::daemon
