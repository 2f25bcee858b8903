#include <poll.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <unordered_set>

#include "base/log.h"
#include "http/answer.h"
#include "http/exchange.h"
#include "http/http.h"
#include "http/loop.h"
#include "http/pool.h"

namespace pratique::http {

namespace {

// A busy client's next request comes within this; waiting for it in place saves two thread switches and two epoll
// changes. Short enough that the worker is not missed.
constexpr std::chrono::milliseconds kLinger{2};
constexpr std::chrono::milliseconds kDrainPatience{3'000};

// sendfile(2) has no flag against SIGPIPE, so a vanished client must not be a signal in this process.
void ignore_sigpipe() {
  ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

struct Server::Impl {
  Impl(const ServerOptions& options, std::optional<Certificates> tls, Handler handler)
      : shared{.handler = std::move(handler), .limits = options.limits, .trusted_proxies = options.trusted_proxies},
        pool(options.limits.workers_max, options.limits.queue_max,
             [this](auto connection) { work(std::move(connection)); }),
        waits(options.limits.waits_max, options.limits.waits_max,
              [this](auto connection) { resume(std::move(connection)); }),
        loop(shared, std::move(tls), [this](auto& connection) { return submit(connection); }) {}
  ~Impl() { stop(std::chrono::milliseconds(0)); }

  bool submit(std::unique_ptr<Connection>& connection);
  void work(std::unique_ptr<Connection> connection);
  bool park(std::unique_ptr<Connection>& connection);
  void resume(std::unique_ptr<Connection> connection);
  void stop(std::chrono::milliseconds grace);

  enum class Next { Again, Watch, Drain, Close, Park };
  void leave(std::unique_ptr<Connection> connection, Next next);
  Next next_after(Connection& connection, Afterwards afterwards) const;
  Next turn(Connection& connection);
  Next shake_hands(Connection& connection);
  Next await_request(Connection& connection);
  bool becomes_readable(Connection& connection);
  void forget(Connection* connection);

  Shared shared;
  // guarded by mutex: queued or in a worker's hands
  std::mutex mutex;
  std::condition_variable nobody_at_work;
  std::unordered_set<Connection*> at_work;
  bool stopped = false;
  // self-synchronised
  std::atomic<std::size_t> waiting = 0;
  WorkerPool pool;
  WorkerPool waits;  // threads that only wait; they serve no request of their own
  Loop loop;
};

bool Server::Impl::submit(std::unique_ptr<Connection>& connection) {
  auto* borrowed = connection.get();
  {
    std::lock_guard lock(mutex);
    at_work.insert(borrowed);
  }
  if (pool.submit(connection)) return true;
  forget(borrowed);
  return false;
}

void Server::Impl::forget(Connection* connection) {
  std::lock_guard lock(mutex);
  at_work.erase(connection);
  if (at_work.empty()) nobody_at_work.notify_all();
}

void Server::Impl::work(std::unique_ptr<Connection> connection) {
  auto next = Next::Again;
  while (next == Next::Again || next == Next::Park) {
    if (next == Next::Again) {
      next = turn(*connection);
    } else if (park(connection)) {
      return;
    } else {
      static const std::atomic<bool> hurry = true;
      next = next_after(*connection, finish_request(*connection, hurry));
    }
  }
  leave(std::move(connection), next);
}

// Hands a request whose answer is waited for to a thread of its own; false when all of those are taken.
bool Server::Impl::park(std::unique_ptr<Connection>& connection) {
  if (waiting.fetch_add(1) < shared.limits.waits_max && waits.submit(connection)) return true;
  waiting.fetch_sub(1);
  return false;
}

void Server::Impl::resume(std::unique_ptr<Connection> connection) {
  auto next = next_after(*connection, finish_request(*connection, shared.stopping));
  waiting.fetch_sub(1);
  if (next == Next::Again) {
    // What the client has sent meanwhile is a worker's to look at.
    if (pool.submit(connection)) return;
    next = Next::Close;
  }
  leave(std::move(connection), next);
}

void Server::Impl::leave(std::unique_ptr<Connection> connection, Next next) {
  forget(connection.get());
  if (next == Next::Close) return;
  if (next == Next::Drain) {
    connection->channel.end_output();
    connection->input = {};
    connection->expect(Connection::Phase::Draining, kDrainPatience);
  }
  if (connection->input.empty()) connection->input = {};  // an idle connection keeps no buffer
  loop.hand_back(std::move(connection));
}

Server::Impl::Next Server::Impl::turn(Connection& connection) {
  if (connection.channel.needs_handshake()) return shake_hands(connection);
  auto judgement = judge_input(connection, shared.limits);
  auto afterwards = Afterwards::KeepAlive;
  switch (judgement.state) {
    case Judgement::State::Incomplete:
      return await_request(connection);
    case Judgement::State::Request:
      afterwards = serve_request(connection, judgement.head_length, shared);
      break;
    case Judgement::State::Refused:
      afterwards = refuse_request(connection, *judgement.refusal, shared);
      break;
  }
  return next_after(connection, afterwards);
}

Server::Impl::Next Server::Impl::next_after(Connection& connection, Afterwards afterwards) const {
  switch (afterwards) {
    case Afterwards::Close:
      connection.channel.end_output();
      return Next::Close;
    case Afterwards::Drain:
      return Next::Drain;
    case Afterwards::Park:
      return Next::Park;
    case Afterwards::KeepAlive:
      break;
  }
  connection.expect(Connection::Phase::Idle, shared.limits.idle_timeout);
  return Next::Again;
}

Server::Impl::Next Server::Impl::shake_hands(Connection& connection) {
  Patience patience(shared.limits);
  switch (connection.channel.handshake().state) {
    case Moved::State::Some:
      connection.expect(Connection::Phase::Idle, shared.limits.header_timeout);
      return Next::Again;
    case Moved::State::WouldRead:
      return becomes_readable(connection) ? Next::Again : Next::Watch;
    case Moved::State::WouldWrite:
      return patience.wait(connection.channel.fd(), POLLOUT).ok() ? Next::Again : Next::Close;
    case Moved::State::Closed:
    case Moved::State::Broken:
      break;
  }
  shared.counters.rejected_total++;
  if (!connection.channel.heard_plain_http()) return Next::Close;
  const Refusal refusal{400, "plain HTTP was spoken to a port for TLS"};
  connection.channel.answer_plainly(render_refusal(refusal, make_request_id()));
  return Next::Drain;
}

// Between requests: takes what is there, waits a moment for more, else gives the connection back to the loop.
Server::Impl::Next Server::Impl::await_request(Connection& connection) {
  thread_local std::vector<std::byte> scratch(16 << 10);
  if (shared.stopping && connection.input.empty()) return Next::Close;
  // OpenSSL may hold bytes that poll(2) does not see.
  bool look_first = connection.channel.is_tls();
  if (!look_first && !becomes_readable(connection)) return Next::Watch;
  auto moved = read_input(connection, scratch);
  if (moved.state == Moved::State::WouldRead && look_first && becomes_readable(connection))
    moved = read_input(connection, scratch);
  if (moved.state == Moved::State::Closed || moved.state == Moved::State::Broken) return Next::Close;
  if (connection.phase == Connection::Phase::Idle && !connection.input.empty())
    connection.expect(Connection::Phase::Head, shared.limits.header_timeout);
  // A full buffer may have left bytes inside OpenSSL, of which epoll knows nothing.
  bool has_more = moved.bytes == scratch.size();
  if (!has_more && judge_input(connection, shared.limits).state == Judgement::State::Incomplete) return Next::Watch;
  return Next::Again;
}

bool Server::Impl::becomes_readable(Connection& connection) {
  if (!pool.begin_linger()) return false;
  pollfd entry{connection.channel.fd(), POLLIN, 0};
  int ready = ::poll(&entry, 1, static_cast<int>(kLinger.count()));
  pool.end_linger();
  return ready > 0;
}

void Server::Impl::stop(std::chrono::milliseconds grace) {
  shared.stopping = true;
  loop.stop_accepting();
  {
    std::unique_lock lock(mutex);
    if (std::exchange(stopped, true)) return;
    nobody_at_work.wait_for(lock, grace, [&] { return at_work.empty(); });
    for (auto* connection : at_work) connection->channel.cut();
  }
  waits.stop();
  pool.stop();
  loop.stop();
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler handler) {
  ignore_sigpipe();
  std::optional<Certificates> tls;
  if (options.tls) tls.emplace(TRY(Certificates::load(*options.tls)));
  auto impl = std::make_unique<Impl>(options, std::move(tls), std::move(handler));
  if (!options.address.empty()) TRY(impl->loop.listen(options.address, options.port));
  impl->loop.start();
  if (!options.address.empty())
    log::info("server listening",
              {{"address", options.address}, {"port", impl->loop.port()}, {"tls", options.tls ? "yes" : "no"}});
  return std::make_unique<Server>(std::move(impl));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
std::uint16_t Server::port() const {
  return impl_->loop.port();
}
void Server::adopt(os::Fd socket, std::string peer) {
  impl_->loop.adopt(std::move(socket), std::move(peer));
}
ServerCounters Server::counters() const {
  return impl_->shared.counters.snapshot();
}
Status Server::reload_certificates() {
  return impl_->loop.reload_certificates();
}
void Server::stop(std::chrono::milliseconds grace) {
  impl_->stop(grace);
}

}  // namespace pratique::http
