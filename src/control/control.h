// Every human use-case, permission-checked once: the JSON API under /api/v1 and the report page (docs/formats/api.md).
//
// A handler decodes, asks one of the modules below, encodes. Not here: /v2/ (distribution), what follows from a
// decision (gate), who somebody is (identity). Thread-safe: handlers run concurrently.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "gate/gate.h"
#include "grants/grants.h"
#include "http/http.h"
#include "identity/identity.h"
#include "journal/journal.h"
#include "registry/registry.h"
#include "signin/signin.h"
#include "upkeep/upkeep.h"

namespace pratique::control {

// People sign in with this provider; empty where there is none.
struct OidcSettings {
  std::string issuer;
  std::string client_id;
  std::string user_claim = "preferred_username";  // by what claim a person is known here
};

// A build server's job, known by its own token, may push as a user.
struct WorkloadRule {
  std::string issuer;
  std::string audience;
  std::string keys_url;  // "": what the issuer's discovery document says
  std::string subject;   // "repo:lab/*:ref:refs/heads/main"
  std::string user;
};

struct Options {
  // What people reach this gate by, in report addresses and references: "https://gate.example.org". "": the origin of
  // each request.
  std::string public_url;
  std::string version = "0.1.0";
  // Whom a researcher asks: a name or address, in the next steps of waiting and rejected images. "": "your reviewer".
  std::string contact;
  upkeep::Upkeep* upkeep = nullptr;  // borrowed; without one nobody can ask for upkeep
  // What credential sheets name: clients of AWS refuse to start without a region.
  std::string region = "us-east-1";
  OidcSettings oidc;
  std::vector<WorkloadRule> workloads;
};

// What the API is for; everything is borrowed.
struct Parts {
  registry::Registry& registry;
  identity::Identity& identity;
  grants::Grants& grants;
  signin::ApiKeys& api_keys;
  signin::ExternalUsers& external;
  gate::Gate& gate;
  journal::Journal& journal;
  const Clock& clock;
};

class Control {
 public:
  // Must outlive the router it is added to. From here on the journal hears of changes of users.
  Control(const Parts& parts, Options options);
  ~Control();
  void add_routes(http::Router& router);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

struct AwsOptions {
  std::string public_url;                // as above
  std::string account = "000000000000";  // 12 digits: what ARNs and registry ids say
  std::string region = "us-east-1";
};

// STS and ECR as AWS's command line and SDKs speak them, on POST / (and GET / for presigned requests); the same
// permissions as everywhere else (docs/aws.md, docs/formats/aws.md). Borrows everything; must outlive the router.
class AwsApi {
 public:
  AwsApi(registry::Registry& registry, identity::Identity& identity, gate::Gate& gate, const Clock& clock,
         AwsOptions options);
  ~AwsApi();
  void add_routes(http::Router& router);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// Every change of a user from here on is an entry of the journal, in the same transaction. For programs that change
// users without a Control, which does this itself.
void journal_user_changes(identity::Identity& identity, journal::Journal& journal);

}  // namespace pratique::control
