#include "daemon/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "base/format.h"
#include "base/log.h"
#include "control/control.h"
#include "daemon/advisories.h"
#include "daemon/aws_proxy.h"
#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/housekeeping.h"
#include "daemon/observe.h"
#include "daemon/reload.h"
#include "daemon/service_manager.h"
#include "distribution/distribution.h"
#include "os/file.h"

namespace pratique::daemon {

namespace {

constexpr std::chrono::milliseconds kShutdownGrace{30'000};  // what orchestrators give before SIGKILL

std::vector<db::Migration> all_migrations() {
  std::vector<db::Migration> all;
  for (auto module : {identity::Identity::migrations(), journal::Journal::migrations(),
                      registry::Registry::migrations(), grants::Grants::migrations(), signin::ApiKeys::migrations(),
                      signin::ExternalUsers::migrations(), bases::Bases::migrations(), gate::Gate::migrations()})
    all.insert(all.end(), module.begin(), module.end());
  return all;
}

// One server a data directory: two would each believe that the uploads and the queue are theirs.
Result<os::Fd> lock_data_directory(const std::string& data) {
  std::string path = data + "/lock";
  os::Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.is_open()) return from_errno("opening " + path, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return conflict(format("another pratique serves from {}; stop it, or give this one another --data", data));
  return lock;
}

// SIGTERM, SIGINT and SIGHUP wait in the signal mask until the main thread asks for them; every later thread inherits
// the mask.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// A connection is a descriptor; the usual soft limit of 1,024 would be reached long before connections_max.
void raise_open_files(const Config& config) {
  // What else is open: the database, files on their way in and out, layers being inspected.
  constexpr rlim_t kOthers = 2'000;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max != RLIM_INFINITY && files.rlim_max < config.limits.connections_max + kOthers)
    log::warn("fewer open files are allowed than there may be connections",
              {{"allowed", files.rlim_max}, {"connections", config.limits.connections_max}});
}

// The journal keeps what it hears and shows it to a group of people: the password then goes into a file instead.
void announce_password(const Config& config, const std::string& password) {
  if (!goes_to_journal(1)) {
    std::printf(
        "Administrator: user admin, password %s (shown once; change it with `pratique admin user password admin`)\n",
        password.c_str());
    return;
  }
  std::string file = config.data + "/initial-admin-password";
  auto written = os::write_file(file, password + "\n");
  if (written.ok())
    std::printf("Administrator: user admin, password in %s (change it, then delete the file)\n", file.c_str());
  else
    std::printf(
        "Administrator: user admin; no place for the password (%s): `pratique admin user password admin "
        "--offline --data %s` sets another\n",
        written.error().message().c_str(), config.data.c_str());
}

// What a person who started the server reads: on standard output, apart from the log.
void announce(const Config& config, std::uint16_t port, const AwsProxy* proxy,
              const std::optional<std::string>& admin_password) {
  if (admin_password) announce_password(config, *admin_password);
  std::string host = config.address.find(':') == std::string::npos ? config.address : "[" + config.address + "]";
  if (proxy)
    std::printf("AWS proxy: export HTTPS_PROXY=http://%s:%u AWS_CA_BUNDLE=%s\n", config.aws.proxy_address.c_str(),
                proxy->port(), proxy->authority().c_str());
  std::printf("Listening on %s://%s:%u\n", config.tls ? "https" : "http", host.c_str(), port);
  std::fflush(stdout);
}

// Everything the server is made of, in floor order; destroyed in reverse.
struct Parts {
  Parts(const Config& given, std::unique_ptr<db::Database> opened, std::unique_ptr<Advisories> read,
        std::unique_ptr<scan::InventoryStore> kept)
      : config(given), database(std::move(opened)), advisories(std::move(read)), inventories(std::move(kept)) {}

  Status assemble();
  http::Response answer(http::Request& request) const;

  const Config& config;
  ServerClock clock{config.test_clock};
  std::unique_ptr<db::Database> database;
  std::unique_ptr<Advisories> advisories;
  std::unique_ptr<scan::InventoryStore> inventories;
  scan::Cataloguer cataloguer;
  std::unique_ptr<store::Store> store;
  identity::Identity identity{*database, clock, {.key_file = config.data + "/secret.key"}};
  journal::Journal journal{*database, clock};
  bases::Bases bases{*database, journal, clock};
  grants::Grants grants{*database, identity, journal, clock, config.grants};
  signin::ApiKeys api_keys{*database, identity, journal, clock};
  signin::ExternalUsers external{*database, identity, clock};
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<gate::Gate> gate;
  std::unique_ptr<distribution::Distribution> distribution;
  std::unique_ptr<upkeep::Upkeep> upkeep;
  std::unique_ptr<control::Control> control;
  std::unique_ptr<control::AwsApi> aws;
  http::Router router;
};

Status Parts::assemble() {
  store = TRY(store::Store::open(
      {.directory = config.data, .make_tap = [this] { return scan::make_tap(cataloguer, *inventories); }}));
  registry =
      std::make_unique<registry::Registry>(*database, *store, journal, clock, config.namespaces, config.registry);
  auto when_staged = [this](db::Transaction& tx, const registry::StagedImage& image) {
    return grants.note_staged(tx, image.repository().text(), image.submitter());
  };
  gate = std::make_unique<gate::Gate>(
      *database, *registry, *store, journal, cataloguer, *inventories, [this] { return advisories->current(); }, clock,
      gate::Options{.policy = config.policy,
                    .verdict_wait = config.verdict_wait,
                    .waiting_max = config.waiting_max,
                    .bases = &bases,
                    .when_staged = when_staged});
  TRY(gate->resume());
  distribution =
      std::make_unique<distribution::Distribution>(*registry, *store, identity, *gate,
                                                   distribution::Options{.verdict_wait = config.verdict_wait,
                                                                         .refuse_at_push = config.refuse_at_push,
                                                                         .public_url = config.public_url});
  upkeep = std::make_unique<upkeep::Upkeep>(*registry, clock, config.upkeep);
  control = std::make_unique<control::Control>(
      control::Parts{*registry, identity, grants, api_keys, external, *gate, journal, clock},
      control::Options{.public_url = config.public_url,
                       .version = std::string(cli::kVersion),
                       .upkeep = upkeep.get(),
                       .region = config.aws.region,
                       .oidc = config.oidc,
                       .workloads = config.workloads});
  control->add_routes(router);
  aws = std::make_unique<control::AwsApi>(
      *registry, identity, *gate, clock,
      control::AwsOptions{.public_url = config.public_url, .account = config.aws.account, .region = config.aws.region});
  aws->add_routes(router);
  return {};
}

http::Response Parts::answer(http::Request& request) const {
  if (request.path == "/v2" || request.path.starts_with("/v2/")) return distribution->handle(request);
  if (request.path.starts_with("/v1/")) return distribution->handle_v1(request);
  return router(request);
}

Status prepare_data_directory(const std::string& data) {
  TRY(os::make_directories(data));
  if (::chmod(data.c_str(), 0700) != 0) return from_errno("closing " + data + " to others", errno);
  return {};
}

// SIGHUP is for what is renewed while the server runs; the others end it.
int await_stop(const sigset_t& signals, http::Server& server, const cli::ServeOptions& options, Config running) {
  int number = 0;
  while (sigwait(&signals, &number) != 0 || number == SIGHUP) {
    notify_manager("RELOADING=1");
    reload(options, running);
    auto reloaded = server.reload_certificates();
    if (reloaded.ok()) log::info("certificate read again", {{"signal", number}});
    if (!reloaded.ok()) log::warn("certificate not taken, the old one stays", {{"error", reloaded.error().message()}});
    notify_manager("READY=1");
  }
  notify_manager("STOPPING=1");
  return number;
}

Status serve_until_told(const Config& config, const cli::ServeOptions& options, const sigset_t& signals) {
  auto database = TRY(db::Database::open({.path = config.data + "/pratique.db"}, all_migrations()));
  auto advisories = TRY(Advisories::open(config.advisories));
  auto inventories = TRY(scan::InventoryStore::open(config.data + "/inventories"));
  Parts parts(config, std::move(database), std::move(advisories), std::move(inventories));
  TRY(parts.assemble());

  // A request may ask for metrics before start() has returned.
  std::atomic<http::Server*> running = nullptr;
  Time started = parts.clock.now();
  auto counters = [&running] { return running.load() ? running.load()->counters() : http::ServerCounters(); };
  add_observation_routes(parts.router, {*parts.database, *parts.gate, *parts.registry, *parts.upkeep,
                                        [&] { return parts.advisories->current(); }, counters, parts.clock, started});
  http::ServerOptions server_options{.address = config.address,
                                     .port = config.port,
                                     .tls = config.tls,
                                     .limits = config.limits,
                                     .trusted_proxies = config.trusted_proxies};
  auto server =
      TRY(http::Server::start(server_options, [&parts](http::Request& request) { return parts.answer(request); }));
  running = server.get();
  auto proxy =
      TRY(AwsProxy::start(config, parts.clock, [&parts](http::Request& request) { return parts.answer(request); }));
  Housekeeping housekeeping(*parts.gate, parts.grants, parts.identity, *parts.advisories, config.housekeeping_interval);
  // Only now: a start that fails must not use up the one time the password is shown.
  announce(config, server->port(), proxy.get(), TRY(parts.identity.bootstrap_admin()));
  log::info(
      "serving started",
      {{"address", config.address}, {"port", server->port()}, {"data", config.data}, {"policy", config.policy.name}});

  notify_manager("READY=1");
  log::info("serving stops", {{"signal", await_stop(signals, *server, options, config)}});
  server->stop(kShutdownGrace);
  return {};
}

}  // namespace

Status serve(const cli::ServeOptions& options) {
  Config config = TRY(load_config(options));
  log::configure(config.log_level, config.log_style);
  raise_open_files(config);
  TRY(prepare_data_directory(config.data));
  os::Fd lock = TRY(lock_data_directory(config.data));
  sigset_t signals = block_signals();
  Status status = serve_until_told(config, options, signals);
  if (status.ok()) log::info("serving ended");
  return status;
}

Status check_config(const cli::ServeOptions& options) {
  Config config = TRY(load_config(options));
  if (!config.tls) return {};
  // What a start does with the files, on a free port of the loopback, so that the answer is the start's own.
  http::ServerOptions trial{.tls = config.tls};
  TRY(http::Server::start(trial, [](http::Request&) { return http::Response::text(503, ""); }));
  return {};
}

Result<Json> describe_configuration(const cli::ServeOptions& options) {
  return describe_config(TRY(load_config(options)));
}

Result<std::string> reference_of_configuration(std::string_view form) {
  return config_reference(form);
}

Status reset_password(const std::string& data, const std::string& user, const std::string& password) {
  std::string path = data + "/pratique.db";
  if (!os::exists(path)) return not_found(format("{} holds no gate's data", data));
  auto database = TRY(db::Database::open({.path = path}, all_migrations()));
  SystemClock clock;
  identity::Identity identity(*database, clock);
  journal::Journal journal(*database, clock);
  control::journal_user_changes(identity, journal);
  return identity.set_password(user, password);
}

}  // namespace pratique::daemon
