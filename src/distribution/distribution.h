// /v2/: the OCI distribution protocol (distribution-spec 1.1, and what its main branch adds) over a registry and a
// gate.
//
// A handler decodes, asks the modules below once, encodes. Who may do what is access.cc; that no byte leaves but by
// admission is pull.cc. Not here: names and digests (registry), verdicts (gate), connections (http). Thread-safe.
//
//   namespace  push                          read
//   open       submitter, admin              any user
//   staging    submitter, admin, below       nobody; HEAD of a blob says 200 for what the asker pushed, else 404
//              <namespace>/<own component>
//   approved   nobody                        any user, what the gate admits now
//
// Somebody with temporary keys may push to the one repository those are for, and do nothing else.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "gate/gate.h"
#include "http/http.h"
#include "identity/identity.h"
#include "registry/registry.h"
#include "store/store.h"

namespace pratique::distribution {

struct Options {
  // How long a manifest PUT waits for its verdict.
  std::chrono::milliseconds verdict_wait{60'000};
  // Staging namespaces where a rejected image fails the push (403) instead of only warning. A verdict that is not there
  // in time fails the push too, with 429: it must not look like a success.
  std::set<std::string> refuse_at_push;
  // "https://gate.example.org" in Locations, challenges and report addresses; "": as the client addressed us.
  std::string public_url;
};

class Distribution {
 public:
  Distribution(registry::Registry& registry, store::Store& store, identity::Identity& identity, gate::Gate& gate,
               Options options);
  ~Distribution();

  // Answers every request whose path is /v2 or below, with the specification's error bodies. HEAD included; the
  // token endpoint is GET and POST /v2/token. A push that waits for its verdict gives a Response::later.
  http::Response handle(http::Request& request);
  // /v1/_ping and /v1/search, which is how `docker search HOST/x` and `podman search HOST/x` ask.
  http::Response handle_v1(http::Request& request);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::distribution
